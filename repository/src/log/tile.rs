//! Tiles (C2SP tlog-tiles): the tree's hashes and entries in files of 256, and the unfinished ones at its right edge.

use super::entry;
use super::tree::{self, Peaks};
use crate::error::StoreError;
use crate::path::StorePath;
use crate::paths;

/// Hashes in a full tile, and entries in a full bundle.
pub(super) const WIDTH: u64 = 256;
/// Height of the subtree that a tile spans.
pub(super) const HEIGHT: u32 = 8;
/// Levels of tiles that a tree of at most 2^53 entries has.
const LEVELS: u32 = 7;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Hashes of subtrees of `256^level` entries; at level 0, of the entries.
    Hashes { level: u32 },
    /// The entries themselves.
    Entries,
}

/// The name of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) kind: Kind,
    pub(super) index: u64,
    /// From 1 to 256.
    pub(super) width: u64,
}

impl Tile {
    /// A full tile of hashes.
    pub(super) const fn full(level: u32, index: u64) -> Self {
        Self {
            kind: Kind::Hashes { level },
            index,
            width: WIDTH,
        }
    }

    /// The bundle of the entries whose hashes this tile of level 0 holds.
    pub(super) const fn bundle(self) -> Self {
        Self {
            kind: Kind::Entries,
            ..self
        }
    }

    /// The name in the log, `tile/0/x001/234.p/12`.
    pub(super) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Hashes { level } => level.to_string(),
            Kind::Entries => "entries".to_owned(),
        };
        let mut index = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            index = format!("x{:03}/{index}", rest % 1000);
            rest /= 1000;
        }
        let partial = match self.width {
            WIDTH => String::new(),
            width => format!(".p/{width}"),
        };
        format!("tile/{kind}/{index}{partial}")
    }

    /// Where it is in the store.
    pub(super) fn path(&self) -> Result<StorePath, StoreError> {
        paths::log(&self.name())
    }

    /// The most bytes that it can have.
    pub(super) const fn max_bytes(&self) -> u64 {
        match self.kind {
            Kind::Hashes { .. } => self.width * 32,
            Kind::Entries => self.width * (2 + entry::MAX_BYTES as u64),
        }
    }
}

/// The unfinished tiles of hashes of a tree of `size` entries, highest level first.
pub(super) fn partial_tiles(size: u64) -> Vec<Tile> {
    (0..LEVELS)
        .rev()
        .map(|level| {
            let hashes = size >> (HEIGHT * level);
            Tile {
                kind: Kind::Hashes { level },
                index: hashes / WIDTH,
                width: hashes % WIDTH,
            }
        })
        .filter(|tile| tile.width > 0)
        .collect()
}

/// The root of a tree from the hashes of its [`partial_tiles`], highest level first.
pub(super) fn root_of_edge<'a>(edge: impl IntoIterator<Item = (u32, &'a [[u8; 32]])>) -> [u8; 32] {
    let mut peaks = Peaks::default();
    for (level, hashes) in edge {
        for hash in hashes {
            peaks.push(HEIGHT * level, *hash);
        }
    }
    peaks.root()
}

/// The right edge of a tree: what has to be known of it to append to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Edge {
    size: u64,
    /// The hashes in the unfinished tile of each level, lowest first.
    levels: Vec<Vec<[u8; 32]>>,
    /// The unfinished bundle of entries.
    bundle: Vec<u8>,
}

impl Edge {
    /// The edge of a tree of `size` entries, from its unfinished tiles and the bytes of its unfinished bundle.
    pub(super) fn new(size: u64, tiles: Vec<(u32, Vec<[u8; 32]>)>, bundle: Vec<u8>) -> Self {
        let mut edge = Self {
            size,
            levels: Vec::new(),
            bundle,
        };
        for (level, hashes) in tiles {
            *edge.level(level) = hashes;
        }
        edge
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn root(&self) -> [u8; 32] {
        let levels = (0..LEVELS).zip(&self.levels);
        root_of_edge(levels.rev().map(|(level, hashes)| (level, hashes.as_slice())))
    }

    /// Appends an entry. Tiles that it fills are added to `full`.
    pub(super) fn push(&mut self, bytes: &[u8], full: &mut Vec<(Tile, Vec<u8>)>) {
        entry::push(&mut self.bundle, bytes);
        self.size += 1;
        let mut hash = tree::leaf_hash(bytes);
        for level in 0.. {
            let index = (self.size - 1) >> (HEIGHT * (level + 1));
            let hashes = self.level(level);
            hashes.push(hash);
            if (hashes.len() as u64) < WIDTH {
                break;
            }
            let hashes = std::mem::take(hashes);
            let tile = Tile::full(level, index);
            full.push((tile, hashes.concat()));
            if level == 0 {
                full.push((tile.bundle(), std::mem::take(&mut self.bundle)));
            }
            hash = tree::root_of(&hashes);
        }
    }

    /// The unfinished tiles and the unfinished bundle, as they are now.
    pub(super) fn partial(&self) -> Vec<(Tile, Vec<u8>)> {
        let mut tiles = Vec::new();
        for tile in partial_tiles(self.size) {
            let Kind::Hashes { level } = tile.kind else {
                continue;
            };
            let hashes = self.levels.get(level as usize).map(|hashes| hashes.concat());
            tiles.push((tile, hashes.unwrap_or_default()));
            if level == 0 {
                tiles.push((tile.bundle(), self.bundle.clone()));
            }
        }
        tiles
    }

    fn level(&mut self, level: u32) -> &mut Vec<[u8; 32]> {
        let at = level as usize;
        if self.levels.len() <= at {
            self.levels.resize(at + 1, Vec::new());
        }
        &mut self.levels[at]
    }
}

#[cfg(test)]
mod tests;
