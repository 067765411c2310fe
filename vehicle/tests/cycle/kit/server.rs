//! A server in memory that answers as told: well by default, badly where a test sets a trick.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use sealift_metadata::PublicKey;
use sealift_metadata::manifest::{EcuReport, parse_manifest};
use sealift_vehicle::fetch::{Answer, Body, Fetch, FetchError, Request};
use sealift_vehicle::ranges::ByteRange;

/// Bytes in one piece of a body; deliberately no divisor of a segment.
const PIECE: usize = 10_007;

/// One way of answering badly.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trick {
    /// None: a good answer, so that a later trick waits its turn.
    Good,
    /// This status, with this `Retry-After`.
    Status(u16, Option<&'static str>),
    /// Byte number N of the object is another one.
    Flip(usize),
    /// The connection ends after N bytes of the body.
    Cut(usize),
    /// The body never ends.
    Endless,
    /// A 206 with this `Content-Range` instead of the true one.
    ContentRange(&'static str),
    /// Ranges are ignored: 200 with everything.
    Whole,
    /// One byte, and then nothing for ever.
    Drip,
    /// No connection.
    Down,
    /// Claims to be compressed.
    Compressed,
}

#[derive(Debug, Default)]
pub(crate) struct Server {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Bytes>,
    tricks: Vec<(String, u32, Trick)>,
    log: Vec<(String, Option<ByteRange>)>,
    keys: BTreeMap<String, PublicKey>,
    reports: Vec<BTreeMap<String, EcuReport>>,
}

impl Server {
    pub(crate) fn put(&self, path: impl Into<String>, bytes: impl Into<Bytes>) {
        self.state.lock().unwrap().files.insert(path.into(), bytes.into());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.state.lock().unwrap().files.remove(path);
    }

    pub(crate) fn register(&self, serial: &str, key: PublicKey) {
        self.state.lock().unwrap().keys.insert(serial.to_owned(), key);
    }

    /// The next `times` requests whose path starts with `prefix` are answered by `trick`.
    pub(crate) fn trick(&self, prefix: &str, times: u32, trick: Trick) {
        self.state
            .lock()
            .unwrap()
            .tricks
            .push((prefix.to_owned(), times, trick));
    }

    pub(crate) fn clear_tricks(&self) {
        self.state.lock().unwrap().tricks.clear();
    }

    /// Paths and ranges asked for since the last call.
    pub(crate) fn take_log(&self) -> Vec<(String, Option<ByteRange>)> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    /// The verified reports of every manifest so far.
    pub(crate) fn reports(&self) -> Vec<BTreeMap<String, EcuReport>> {
        self.state.lock().unwrap().reports.clone()
    }

    /// The bytes under `path`, for serving them in another way.
    pub(crate) fn file(&self, path: &str) -> Option<Bytes> {
        self.state.lock().unwrap().files.get(path).cloned()
    }

    /// Takes a manifest as the Director does: signatures by registered keys, counters that rise.
    pub(crate) fn accept(&self, manifest: &[u8]) {
        let mut state = self.state.lock().unwrap();
        let manifest = parse_manifest(manifest).unwrap();
        let verified = manifest
            .verify(|serial| state.keys.get(serial.as_str()).cloned())
            .unwrap();
        let reports: BTreeMap<_, _> = verified
            .reports()
            .iter()
            .map(|(serial, report)| (serial.to_string(), report.clone()))
            .collect();
        assert_eq!(reports.len(), state.keys.len(), "every ECU reports");
        for earlier in &state.reports {
            for (serial, report) in &reports {
                assert!(
                    report.report_counter > earlier[serial].report_counter,
                    "counters rise"
                );
            }
        }
        state.reports.push(reports);
    }
}

impl State {
    fn trick(&mut self, path: &str) -> Option<Trick> {
        let (_, times, trick) = self
            .tricks
            .iter_mut()
            .find(|(prefix, times, _)| path.starts_with(prefix.as_str()) && *times > 0)?;
        *times -= 1;
        Some(*trick)
    }
}

#[async_trait]
impl Fetch for Server {
    fn host(&self) -> &str {
        "memory:443"
    }

    async fn send(&self, request: Request) -> Result<Answer, FetchError> {
        let trick = {
            let mut state = self.state.lock().unwrap();
            let range = if let Request::Get { range, .. } = &request {
                *range
            } else {
                None
            };
            state.log.push((request.path().to_owned(), range));
            state.trick(request.path())
        };
        match trick {
            Some(Trick::Down) => {
                return Err(FetchError {
                    problem: "connection refused",
                    source: None,
                });
            }
            Some(Trick::Status(status, retry_after)) => {
                let mut answer = answer(status, Bytes::from_static(b"{\"title\":\"as told\"}"));
                answer.retry_after = retry_after.map(str::to_owned);
                return Ok(answer);
            }
            _ => {}
        }
        match request {
            Request::Put { body, .. } => {
                self.accept(&body);
                Ok(answer(200, Bytes::from_static(b"{}")))
            }
            Request::Get {
                path,
                range,
                if_range,
            } => match self.file(&path) {
                None => Ok(answer(404, Bytes::new())),
                Some(file) => Ok(serve(file, range, if_range.as_deref(), trick)),
            },
            _ => panic!("a request of another kind"),
        }
    }
}

fn serve(mut file: Bytes, range: Option<ByteRange>, if_range: Option<&str>, trick: Option<Trick>) -> Answer {
    let etag = format!("\"{}\"", file.len());
    if let Some(Trick::Flip(at)) = trick {
        let mut bytes = file.to_vec();
        bytes[at] ^= 1;
        file = bytes.into();
    }
    let total = file.len();
    let valid = if_range.is_none_or(|validator| validator == etag);
    let mut served = match range.filter(|_| valid && !matches!(trick, Some(Trick::Whole))) {
        None => answer(200, file),
        Some(range) => {
            let (start, end) = (
                usize::try_from(range.start).unwrap(),
                usize::try_from(range.end).unwrap(),
            );
            if start >= total {
                return answer(416, Bytes::new());
            }
            let mut part = answer(206, file.slice(start..=end.min(total - 1)));
            part.content_range = Some(format!("bytes {start}-{}/{total}", end.min(total - 1)));
            part
        }
    };
    served.etag = Some(etag);
    let length = usize::try_from(served.content_length.unwrap()).unwrap();
    match trick {
        Some(Trick::ContentRange(text)) => served.content_range = Some(text.to_owned()),
        Some(Trick::Compressed) => served.content_encoding = Some("gzip".to_owned()),
        Some(Trick::Cut(at)) => served.body = body(take(served.body, length).slice(..at), End::Broken),
        Some(Trick::Drip) => served.body = body(take(served.body, length).slice(..1), End::Hangs),
        Some(Trick::Endless) => {
            served.content_length = None;
            served.body = body(take(served.body, length), End::Never);
        }
        _ => {}
    }
    served
}

fn answer(status: u16, bytes: Bytes) -> Answer {
    let content_length = Some(u64::try_from(bytes.len()).unwrap());
    Answer {
        status,
        etag: None,
        content_range: None,
        content_length,
        content_encoding: None,
        retry_after: None,
        body: body(bytes, End::Clean),
    }
}

#[derive(Debug, Clone, Copy)]
enum End {
    Clean,
    Broken,
    Never,
    Hangs,
}

#[derive(Debug)]
struct Pieces {
    bytes: Bytes,
    end: End,
}

fn body(bytes: Bytes, end: End) -> Box<Pieces> {
    Box::new(Pieces { bytes, end })
}

/// The bytes of a body that was made here and not yet read.
fn take(body: Box<dyn Body>, length: usize) -> Bytes {
    let mut body = body;
    let mut bytes = Vec::with_capacity(length);
    while let Some(piece) = futures::executor::block_on(body.chunk()).unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes.into()
}

#[async_trait]
impl Body for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        if !self.bytes.is_empty() {
            let length = self.bytes.len().min(PIECE);
            return Ok(Some(self.bytes.split_to(length)));
        }
        match self.end {
            End::Clean => Ok(None),
            End::Broken => Err(FetchError {
                problem: "connection reset",
                source: None,
            }),
            End::Never => Ok(Some(Bytes::from_static(&[0; 4096]))),
            End::Hangs => std::future::pending().await,
        }
    }
}
