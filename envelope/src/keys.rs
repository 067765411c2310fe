//! Recipients' keys: identified by a digest, read from and written to PEM (§5, §5.4).

mod passphrase;
mod private;
mod recipient;
mod x_wing;

use std::fmt;
use std::str::FromStr;

use crate::content_key::ContentKey;
use crate::error::UnwrapError;
use crate::stanza::{Stanza, Wrap};

pub use private::PrivateKey;
pub use recipient::RecipientKey;
pub use x_wing::XWingPublic;

/// Bits of an RSA modulus, at least, outside [`crate::danger`].
pub(crate) const MIN_RSA_BITS: usize = 3072;
/// Bits of an RSA modulus, at most.
pub(crate) const MAX_RSA_BITS: usize = 8192;

/// SHA-256 of the one canonical encoding of a public key (§5). Shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// Something that holds a private key and can unwrap with it: a file, a token, a key service.
///
/// The one joint between the format and where keys live; the format never sees the key.
pub trait UnwrapKey {
    /// Whose key it is.
    fn key_id(&self) -> KeyId;

    /// Which wrap it undoes.
    fn wrap(&self) -> Wrap;

    /// Unwraps `stanza`, whose key id is this key's, with `info` bound in (§5.1).
    ///
    /// # Errors
    /// [`UnwrapError::Refused`] for every cryptographic reason alike; [`UnwrapError::Unavailable`] where the key could
    /// not be used at all.
    fn unwrap_stanza(&self, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError>;
}
