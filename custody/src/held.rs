//! A key that is held elsewhere, as the format sees it.

use std::fmt;

use sealift_envelope::external::{self, Answer, PeerPoint};
use sealift_envelope::{ContentKey, KeyId, RecipientKey, Stanza, UnwrapError, UnwrapKey, Wrap};

use crate::error::CustodyError;

/// The one operation with a private key that unwrapping needs, done by whoever holds it.
pub(crate) trait Holder: Send + Sync {
    /// The x-coordinate of private key times `peer`: 32 bytes.
    fn agree(&self, peer: &PeerPoint) -> Result<Answer, Trouble>;

    /// RSAES-OAEP-DECRYPT with SHA-256, MGF1 with SHA-256, and the empty label.
    fn decrypt(&self, enc: &[u8]) -> Result<Answer, Trouble>;
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The holder looked at the input and refused it.
    Refused,
    /// Everything else.
    Custody(CustodyError),
}

impl From<CustodyError> for Trouble {
    fn from(error: CustodyError) -> Self {
        Self::Custody(error)
    }
}

impl From<Trouble> for UnwrapError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused => Self::Refused,
            Trouble::Custody(error) => Self::Unavailable(Box::new(error)),
        }
    }
}

/// A private key in a token or a key service, and its public half here.
///
/// Dropping it ends the session with the holder.
pub struct HeldKey {
    public: RecipientKey,
    key_id: KeyId,
    holder: Box<dyn Holder>,
}

impl HeldKey {
    pub(crate) fn new(public: RecipientKey, holder: impl Holder + 'static) -> Self {
        Self {
            key_id: public.key_id(),
            public,
            holder: Box::new(holder),
        }
    }

    /// The public half, as the holder tells it.
    ///
    /// That it belongs to the private half is not checked here. Before anything precious is wrapped for it, unwrap
    /// something worthless with it.
    pub fn public(&self) -> &RecipientKey {
        &self.public
    }
}

impl UnwrapKey for HeldKey {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn wrap(&self) -> Wrap {
        self.public.wrap()
    }

    fn unwrap_stanza(&self, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
        match stanza.wrap() {
            Wrap::HpkeP256 => external::unwrap_p256(&self.public, stanza, info, |peer| {
                self.holder.agree(peer).map_err(UnwrapError::from)
            }),
            Wrap::RsaOaep => external::unwrap_rsa(&self.public, stanza, info, |enc| {
                self.holder.decrypt(enc).map_err(UnwrapError::from)
            }),
            // No token and no key service does any other.
            _ => Err(UnwrapError::Refused),
        }
    }
}

impl fmt::Debug for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldKey({}, elsewhere)", self.key_id)
    }
}
