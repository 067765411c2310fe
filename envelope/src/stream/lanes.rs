//! Hashing beside the rest: both digests on a thread of their own, fed with blocks from a small, fixed stock.
//!
//! SHA-256 of plaintext and of sealed bytes are both sequential and together cost as much as everything else, so they run
//! beside reading, encrypting and writing. Buffers go round: a block comes home when every lane has dropped it.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle, available_parallelism};

use zeroize::Zeroize as _;

use crate::digest::{Digest, DigestCounter};

/// Blocks in the stock. Together with the block size this bounds the memory of a stream: 6 × 2 × 128 KiB.
const BLOCKS: usize = 6;

/// The two buffers of a block.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) plain: Vec<u8>,
    pub(super) sealed: Vec<u8>,
}

impl Drop for Buffers {
    fn drop(&mut self) {
        self.plain.zeroize();
    }
}

/// A block on loan; its buffers go home when it is dropped.
pub(super) struct Block {
    pub(super) buffers: Buffers,
    home: Sender<Buffers>,
}

impl Drop for Block {
    fn drop(&mut self) {
        // Nobody at home any more: the stream has ended and the buffers are just freed.
        let _ = self.home.send(std::mem::take(&mut self.buffers));
    }
}

/// Digests of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) plain: Digest,
    pub(super) sealed: Digest,
}

/// Who computes the two digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrangement {
    /// The thread that does everything else: there is only one core.
    Here,
    /// One thread, both digests in turn.
    Together,
    /// A thread for each.
    Apart,
}

impl Arrangement {
    /// What suits this machine.
    pub(super) fn for_this_machine() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self::suiting(cores, sha_instructions())
    }

    /// Two digests in turn gain only where the processor has instructions for SHA-256, which it can overlap; in ordinary
    /// instructions a digest fills a core, and two cores are twice as fast.
    fn suiting(cores: usize, sha_instructions: bool) -> Self {
        match (cores, sha_instructions) {
            (0 | 1, _) => Self::Here,
            (_, true) => Self::Together,
            (_, false) => Self::Apart,
        }
    }
}

/// Whether SHA-256 runs on instructions made for it; the sha2 crate asks the same.
fn sha_instructions() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let present = std::arch::is_x86_feature_detected!("sha");
    #[cfg(target_arch = "aarch64")]
    let present = std::arch::is_aarch64_feature_detected!("sha2");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let present = false;
    present
}

/// Stock and digests, for the thread that reads, encrypts and writes.
pub(super) struct Lanes<'scope> {
    stock: Receiver<Buffers>,
    home: Sender<Buffers>,
    hashing: Hashing<'scope>,
}

impl<'scope> Lanes<'scope> {
    /// Lanes in this arrangement; `header` is the start of the sealed bytes.
    pub(super) fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        arrangement: Arrangement,
        header: &[u8],
    ) -> Self {
        let (home, stock) = channel();
        for _ in 0..BLOCKS {
            // The receiver is right here.
            let _ = home.send(Buffers::default());
        }
        let mut start = Pair::default();
        start.sealed.update(header);
        Self {
            stock,
            home,
            hashing: Hashing::new(scope, arrangement, start),
        }
    }

    /// A free block, waited for if need be. Its buffers hold whatever was in them last.
    pub(super) fn take(&self) -> Block {
        // `home` is held here, so the channel cannot close; and every block on loan comes back, whatever happens to it.
        let buffers = self.stock.recv().unwrap_or_default();
        Block {
            buffers,
            home: self.home.clone(),
        }
    }

    /// Shows a finished block to the lanes.
    pub(super) fn show(&mut self, block: Block) -> io::Result<()> {
        match &mut self.hashing {
            Hashing::Here(pair) => {
                pair.update(&block.buffers);
                Ok(())
            }
            Hashing::Together(lane) => lane.show(&Arc::new(block)),
            Hashing::Apart { plain, sealed } => {
                let block = Arc::new(block);
                plain.show(&block)?;
                sealed.show(&block)
            }
        }
    }

    /// Waits for the digests.
    pub(super) fn finish(self) -> io::Result<Digests> {
        let Pair { plain, sealed } = match self.hashing {
            Hashing::Here(pair) => pair,
            Hashing::Together(lane) => lane.finish()?,
            Hashing::Apart { plain, sealed } => Pair {
                plain: plain.finish()?,
                sealed: sealed.finish()?,
            },
        };
        Ok(Digests {
            plain: plain.finish(),
            sealed: sealed.finish(),
        })
    }
}

