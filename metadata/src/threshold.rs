//! The one place that counts signatures.
//!
//! Every signed document, top-level or delegated, stored or fetched, comes through [`verify`]. It counts distinct *decoded*
//! public keys of the role, so one key under two ids counts once; unknown and invalid signatures are passed over, because a
//! surplus is how keys and algorithms migrate.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use crate::document::Signature;
use crate::keys::{KeyId, PublicKey};

/// The keys of one role and how many of them must sign.
///
/// A key whose scheme is not supported is listed without material and never counts.
#[derive(Debug, Clone)]
pub struct RoleKeys {
    name: String,
    keys: BTreeMap<KeyId, Option<PublicKey>>,
    threshold: NonZeroU32,
}

impl RoleKeys {
    /// The keys of the role called `name`.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        keys: BTreeMap<KeyId, Option<PublicKey>>,
        threshold: NonZeroU32,
    ) -> Self {
        Self {
            name: name.into(),
            keys,
            threshold,
        }
    }

    /// The same keys under a name that tells them from others of the role.
    pub(crate) fn called(&self, name: impl Into<String>) -> Self {
        Self::new(name, self.keys.clone(), self.threshold)
    }

    /// Name of the role.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ids of the keys.
    pub fn keyids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    /// The usable keys.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.values().flatten()
    }

    /// How many distinct keys must sign.
    #[must_use]
    pub const fn threshold(&self) -> NonZeroU32 {
        self.threshold
    }

    /// Whether whatever satisfies one of the two sets satisfies the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.same_keys(other) && self.threshold == other.threshold
    }

    /// Whether the two sets list the same keys, whatever their thresholds.
    #[must_use]
    pub fn same_keys(&self, other: &Self) -> bool {
        self.keys.keys().eq(other.keys.keys())
    }
}

/// Too few keys of a role have signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// Fewer distinct keys than the threshold.
    #[error(
        "{found} of the {needed} signatures that the role {role:?} needs are valid; have the missing holders sign"
    )]
    NotMet {
        /// Name of the role.
        role: String,
        /// Distinct keys that signed.
        found: usize,
        /// The threshold.
        needed: u32,
    },
    /// Two signatures under one key id.
    #[error("two signatures carry the key id {keyid}; keep one")]
    DuplicateKeyId {
        /// The repeated key id.
        keyid: String,
    },
}

/// Verifies `signatures` over `message` against the keys of one role.
///
/// # Errors
/// [`ThresholdError`] if a key id occurs twice or fewer distinct keys than the threshold have signed.
pub fn verify(message: &[u8], signatures: &[Signature], role: &RoleKeys) -> Result<(), ThresholdError> {
    let mut seen = BTreeSet::new();
    let mut signers = BTreeSet::new();
    for signature in signatures {
        if !seen.insert(signature.keyid.as_str()) {
            return Err(ThresholdError::DuplicateKeyId {
                keyid: signature.keyid.clone(),
            });
        }
        let key = role
            .keys
            .iter()
            .find(|(keyid, _)| signature.is_by(keyid))
            .and_then(|(_, key)| key.as_ref());
        if let (Some(key), Some(sig)) = (key, &signature.sig)
            && key.verify(message, sig).is_ok()
        {
            signers.insert(key.identity());
        }
    }
    let needed = role.threshold.get();
    if u32::try_from(signers.len()).is_ok_and(|found| found < needed) {
        return Err(ThresholdError::NotMet {
            role: role.name.clone(),
            found: signers.len(),
            needed,
        });
    }
    Ok(())
}
