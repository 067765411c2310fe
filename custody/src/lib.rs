//! Private keys held outside this process: PKCS#11 tokens and AWS KMS.
//!
//! A key is named by a URI: [`KeyUri`]. [`open`] finds it, learns its public half, and gives a [`HeldKey`], which is an
//! [`UnwrapKey`](sealift_envelope::UnwrapKey) like a key from a file; nothing above knows the difference. The private key
//! itself never comes here: the holder does the one operation that needs it, and what it answers proves itself by the tag
//! of the stanza.
//!
//! Every call blocks until the holder has answered; with KMS, or until a time-out has passed. PKCS#11 knows no time-outs: a
//! token that hangs hangs its caller. Asynchronous callers use a thread for blocking work, as they do for keys in memory,
//! and bound how many of them wait.
//!
//! Features: `pkcs11` and `kms`. Without them the URIs are still understood, and opening says which feature is missing.

#![cfg_attr(
    not(all(feature = "pkcs11", feature = "kms")),
    allow(
        dead_code,
        reason = "a lean build leaves holders out, not what is common to them"
    )
)]

mod error;
mod held;
mod pin;
mod uri;

#[cfg(feature = "kms")]
mod kms;
#[cfg(feature = "pkcs11")]
mod pkcs11;

pub use error::{CustodyError, Fault};
pub use held::HeldKey;
pub use pin::{AskPin, NobodyToAsk, Pin};
pub use uri::{AwsKmsUri, KeyUri, Pkcs11Uri, UriError};

/// Finds the key that `uri` names, and makes ready to use it.
///
/// A token's PIN comes from the URI's `pin-source`, else from `ask`, and is tried once: what a token refused is tried for no
/// key of it again in this process.
///
/// # Errors
/// [`CustodyError`]: nothing such, no permission, no answer, or a holder that cannot do what unwrapping needs.
pub fn open(uri: &KeyUri, ask: &dyn AskPin) -> Result<HeldKey, CustodyError> {
    match uri {
        KeyUri::Pkcs11(uri) => token(uri, ask),
        KeyUri::AwsKms(uri) => key_service(uri),
    }
}

#[cfg(feature = "pkcs11")]
fn token(uri: &Pkcs11Uri, ask: &dyn AskPin) -> Result<HeldKey, CustodyError> {
    pkcs11::open(uri, ask)
}

#[cfg(not(feature = "pkcs11"))]
fn token(_: &Pkcs11Uri, _: &dyn AskPin) -> Result<HeldKey, CustodyError> {
    Err(CustodyError::not_built("PKCS#11 tokens", "pkcs11"))
}

#[cfg(feature = "kms")]
fn key_service(uri: &AwsKmsUri) -> Result<HeldKey, CustodyError> {
    kms::open(uri)
}

#[cfg(not(feature = "kms"))]
fn key_service(_: &AwsKmsUri) -> Result<HeldKey, CustodyError> {
    Err(CustodyError::not_built("AWS KMS", "kms"))
}
