//! The asynchronous SDK behind blocking calls: a small runtime on a thread of its own.
//!
//! The thread belongs to no other runtime, so that callers may block from within one without stopping what they wait for.

use std::future::Future;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{CustodyError, Fault};

/// A runtime, stopped when dropped.
pub(super) struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start() -> Result<Self, CustodyError> {
        let failed = |error: std::io::Error| {
            CustodyError::new(
                Fault::Unavailable,
                "no thread can be started for AWS KMS",
                "Allow this process more threads",
            )
            .because(error)
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("aws-kms".to_owned())
            .spawn(move || {
                // Err means that the worker was dropped: the same.
                let _ = runtime.block_on(stopped);
            })
            .map_err(failed)?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Runs `work` to its end and blocks until then. Calls from several threads go on at the same time.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, CustodyError> {
        let (done, result) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Nobody waits any more: nothing to do.
            let _ = done.send(work.await);
        });
        result.recv().map_err(|error| {
            CustodyError::new(
                Fault::Unavailable,
                "the thread that speaks to AWS KMS has ended",
                "Start again, and report this",
            )
            .because(error)
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_outside_a_runtime() {
        let worker = Worker::start().unwrap();
        assert_eq!(worker.run(async { 7 }).unwrap(), 7);
    }

    /// A blocked single-threaded runtime could not drive the future itself.
    #[test]
    fn from_within_a_runtime_without_deadlock() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let got = runtime.block_on(async {
            let worker = Worker::start().unwrap();
            worker
                .run(async {
                    tokio::task::yield_now().await;
                    7
                })
                .unwrap()
        });
        assert_eq!(got, 7);
    }

    /// Two that need each other: one after the other they would never end.
    #[test]
    fn calls_do_not_wait_for_one_another() {
        let worker = Worker::start().unwrap();
        let (first, second) = (oneshot::channel(), oneshot::channel());
        std::thread::scope(|scope| {
            let one = scope.spawn(|| {
                worker.run(async {
                    first.0.send(1).unwrap();
                    second.1.await.unwrap()
                })
            });
            let two = worker.run(async {
                let got = first.1.await.unwrap();
                second.0.send(2).unwrap();
                got
            });
            assert_eq!(two.unwrap(), 1);
            assert_eq!(one.join().unwrap().unwrap(), 2);
        });
    }

    #[test]
    fn a_panic_inside_is_an_error_outside() {
        let worker = Worker::start().unwrap();
        let result = worker.run(async { assert_eq!(1, 2, "on purpose") });
        assert_eq!(result.unwrap_err().fault(), Fault::Unavailable);
        assert_eq!(worker.run(async { 7 }).unwrap(), 7);
    }
}
