//! HPKE with DHKEM(P-256, HKDF-SHA256) (§5.2).

use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable as _, Kem};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rand_core::CryptoRng;
use zeroize::Zeroize as _;

use super::{Wrapped, hpke_base};
use crate::content_key::ContentKey;
use crate::error::UnwrapError;
use crate::stanza::Stanza;

type P256Kem = DhP256HkdfSha256;

pub(crate) fn wrap<R: CryptoRng + ?Sized>(
    key: &ContentKey,
    to: &p256::PublicKey,
    info: &[u8],
    rng: &mut R,
) -> Option<Wrapped> {
    let point = to.to_sec1_point(false);
    let public = <P256Kem as Kem>::PublicKey::from_bytes(point.as_bytes()).ok()?;
    hpke_base::seal::<P256Kem, _>(key, &public, info, rng)
}

pub(crate) fn unwrap(key: &p256::SecretKey, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
    let mut scalar = key.to_bytes();
    let private = <P256Kem as Kem>::PrivateKey::from_bytes(&scalar);
    scalar.zeroize();
    private
        .ok()
        .and_then(|private| hpke_base::open::<P256Kem>(&private, stanza, info))
        .ok_or(UnwrapError::Refused)
}
