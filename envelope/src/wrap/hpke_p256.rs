//! HPKE (RFC 9180, base mode, single shot): DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, empty aad (§5.2).

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rand_core::CryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

use crate::content_key::ContentKey;
use crate::error::UnwrapError;
use crate::stanza::{Stanza, WRAPPED_KEY_LEN};

type P256Kem = DhP256HkdfSha256;

pub(crate) fn wrap<R: CryptoRng + ?Sized>(
    key: &ContentKey,
    to: &p256::PublicKey,
    info: &[u8],
    mut rng: &mut R,
) -> Option<(Vec<u8>, [u8; WRAPPED_KEY_LEN])> {
    let point = to.to_sec1_point(false);
    let public = <P256Kem as Kem>::PublicKey::from_bytes(point.as_bytes()).ok()?;
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, P256Kem>(
        &OpModeS::Base,
        &public,
        info,
        key.expose(),
        &[],
        &mut rng,
    )
    .ok()?;
    Some((enc.to_bytes().to_vec(), ciphertext.try_into().ok()?))
}

pub(crate) fn unwrap(key: &p256::SecretKey, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
    open(key, stanza, info).ok_or(UnwrapError::Refused)
}

fn open(key: &p256::SecretKey, stanza: &Stanza, info: &[u8]) -> Option<ContentKey> {
    let mut scalar = key.to_bytes();
    let private = <P256Kem as Kem>::PrivateKey::from_bytes(&scalar);
    scalar.zeroize();
    let enc = <P256Kem as Kem>::EncappedKey::from_bytes(stanza.enc()).ok()?;
    let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, P256Kem>(
        &OpModeR::Base,
        &private.ok()?,
        &enc,
        info,
        stanza.ciphertext(),
        &[],
    );
    let opened = Zeroizing::new(opened.ok()?);
    Some(ContentKey::from_bytes(opened.as_slice().try_into().ok()?))
}
