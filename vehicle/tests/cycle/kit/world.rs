//! A clock that only sleeping moves, and an observer that can stop a cycle dead.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sealift_vehicle::{Event, Observer, World};
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct FakeWorld {
    state: Mutex<(Timestamp, Duration, Vec<Duration>)>,
}

impl FakeWorld {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new((now, Duration::ZERO, Vec::new())),
        }
    }

    pub(crate) fn set_now(&self, now: Timestamp) {
        self.state.lock().unwrap().0 = now;
    }

    /// Every sleep so far.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.state.lock().unwrap().2.clone()
    }
}

#[async_trait]
impl World for FakeWorld {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap().0
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().unwrap().1
    }

    async fn sleep(&self, duration: Duration) {
        let mut state = self.state.lock().unwrap();
        state.1 += duration;
        state.2.push(duration);
    }

    fn random(&self) -> u64 {
        7
    }
}

/// Keeps all events; after a given number it never returns, as if the process had been killed there.
#[derive(Debug)]
pub(crate) struct Recorder {
    events: Mutex<Vec<Event>>,
    kill_after: AtomicUsize,
    killed: Notify,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            events: Mutex::default(),
            kill_after: AtomicUsize::new(usize::MAX),
            killed: Notify::new(),
        }
    }

    pub(crate) fn kill_after(&self, events: usize) {
        self.kill_after.store(events, Ordering::SeqCst);
    }

    pub(crate) async fn killed(&self) {
        self.killed.notified().await;
    }

    /// All events since the last call.
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

#[async_trait]
impl Observer for Recorder {
    async fn observe(&self, event: Event) {
        let kill = {
            let mut events = self.events.lock().unwrap();
            events.push(event);
            events.len() >= self.kill_after.load(Ordering::SeqCst)
        };
        if kill {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
