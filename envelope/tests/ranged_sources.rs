//! Stores and web servers as sources: what they are asked, and what is not believed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use sealift_envelope::{
    AsyncRangedOpener, AsyncReadAt, CHUNK_LEN, HttpSource, OpenError, SEALED_CHUNK_LEN, SourceError,
};

use crate::ranged_async::block_on;
use crate::ranged_serve::client;
use crate::support::{for_p256, key_of, plaintext, plan, run, sealed};

/// What a server does with one request, given its head in lower case.
type Answer = Box<dyn Fn(&str) -> Vec<u8> + Send>;

/// A web server that can be given another mind, and remembers what it was asked.
struct Server {
    url: reqwest::Url,
    answer: Arc<Mutex<Answer>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/image?signature=secret", listener.local_addr().unwrap());
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(answer)));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (mind, seen) = (Arc::clone(&answer), Arc::clone(&heads));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
                // The client may leave in the middle of a body that is too long.
                let _ = stream.write_all(&mind.lock().unwrap()(&head));
                seen.lock().unwrap().push(head);
            }
        });
        Self {
            url: url.parse().unwrap(),
            answer,
            heads,
        }
    }

    fn genuine(image: Vec<u8>, tag: &'static str) -> Self {
        Self::new(move |head| genuine(&image, tag, head))
    }

    fn change(&self, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    async fn open(&self) -> Result<HttpSource, SourceError> {
        HttpSource::open(client(), self.url.clone()).await
    }
}

fn response(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn asked(head: &str) -> std::ops::Range<usize> {
    let (first, last) = field(head, "range")
        .and_then(|range| range.strip_prefix("bytes=")?.split_once('-'))
        .unwrap();
    first.parse().unwrap()..last.parse::<usize>().unwrap() + 1
}

/// What RFC 9110 asks of a server.
fn genuine(image: &[u8], tag: &str, head: &str) -> Vec<u8> {
    if field(head, "if-match").is_some_and(|wanted| wanted != tag) {
        return response("412 Precondition Failed", "content-length: 0\r\n", b"");
    }
    let range = asked(head);
    if range.end > image.len() {
        return response("416 Range Not Satisfiable", "content-length: 0\r\n", b"");
    }
    let tag = if tag.is_empty() {
        String::new()
    } else {
        format!("etag: {tag}\r\n")
    };
    let fields = format!(
        "content-range: bytes {}-{}/{}\r\ncontent-length: {}\r\n{tag}",
        range.start,
        range.end - 1,
        image.len(),
        range.len()
    );
    response("206 Partial Content", &fields, &image[range])
}

#[test]
fn a_web_server_is_asked_for_ranges_of_one_version() {
    let plain = plaintext(50 * CHUNK_LEN + 10);
    let (_, image) = sealed(&plain);
    let server = Server::genuine(image, "\"v1\"");
    block_on(async {
        let source = server.open().await.unwrap();
        let opener = AsyncRangedOpener::new(source, for_p256).await.unwrap();
        assert_eq!(
            opener.read_range(100_000..100_010).await.unwrap(),
            plain[100_000..100_010]
        );
        let heads = server.heads.lock().unwrap();
        let ranges: Vec<usize> = heads.iter().map(|head| asked(head).len()).collect();
        assert_eq!(
            ranges,
            [1, 4096, 26, SEALED_CHUNK_LEN],
            "probe, header, last chunk, chunk"
        );
        assert!(field(&heads[0], "if-match").is_none());
        assert!(
            heads[1..]
                .iter()
                .all(|head| field(head, "if-match") == Some("\"v1\""))
        );
        assert!(
            heads
                .iter()
                .all(|head| field(head, "accept-encoding") == Some("identity"))
        );
    });
}

#[test]
fn tags_that_are_weak_or_missing_do_not_stand_in_the_way() {
    for tag in ["w/\"v1\"", ""] {
        let (_, image) = sealed(&plaintext(100));
        // The test's server compares in lower case; a weak tag starts with a capital.
        let shown = if tag.is_empty() { "" } else { "W/\"v1\"" };
        let server = Server::genuine(image, shown);
        block_on(async {
            let opener = AsyncRangedOpener::new(server.open().await.unwrap(), for_p256)
                .await
                .unwrap();
            assert_eq!(opener.read_range(0..100).await.unwrap(), plaintext(100));
            assert!(
                !server
                    .heads
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|head| head.contains("if-match"))
            );
        });
    }
}

