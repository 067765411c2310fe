//! Every hash that signed metadata list for stored bytes, in one pass over them.

use sealift_metadata::Hashes;
use sha2::{Digest, Sha256, Sha512};

/// Compares bytes, piece by piece, with all the hashes that are listed for them; what is not listed is not computed.
#[derive(Clone, Debug)]
pub struct AllHashes {
    listed: Hashes,
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl AllHashes {
    /// For bytes that must have these.
    #[must_use]
    pub fn new(listed: Hashes) -> Self {
        Self {
            sha256: listed.sha256().map(|_| Sha256::new()),
            sha512: listed.sha512().map(|_| Sha512::new()),
            listed,
        }
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(piece);
        }
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(piece);
        }
    }

    /// Whether the pieces had every listed hash.
    #[must_use]
    pub fn fit(self) -> bool {
        let sha256 = self.sha256.map(|hasher| hasher.finalize().into());
        let sha512 = self.sha512.map(|hasher| hasher.finalize().into());
        Hashes::new(sha256, sha512) == Some(self.listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listed_hash_decides_and_no_other() {
        let bytes = b"the stored bytes";
        let sha256 = Some(Sha256::digest(bytes).into());
        let sha512 = Some(Sha512::digest(bytes).into());
        let fit = |sha256, sha512| {
            let mut hashes = AllHashes::new(Hashes::new(sha256, sha512).unwrap());
            hashes.update(&bytes[..5]);
            hashes.update(&bytes[5..]);
            hashes.fit()
        };
        assert!(fit(sha256, None) && fit(None, sha512) && fit(sha256, sha512));
        assert!(!fit(Some([7; 32]), None) && !fit(None, Some([7; 64])));
        assert!(!fit(sha256, Some([7; 64])) && !fit(Some([7; 32]), sha512));
    }
}
