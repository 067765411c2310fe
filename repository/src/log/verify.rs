//! Verifying a log from its signed checkpoint down to every entry.

mod finding;

use std::ops::Range;

use super::entry::{self, Act};
use super::reading::{Found, hashes_of};
use super::tile::{self, HEIGHT, Kind, Tile, WIDTH};
use super::tree::{self, Peaks};
use super::{Checkpoint, Log, LogError};
use crate::error::StoreError;
use crate::paths;

pub use finding::LogFinding;

/// What a log is.
#[derive(Clone, Debug)]
pub struct LogReport {
    /// The public checkpoint; nothing when there is no log.
    pub checkpoint: Option<Checkpoint>,
    /// What is wrong, in the order of the entries.
    pub findings: Vec<LogFinding>,
}

/// A subtree that a verified hash speaks for.
struct Subtree {
    tile: Tile,
    level: u32,
    hash: [u8; 32],
}

struct Walk<'a, F> {
    log: &'a Log,
    each: F,
    findings: Vec<LogFinding>,
    /// The tree as far as its leaves are known without a gap.
    known: Option<(u64, Peaks)>,
    held: Option<&'a Checkpoint>,
}

impl Log {
    /// Verifies the whole log: the signature, every tile, every entry; and that all that was there under the checkpoint `held`
    /// is there still. Hands each entry that is right to `each`, with its number.
    ///
    /// What others append meanwhile is not looked at.
    ///
    /// # Errors
    /// [`LogError::Untrusted`] when the checkpoint in the store is not to be believed; else as the store fails. What is wrong
    /// below the checkpoint is in the report.
    pub async fn verify(
        &self,
        held: Option<&Checkpoint>,
        each: impl FnMut(u64, Act),
    ) -> Result<LogReport, LogError> {
        let public = self.read_checkpoint(&paths::log("checkpoint")?).await?;
        let checkpoint = public.map(|(_, public)| public);
        let size = checkpoint.as_ref().map_or(0, Checkpoint::size);
        let mut walk = Walk {
            log: self,
            each,
            findings: Vec::new(),
            known: Some((0, Peaks::default())),
            held,
        };
        match held {
            Some(held) if held.size() > size => walk.findings.push(LogFinding::Shorter {
                size,
                held: held.size(),
            }),
            _ => walk.compare_with_held(),
        }
        walk.head(checkpoint.as_ref()).await?;
        if let Some(checkpoint) = &checkpoint {
            walk.tree(checkpoint).await?;
        }
        Ok(LogReport {
            checkpoint,
            findings: walk.findings,
        })
    }
}

