//! Checkpoints (C2SP tlog-checkpoint): what the log was at one moment, signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::note::{self, NoteError, NoteKey};

/// Largest tree that is believed, entries.
const MAX_SIZE: u64 = 1 << 53;

/// A checkpoint whose signature was verified; only a [`Log`](super::Log) makes one.
///
/// Keep one outside the store: everything that the log held then, it has to hold for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    size: u64,
    root: [u8; 32],
    bytes: Vec<u8>,
}

impl Checkpoint {
    /// How many entries the log has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree over them.
    #[must_use]
    pub const fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// The signed note.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text that is signed.
    pub(super) fn text(origin: &str, size: u64, root: &[u8; 32]) -> String {
        format!("{origin}\n{size}\n{}\n", BASE64.encode(root))
    }

    /// Reads a note that one of `keys` signed for this log.
    pub(super) fn open(bytes: &[u8], origin: &str, keys: &[NoteKey]) -> Result<Self, NoteError> {
        let text = note::open(bytes, keys)?;
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let mut line = || lines.next().unwrap_or_default();
        let (found, size, root) = (line(), line(), line());
        if found != origin {
            return Err(NoteError::Origin {
                found: found.chars().take(128).collect(),
            });
        }
        let number = size.parse().ok().filter(|size: &u64| *size <= MAX_SIZE);
        let number = number.filter(|number| number.to_string() == size);
        let root = BASE64.decode(root).ok().and_then(|root| root.try_into().ok());
        let (Some(size), Some(root)) = (number, root) else {
            return Err(NoteError::Form("size or root of the tree has a wrong form"));
        };
        // Further lines are extensions, which mean nothing here.
        if lines.any(str::is_empty) {
            return Err(NoteError::Form("it has empty lines"));
        }
        Ok(Self {
            size,
            root,
            bytes: bytes.to_vec(),
        })
    }
}
