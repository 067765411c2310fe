//! A stand-in for S3 that writes down every request, and fails where it is told to.
//!
//! It speaks as much of the protocol as this project uses, checks no signature, and keeps bodies in files, so that it can
//! take objects of gigabytes. It shows what this project does when a store fails, not what S3 does: storing, resuming and
//! aborting are tested against moto, in `repository/tests/it/s3.rs`. That an upload which S3 does not know is answered with
//! 404 `NoSuchUpload` is from its reference; moto says so for aborting alone, and else 500.

mod objects;
mod protocol;

use std::convert::Infallible;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::objects::Objects;
use crate::deadline::Deadline;

/// The bucket, which is there without being made.
pub const BUCKET: &str = "stand-in";

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Begin an upload in parts.
    Create,
    /// The part with this number, from 0.
    Part(u32),
    /// Make the parts an object.
    Complete,
    /// Forget the parts.
    Abort,
    /// A whole object, by its key.
    Put(String),
    /// Bytes of an object, its length, a listing, a removal.
    Other,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered as it should be.
    Done,
    /// This status, without effect.
    Refused(u16),
    /// It takes effect, and the connection ends without an answer.
    AnswerLost,
    /// Nothing happens until the rule changes, which then decides.
    Held,
}

type Rule = Box<dyn FnMut(&Act) -> Fate + Send>;

/// A request that waits; it is told its fate, or to ask the rule again.
struct Held(Act, oneshot::Sender<Option<Fate>>);

struct Shared {
    rule: Mutex<Rule>,
    held: Mutex<Vec<Held>>,
    log: Mutex<Vec<Act>>,
    objects: Mutex<Objects>,
    /// Connections that have been accepted and have not ended.
    connections: AtomicUsize,
}

/// The running service. Dropping it ends it.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Connections live as long as their runtime.
    _runtime: tokio::runtime::Runtime,
}

impl std::fmt::Debug for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandIn")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl StandIn {
    /// Listens on a free port of 127.0.0.1, honest until told otherwise; bodies go into `folder`.
    ///
    /// # Panics
    /// When no port or no runtime can be had.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            rule: Mutex::new(Box::new(|_| Fate::Done)),
            held: Mutex::default(),
            log: Mutex::default(),
            objects: Mutex::new(Objects::new(folder)),
            connections: AtomicUsize::new(0),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    /// Another one that holds the same objects, honest; bodies go into `folder`.
    #[must_use]
    pub fn twin(&self, folder: &Path) -> Self {
        let twin = Self::start(folder);
        lock(&self.shared.objects).copy_to(&mut lock(&twin.shared.objects));
        twin
    }

    /// Writes every object whose key begins with `prefix/` as a file below `dir`.
    ///
    /// # Panics
    /// When that fails.
    pub fn download(&self, prefix: &str, dir: &Path) {
        let objects = lock(&self.shared.objects);
        for (key, object) in objects.list(&format!("{prefix}/")) {
            let path = dir.join(&key[prefix.len() + 1..]);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
            fs::write(&path, object.bytes()).expect("a file can be written");
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on asks `rule` about every request, those that are held included.
    pub fn rule(&self, rule: impl FnMut(&Act) -> Fate + Send + 'static) {
        let mut current = lock(&self.shared.rule);
        *current = Box::new(rule);
        self.release(None);
    }

    /// After the death of the only client: what is held has no effect, as if it had never arrived whole, and what did
    /// arrive whole has taken effect and is in the log. From then on honest.
    ///
    /// # Panics
    /// When a connection stays open: the client is alive.
    pub fn bury_client(&self) {
        // Connections are accepted in the order in which they were made: after this one's answer there is none to come.
        self.greet();
        let deadline = Deadline::seconds(60);
        while self.shared.connections.load(Ordering::SeqCst) > 0 {
            self.release(Some(Fate::Refused(503)));
            assert!(!deadline.passed(), "the client has not closed its connections");
            deadline.pause();
        }
        self.behave();
    }

    /// One request and its answer, on a connection of its own that ends with it.
    fn greet(&self) {
        let mut stream = TcpStream::connect(self.address).expect("the service listens");
        let asked = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
        asked.expect("the request is taken");
        let _ = stream.read_to_end(&mut Vec::new()).expect("an answer");
    }

    fn release(&self, fate: Option<Fate>) {
        for Held(_, told) in std::mem::take(&mut *lock(&self.shared.held)) {
            // Whoever asked may be gone.
            let _ = told.send(fate);
        }
    }

    /// From now on honest.
    pub fn behave(&self) {
        self.rule(|_| Fate::Done);
    }

    /// What is held now.
    #[must_use]
    pub fn held(&self) -> Vec<Act> {
        lock(&self.shared.held)
            .iter()
            .map(|held| held.0.clone())
            .collect()
    }

    /// What took effect since the last call, in order, reads left out.
    #[must_use]
    pub fn take_log(&self) -> Vec<Act> {
        std::mem::take(&mut *lock(&self.shared.log))
    }

    /// What took effect since [`Self::take_log`] was last called, left in place.
    #[must_use]
    pub fn log(&self) -> Vec<Act> {
        lock(&self.shared.log).clone()
    }

    /// How many uploads are neither complete nor aborted.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        lock(&self.shared.objects).open_uploads()
    }

    /// Forgets all of them, as a bucket's rule does after some days.
    pub fn forget_uploads(&self) {
        lock(&self.shared.objects).forget_uploads();
    }

    /// Keys of all objects, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        lock(&self.shared.objects).keys()
    }

    /// Flips a bit of an object.
    ///
    /// # Panics
    /// When there is no such byte.
    pub fn damage(&self, key: &str, offset: u64) {
        lock(&self.shared.objects).damage(key, offset);
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panics")
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The connection ends without an answer.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is lost on purpose")
    }
}

impl std::error::Error for Lost {}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&shared), request));
            // A client that is killed breaks its connection: not this side's fault.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Lost> {
    let (head, body) = request.into_parts();
    let asked = protocol::Asked::new(&head);
    // Half a request is none.
    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
    let fate = shared.fate(&asked.act).await;
    if let Fate::Refused(status) = fate {
        let status = StatusCode::from_u16(status).expect("a status");
        return Ok(protocol::error(status, "Refused"));
    }
    let answer = protocol::answer(&mut lock(&shared.objects), &asked, &head, body);
    if asked.act != Act::Other && answer.status().is_success() {
        lock(&shared.log).push(asked.act);
    }
    match fate {
        Fate::AnswerLost => Err(Lost),
        _ => Ok(answer),
    }
}

impl Shared {
    async fn fate(&self, act: &Act) -> Fate {
        loop {
            let waiting = {
                let mut rule = lock(&self.rule);
                match rule(act) {
                    Fate::Held => {}
                    fate => return fate,
                }
                let (told, waiting) = oneshot::channel();
                lock(&self.held).push(Held(act.clone(), told));
                waiting
            };
            match waiting.await {
                Ok(Some(fate)) => return fate,
                Ok(None) => {}
                Err(_) => return Fate::Refused(503),
            }
        }
    }
}

/// A body that is at hand.
fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}