impl<F: FnMut(u64, Act)> Walk<'_, F> {
    /// The appenders' checkpoint beside the public one. Who may not read it does without.
    async fn head(&mut self, public: Option<&Checkpoint>) -> Result<(), LogError> {
        let head = match self.log.read_checkpoint(&paths::log_head()).await {
            Err(LogError::Store(StoreError::Denied { .. })) => return Ok(()),
            head => head?.map(|(_, head)| head),
        };
        let root = |checkpoint: Option<&Checkpoint>| checkpoint.map(|checkpoint| *checkpoint.root());
        let size = |checkpoint: Option<&Checkpoint>| checkpoint.map_or(0, Checkpoint::size);
        let sizes = (size(public), size(head.as_ref()));
        if sizes.0 < sizes.1 {
            let (public, head) = sizes;
            self.findings.push(LogFinding::Unfinished { public, head });
        } else if root(public) != root(head.as_ref()) {
            let (public, head) = sizes;
            self.findings.push(LogFinding::HeadDiffers { public, head });
        }
        Ok(())
    }

    /// The unfinished tiles give the root; what is in them speaks for everything below, highest and leftmost first.
    async fn tree(&mut self, checkpoint: &Checkpoint) -> Result<(), LogError> {
        let mut edge = Vec::new();
        for tile in tile::partial_tiles(checkpoint.size()) {
            let Kind::Hashes { level } = tile.kind else {
                continue;
            };
            let Some(hashes) = self.hashes(&tile, level).await? else {
                return Ok(());
            };
            edge.push((tile, level, hashes));
        }
        let parts = edge.iter().map(|(_, level, hashes)| (*level, hashes.as_slice()));
        if tile::root_of_edge(parts) != *checkpoint.root() {
            let names = edge.iter().map(|(tile, ..)| tile.name()).collect();
            self.findings.push(LogFinding::WrongRoot { names });
            return Ok(());
        }
        for (tile, level, hashes) in edge {
            self.below(tile, level, &hashes).await?;
        }
        Ok(())
    }

    /// Everything below the hashes of a tile that is right.
    async fn below(&mut self, tile: Tile, level: u32, hashes: &[[u8; 32]]) -> Result<(), LogError> {
        if level == 0 {
            return self.entries(&tile, hashes).await;
        }
        let mut waiting = subtrees(tile, level, hashes);
        while let Some(Subtree { tile, level, hash }) = waiting.pop() {
            let Some(hashes) = self.hashes(&tile, level).await? else {
                continue;
            };
            if tree::root_of(&hashes) != hash {
                self.known = None;
                self.findings.push(LogFinding::WrongTile {
                    name: tile.name(),
                    entries: span(&tile, level),
                });
            } else if level == 0 {
                self.entries(&tile, &hashes).await?;
            } else {
                waiting.extend(subtrees(tile, level, &hashes));
            }
        }
        Ok(())
    }

    async fn hashes(&mut self, tile: &Tile, level: u32) -> Result<Option<Vec<[u8; 32]>>, LogError> {
        let hashes = match self.log.read_tile(tile).await? {
            Found::Bytes(bytes) => hashes_of(&bytes, tile),
            Found::Nothing | Found::TooMuch => None,
        };
        if hashes.is_none() {
            self.known = None;
            self.findings.push(LogFinding::NoTile {
                name: tile.name(),
                entries: span(tile, level),
            });
        }
        Ok(hashes)
    }

    /// The entries of a tile of level 0 that is right.
    async fn entries(&mut self, tile: &Tile, hashes: &[[u8; 32]]) -> Result<(), LogError> {
        let bundle = tile.bundle();
        let bytes = match self.log.read_tile(&bundle).await? {
            Found::Bytes(bytes) => bytes,
            Found::Nothing => Vec::new(),
            Found::TooMuch => {
                self.findings.push(LogFinding::Surplus { name: bundle.name() });
                Vec::new()
            }
        };
        let (entries, whole) = entry::split(&bytes);
        let first = tile.index * WIDTH;
        for ((index, hash), entry) in (first..).zip(hashes).zip(&entries) {
            if tree::leaf_hash(entry) != *hash {
                self.findings.push(LogFinding::WrongEntry { index });
            } else if let Some(act) = Act::parse(entry) {
                (self.each)(index, act);
            } else {
                self.findings.push(LogFinding::Unreadable { index });
            }
        }
        if entries.len() < hashes.len() {
            let entries = first + entries.len() as u64..first + hashes.len() as u64;
            self.findings.push(LogFinding::NoEntries { entries });
        }
        for hash in hashes {
            self.leaf(*hash);
        }
        if entries.len() > hashes.len() || (entries.len() == hashes.len() && !whole) {
            self.findings.push(LogFinding::Surplus { name: bundle.name() });
        }
        Ok(())
    }

    fn leaf(&mut self, hash: [u8; 32]) {
        if let Some((count, peaks)) = &mut self.known {
            peaks.push(0, hash);
            *count += 1;
            self.compare_with_held();
        }
    }

    /// Compares the root over the leaves so far with the one that was held, when they are as many.
    fn compare_with_held(&mut self) {
        let (Some((count, peaks)), Some(held)) = (&self.known, self.held) else {
            return;
        };
        if *count == held.size() && peaks.root() != *held.root() {
            self.findings.push(LogFinding::Rewritten { held: held.size() });
        }
    }
}

/// The full tiles that the hashes of a tile speak for, the leftmost last.
fn subtrees(tile: Tile, level: u32, hashes: &[[u8; 32]]) -> Vec<Subtree> {
    let below = (tile.index * WIDTH..).zip(hashes).map(|(index, hash)| Subtree {
        tile: Tile::full(level - 1, index),
        level: level - 1,
        hash: *hash,
    });
    let mut below: Vec<Subtree> = below.collect();
    below.reverse();
    below
}

/// The entries that a tile of hashes speaks for.
fn span(tile: &Tile, level: u32) -> Range<u64> {
    let start = (tile.index * WIDTH) << (HEIGHT * level);
    start..start + (tile.width << (HEIGHT * level))
}
