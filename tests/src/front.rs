//! A dishonest front end: ends the vehicle's TLS with the server's own certificate, passes requests on to the real
//! server, writes down every one, and lies where it is told to.
//!
//! It stands for an attacker who owns the download server or a cache in front of it, but no offline key.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::https::{Https, Identity, server_config};

/// Bytes of a body handed to the connection at a time.
const FRAME: usize = 16 * 1024;

/// A request as the front saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// "GET", "PUT", …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The Range header.
    pub range: Option<String>,
}

impl Asked {
    /// First and last byte of a plain single range.
    #[must_use]
    pub fn bytes(&self) -> Option<(u64, Option<u64>)> {
        let (first, last) = self.range.as_deref()?.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()))
    }
}

/// What the front answers.
#[derive(Clone, Debug)]
pub enum Lie {
    /// What the server said.
    None,
    /// This instead, without asking the server.
    Replace(StatusCode, Vec<u8>),
    /// This status with `Retry-After`, in seconds.
    Busy(StatusCode, u64),
    /// What the server said with the lowest bit of one body byte flipped.
    Flip(usize),
    /// So many bytes of the body, then silence while the connection stays open.
    HangAfter(usize),
    /// So many bytes of the body, then the connection is closed.
    CutAfter(usize),
    /// The body that the server would give for another path.
    From(String),
}

/// One request with what became of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request.
    pub asked: Asked,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the body that were handed to the connection.
    pub sent: u64,
    /// Body of the request.
    pub received: Bytes,
}

type Tamper = Box<dyn FnMut(&Asked) -> Lie + Send>;

struct Shared {
    upstream: SocketAddr,
    client: Https,
    tamper: Mutex<Tamper>,
    log: Mutex<Vec<Exchange>>,
}

/// The running front.
pub struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Front {
    /// Stands before `upstream` on a free port, honest until told otherwise.
    ///
    /// `server` is shown to vehicles; `client` speaks to the real server, so it can pass on requests of one vehicle.
    ///
    /// # Panics
    /// When a certificate cannot be used or no port can be had.
    pub async fn start(upstream: SocketAddr, server: &Identity, client: Https) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let acceptor = TlsAcceptor::from(Arc::new(server_config(server)));
        let shared = Arc::new(Shared {
            upstream,
            client,
            tamper: Mutex::new(Box::new(|_| Lie::None)),
            log: Mutex::new(Vec::new()),
        });
        let task = tokio::spawn(accept(listener, acceptor, Arc::clone(&shared)));
        Self {
            address,
            shared,
            task,
        }
    }

    /// Where vehicles connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on asks `tamper` about every request.
    pub fn lie(&self, tamper: impl FnMut(&Asked) -> Lie + Send + 'static) {
        *self.shared.tamper.lock().expect("no tamper panics") = Box::new(tamper);
    }

    /// From now on honest.
    pub fn behave(&self) {
        self.lie(|_| Lie::None);
    }

    /// Every request since the last call, in order.
    #[must_use]
    pub fn take_log(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.shared.log.lock().expect("no writer panics"))
    }

    /// Every request since [`Self::take_log`] was last called, left in place.
    #[must_use]
    pub fn log(&self) -> Vec<Exchange> {
        self.shared.log.lock().expect("no writer panics").clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // A vehicle that is killed breaks its connection: not this side's fault.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let received = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let range = parts
        .headers
        .get(http::header::RANGE)
        .and_then(|range| range.to_str().ok())
        .map(str::to_owned);
    let asked = Asked {
        method: parts.method.to_string(),
        path,
        range,
    };
    let lie = (shared.tamper.lock().expect("no tamper panics"))(&asked);
    let (status, headers, mut bytes) = match &lie {
        Lie::Replace(status, bytes) => (*status, HeaderMap::new(), bytes.clone()),
        Lie::Busy(status, seconds) => {
            let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from(*seconds))]);
            (*status, headers, Vec::new())
        }
        Lie::From(path) => {
            shared
                .forward(&asked, path, &parts.headers, received.clone())
                .await
        }
        _ => {
            shared
                .forward(&asked, &asked.path, &parts.headers, received.clone())
                .await
        }
    };
    let mut end = End::Whole;
    match lie {
        Lie::Flip(at) => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1;
            }
        }
        Lie::HangAfter(limit) => end = End::Hang(limit),
        Lie::CutAfter(limit) => end = End::Cut(limit),
        _ => {}
    }
    let entry = {
        let mut log = shared.log.lock().expect("no writer panics");
        log.push(Exchange {
            asked: asked.clone(),
            status: status.as_u16(),
            sent: 0,
            received,
        });
        log.len() - 1
    };
    let mut response = Response::new(body_of(shared, entry, bytes, end));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    Hang(usize),
    Cut(usize),
}

/// The body in frames; each is written down as sent when the connection takes it.
fn body_of(shared: Arc<Shared>, entry: usize, bytes: Vec<u8>, end: End) -> Body {
    let bytes = Bytes::from(bytes);
    let stop = match end {
        End::Whole => bytes.len(),
        End::Hang(limit) | End::Cut(limit) => limit.min(bytes.len()),
    };
    let frames = stream::unfold(0_usize, move |at| {
        let (shared, bytes) = (Arc::clone(&shared), bytes.clone());
        async move {
            if at < stop {
                let next = stop.min(at + FRAME);
                if let Some(exchange) = shared.log.lock().expect("no writer panics").get_mut(entry) {
                    exchange.sent += (next - at) as u64;
                }
                return Some((Ok(Frame::data(bytes.slice(at..next))), next));
            }
            match end {
                End::Whole => None,
                End::Hang(_) => std::future::pending().await,
                // One error ends the connection without the announced rest.
                End::Cut(_) => Some((Err(std::io::Error::other("cut")), at)),
            }
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

impl Shared {
    async fn forward(
        &self,
        asked: &Asked,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let url = format!("https://{}{path}", self.upstream);
        let method = asked.method.parse().expect("hyper parsed it");
        let mut request = self.client.client().request(method, url).body(body);
        for (name, value) in headers {
            if ![
                http::header::HOST,
                http::header::CONTENT_LENGTH,
                http::header::CONNECTION,
            ]
            .contains(name)
            {
                request = request.header(name, value);
            }
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let mut kept = response.headers().clone();
                let hop: [HeaderName; 2] = [http::header::CONNECTION, http::header::TRANSFER_ENCODING];
                hop.iter().for_each(|name| drop(kept.remove(name)));
                match response.bytes().await {
                    Ok(bytes) => (status, kept, bytes.to_vec()),
                    Err(_) => (StatusCode::BAD_GATEWAY, HeaderMap::new(), Vec::new()),
                }
            }
            Err(_) => (StatusCode::BAD_GATEWAY, HeaderMap::new(), Vec::new()),
        }
    }
}
