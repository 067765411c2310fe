//! HPKE (RFC 9180 §6.1, base mode, single shot) with HKDF-SHA256, AES-256-GCM and empty aad: what the wraps for P-256 and
//! X-Wing have in common. They differ in the key encapsulation alone.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Wrapped;
use crate::content_key::ContentKey;
use crate::stanza::Stanza;

pub(super) fn seal<K: Kem, R: CryptoRng + ?Sized>(
    key: &ContentKey,
    to: &K::PublicKey,
    info: &[u8],
    mut rng: &mut R,
) -> Option<Wrapped> {
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, K>(
        &OpModeS::Base,
        to,
        info,
        key.expose(),
        &[],
        &mut rng,
    )
    .ok()?;
    Some((enc.to_bytes().to_vec(), ciphertext.try_into().ok()?))
}

/// `None` for every reason alike.
pub(super) fn open<K: Kem>(key: &K::PrivateKey, stanza: &Stanza, info: &[u8]) -> Option<ContentKey> {
    let enc = K::EncappedKey::from_bytes(stanza.enc()).ok()?;
    let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, K>(
        &OpModeR::Base,
        key,
        &enc,
        info,
        stanza.ciphertext(),
        &[],
    );
    let opened = Zeroizing::new(opened.ok()?);
    ContentKey::from_slice(&opened)
}

#[cfg(test)]
mod tests;
