//! Sockets, connections, and their end.

use super::activity::Activity;
use super::stall::StallGuard;
use crate::config::Limits;
use crate::exit::{Code, Failure};
use crate::stage::PeerCertificate;
use axum::Router;
use axum::body::Body;
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Header fields of one request.
const MAX_HEADERS: usize = 64;
/// Bytes of one request's head, and so of what a connection buffers.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Requests under way on one HTTP/2 connection.
const MAX_STREAMS: u32 = 64;
/// Pause after the system refuses a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener with what it answers.
#[derive(Debug)]
pub(crate) struct Listener {
    name: &'static str,
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
}

impl Listener {
    /// Binds. Port 0 lets the system choose.
    ///
    /// # Errors
    /// Exit code 69, with the address.
    pub(crate) async fn bind(
        name: &'static str,
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        router: Router,
    ) -> Result<Self, Failure> {
        let refuse = |error: std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "; another process has it: stop that one or choose another port"
                }
                std::io::ErrorKind::PermissionDenied => {
                    "; ports below 1024 need a privilege: choose a higher one"
                }
                _ => "",
            };
            Failure::new(
                Code::Unavailable,
                format!("{name}.listen: cannot bind {address}{hint}"),
            )
            .because(error)
        };
        let socket = TcpListener::bind(address).await.map_err(refuse)?;
        let address = socket.local_addr().map_err(refuse)?;
        Ok(Self {
            name,
            socket,
            address,
            tls,
            router,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts until `stop` turns true; connections under way go on in `connections` and finish what they answer.
    pub(crate) async fn serve(
        self,
        limits: Limits,
        mut stop: watch::Receiver<bool>,
        connections: TaskTracker,
    ) {
        let slots = Arc::new(Semaphore::new(limits.max_connections));
        let name = self.name;
        loop {
            let accepted = tokio::select! {
                () = stopped(&mut stop) => return,
                accepted = async {
                    // Wait for a slot first: what does not fit stays in the system's queue.
                    let slot = Arc::clone(&slots).acquire_owned().await;
                    (slot, self.socket.accept().await)
                } => accepted,
            };
            let (Ok(slot), accepted) = accepted else { return };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(listener = name, %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (tls, router, limits, stop) = (
                self.tls.clone(),
                self.router.clone(),
                limits.clone(),
                stop.clone(),
            );
            connections.spawn(async move {
                metrics::gauge!("sealift_connections", "listener" => name).increment(1.0);
                connection(name, stream, tls, router, &limits, stop).await;
                metrics::gauge!("sealift_connections", "listener" => name).decrement(1.0);
                drop(slot);
            });
        }
    }
}

async fn connection(
    name: &'static str,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    limits: &Limits,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(listener = name, %error, "no TCP_NODELAY");
    }
    let stream = StallGuard::new(stream, limits.stall_timeout);
    let Some(tls) = tls else {
        return requests(name, stream, router, None, limits, stop).await;
    };
    match tokio::time::timeout(limits.handshake_timeout, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => {
            let peer = stream
                .get_ref()
                .1
                .peer_certificates()
                .and_then(<[_]>::first)
                .map(|leaf| Arc::new(PeerCertificate::from_der(leaf)));
            requests(name, stream, router, peer, limits, stop).await;
        }
        Ok(Err(error)) => {
            metrics::counter!("sealift_handshake_failures_total", "listener" => name).increment(1);
            tracing::debug!(listener = name, %error, "the TLS handshake failed");
        }
        Err(_) => {
            metrics::counter!("sealift_handshake_failures_total", "listener" => name).increment(1);
            tracing::debug!(listener = name, "the TLS handshake took too long");
        }
    }
}

async fn requests<S>(
    name: &'static str,
    stream: S,
    router: Router,
    peer: Option<Arc<PeerCertificate>>,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new(limits.header_timeout, limits.stall_timeout);
    let begun = activity.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        // On HTTP/1.1 the guard around the stream sees what the peer takes.
        let answer = begun.begin(request.version() == Version::HTTP_2);
        if let Some(peer) = &peer {
            request.extensions_mut().insert(Arc::clone(peer));
        }
        let response = router.clone().oneshot(request.map(Body::new));
        async move { Ok::<_, Infallible>(response.await?.map(|body| answer.watch(body))) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.stall_timeout)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut closing = false;
    let ended = loop {
        tokio::select! {
            ended = connection.as_mut() => break ended,
            () = stopped(&mut stop), if !closing => {}
            stalled = activity.wasted() => {
                if stalled || closing {
                    metrics::counter!("sealift_connections_given_up_total", "listener" => name).increment(1);
                    tracing::debug!(listener = name, stalled, "a connection held its place for nothing");
                    return;
                }
                activity.restart();
            }
        }
        closing = true;
        connection.as_mut().graceful_shutdown();
    };
    if let Err(error) = ended {
        tracing::debug!(listener = name, error = %error, "a connection broke off");
    }
}

/// Done when `stop` turns true, or nobody is left who could turn it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _seen = stop.wait_for(|stopped| *stopped).await;
}
