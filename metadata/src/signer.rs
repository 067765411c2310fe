//! Signing keys: one asynchronous joint, and keys in files behind it.

use std::fmt;

use async_trait::async_trait;

use crate::keys::{BadSignature, KeyError, KeyType, PublicKey};

mod file;
mod passphrase;
pub use file::{FileSigner, KeyFileError};

/// Something that holds a private key: a file, a token, a service.
#[async_trait]
pub trait Signer: Send + Sync + fmt::Debug {
    /// The public half.
    fn public(&self) -> &PublicKey;

    /// Signs `message` with the scheme of the key: Ed25519, ECDSA in DER, or RSASSA-PSS with 32 bytes of salt.
    ///
    /// # Errors
    /// [`SignError`] if the holder cannot or will not sign.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The holder of the key failed.
    #[error("the signer of key {keyid} failed")]
    Holder {
        /// The key.
        keyid: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The holder returned something that does not verify under its own public key.
    #[error(
        "what the signer of key {keyid} returned does not verify; check that it uses this key and the scheme {scheme}"
    )]
    Wrong {
        /// The key.
        keyid: String,
        /// The scheme wanted.
        scheme: &'static str,
        /// The verifier's answer.
        #[source]
        source: BadSignature,
    },
    /// The key cannot be used for signing.
    #[error("the key cannot be used for signing")]
    Key(#[from] KeyError),
}

/// Signs, and verifies what came back before anyone else sees it.
///
/// # Errors
/// [`SignError`] if there is no signature or it does not verify.
pub async fn sign_checked(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let sig = signer.sign(message).await?;
    let public = signer.public();
    public.verify(message, &sig).map_err(|source| SignError::Wrong {
        keyid: public.keyid().to_string(),
        scheme: public.kind().scheme(),
        source,
    })?;
    Ok(sig)
}

const fn key_label(kind: KeyType) -> &'static str {
    match kind {
        KeyType::Ed25519 => "Ed25519",
        KeyType::P256 => "P-256",
        KeyType::RsaPss => "RSA",
    }
}
