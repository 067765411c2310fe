//! Checkpoints and tiles as they are in the store.

use super::tile::{self, Edge, Kind, Tile};
use super::{Checkpoint, Log, LogError, entry, tree};
use crate::backend::Version;
use crate::error::StoreError;
use crate::path::StorePath;

/// Longest checkpoint that is read, bytes.
const MAX_CHECKPOINT: u64 = 64 * 1024;

/// A checkpoint, and the state of the object that it was read from.
pub(super) type Seen = (Version, Checkpoint);

/// What is under the name of a tile.
pub(super) enum Found {
    Bytes(Vec<u8>),
    Nothing,
    /// More bytes than such a tile has.
    TooMuch,
}

impl Log {
    /// The signed checkpoint at `path`.
    pub(super) async fn read_checkpoint(&self, path: &StorePath) -> Result<Option<Seen>, LogError> {
        let Some(stored) = self.store.read(path, MAX_CHECKPOINT).await? else {
            return Ok(None);
        };
        match self.checkpoint(&stored.bytes) {
            Ok(checkpoint) => Ok(Some((stored.version, checkpoint))),
            Err(source) => Err(LogError::Untrusted {
                path: path.to_string(),
                source,
            }),
        }
    }

    pub(super) async fn read_tile(&self, tile: &Tile) -> Result<Found, StoreError> {
        match self.store.read(&tile.path()?, tile.max_bytes()).await {
            Ok(Some(stored)) => Ok(Found::Bytes(stored.bytes.to_vec())),
            Ok(None) => Ok(Found::Nothing),
            Err(StoreError::TooLarge { .. }) => Ok(Found::TooMuch),
            Err(error) => Err(error),
        }
    }

    /// The right edge of the tree of a checkpoint whose tiles are written, compared with its root.
    pub(super) async fn read_edge(&self, checkpoint: &Checkpoint) -> Result<Edge, LogError> {
        let (mut tiles, mut bundle) = (Vec::new(), Vec::new());
        let mut lowest = None;
        for tile in tile::partial_tiles(checkpoint.size()) {
            let Kind::Hashes { level } = tile.kind else {
                continue;
            };
            let hashes = match self.read_tile(&tile).await? {
                Found::Bytes(bytes) => {
                    hashes_of(&bytes, &tile).ok_or_else(|| damaged(&tile, "has a wrong length"))?
                }
                Found::Nothing => return Err(damaged(&tile, "is missing")),
                Found::TooMuch => return Err(damaged(&tile, "has a wrong length")),
            };
            if level == 0 {
                bundle = self.read_bundle(&tile.bundle(), &hashes).await?;
            }
            tiles.push((level, hashes));
            lowest = Some(tile);
        }
        let edge = Edge::new(checkpoint.size(), tiles, bundle);
        match lowest {
            Some(tile) if edge.root() != *checkpoint.root() => {
                Err(damaged(&tile, "does not give the root that was signed"))
            }
            _ => Ok(edge),
        }
    }

    async fn read_bundle(&self, tile: &Tile, hashes: &[[u8; 32]]) -> Result<Vec<u8>, LogError> {
        let Found::Bytes(bytes) = self.read_tile(tile).await? else {
            return Err(damaged(tile, "is missing or too long"));
        };
        let (entries, whole) = entry::split(&bytes);
        let right = entries
            .iter()
            .map(|entry| tree::leaf_hash(entry))
            .eq(hashes.iter().copied());
        if whole && right {
            Ok(bytes)
        } else {
            Err(damaged(tile, "has other entries than were signed"))
        }
    }
}

/// The hashes of a tile, if they are as many as it has.
pub(super) fn hashes_of(bytes: &[u8], tile: &Tile) -> Option<Vec<[u8; 32]>> {
    let (hashes, rest) = bytes.as_chunks();
    let all = rest.is_empty() && hashes.len() as u64 == tile.width;
    all.then(|| hashes.to_vec())
}

fn damaged(tile: &Tile, problem: &'static str) -> LogError {
    LogError::Damaged {
        path: format!("repo/log/{}", tile.name()),
        problem,
    }
}
