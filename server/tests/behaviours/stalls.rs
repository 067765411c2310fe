//! Connections that hold a place and do nothing with it.

use crate::tls::Running;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const IMPATIENT: &str = "[limits]\nheader_timeout = '1s'\nstall_timeout = '1s'\n";
/// Long enough for a server that gives up after a second, on a busy machine.
const WAIT: Duration = Duration::from_secs(20);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const PING: u8 = 6;

async fn connect(running: &Running) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(running.at.operators).await.unwrap();
    let connector = TlsConnector::from(Arc::new(running.stranger()));
    let name = rustls_pki_types::ServerName::try_from("127.0.0.1").unwrap();
    connector.connect(name, socket).await.unwrap()
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    bytes.extend_from_slice(payload);
    bytes
}

/// Answers what keeps an HTTP/2 connection alive, takes nothing else, and returns when the server has closed it.
async fn keep_alive(stream: &mut TlsStream<TcpStream>) {
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        let answer = match (head[3], head[4] & 1) {
            (SETTINGS, 0) => frame(SETTINGS, 1, 0, &[]),
            (PING, 0) => frame(PING, 1, 0, &payload),
            _ => continue,
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_says_nothing_is_closed() {
    let running = Running::configured(IMPATIENT).await;
    let mut silent = connect(&running).await;
    let closed = tokio::time::timeout(WAIT, silent.read(&mut [0; 64])).await;
    assert!(closed.is_ok(), "the place is held without a byte");
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_asks_nothing_is_closed() {
    let running = Running::configured(IMPATIENT).await;
    let mut idle = connect(&running).await;
    idle.write_all(PREFACE).await.unwrap();
    idle.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let closed = tokio::time::timeout(WAIT, keep_alive(&mut idle)).await;
    assert!(closed.is_ok(), "the place is held without a request");
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_takes_nothing_is_closed() {
    let running = Running::configured(IMPATIENT).await;
    let mut stalled = connect(&running).await;
    stalled.write_all(PREFACE).await.unwrap();
    // SETTINGS_INITIAL_WINDOW_SIZE = 0: every answer is to wait.
    stalled
        .write_all(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]))
        .await
        .unwrap();
    let mut request = vec![0x82, 0x87, 0x04, 20];
    request.extend_from_slice(b"/repo/timestamp.json");
    request.extend_from_slice(&[0x01, 1, b'x']);
    stalled.write_all(&frame(1, 5, 1, &request)).await.unwrap();
    let closed = tokio::time::timeout(WAIT, keep_alive(&mut stalled)).await;
    assert!(closed.is_ok(), "the answer is held for ever");
    running.finish().await;
}
