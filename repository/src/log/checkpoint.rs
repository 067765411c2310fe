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

#[cfg(test)]
mod tests {
    use sealift_metadata::signer::{FileSigner, Signer};

    use super::*;

    #[tokio::test]
    async fn only_the_specified_form_is_read() {
        let pem = include_str!("../../../metadata/tests/data/ed25519.pem");
        let signer = FileSigner::from_pem(pem, None).unwrap();
        let keys = [NoteKey::new("log", signer.public()).unwrap()];
        let open = async |text: String| {
            let note = keys[0].sign(&text, &signer).await.unwrap();
            Checkpoint::open(&note, "log", &keys)
        };
        let root = BASE64.encode([7; 32]);
        let good = open(Checkpoint::text("log", 5, &[7; 32])).await.unwrap();
        assert_eq!((good.size(), good.root()), (5, &[7; 32]));
        let extended = open(format!("log\n0\n{root}\nmore\n")).await.unwrap();
        assert_eq!(extended.size(), 0);
        assert!(open(format!("log\n{MAX_SIZE}\n{root}\n")).await.is_ok());

        let other = open(format!("other\n5\n{root}\n")).await;
        assert!(matches!(other, Err(NoteError::Origin { found }) if found == "other"));
        for text in [
            format!("log\n05\n{root}\n"),
            format!("log\n+5\n{root}\n"),
            format!("log\n\n{root}\n"),
            format!("log\n{}\n{root}\n", MAX_SIZE + 1),
            format!("log\n5\n{}\n", BASE64.encode([7; 31])),
            format!("log\n5\n{}\n", hex::encode([7; 32])),
            "log\n5\n".to_owned(),
            "log\n".to_owned(),
            format!("log\n5\n{root}\n\nmore\n"),
        ] {
            let refused = open(text.clone()).await;
            assert!(matches!(refused, Err(NoteError::Form(_))), "{text}: {refused:?}");
        }
    }
}
