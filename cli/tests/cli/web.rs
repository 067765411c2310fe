//! Web servers of a few lines, with one file or a redirect, in the clear or behind TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::kit::World;

/// Part of every address that must not be shown.
pub(crate) const SECRET: &str = "s3cret";

/// A server on a thread of its own, for as long as the tests run.
#[derive(Debug)]
pub(crate) struct Web {
    url: String,
    asked: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
}

/// What it answers to the head of a request.
type Answer = Box<dyn Fn(&str) -> Vec<u8> + Send>;

impl Web {
    /// Answers ranges of `file`.
    pub(crate) fn with_ranges(file: Vec<u8>) -> Self {
        Self::serve(None, move |head| range(head, &file))
    }

    /// The same behind TLS, with the certificate and key of `ca issue-server --out tls`.
    pub(crate) fn with_ranges_and_tls(world: &World, file: Vec<u8>) -> Self {
        let config =
            rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    CertificateDer::pem_file_iter(world.path("tls/server.pem"))
                        .unwrap()
                        .map(Result::unwrap)
                        .collect(),
                    PrivateKeyDer::from_pem_file(world.path("tls/server.key.pem")).unwrap(),
                )
                .unwrap();
        Self::serve(Some(config.into()), move |head| range(head, &file))
    }

    /// Answers every request with the whole `file`.
    pub(crate) fn whole(file: Vec<u8>) -> Self {
        Self::serve(None, move |_| body("200 OK", &file))
    }

    /// Sends everybody elsewhere.
    pub(crate) fn redirect(status: &'static str, location: &str) -> Self {
        let status = format!("{status}\r\nLocation: {location}");
        Self::serve(None, move |_| body(&status, b""))
    }

    fn serve(
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let web = Self {
            url: address(scheme, listener.local_addr().unwrap()),
            asked: Arc::default(),
            sent: Arc::default(),
        };
        let (asked, sent) = (Arc::clone(&web.asked), Arc::clone(&web.sent));
        // Counted before it is answered: the client may be done before we are.
        let answer: Answer = Box::new(move |head| {
            let bytes = answer(head);
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            asked.fetch_add(1, Ordering::Relaxed);
            sent.fetch_add(bytes.len() - end - 4, Ordering::Relaxed);
            bytes
        });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                match &tls {
                    None => exchange(stream, &answer),
                    Some(config) => {
                        let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                        exchange(rustls::StreamOwned::new(connection, stream), &answer);
                    }
                }
            }
        });
        web
    }

    /// Its one address, with a secret in the query.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Bytes of bodies so far.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

fn address(scheme: &str, server: SocketAddr) -> String {
    format!("{scheme}://{server}/app.sealed?token={SECRET}")
}

/// One request and its answer, unless the client does not even ask, as one that does not trust us.
fn exchange(mut stream: impl Read + Write, answer: &Answer) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    // A client that wants no whole file leaves.
    let _ = stream.write_all(&answer(&head)).and_then(|()| stream.flush());
}

fn range(head: &str, file: &[u8]) -> Vec<u8> {
    let asked = head
        .lines()
        .find_map(|line| line.strip_prefix("range: bytes=")?.split_once('-'));
    let Some((first, last)) = asked else {
        return body("200 OK", file);
    };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let total = file.len();
    let status = format!("206 Partial Content\r\nContent-Range: bytes {first}-{last}/{total}");
    body(&status, &file[first..=last])
}

fn body(status: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    [head.as_bytes(), bytes].concat()
}
