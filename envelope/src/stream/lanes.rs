//! Hashing beside the rest: both digests on threads of their own, fed with blocks from a small, fixed stock.
//!
//! SHA-256 of plaintext and of sealed bytes are both sequential and together cost as much as everything else, so they run
//! beside reading, encrypting and writing. Buffers go round: a block comes home when every lane has dropped it.

mod lane;

use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, available_parallelism};

use zeroize::Zeroize as _;

use crate::digest::{Digest, DigestCounter};
use crate::error::{OpenError, SealError};

use lane::Lane;

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
pub(super) struct Found {
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

/// A thread is gone before its work was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Died;

impl From<Died> for SealError {
    fn from(_: Died) -> Self {
        Self::Digest
    }
}

impl From<Died> for OpenError {
    fn from(_: Died) -> Self {
        Self::Digest
    }
}

/// Stock and digests, for the thread that reads, encrypts and writes.
pub(super) struct Lanes<'scope> {
    stock: Receiver<Buffers>,
    home: Sender<Buffers>,
    digests: Digests<'scope>,
}

enum Digests<'scope> {
    Together(Lane<'scope, (DigestCounter, DigestCounter)>),
    Apart {
        plain: Lane<'scope, DigestCounter>,
        sealed: Lane<'scope, DigestCounter>,
    },
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
        let threads = (arrangement != Arrangement::Here).then_some(scope);
        let mut start = DigestCounter::default();
        start.update(header);
        let sealed = move || start.clone();
        let plain = DigestCounter::default;
        let digests = if arrangement == Arrangement::Apart {
            Digests::Apart {
                plain: Lane::new(threads, plain, |digest, block| digest.update(&block.plain)),
                sealed: Lane::new(threads, sealed, |digest, block| digest.update(&block.sealed)),
            }
        } else {
            let pair = move || (plain(), sealed());
            Digests::Together(Lane::new(threads, pair, |(plain, sealed), block| {
                DigestCounter::update_both((plain, &block.plain), (sealed, &block.sealed));
            }))
        };
        Self { stock, home, digests }
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
    pub(super) fn show(&mut self, block: Block) -> Result<(), Died> {
        let block = Arc::new(block);
        match &mut self.digests {
            Digests::Together(lane) => lane.show(&block)?,
            Digests::Apart { plain, sealed } => {
                plain.show(&block)?;
                sealed.show(&block)?;
            }
        }
        Ok(())
    }

    /// Waits for the digests.
    pub(super) fn finish(self) -> Result<Found, Died> {
        let (plain, sealed) = match self.digests {
            Digests::Together(lane) => lane.finish()?,
            Digests::Apart { plain, sealed } => (plain.finish()?, sealed.finish()?),
        };
        Ok(Found {
            plain: plain.finish(),
            sealed: sealed.finish(),
        })
    }
}

#[cfg(test)]
mod tests;
