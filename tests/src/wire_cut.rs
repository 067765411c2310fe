//! A TCP relay that breaks the connection the way networks do: refuses, stalls, cuts, flips a bit.
//!
//! It looks at no byte, so it works under TLS. For lies inside TLS see [`crate::front`].

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// Bytes moved at a time; small, so that a fault strikes near the byte that was asked for.
const BLOCK: usize = 4096;

/// Which way bytes flow, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What the relay does to the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: an honest wire.
    None,
    /// Accepts and closes at once.
    Refuse,
    /// After so many more bytes in one direction every byte that way is held back until the fault changes.
    StallAfter(Way, u64),
    /// After so many more bytes in one direction the connection is cut, and every new one with it.
    CutAfter(Way, u64),
    /// As `CutAfter`, but only once: a new connection works.
    CutOnceAfter(Way, u64),
    /// The bit of lowest value of that byte is flipped, once.
    FlipAt(Way, u64),
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    rule: Mutex<Rule>,
    changed: Condvar,
    closed: AtomicBool,
    struck: AtomicU64,
    connections: AtomicU64,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    /// Bytes that went the fault's way since it was set.
    seen: u64,
}

/// A running relay. Dropping it ends its connections.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Relay {
    /// Listens on a free port of 127.0.0.1 and forwards to `upstream`, honest until told otherwise.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            upstream,
            rule: Mutex::new(Rule {
                fault: Fault::None,
                seen: 0,
            }),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
            struck: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the fault; a stalled connection goes on if the new one lets it.
    pub fn set(&self, fault: Fault) {
        *self.shared.rule() = Rule { fault, seen: 0 };
        self.shared.changed.notify_all();
    }

    /// How often a fault has struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.shared.struck.load(Ordering::SeqCst)
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // Wakes the accepting thread; if that fails it dies with the test.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((client, _)) = listener.accept() {
        if shared.closed.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if shared.rule().fault == Fault::Refuse {
            shared.strike();
            continue;
        }
        let Ok(server) = TcpStream::connect(shared.upstream) else {
            continue;
        };
        // Small requests must not wait for Nagle.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else {
            continue;
        };
        let (up, down) = (Arc::clone(shared), Arc::clone(shared));
        thread::spawn(move || up.pump(Way::Up, client, server));
        thread::spawn(move || down.pump(Way::Down, server_again, client_again));
    }
}

impl Shared {
    fn rule(&self) -> MutexGuard<'_, Rule> {
        self.rule.lock().expect("no holder of the rule panics")
    }

    fn strike(&self) {
        self.struck.fetch_add(1, Ordering::SeqCst);
    }

    fn pump(&self, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let mut block = [0; BLOCK];
        while let Ok(read @ 1..) = from.read(&mut block) {
            let bytes = &mut block[..read];
            let passed = self.pass(way, bytes, &mut to);
            if !passed || self.closed.load(Ordering::SeqCst) {
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Applies the rule to one block; false ends the connection.
    fn pass(&self, way: Way, mut bytes: &mut [u8], to: &mut TcpStream) -> bool {
        let mut rule = self.rule();
        loop {
            let room = |limit: u64| usize::try_from(limit - rule.seen.min(limit)).unwrap_or(usize::MAX);
            match rule.fault {
                Fault::StallAfter(faulty, limit) if faulty == way && room(limit) < bytes.len() => {
                    let (now, later) = bytes.split_at_mut(room(limit));
                    rule.seen = limit;
                    if to.write_all(now).is_err() {
                        return false;
                    }
                    bytes = later;
                    self.strike();
                    let was = rule.fault;
                    while rule.fault == was && !self.closed.load(Ordering::SeqCst) {
                        rule = self.changed.wait(rule).expect("no holder of the rule panics");
                    }
                    if self.closed.load(Ordering::SeqCst) {
                        return false;
                    }
                }
                Fault::CutAfter(faulty, limit) | Fault::CutOnceAfter(faulty, limit)
                    if faulty == way && room(limit) < bytes.len() =>
                {
                    // The client may be gone already, which is a cut as well.
                    let _ = to.write_all(&bytes[..room(limit)]);
                    rule.seen = limit;
                    if matches!(rule.fault, Fault::CutOnceAfter(..)) {
                        rule.fault = Fault::None;
                    }
                    self.strike();
                    return false;
                }
                Fault::FlipAt(faulty, limit) if faulty == way && room(limit) < bytes.len() => {
                    bytes[room(limit)] ^= 1;
                    rule.fault = Fault::None;
                    self.strike();
                }
                Fault::Refuse => return false,
                fault => {
                    if let Fault::StallAfter(faulty, _)
                    | Fault::CutAfter(faulty, _)
                    | Fault::CutOnceAfter(faulty, _)
                    | Fault::FlipAt(faulty, _) = fault
                        && faulty == way
                    {
                        rule.seen += bytes.len() as u64;
                    }
                    drop(rule);
                    return to.write_all(bytes).is_ok();
                }
            }
        }
    }
}
