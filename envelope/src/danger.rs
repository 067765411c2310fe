//! Weaker options. What is here should not be used for anything new.
//!
//! [`plan_with_key`] takes what is otherwise drawn at random. It is for vectors and for tests.
//!
//! RSA keys of 2048 bits exist in ECUs already on the road. They hold about 112 bits of strength, and an update can be
//! recorded today and opened once they fall. Prefer a P-256 key, or RSA of 3072 bits.

use rand_core::CryptoRng;

use crate::content_key::ContentKey;
use crate::error::{KeyError, SealError};
use crate::keys::{PrivateKey, RecipientKey};
use crate::layout::SALT_LEN;
use crate::seal::{SealParams, SealPlan};

/// [`SealPlan::new`], but with this content key and salt. A second plan with the same pair knows nothing of the first: over
/// another plaintext it repeats nonces, and both outputs together give both plaintexts away.
///
/// # Errors
/// As [`SealPlan::new`].
pub fn plan_with_key<R: CryptoRng + ?Sized>(
    params: SealParams,
    key: ContentKey,
    salt: [u8; SALT_LEN],
    rng: &mut R,
) -> Result<SealPlan, SealError> {
    SealPlan::with_key(params, key, salt, rng)
}

/// Bits of an RSA modulus that this module allows, at least.
pub const MIN_RSA_BITS: usize = 2048;

/// [`RecipientKey::from_pem`], but RSA from 2048 bits on.
///
/// # Errors
/// [`KeyError`].
pub fn recipient_from_pem(pem: &str) -> Result<RecipientKey, KeyError> {
    RecipientKey::from_pem_with(pem, MIN_RSA_BITS)
}

/// [`RecipientKey::from_spki_der`], but RSA from 2048 bits on.
///
/// # Errors
/// [`KeyError`].
pub fn recipient_from_spki_der(der: &[u8]) -> Result<RecipientKey, KeyError> {
    RecipientKey::from_spki_der_with(der, MIN_RSA_BITS)
}

/// [`PrivateKey::from_pkcs8_pem`], but RSA from 2048 bits on.
///
/// # Errors
/// [`KeyError`].
pub fn private_key_from_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem_with(pem, passphrase, MIN_RSA_BITS)
}

/// [`PrivateKey::generate_rsa`], but from 2048 bits on.
///
/// # Errors
/// [`KeyError`].
pub fn generate_rsa<R: CryptoRng + ?Sized>(rng: &mut R, bits: usize) -> Result<PrivateKey, KeyError> {
    PrivateKey::generate_rsa_with(rng, bits, MIN_RSA_BITS)
}
