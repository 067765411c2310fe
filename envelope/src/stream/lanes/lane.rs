//! One lane: a thread that takes every block in order, or the caller itself where there is none.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::{BLOCKS, Block, Buffers};

/// State of type `T` that every block goes through.
pub(super) enum Lane<'scope, T> {
    Here(T, fn(&mut T, &Buffers)),
    There(Worker<'scope, T>),
}

impl<'scope, T: Send + 'scope> Lane<'scope, T> {
    /// A lane with a thread, if there is a scope for one and the system has one to spare.
    pub(super) fn new<'env>(
        threads: Option<&'scope Scope<'scope, 'env>>,
        state: T,
        update: fn(&mut T, &Buffers),
    ) -> Self {
        let Some(scope) = threads else {
            return Self::Here(state, update);
        };
        // A state goes over once the thread is there; a thread that is not there takes nothing along.
        let (start, started) = sync_channel::<T>(1);
        let (blocks, shown) = sync_channel::<Arc<Block>>(BLOCKS);
        let thread = Builder::new()
            .name(String::from("sealift-digest"))
            .spawn_scoped(scope, move || {
                let mut state = started.recv().ok()?;
                for block in shown {
                    update(&mut state, &block.buffers);
                }
                Some(state)
            });
        match thread {
            Ok(thread) => match start.send(state) {
                Ok(()) => Self::There(Worker {
                    blocks: Some(blocks),
                    thread: Some(thread),
                }),
                Err(unsent) => Self::Here(unsent.0, update),
            },
            Err(_) => Self::Here(state, update),
        }
    }

    pub(super) fn show(&mut self, block: &Arc<Block>) -> io::Result<()> {
        match self {
            Self::Here(state, update) => {
                update(state, &block.buffers);
                Ok(())
            }
            Self::There(worker) => worker.show(block),
        }
    }

    pub(super) fn finish(self) -> io::Result<T> {
        match self {
            Self::Here(state, _) => Ok(state),
            Self::There(mut worker) => worker.join().ok_or_else(died),
        }
    }
}

/// A thread that is always waited for: one that panicked and was not would make its scope panic.
pub(super) struct Worker<'scope, T> {
    blocks: Option<SyncSender<Arc<Block>>>,
    thread: Option<ScopedJoinHandle<'scope, Option<T>>>,
}

impl<T> Worker<'_, T> {
    fn show(&self, block: &Arc<Block>) -> io::Result<()> {
        let blocks = self.blocks.as_ref().ok_or_else(died)?;
        blocks.send(Arc::clone(block)).map_err(|_| died())
    }

    fn join(&mut self) -> Option<T> {
        self.blocks = None;
        self.thread.take()?.join().ok()?
    }
}

impl<T> Drop for Worker<'_, T> {
    fn drop(&mut self) {
        self.join();
    }
}

fn died() -> io::Error {
    io::Error::other("a hashing thread died")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// No hash panics. Should one, its caller gets an error like any other.
    #[test]
    fn a_lane_that_panics_is_an_error_and_no_panic() {
        for finish in [false, true] {
            let failed = thread::scope(|scope| {
                let mut lane = Lane::new(Some(scope), (), |(), _| panic!("on purpose"));
                assert!(matches!(lane, Lane::There(_)));
                let block = Arc::new(Block {
                    buffers: Buffers::default(),
                    home: channel().0,
                });
                // The queue takes some before it is known that nobody takes them out.
                let shown = (0..BLOCKS + 2).try_for_each(|_| lane.show(&block));
                if finish { lane.finish() } else { shown }
            });
            assert_eq!(failed.unwrap_err().to_string(), "a hashing thread died");
        }
    }

    #[test]
    fn a_lane_without_threads_works_where_it_is() {
        let mut lane = Lane::new(None, 0, |count, _| *count += 1);
        let block = Arc::new(Block {
            buffers: Buffers::default(),
            home: channel().0,
        });
        lane.show(&block).unwrap();
        assert!(matches!(lane, Lane::Here(1, _)));
        assert_eq!(lane.finish().unwrap(), 1);
    }
}
