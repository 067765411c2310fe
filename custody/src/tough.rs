//! Signers written for `tough`: whoever has a `KeySource` for his own key store can sign with it here.

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use sealift_metadata::{PublicKey, SignError, Signer};
use tough::key_source::KeySource;
use tough::sign::Sign;

use crate::error::{CustodyError, Fault};
use crate::signer::failed;

/// A signer of `tough`'s as one of ours.
pub struct KeySourceSigner {
    public: PublicKey,
    sign: Box<dyn Sign>,
}

impl KeySourceSigner {
    /// Asks `source` for its key.
    ///
    /// # Errors
    /// [`CustodyError`] if there is no key, or one of a kind or size that Sealift does not sign with.
    pub async fn new(source: &dyn KeySource) -> Result<Self, CustodyError> {
        let sign = source.as_sign().await.map_err(|error| {
            CustodyError::new(
                Fault::Unavailable,
                format!("{source:?} gives no key"),
                "See what it says itself",
            )
            .because(error)
        })?;
        let unusable = || {
            CustodyError::new(
                Fault::Unable,
                format!("the key of {source:?} cannot be used"),
                "Use an Ed25519, P-256 or RSA key",
            )
        };
        let written = serde_json::to_value(sign.tuf_key()).map_err(|error| unusable().because(error))?;
        // Through PEM: a key gets one key object here, and so one key id, wherever it comes from.
        let public = PublicKey::from_value(&written)
            .and_then(|key| PublicKey::from_pem(&key.to_pem()?))
            .map_err(|error| unusable().because(error))?;
        Ok(Self { public, sign })
    }
}

#[async_trait]
impl Signer for KeySourceSigner {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = self.sign.sign(message, &SystemRandom::new()).await;
        signed.map_err(|error| failed(&self.public, error))
    }
}

impl std::fmt::Debug for KeySourceSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySourceSigner({:?})", self.public)
    }
}
