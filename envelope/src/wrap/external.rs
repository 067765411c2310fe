//! Unwrapping with a private key that lives elsewhere: in a token, or in a key service (§5.2, §5.3).
//!
//! Only the one operation that needs the private key is done there, a Diffie-Hellman or an RSAES-OAEP decryption; it is a
//! closure here. What goes before (a stanza for this key, a point on the curve) and after (RFC 9180's key schedule, the
//! tag) is done in this process, by the same code as for keys in memory.
//!
//! Whatever the answer is, it proves itself by the tag of the stanza. A wrong answer and an altered stanza are one and
//! the same [`UnwrapError::Refused`].

use hpke::aead::{AeadCtxR, AesGcm256};
use hpke::kdf::{HkdfSha256, Kdf as _};
use hpke::kem::{DhP256HkdfSha256, SharedSecret};
use hpke::{Kem, OpModeR};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rsa::traits::PublicKeyParts as _;
use zeroize::Zeroizing;

use super::rsa_oaep;
use crate::content_key::ContentKey;
use crate::error::UnwrapError;
use crate::keys::RecipientKey;
use crate::scrub::scrubbed;
use crate::stanza::{Stanza, Wrap};

/// Bytes of an uncompressed P-256 point.
const POINT_LEN: usize = 65;
/// Bytes of a coordinate, which is what ECDH on P-256 gives.
const COORDINATE_LEN: usize = 32;
/// RFC 9180 §4.1: `"KEM"` and the number of DHKEM(P-256, HKDF-SHA256).
const KEM_SUITE: [u8; 5] = *b"KEM\x00\x10";

/// The sender's ephemeral point of a stanza: on the curve, not at infinity, uncompressed.
pub struct PeerPoint {
    key: p256::PublicKey,
    bytes: [u8; POINT_LEN],
}

impl PeerPoint {
    fn of(stanza: &Stanza) -> Option<Self> {
        let bytes = stanza.enc().try_into().ok()?;
        // Checks the curve equation; the length leaves only the uncompressed form, which is neither compressed nor infinity.
        let key = p256::PublicKey::from_sec1_bytes(stanza.enc()).ok()?;
        Some(Self { key, bytes })
    }

    /// 65 bytes, `0x04 || x || y`: what PKCS#11 takes.
    pub fn as_sec1(&self) -> &[u8; POINT_LEN] {
        &self.bytes
    }

    /// DER SubjectPublicKeyInfo: what AWS KMS takes.
    pub fn to_spki_der(&self) -> Vec<u8> {
        RecipientKey::P256(self.key).to_spki_der()
    }
}

impl std::fmt::Debug for PeerPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerPoint(…)")
    }
}

/// What the holder of a private key answered: a shared secret or a decrypted one. Erased when dropped.
pub type Answer = Zeroizing<Vec<u8>>;

/// Unwraps a stanza of type 1 (HPKE with P-256) for `to`, whose private half `agree` reaches.
///
/// `agree` is given the peer's point and answers the raw x-coordinate of the product, 32 bytes, leading zeros included.
///
/// # Errors
/// What `agree` says; [`UnwrapError::Refused`] for a stanza of another key, a point off the curve, an answer of another
/// length, and everything cryptographic.
pub fn unwrap_p256(
    to: &RecipientKey,
    stanza: &Stanza,
    info: &[u8],
    agree: impl FnOnce(&PeerPoint) -> Result<Answer, UnwrapError>,
) -> Result<ContentKey, UnwrapError> {
    let RecipientKey::P256(public) = to else {
        return Err(UnwrapError::Refused);
    };
    fits(to, Wrap::HpkeP256, stanza)?;
    let peer = PeerPoint::of(stanza).ok_or(UnwrapError::Refused)?;
    let shared = agree(&peer)?;
    if shared.len() != COORDINATE_LEN {
        return Err(UnwrapError::Refused);
    }
    scrubbed(|| {
        let opened = hpke_open(&shared, peer.as_sec1(), public, info, stanza.ciphertext(), &[]);
        content_key(opened)
    })
}

/// Unwraps a stanza of type 2 (RSA-OAEP) for `to`, whose private half `decrypt` reaches.
///
/// `decrypt` is given the encapsulation and answers RSAES-OAEP-DECRYPT of it, with SHA-256, MGF1 with SHA-256 and the empty
/// label. Wrong padding has to come back as [`UnwrapError::Refused`].
///
/// # Errors
/// What `decrypt` says; [`UnwrapError::Refused`] for a stanza of another key, a secret that is not 32 bytes long, and
/// everything cryptographic.
pub fn unwrap_rsa(
    to: &RecipientKey,
    stanza: &Stanza,
    info: &[u8],
    decrypt: impl FnOnce(&[u8]) -> Result<Answer, UnwrapError>,
) -> Result<ContentKey, UnwrapError> {
    let RecipientKey::Rsa(public) = to else {
        return Err(UnwrapError::Refused);
    };
    fits(to, Wrap::RsaOaep, stanza)?;
    // A holder may be lenient about these two; §5.3 is not.
    let modulus = public.n_bytes();
    if stanza.enc().len() != modulus.len() || *stanza.enc() >= *modulus {
        return Err(UnwrapError::Refused);
    }
    let secret = decrypt(stanza.enc())?;
    scrubbed(|| rsa_oaep::unwrap_with_secret(&secret, stanza, info))
}

fn fits(to: &RecipientKey, wrap: Wrap, stanza: &Stanza) -> Result<(), UnwrapError> {
    if to.wrap() == wrap && stanza.wrap() == wrap && stanza.key_id() == to.key_id() {
        Ok(())
    } else {
        Err(UnwrapError::Refused)
    }
}

fn content_key(opened: Option<Zeroizing<Vec<u8>>>) -> Result<ContentKey, UnwrapError> {
    let opened = opened.ok_or(UnwrapError::Refused)?;
    ContentKey::from_slice(&opened).ok_or(UnwrapError::Refused)
}

/// RFC 9180 §4.1 `Decap` from the result of DH on, then RFC 9180 §5.1.1 and RFC 9180 §6.1 in base mode.
fn hpke_open(
    dh: &[u8],
    enc: &[u8; POINT_LEN],
    to: &p256::PublicKey,
    info: &[u8],
    ciphertext: &[u8],
    aad: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let shared = extract_and_expand(dh, enc, to)?;
    let schedule =
        HkdfSha256::combine_secrets::<AesGcm256, DhP256HkdfSha256, _>(&OpModeR::Base, shared, info);
    let mut receiver = AeadCtxR::from(schedule);
    receiver.open(ciphertext, aad).ok().map(Zeroizing::new)
}

/// RFC 9180 §4.1: `ExtractAndExpand(dh, enc || pkRm)`.
fn extract_and_expand(
    dh: &[u8],
    enc: &[u8; POINT_LEN],
    to: &p256::PublicKey,
) -> Option<SharedSecret<DhP256HkdfSha256>> {
    let public = to.to_sec1_point(false);
    let mut kem_context = enc.to_vec();
    kem_context.extend_from_slice(public.as_bytes());
    let mut shared = SharedSecret::default();
    HkdfSha256::extract_and_expand(dh, &KEM_SUITE, &kem_context, &mut shared.0).ok()?;
    Some(shared)
}

const _: () = {
    let id = <DhP256HkdfSha256 as Kem>::KEM_ID.to_be_bytes();
    assert!(id[0] == KEM_SUITE[3] && id[1] == KEM_SUITE[4]);
};

#[cfg(test)]
mod tests;
