//! Images that no sealer may make, put together from the specification: right in everything but what a vector is about.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key};
use hkdf::Hkdf;
use sealift_envelope::EnvelopeDigest;
use sha2::{Digest as _, Sha256, Sha512};

use super::cbor::{self, Pieces};
use super::world::{CHUNK, CONTENT_KEY, ENVELOPE_ID, MEDIA_TYPE, SALT};

/// What the body's keys are derived with.
pub(super) const INFO: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// Chunk key, base nonce and commitment of one body.
pub(super) struct Body {
    cipher: Aes256Gcm,
    base_nonce: [u8; 12],
    pub(super) commitment: [u8; 32],
}

impl Body {
    pub(super) fn derive(content_key: &[u8; 32], salt: &[u8; 24], context: &[u8]) -> Self {
        let mut prk = [0; 64];
        prk[..32].copy_from_slice(content_key);
        let mut okm = [0; 76];
        Hkdf::<Sha512>::from_prk(&prk)
            .expect("64 bytes")
            .expand_multi_info(&[INFO, salt, context], &mut okm)
            .expect("76 bytes");
        Self::from_okm(&okm)
    }

    /// From the 76 bytes that a key derivation gave.
    pub(super) fn from_okm(okm: &[u8; 76]) -> Self {
        Self {
            cipher: Aes256Gcm::new(&key(&okm[..32])),
            base_nonce: okm[32..44].try_into().expect("12 bytes"),
            commitment: okm[44..].try_into().expect("32 bytes"),
        }
    }

    /// The base nonce with `counter` in its last eight bytes.
    pub(super) fn nonce(&self, counter: [u8; 8]) -> [u8; 12] {
        let mut nonce = self.base_nonce;
        for (byte, mask) in nonce[4..].iter_mut().zip(counter) {
            *byte ^= mask;
        }
        nonce
    }

    pub(super) fn chunk(&self, index: u64, plain: &[u8]) -> Vec<u8> {
        self.chunk_with(self.nonce(index.to_be_bytes()), b"", plain)
    }

    pub(super) fn chunk_with(&self, nonce: [u8; 12], aad: &[u8], msg: &[u8]) -> Vec<u8> {
        let sealed = self.cipher.encrypt(&nonce.into(), Payload { msg, aad });
        sealed.expect("a chunk is short")
    }

    /// All chunks of `plain`, the short one at the end.
    pub(super) fn chunks(&self, plain: &[u8]) -> Vec<u8> {
        let last = plain.len() / CHUNK;
        let chunk = |k: usize| {
            let part = &plain[k * CHUNK..plain.len().min((k + 1) * CHUNK)];
            self.chunk(k as u64, part)
        };
        (0..=last).flat_map(chunk).collect()
    }
}

pub(super) fn key(bytes: &[u8]) -> Key<Aes256Gcm> {
    Key::<Aes256Gcm>::try_from(bytes).expect("32 bytes")
}

/// A header in pieces, and what is behind it.
#[derive(Debug, Clone)]
pub(super) struct Forge {
    pub(super) magic: [u8; 8],
    pub(super) version: u16,
    pub(super) immutable: Vec<u8>,
    /// Said of the immutable part, where that is not its length.
    pub(super) immutable_len: Option<u32>,
    pub(super) recipients: Vec<u8>,
    /// Said of the recipients part, where that is not its length.
    pub(super) recipients_len: Option<u32>,
    pub(super) plain: Vec<u8>,
}

impl Forge {
    /// A genuine image of `plain` without recipients.
    pub(super) fn of(plain: &[u8]) -> Self {
        Self {
            magic: *b"SEALIFT\0",
            version: 1,
            immutable: immutable(plain.len() as u64).concat(),
            immutable_len: None,
            recipients: vec![0x80],
            recipients_len: None,
            plain: plain.to_vec(),
        }
    }

    pub(super) fn immutable(mut self, bytes: Vec<u8>) -> Self {
        self.immutable = bytes;
        self
    }

    pub(super) fn recipients(mut self, bytes: Vec<u8>) -> Self {
        self.recipients = bytes;
        self
    }

    /// The bytes that enter the key derivation.
    pub(super) fn context(&self) -> Vec<u8> {
        let len = self.immutable_len.unwrap_or(self.immutable.len() as u32);
        let version = self.version.to_be_bytes();
        [&self.magic[..], &version, &len.to_be_bytes(), &self.immutable].concat()
    }

    /// The body that belongs to this context.
    pub(super) fn body(&self) -> Body {
        Body::derive(&CONTENT_KEY, &SALT, &self.context())
    }

    pub(super) fn digest(&self) -> EnvelopeDigest {
        let hash = Sha256::new()
            .chain_update(self.context())
            .chain_update(SALT)
            .chain_update(self.body().commitment);
        EnvelopeDigest::from_bytes(hash.finalize().into())
    }

    /// Magic to commitment.
    pub(super) fn header(&self) -> Vec<u8> {
        self.header_with(&self.body().commitment)
    }

    pub(super) fn header_with(&self, commitment: &[u8; 32]) -> Vec<u8> {
        let len = self.recipients_len.unwrap_or(self.recipients.len() as u32);
        let len = len.to_be_bytes();
        [&self.context()[..], &len, &self.recipients, &SALT, commitment].concat()
    }

    /// The whole image.
    pub(super) fn build(&self) -> Vec<u8> {
        [self.header(), self.body().chunks(&self.plain)].concat()
    }
}

/// The immutable part in pieces: 0 the map, then key and value in turn: 1, 2 suite; 3, 4 length; 5, 6 media type; 7, 8
/// envelope id.
pub(super) fn immutable(plain_length: u64) -> Pieces {
    Pieces::new(vec![
        cbor::head(5, 4),
        cbor::uint(1),
        cbor::uint(1),
        cbor::uint(2),
        cbor::uint(plain_length),
        cbor::uint(3),
        cbor::text(MEDIA_TYPE),
        cbor::uint(4),
        cbor::bytes(&ENVELOPE_ID),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::world::{plaintext, sealed};

    /// The forger knows the format: what is not forged is what the library makes.
    #[test]
    fn a_forgery_without_a_fault_is_genuine() {
        for len in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 10] {
            let plain = plaintext(len);
            assert_eq!(Forge::of(&plain).build(), sealed(&plain, &[]).unwrap(), "{len}");
        }
    }
}
