//! HPKE with X-Wing, which is ML-KEM-768 and X25519 in one (§5.2).
//!
//! ML-KEM cannot fail: a ciphertext that was altered gives another secret, and the tag of the wrapped key finds it. X25519
//! gives zero for a point of low order, whoever the recipient is. X-Wing hashes the point together with both secrets, so
//! nothing would be lost while ML-KEM holds; but no honest sealer makes such a point, and what was sealed with it has lost
//! its second lock. It is refused on both sides.

use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, Serializable as _};
use rand_core::CryptoRng;

use super::{Wrapped, hpke_base};
use crate::content_key::ContentKey;
use crate::error::UnwrapError;
use crate::stanza::Stanza;

/// Bytes of a public key: 1184 of ML-KEM-768 and 32 of X25519.
pub(crate) const PUBLIC_LEN: usize = 1216;
/// Bytes of a private key: the seed of both halves.
pub(crate) const SEED_LEN: usize = 32;
/// Bytes of an encapsulation: 1088 of ML-KEM-768 and 32 of X25519.
pub(crate) const ENC_LEN: usize = 1120;

/// The decapsulation key. Erased from memory when dropped.
pub(crate) type Private = <XWing as Kem>::PrivateKey;

pub(crate) fn wrap<R: CryptoRng + ?Sized>(
    key: &ContentKey,
    to: &[u8; PUBLIC_LEN],
    info: &[u8],
    rng: &mut R,
) -> Option<Wrapped> {
    let public = <XWing as Kem>::PublicKey::from_bytes(to).ok()?;
    hpke_base::seal::<XWing, _>(key, &public, info, rng)
}

pub(crate) fn unwrap(key: &Private, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
    if has_low_order(stanza.enc()) {
        return Err(UnwrapError::Refused);
    }
    hpke_base::open::<XWing>(key, stanza, info).ok_or(UnwrapError::Refused)
}

/// The private key that grows from these 32 bytes.
pub(crate) fn private(seed: &[u8; SEED_LEN]) -> Option<Private> {
    Private::from_bytes(seed).ok()
}

/// The 32 bytes that the private key grew from.
pub(crate) fn seed(key: &Private) -> [u8; SEED_LEN] {
    key.to_bytes().into()
}

/// The public half.
pub(crate) fn public(key: &Private) -> [u8; PUBLIC_LEN] {
    XWing::sk_to_pk(key).to_bytes().into()
}

/// Whether content keys can be wrapped for this: ML-KEM's coefficients are below the modulus (FIPS 203 §7.2), and the
/// X25519 point is not of low order.
pub(crate) fn is_usable(public: &[u8; PUBLIC_LEN]) -> bool {
    <XWing as Kem>::PublicKey::from_bytes(public).is_ok() && !has_low_order(public)
}

/// Whether the X25519 point, the last 32 bytes, gives zero with every private key (RFC 7748 §6.1).
pub(crate) fn has_low_order(bytes: &[u8]) -> bool {
    // All clamped scalars are multiples of the cofactor, and no multiple of the large order: one tells for all.
    let any_scalar = [1; 32];
    bytes
        .last_chunk()
        .is_none_or(|point| x25519_dalek::x25519(any_scalar, *point) == [0; 32])
}

#[cfg(test)]
mod tests;
