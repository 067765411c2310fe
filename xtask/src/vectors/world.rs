//! What all vectors share: the content key, the salt, the recipients, the places that wrapped keys are bound to.

use std::fs;
use std::path::Path;

use sealift_envelope::{
    Binding, ContentKey, EnvelopeDigest, PrivateKey, RecipientKey, SealParams, Stanza, danger, wrap,
};

use super::seeded::Seeded;
use crate::failure::Failure;

/// Plaintext bytes of a whole chunk.
pub(super) const CHUNK: usize = 16_384;
/// The same chunk, sealed.
pub(super) const SEALED_CHUNK: usize = CHUNK + 16;

/// `00 01 … 1f`
pub(super) const CONTENT_KEY: [u8; 32] = counting(0);
/// `20 21 … 37`
pub(super) const SALT: [u8; 24] = counting(0x20);
/// `40 41 … 4f`
pub(super) const ENVELOPE_ID: [u8; 16] = counting(0x40);
/// What most images say their plaintext is.
pub(super) const MEDIA_TYPE: &str = "text/plain";

const fn counting<const N: usize>(first: u8) -> [u8; N] {
    let mut bytes = [first; N];
    let mut at = 1;
    while at < N {
        bytes[at] = bytes[at - 1] + 1;
        at += 1;
    }
    bytes
}

/// Where a wrapped key is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) repository: &'a str,
    pub(super) path: &'a str,
    pub(super) vehicle: &'a str,
    pub(super) ecu: &'a str,
}

/// The place of every wrapped key that is not about its place.
pub(super) const HERE: Place<'_> = Place {
    repository: "repository",
    path: "dir/file.img",
    vehicle: "vehicle",
    ecu: "ecu",
};

impl Place<'_> {
    pub(super) fn of_key_file(&self) -> Binding {
        Binding::key_file(self.repository, self.path)
    }

    pub(super) fn of_key_box(&self) -> Binding {
        Binding::key_box(self.repository, self.path, self.vehicle, self.ecu)
    }
}

/// The recipients.
pub(super) struct World {
    pub(super) p256: PrivateKey,
    pub(super) rsa: PrivateKey,
    pub(super) x_wing: PrivateKey,
}

impl World {
    pub(super) fn read(keys: &Path) -> Result<Self, Failure> {
        let read = |name: &str| -> Result<PrivateKey, Failure> {
            let path = keys.join(name);
            let pem = fs::read_to_string(&path).map_err(|error| Failure::at(path.display(), error))?;
            Ok(PrivateKey::from_pkcs8_pem(&pem, None)?)
        };
        Ok(Self {
            p256: read("p256.pem")?,
            rsa: read("rsa3072.pem")?,
            x_wing: read("x-wing.pem")?,
        })
    }

    /// A public key that nobody has the private half of.
    pub(super) fn stranger(name: &str) -> RecipientKey {
        PrivateKey::generate_p256(&mut Seeded::new(name)).public()
    }
}

/// Parameters of the images that the library makes.
pub(super) fn params(plain_length: Option<u64>, recipients: Vec<RecipientKey>) -> SealParams {
    SealParams {
        plain_length,
        media_type: MEDIA_TYPE.to_owned(),
        envelope_id: ENVELOPE_ID,
        recipients,
        ..SealParams::default()
    }
}

/// The image that the library makes of `plain`.
pub(super) fn sealed_with(params: SealParams, plain: &[u8]) -> Result<Vec<u8>, Failure> {
    let key = ContentKey::from_bytes(CONTENT_KEY);
    let plan = danger::plan_with_key(params, key, SALT, &mut Seeded::new("vectors"))?;
    let mut image = Vec::new();
    plan.run(plain, &mut image, &mut |_| {})?;
    Ok(image)
}

/// The same with the length in the header.
pub(super) fn sealed(plain: &[u8], recipients: &[&PrivateKey]) -> Result<Vec<u8>, Failure> {
    let recipients = recipients.iter().map(|key| key.public()).collect();
    sealed_with(params(Some(u64::try_from(plain.len())?), recipients), plain)
}

/// Wraps the content key of every vector.
pub(super) fn wrapped(
    to: &RecipientKey,
    digest: &EnvelopeDigest,
    binding: &Binding,
    seed: &str,
) -> Result<Stanza, Failure> {
    let key = ContentKey::from_bytes(CONTENT_KEY);
    Ok(wrap(&key, to, digest, binding, &mut Seeded::new(seed))?)
}

/// Bytes without a pattern of the chunk's length: byte *i* is the top byte of *i* · 0x9e3779b97f4a7c15 mod 2^64.
pub(super) fn plaintext(len: usize) -> Vec<u8> {
    let byte = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    (0..).map(byte).take(len).collect()
}
