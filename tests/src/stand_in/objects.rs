//! What the stand-in keeps.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Bytes read from a file at a time.
const BLOCK: u64 = 256 * 1024;

/// A body in a file.
#[derive(Clone, Debug)]
struct Piece {
    path: PathBuf,
    length: u64,
    e_tag: String,
}

/// An object: its pieces in order.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pieces: Vec<Piece>,
    pub(super) e_tag: String,
    pub(super) length: u64,
}

impl Object {
    /// All of it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let blocks = self.blocks(0, self.length);
        blocks
            .flat_map(|block| block.expect("a body can be read"))
            .collect()
    }

    /// Blocks of the bytes from `start` up to `end`.
    pub(super) fn blocks(&self, start: u64, end: u64) -> impl Iterator<Item = io::Result<Bytes>> + use<> {
        let mut spans = Vec::new();
        let mut begin = 0;
        for piece in &self.pieces {
            let (from, to) = (start.max(begin), end.min(begin + piece.length));
            let steps = (0..)
                .map(|step| from + step * BLOCK)
                .take_while(move |at| *at < to);
            spans.extend(steps.map(|at| (piece.path.clone(), at - begin, BLOCK.min(to - at))));
            begin += piece.length;
        }
        spans.into_iter().map(|(path, offset, length)| {
            let mut block = vec![0; usize::try_from(length).unwrap_or(0)];
            File::open(path)?.read_exact_at(&mut block, offset)?;
            Ok(block.into())
        })
    }
}

/// Objects and unfinished uploads.
#[derive(Debug)]
pub(super) struct Objects {
    folder: PathBuf,
    next: u64,
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, BTreeMap<u32, Piece>>,
}

impl Objects {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            next: 0,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn store(&mut self, body: &[u8]) -> Piece {
        let number = self.number();
        let path = self.folder.join(format!("piece-{number}"));
        fs::write(&path, body).expect("a body can be kept");
        Piece {
            path,
            length: body.len() as u64,
            e_tag: format!("\"{}\"", hex::encode(&Sha256::digest(body)[..16])),
        }
    }

    pub(super) fn put(&mut self, key: &str, body: &[u8]) -> String {
        let piece = self.store(body);
        let e_tag = piece.e_tag.clone();
        let object = Object {
            length: piece.length,
            pieces: vec![piece],
            e_tag: e_tag.clone(),
        };
        self.replace(key, object);
        e_tag
    }

    fn replace(&mut self, key: &str, object: Object) {
        if let Some(old) = self.objects.insert(key.to_owned(), object) {
            discard(old.pieces);
        }
    }

    /// Puts every object into `other`; its length and bytes stay, its tag may not.
    pub(super) fn copy_to(&self, other: &mut Self) {
        for (key, object) in &self.objects {
            other.put(key, &object.bytes());
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    pub(super) fn delete(&mut self, key: &str) {
        if let Some(old) = self.objects.remove(key) {
            discard(old.pieces);
        }
    }

    pub(super) fn list(&self, prefix: &str) -> impl Iterator<Item = (&String, &Object)> {
        self.objects
            .iter()
            .filter(move |(key, _)| key.starts_with(prefix))
    }

    pub(super) fn create(&mut self) -> String {
        let id = format!("upload-{}", self.number());
        self.uploads.insert(id.clone(), BTreeMap::new());
        id
    }

    /// Takes a part; `None` when there is no such upload.
    pub(super) fn part(&mut self, id: &str, number: u32, body: &[u8]) -> Option<String> {
        if !self.uploads.contains_key(id) {
            return None;
        }
        let piece = self.store(body);
        let e_tag = piece.e_tag.clone();
        let old = self.uploads.get_mut(id)?.insert(number, piece);
        discard(old);
        Some(e_tag)
    }

    /// Makes the parts an object; `None` when there is no such upload, an empty text when a part is not the one named.
    pub(super) fn complete(&mut self, key: &str, id: &str, named: &[(u32, String)]) -> Option<String> {
        let parts = self.uploads.get(id)?;
        let here: Vec<(u32, String)> = parts.iter().map(|(n, piece)| (*n, piece.e_tag.clone())).collect();
        if here != named {
            return Some(String::new());
        }
        let pieces: Vec<Piece> = self.uploads.remove(id)?.into_values().collect();
        let e_tag = format!("\"{}-{}\"", self.number(), pieces.len());
        let length = pieces.iter().map(|piece| piece.length).sum();
        let object = Object {
            pieces,
            e_tag: e_tag.clone(),
            length,
        };
        self.replace(key, object);
        Some(e_tag)
    }

    pub(super) fn abort(&mut self, id: &str) -> bool {
        let parts = self.uploads.remove(id);
        let known = parts.is_some();
        discard(parts.into_iter().flat_map(BTreeMap::into_values));
        known
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.uploads.len()
    }

    pub(super) fn forget_uploads(&mut self) {
        let ids: Vec<String> = self.uploads.keys().cloned().collect();
        for id in ids {
            self.abort(&id);
        }
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }

    pub(super) fn damage(&mut self, key: &str, offset: u64) {
        let object = self.objects.get(key).expect("an object to damage");
        let mut begin = 0;
        for piece in &object.pieces {
            if offset < begin + piece.length {
                let file = OpenOptions::new().read(true).write(true).open(&piece.path);
                let file = file.expect("a body can be opened");
                let mut byte = [0];
                file.read_exact_at(&mut byte, offset - begin).expect("a byte");
                byte[0] ^= 1;
                return file.write_all_at(&byte, offset - begin).expect("a byte");
            }
            begin += piece.length;
        }
        panic!("{key} has no byte {offset}");
    }
}

fn discard(pieces: impl IntoIterator<Item = Piece>) {
    for piece in pieces {
        // A reader may still hold it open; the name can go.
        let _ = fs::remove_file(piece.path);
    }
}
