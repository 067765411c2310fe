//! Hashing beside the rest: two digests on threads of their own, fed with blocks from a small, fixed stock.
//!
//! SHA-256 of plaintext and of sealed bytes are both sequential and together cost more than everything else, so they run
//! beside reading, encrypting and writing. Buffers go round: a block comes home when both lanes have dropped it.

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
pub(super) struct Digests {
    pub(super) plain: Digest,
    pub(super) sealed: Digest,
}

/// Stock and lanes, for the thread that reads, encrypts and writes.
pub(super) struct Lanes<'scope> {
    stock: Receiver<Buffers>,
    home: Sender<Buffers>,
    plain: Lane<'scope>,
    sealed: Lane<'scope>,
}

impl<'scope> Lanes<'scope> {
    /// Lanes over blocks with these capacities; `header` is the start of the sealed bytes.
    pub(super) fn new<'env>(scope: &'scope Scope<'scope, 'env>, header: &[u8]) -> Self {
        let (home, stock) = channel();
        for _ in 0..BLOCKS {
            // The receiver is right here.
            let _ = home.send(Buffers::default());
        }
        let mut sealed = DigestCounter::default();
        sealed.update(header);
        let plain = Lane::new(scope, DigestCounter::default(), |b| &b.plain);
        let sealed = Lane::new(scope, sealed, |b| &b.sealed);
        Self {
            stock,
            home,
            plain,
            sealed,
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

    /// Shows a finished block to both lanes.
    pub(super) fn show(&mut self, block: Block) -> io::Result<()> {
        let block = Arc::new(block);
        self.plain.show(&block)?;
        self.sealed.show(&block)
    }

    /// Waits for both lanes.
    pub(super) fn finish(self) -> io::Result<Digests> {
        Ok(Digests {
            plain: self.plain.finish()?,
            sealed: self.sealed.finish()?,
        })
    }
}

/// One digest: on its own thread, or here where there is only one core or no thread to be had.
enum Lane<'scope> {
    Beside {
        blocks: SyncSender<Arc<Block>>,
        digest: ScopedJoinHandle<'scope, Digest>,
    },
    Here {
        digest: DigestCounter,
        side: fn(&Buffers) -> &[u8],
    },
}

impl<'scope> Lane<'scope> {
    fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        start: DigestCounter,
        side: fn(&Buffers) -> &[u8],
    ) -> Self {
        let here = Self::Here {
            digest: start.clone(),
            side,
        };
        if available_parallelism().map_or(1, NonZero::get) == 1 {
            return here;
        }
        let (blocks, shown) = sync_channel::<Arc<Block>>(BLOCKS);
        let mut digest = start;
        let thread = Builder::new()
            .name(String::from("sealift-digest"))
            .spawn_scoped(scope, move || {
                for block in shown {
                    digest.update(side(&block.buffers));
                }
                digest.finish()
            });
        match thread {
            Ok(digest) => Self::Beside { blocks, digest },
            Err(_) => here,
        }
    }

    fn show(&mut self, block: &Arc<Block>) -> io::Result<()> {
        match self {
            Self::Beside { blocks, .. } => blocks.send(Arc::clone(block)).map_err(|_| died()),
            Self::Here { digest, side } => {
                digest.update(side(&block.buffers));
                Ok(())
            }
        }
    }

    fn finish(self) -> io::Result<Digest> {
        match self {
            Self::Beside { blocks, digest } => {
                drop(blocks);
                digest.join().map_err(|_| died())
            }
            Self::Here { digest, .. } => Ok(digest.finish()),
        }
    }
}

fn died() -> io::Error {
    io::Error::other("a hashing thread died")
}
