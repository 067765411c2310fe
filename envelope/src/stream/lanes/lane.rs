//! One lane: a thread that takes every block in order, or the caller itself where there is none.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::{BLOCKS, Block, Buffers, Died};

/// State of type `T` that every block goes through.
pub(super) enum Lane<'scope, T> {
    Here(T, fn(&mut T, &Buffers)),
    There(Worker<'scope, T>),
}

impl<'scope, T: Send + 'scope> Lane<'scope, T> {
    /// A lane with a thread, if there is a scope for one and the system has one to spare. `make` makes the state where it
    /// is needed.
    pub(super) fn new<'env>(
        threads: Option<&'scope Scope<'scope, 'env>>,
        make: impl Fn() -> T + Clone + Send + 'scope,
        update: fn(&mut T, &Buffers),
    ) -> Self {
        let worker = threads.and_then(|scope| Worker::new(scope, make.clone(), update));
        worker.map_or_else(|| Self::Here(make(), update), Self::There)
    }

    pub(super) fn show(&mut self, block: &Arc<Block>) -> Result<(), Died> {
        match self {
            Self::Here(state, update) => {
                update(state, &block.buffers);
                Ok(())
            }
            Self::There(worker) => worker.show(block),
        }
    }

    pub(super) fn finish(self) -> Result<T, Died> {
        match self {
            Self::Here(state, _) => Ok(state),
            Self::There(mut worker) => worker.join().ok_or(Died),
        }
    }
}

/// A thread that is always waited for: one that panicked and was not would make its scope panic.
pub(super) struct Worker<'scope, T> {
    blocks: Option<SyncSender<Arc<Block>>>,
    thread: Option<ScopedJoinHandle<'scope, T>>,
}

impl<'scope, T: Send + 'scope> Worker<'scope, T> {
    fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        make: impl FnOnce() -> T + Send + 'scope,
        update: fn(&mut T, &Buffers),
    ) -> Option<Self> {
        let (blocks, shown) = sync_channel::<Arc<Block>>(BLOCKS);
        let thread = Builder::new()
            .name(String::from("sealift-digest"))
            .spawn_scoped(scope, move || {
                let mut state = make();
                for block in shown {
                    update(&mut state, &block.buffers);
                }
                state
            });
        thread.ok().map(|thread| Self {
            blocks: Some(blocks),
            thread: Some(thread),
        })
    }
}

impl<T> Worker<'_, T> {
    fn show(&self, block: &Arc<Block>) -> Result<(), Died> {
        let blocks = self.blocks.as_ref().ok_or(Died)?;
        blocks.send(Arc::clone(block)).map_err(|_| Died)
    }

    fn join(&mut self) -> Option<T> {
        self.blocks = None;
        self.thread.take()?.join().ok()
    }
}

impl<T> Drop for Worker<'_, T> {
    fn drop(&mut self) {
        self.join();
    }
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
                let mut lane = Lane::new(Some(scope), || (), |(), _| panic!("on purpose"));
                assert!(matches!(lane, Lane::There(_)));
                let block = Arc::new(Block {
                    buffers: Buffers::default(),
                    home: channel().0,
                });
                // The queue takes some before it is known that nobody takes them out.
                let shown = (0..BLOCKS + 2).try_for_each(|_| lane.show(&block));
                if finish { lane.finish() } else { shown }
            });
            assert_eq!(failed, Err(Died));
        }
    }

    #[test]
    fn a_lane_without_threads_works_where_it_is() {
        let mut lane = Lane::new(None, || 0, |count, _| *count += 1);
        let block = Arc::new(Block {
            buffers: Buffers::default(),
            home: channel().0,
        });
        lane.show(&block).unwrap();
        assert!(matches!(lane, Lane::Here(1, _)));
        assert_eq!(lane.finish(), Ok(1));
    }
}
