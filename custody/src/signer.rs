//! A signing key that is held elsewhere, as the signer of documents sees it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sealift_metadata::{PublicKey, SignError, Signer};
use tokio::runtime::Handle;

use crate::error::CustodyError;

/// The one operation with a private key that signing needs, done by whoever holds it. It blocks.
pub(crate) trait SigningHolder: Send + Sync {
    /// A signature over `message` in the form of the key's scheme, as [`Signer::sign`] wants it. Nobody has verified it.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CustodyError>;
}

/// A private signing key in a token or a key service, and its public half here.
///
/// Where it signs a document, [`sign_checked`](sealift_metadata::signer::sign_checked) verifies what came back: a holder that
/// signs with another key, or with another form of the scheme, is found out before anybody sees the signature. Clones share
/// the session; dropping the last one ends it.
#[derive(Clone)]
pub struct HeldSigner {
    public: PublicKey,
    holder: Arc<dyn SigningHolder>,
}

impl HeldSigner {
    pub(crate) fn new(public: PublicKey, holder: impl SigningHolder + 'static) -> Self {
        Self {
            public,
            holder: Arc::new(holder),
        }
    }
}

#[async_trait]
impl Signer for HeldSigner {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let answer = match Handle::try_current() {
            Ok(runtime) => {
                let (holder, message) = (Arc::clone(&self.holder), message.to_vec());
                runtime.spawn_blocking(move || holder.sign(&message)).await
            }
            // Driven by something other than tokio: then it may block where it is.
            Err(_) => Ok(self.holder.sign(message)),
        };
        match answer {
            Ok(signed) => signed.map_err(|error| failed(&self.public, error)),
            Err(stopped) => Err(failed(&self.public, stopped)),
        }
    }
}

pub(crate) fn failed(
    public: &PublicKey,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> SignError {
    SignError::Holder {
        keyid: public.keyid().to_string(),
        source: source.into(),
    }
}

impl fmt::Debug for HeldSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldSigner({:?}, elsewhere)", self.public)
    }
}
