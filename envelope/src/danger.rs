//! Weaker options. What is here should not be used for anything new.
//!
//! RSA keys of 2048 bits exist in ECUs already on the road. They hold about 112 bits of strength, and an update can be
//! recorded today and opened once they fall. Prefer a P-256 key, or RSA of 3072 bits.

use rand_core::CryptoRng;

use crate::error::KeyError;
use crate::keys::{PrivateKey, RecipientKey};

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
