//! Private keys held outside this process: PKCS#11 tokens and AWS KMS.
//!
//! A key is named by a URI: [`KeyUri`]. [`open`] finds one that unwraps, learns its public half, and gives a [`HeldKey`], which
//! is an [`UnwrapKey`](sealift_envelope::UnwrapKey) like a key from a file; [`open_signer`] finds one that signs and gives a
//! [`HeldSigner`], which is a [`Signer`](sealift_metadata::Signer). Nothing above knows the difference. The private key itself
//! never comes here: the holder does the one operation that needs it. What it answers proves itself, by the tag of the
//! stanza or as a signature that verifies.
//!
//! Every call but signing blocks until the holder has answered; with KMS, or until a time-out has passed. PKCS#11 knows no time-outs: a
//! token that hangs hangs its caller. Asynchronous callers use a thread for blocking work, as they do for keys in memory,
//! and bound how many of them wait. A [`HeldSigner`] finds such a thread itself.
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
mod signer;
mod uri;

#[cfg(feature = "kms")]
mod kms;
#[cfg(feature = "pkcs11")]
mod pkcs11;
#[cfg(feature = "tough")]
mod tough;

pub use error::{CustodyError, Fault};
pub use held::HeldKey;
pub use pin::{AskPin, NobodyToAsk, Pin};
pub use signer::HeldSigner;
#[cfg(feature = "tough")]
pub use tough::KeySourceSigner;
pub use uri::{AwsKmsUri, KeyUri, Pkcs11Uri, UriError};

/// Finds the key that `uri` names, and makes ready to unwrap with it.
///
/// A token's PIN comes from the URI's `pin-source`, else from `ask`, and is tried once: what a token refused is tried for no
/// key of it again in this process.
///
/// # Errors
/// [`CustodyError`]: nothing such, no permission, no answer, or a holder that cannot do what unwrapping needs.
pub fn open(uri: &KeyUri, ask: &dyn AskPin) -> Result<HeldKey, CustodyError> {
    match uri {
        #[cfg(feature = "pkcs11")]
        KeyUri::Pkcs11(uri) => pkcs11::open(uri, ask),
        #[cfg(feature = "kms")]
        KeyUri::AwsKms(uri) => kms::open(uri),
        #[cfg(not(all(feature = "pkcs11", feature = "kms")))]
        uri => Err(not_built(uri, ask)),
    }
}

/// Finds the key that `uri` names, and makes ready to sign with it. The PIN is as for [`open`].
///
/// # Errors
/// [`CustodyError`]: nothing such, no permission, no answer, or a holder or key that cannot sign.
pub fn open_signer(uri: &KeyUri, ask: &dyn AskPin) -> Result<HeldSigner, CustodyError> {
    match uri {
        #[cfg(feature = "pkcs11")]
        KeyUri::Pkcs11(uri) => pkcs11::open_signer(uri, ask),
        #[cfg(feature = "kms")]
        KeyUri::AwsKms(uri) => kms::open_signer(uri),
        #[cfg(not(all(feature = "pkcs11", feature = "kms")))]
        uri => Err(not_built(uri, ask)),
    }
}

#[cfg(not(all(feature = "pkcs11", feature = "kms")))]
fn not_built(uri: &KeyUri, _: &dyn AskPin) -> CustodyError {
    match uri {
        KeyUri::Pkcs11(_) => CustodyError::not_built("PKCS#11 tokens", "pkcs11"),
        KeyUri::AwsKms(_) => CustodyError::not_built("AWS KMS", "kms"),
    }
}