#[derive(Default, Clone)]
struct Pair {
    plain: DigestCounter,
    sealed: DigestCounter,
}

impl Pair {
    fn update(&mut self, buffers: &Buffers) {
        DigestCounter::update_both(
            (&mut self.plain, &buffers.plain),
            (&mut self.sealed, &buffers.sealed),
        );
    }
}

enum Hashing<'scope> {
    Here(Pair),
    Together(Lane<'scope, Pair>),
    Apart {
        plain: Lane<'scope, DigestCounter>,
        sealed: Lane<'scope, DigestCounter>,
    },
}

impl<'scope> Hashing<'scope> {
    /// Falls back to `Here` where no thread is to be had.
    fn new<'env>(scope: &'scope Scope<'scope, 'env>, arrangement: Arrangement, start: Pair) -> Self {
        let lanes = match arrangement {
            Arrangement::Here => None,
            Arrangement::Together => Lane::new(scope, start.clone(), Pair::update).map(Self::Together),
            Arrangement::Apart => {
                let Pair { plain, sealed } = start.clone();
                let plain = Lane::new(scope, plain, |digest, block| digest.update(&block.plain));
                let sealed = Lane::new(scope, sealed, |digest, block| digest.update(&block.sealed));
                plain
                    .zip(sealed)
                    .map(|(plain, sealed)| Self::Apart { plain, sealed })
            }
        };
        lanes.unwrap_or(Self::Here(start))
    }
}

/// A thread that takes every block in order.
struct Lane<'scope, T> {
    blocks: SyncSender<Arc<Block>>,
    state: ScopedJoinHandle<'scope, T>,
}

impl<'scope, T: Send + 'scope> Lane<'scope, T> {
    /// `None` if the system has no thread to spare.
    fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        mut state: T,
        update: fn(&mut T, &Buffers),
    ) -> Option<Self> {
        let (blocks, shown) = sync_channel::<Arc<Block>>(BLOCKS);
        let thread = Builder::new()
            .name(String::from("sealift-digest"))
            .spawn_scoped(scope, move || {
                for block in shown {
                    update(&mut state, &block.buffers);
                }
                state
            });
        thread.ok().map(|state| Self { blocks, state })
    }

    fn show(&self, block: &Arc<Block>) -> io::Result<()> {
        self.blocks.send(Arc::clone(block)).map_err(|_| died())
    }

    fn finish(self) -> io::Result<T> {
        drop(self.blocks);
        self.state.join().map_err(|_| died())
    }
}

fn died() -> io::Error {
    io::Error::other("a hashing thread died")
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn every_arrangement_finds_the_same_digests() {
        let header = [7; 100];
        let plain: Vec<u8> = (0..70_000_u32)
            .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
            .collect();
        let sealed: Vec<u8> = plain.iter().map(|byte| !byte).chain([1; 16]).collect();
        let expected = Digests {
            plain: Digest::of(&plain),
            sealed: Digest::of(&[&header[..], &sealed].concat()),
        };
        for arrangement in [Arrangement::Here, Arrangement::Together, Arrangement::Apart] {
            let digests = thread::scope(|scope| {
                let mut lanes = Lanes::new(scope, arrangement, &header);
                for (plain, sealed) in plain.chunks(7_000).zip(sealed.chunks(7_002)) {
                    let mut block = lanes.take();
                    block.buffers.plain = plain.to_vec();
                    block.buffers.sealed = sealed.to_vec();
                    lanes.show(block).unwrap();
                }
                lanes.finish().unwrap()
            });
            assert_eq!(digests, expected, "{arrangement:?}");
        }
    }

    #[test]
    fn one_core_hashes_where_it_works_and_slow_hashes_get_a_core_each() {
        assert_eq!(Arrangement::suiting(1, true), Arrangement::Here);
        assert_eq!(Arrangement::suiting(1, false), Arrangement::Here);
        assert_eq!(Arrangement::suiting(2, true), Arrangement::Together);
        assert_eq!(Arrangement::suiting(2, false), Arrangement::Apart);
    }
}
