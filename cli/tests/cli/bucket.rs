//! A folder behind as much of S3's protocol as a rotation speaks, and somebody who comes in between.
//!
//! It is the very folder that `file://` names, so another publisher is the tool itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use crate::kit::files;

/// The folder's address for the tool.
pub(crate) const URL: &str = "s3://bucket/folder";

/// Where keys begin in a request's path, and in a listing.
const PREFIX: &str = "folder/";

/// What is asked for next, by its path below the folder.
pub(crate) enum Asked<'a> {
    List(&'a str),
    Read(&'a str),
    Write(&'a str),
}

type Between = Box<dyn FnMut(Asked<'_>) + Send>;

/// The service, for the life of the process.
pub(crate) struct Bucket(SocketAddr);

impl Bucket {
    /// Serves `folder`, one request after the other; before each it lets `between` do what it wants to the folder.
    pub(crate) fn start(folder: PathBuf, between: impl FnMut(Asked<'_>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let between: Arc<Mutex<Between>> = Arc::new(Mutex::new(Box::new(between)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (folder, between) = (folder.clone(), Arc::clone(&between));
                std::thread::spawn(move || serve(&stream.unwrap(), &folder, &between));
            }
        });
        Self(address)
    }

    /// What points the tool here.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let own = [
            ("AWS_ENDPOINT_URL", format!("http://{}", self.0)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers
        .get("content-length")
        .map_or(Some(0), |length| length.parse().ok());
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query
            .map(|(name, value)| (name.to_owned(), value.replace("%2F", "/")))
            .collect(),
        headers,
        body,
    })
}

/// A status line's end, further headers, and a body.
type Answer = (&'static str, String, Vec<u8>);

fn serve(mut stream: &TcpStream, folder: &Path, between: &Mutex<Between>) {
    // One request for each connection, and the answer says so.
    let Some(request) = read(stream) else { return };
    let mut between = between.lock().unwrap();
    let (status, headers, body) = answer(&request, folder, &mut between);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n",
        body.len()
    );
    let body = if request.method == "HEAD" {
        Vec::new()
    } else {
        body
    };
    // A client that needs no more may be gone.
    let _ = stream.write_all(&[head.into_bytes(), body].concat());
}

fn answer(request: &Request, folder: &Path, between: &mut Between) -> Answer {
    let Some(name) = request
        .path
        .strip_prefix("/bucket/")
        .and_then(|key| key.strip_prefix(PREFIX))
    else {
        let prefix = request.query["prefix"].strip_prefix(PREFIX).unwrap();
        between(Asked::List(prefix));
        return list(folder, prefix);
    };
    let path = folder.join(name);
    if request.method == "PUT" {
        between(Asked::Write(name));
        return put(request, &path);
    }
    between(Asked::Read(name));
    let Ok(bytes) = fs::read(&path) else {
        return ("404 Not Found", String::new(), Vec::new());
    };
    let tag = headers(&bytes);
    let range = request
        .headers
        .get("range")
        .and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return ("200 OK", tag, bytes);
    };
    let first: usize = first.parse().unwrap();
    let end = last
        .parse()
        .map_or(bytes.len(), |last: usize| bytes.len().min(last + 1));
    let range = format!("Content-Range: bytes {first}-{}/{}\r\n", end - 1, bytes.len());
    ("206 Partial Content", tag + &range, bytes[first..end].to_vec())
}

fn put(request: &Request, path: &Path) -> Answer {
    let there = fs::read(path).ok().map(|bytes| tag(&bytes));
    let demanded = |name: &str| request.headers.get(name);
    let refused = match (demanded("if-match"), demanded("if-none-match")) {
        (Some(seen), _) => there.as_ref() != Some(seen),
        (None, Some(_)) => there.is_some(),
        (None, None) => false,
    };
    if refused {
        return ("412 Precondition Failed", String::new(), Vec::new());
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, &request.body).unwrap();
    ("200 OK", headers(&request.body), Vec::new())
}

fn list(folder: &Path, prefix: &str) -> Answer {
    let entries = files(folder).into_iter().filter_map(|path| {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
        let length = fs::metadata(&path).unwrap().len();
        name.starts_with(prefix).then(|| {
            format!(
                "<Contents><Key>{PREFIX}{name}</Key><LastModified>2026-11-20T12:00:00.000Z</LastModified>\
                 <ETag>any</ETag><Size>{length}</Size></Contents>"
            )
        })
    });
    let entries: String = entries.collect();
    let body = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>");
    ("200 OK", String::new(), body.into_bytes())
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Sha256::digest(bytes)))
}

fn headers(bytes: &[u8]) -> String {
    format!(
        "ETag: {}\r\nLast-Modified: Fri, 20 Nov 2026 12:00:00 GMT\r\n",
        tag(bytes)
    )
}