/// Nor is a server asked for what it cannot have; and one that says aloud that it encodes nothing is right.
#[test]
fn what_needs_no_request_is_none() {
    let (_, image) = sealed(&plaintext(100));
    let len = image.len() as u64;
    let server = Server::new(move |head| {
        let answer = genuine(&image, "", head);
        let split = answer.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        [
            &answer[..split],
            b"content-encoding: Identity\r\n",
            &answer[split..],
        ]
        .concat()
    });
    block_on(async {
        let source = server.open().await.unwrap();
        assert_eq!(source.read_at(5, 5).await.unwrap().len(), 5);
        let shown = format!("{source:?}");
        assert!(
            shown.starts_with("HttpSource { host: Some(\"127.0.0.1\")"),
            "{shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
        server.heads.lock().unwrap().clear();
        assert!(source.read_at(len, 0).await.unwrap().is_empty());
        for (offset, count) in [(len, 1), (len - 1, 2), (u64::MAX, 1)] {
            let error = source.read_at(offset, count).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
        assert!(server.heads.lock().unwrap().is_empty());
    });
}

#[test]
fn a_range_reaches_no_further_than_its_object() {
    let server = Server::new(|_| {
        let fields = "content-range: bytes 0-0/0\r\ncontent-length: 1\r\n";
        response("206 Partial Content", fields, b"x")
    });
    let error = block_on(server.open()).unwrap_err();
    assert!(matches!(error, SourceError::OtherRange), "{error}");
}

pub(crate) fn source_error(error: &OpenError) -> &SourceError {
    let OpenError::Read(error) = error else {
        panic!("{error}")
    };
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn an_object_that_is_replaced_is_noticed() {
    let plan_a = plan("before", None, vec![]);
    let plan_b = plan("after", None, vec![]);
    let (before, after) = (
        run(&plan_a, &plaintext(100_000)),
        run(&plan_b, &plaintext(100_000)),
    );
    let longer = run(&plan("longer", None, vec![]), &plaintext(100_001));
    type Mind = Box<dyn Fn(&str) -> Vec<u8> + Send>;
    let minds: Vec<Mind> = vec![
        // It heeds If-Match; it does not, but shows the new tag; it shows no tag but another length; it got too short.
        Box::new({
            let after = after.clone();
            move |head| genuine(&after, "\"v2\"", head)
        }),
        Box::new(move |head| genuine(&after, "\"v2\"", &head.replace("if-match", "x"))),
        Box::new(move |head| genuine(&longer, "\"v1\"", head)),
        Box::new(|head| genuine(b"short", "\"v1\"", head)),
    ];
    for mind in minds {
        let server = Server::genuine(before.clone(), "\"v1\"");
        block_on(async {
            let source = server.open().await.unwrap();
            let opener = AsyncRangedOpener::new(source, |_| Ok(key_of(&plan_a)))
                .await
                .unwrap();
            opener.read_range(0..10).await.unwrap();
            server.change(mind);
            let error = opener.read_range(50_000..50_010).await.unwrap_err();
            assert!(matches!(source_error(&error), SourceError::Replaced), "{error:?}");
        });
    }
}

#[test]
fn what_is_cut_off_is_told_from_what_is_too_long() {
    for (got, kind) in [
        (9, ErrorKind::UnexpectedEof),
        (10, ErrorKind::InvalidData),
        (11, ErrorKind::InvalidData),
    ] {
        let error = std::io::Error::from(SourceError::Length { asked: 10, got });
        assert_eq!(error.kind(), kind, "{got}");
    }
}

#[test]
fn servers_without_ranges_or_with_refusals_are_told_apart() {
    let cases = [
        ("200 OK", ErrorKind::Unsupported),
        ("204 No Content", ErrorKind::Unsupported),
        ("404 Not Found", ErrorKind::NotFound),
        ("403 Forbidden", ErrorKind::PermissionDenied),
        ("416 Range Not Satisfiable", ErrorKind::Other),
        ("500 Internal Server Error", ErrorKind::Other),
    ];
    for (status, kind) in cases {
        // Two megabytes that nobody wants.
        let server =
            Server::new(move |_| response(status, "content-length: 2000000\r\n", &vec![0; 2_000_000]));
        let error = block_on(server.open()).unwrap_err();
        let number: u16 = status[..3].parse().unwrap();
        assert!(
            matches!(error, SourceError::NoRanges { status } | SourceError::Status { status } if status == number),
            "{error}"
        );
        assert_eq!(std::io::Error::from(error).kind(), kind, "{status}");
    }
}

#[test]
fn no_connection_is_said_without_the_address() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/image?signature=secret").parse().unwrap();
    let error = block_on(HttpSource::open(client(), url)).unwrap_err();
    assert!(matches!(error, SourceError::Client(_)));
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn answers_that_are_not_what_was_asked_for_are_refused() {
    let plan = plan("answers", None, vec![]);
    let image = run(&plan, &plaintext(100_000));
    let total = image.len();
    let first = plan.header().bytes().len();
    let last = first + SEALED_CHUNK_LEN - 1;
    let right = format!("content-range: bytes {first}-{last}/{total}\r\n");
    let body = image[first..=last].to_vec();
    let full = format!("content-length: {}\r\n", body.len());
    let chunked = |body: &[u8]| {
        let head = format!("{:x}\r\n", body.len());
        [head.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
    };
    const CHUNKED: &str = "transfer-encoding: chunked\r\n";
    let long = [&body[..], &[0; 1 << 20]].concat();
    let other_range = |value: &str| {
        (
            format!("content-range: {value}\r\n{full}"),
            body.clone(),
            "OtherRange",
        )
    };
    let cases: Vec<(String, Vec<u8>, &str)> = vec![
        (format!("{right}{full}"), body.clone(), ""),
        (format!("{right}{CHUNKED}"), chunked(&body), ""),
        (full.clone(), body.clone(), "OtherRange"),
        other_range(&format!("bytes {first}-{last}/*")),
        other_range(&format!("bytes {}-{last}/{total}", first + 1)),
        other_range(&format!("bytes {first}-{}/{total}", last - 1)),
        other_range(&format!("bytes {last}-{first}/{total}")),
        other_range(&format!("bytes {first}-{total}/{total}")),
        other_range(&format!("items {first}-{last}/{total}")),
        other_range(&format!("bytes +{first}-{last}/{total}")),
        other_range("bytes 99999999999999999999-1/2"),
        (format!("{right}{right}{full}"), body.clone(), "OtherRange"),
        (
            format!("{right}{full}content-encoding: gzip\r\n"),
            body.clone(),
            "Encoded",
        ),
        (format!("{right}{CHUNKED}"), chunked(&body[1..]), "Length"),
        (format!("{right}{CHUNKED}"), chunked(&long), "Length"),
        (
            format!("{right}content-length: 9999999999\r\n"),
            body.clone(),
            "Length",
        ),
        (
            format!("{right}content-length: 5\r\n"),
            body[..5].to_vec(),
            "Length",
        ),
        (format!("{right}{full}"), body[..100].to_vec(), "Client"),
    ];
    for (fields, body, wanted) in cases {
        let server = Server::genuine(image.clone(), "");
        block_on(async {
            let source = server.open().await.unwrap();
            let opener = AsyncRangedOpener::new(source, |_| Ok(key_of(&plan)))
                .await
                .unwrap();
            let (answer, fields) = (fields.clone(), fields);
            server.change(move |_| response("206 Partial Content", &answer, &body));
            match opener.read_range(0..10).await {
                Ok(plain) => {
                    assert_eq!(wanted, "", "{fields}");
                    assert_eq!(plain, plaintext(10));
                }
                Err(error) => {
                    let found = format!("{:?}", source_error(&error));
                    assert!(
                        !wanted.is_empty() && found.starts_with(wanted),
                        "{fields}: {found}"
                    );
                }
            }
            // It comes to its senses, and the opener goes on.
            let image = image.clone();
            server.change(move |head| genuine(&image, "", head));
            assert_eq!(opener.read_range(0..10).await.unwrap(), plaintext(10));
        });
    }
}
