//! The first root, and every one after it.

use std::collections::BTreeSet;

use jiff::Timestamp as Instant;
use serde_json::{Map, Value, json};

use super::{AuthoringError, Draft, SPEC_VERSION, complete};
use crate::document::{Document, Role};
use crate::fields::write_instant;
use crate::keys::PublicKey;
use crate::root::{RoleName, Root};
use crate::signer::Signer;
use crate::threshold::RoleKeys;

/// A root in the making.
#[derive(Debug, Clone)]
pub struct RootDraft {
    signed: Map<String, Value>,
    keys: Map<String, Value>,
    roles: Map<String, Value>,
    previous: Option<RoleKeys>,
}

impl RootDraft {
    /// Version 1, without keys yet.
    #[must_use]
    pub fn new(expires: Instant) -> Self {
        let mut signed = Map::new();
        signed.insert("_type".into(), Root::TYPE.into());
        signed.insert("spec_version".into(), SPEC_VERSION.into());
        signed.insert("version".into(), 1.into());
        signed.insert("expires".into(), write_instant(expires).into());
        signed.insert("consistent_snapshot".into(), true.into());
        Self {
            signed,
            keys: Map::new(),
            roles: Map::new(),
            previous: None,
        }
    }

    /// The version after `previous`, with the same keys until they are changed. It will need the signatures of both.
    #[must_use]
    pub fn next(previous: &Document<Root>, expires: Instant) -> Self {
        let mut signed = previous.signed().as_object().cloned().unwrap_or_default();
        signed.insert("version".into(), (previous.version() + 1).into());
        signed.insert("expires".into(), write_instant(expires).into());
        let mut take = |name| match signed.remove(name) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let (keys, roles) = (take("keys"), take("roles"));
        Self {
            signed,
            keys,
            roles,
            previous: Some(previous.role().keys(RoleName::Root).clone()),
        }
    }

    /// Gives a role these keys and no others.
    ///
    /// # Errors
    /// [`AuthoringError::Unreachable`] if the threshold is 0 or above the number of distinct keys.
    pub fn set_role(
        &mut self,
        role: RoleName,
        keys: &[PublicKey],
        threshold: u32,
    ) -> Result<&mut Self, AuthoringError> {
        let distinct: BTreeSet<_> = keys.iter().map(PublicKey::identity).collect();
        let enough = u32::try_from(distinct.len()).is_ok_and(|count| (1..=count).contains(&threshold));
        if !enough || distinct.len() != keys.len() {
            return Err(AuthoringError::Unreachable {
                role: role.to_string(),
                keys: distinct.len(),
                threshold: threshold.into(),
            });
        }
        let keyids: Vec<&str> = keys.iter().map(|key| key.keyid().as_str()).collect();
        let entry = json!({"keyids": keyids, "threshold": threshold});
        self.roles.insert(role.to_string(), entry);
        for key in keys {
            self.keys.insert(key.keyid().to_string(), key.to_value());
        }
        Ok(self)
    }

    /// The draft, without keys that no role uses any more.
    ///
    /// # Errors
    /// [`AuthoringError`] if a role lacks keys or could never reach its threshold.
    pub fn finish(&self) -> Result<Draft<Root>, AuthoringError> {
        let mut signed = self.signed.clone();
        let mut used = BTreeSet::new();
        for role in RoleName::ALL {
            let entry = self
                .roles
                .get(role.as_str())
                .ok_or(AuthoringError::RoleMissing(role.as_str()))?;
            let keyids: BTreeSet<String> = entry["keyids"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let threshold = entry["threshold"].as_u64().unwrap_or(0);
            if threshold == 0 || u64::try_from(keyids.len()).is_ok_and(|count| count < threshold) {
                return Err(AuthoringError::Unreachable {
                    role: role.to_string(),
                    keys: keyids.len(),
                    threshold,
                });
            }
            used.extend(keyids);
        }
        let mut keys = self.keys.clone();
        keys.retain(|keyid, _| used.contains(keyid));
        signed.insert("keys".into(), keys.into());
        signed.insert("roles".into(), self.roles.clone().into());
        Draft::new(signed.into())
    }

    /// Signs, reads back, and verifies against its own keys and, for a later version, those of the one before.
    ///
    /// # Errors
    /// [`AuthoringError`] if the draft is not complete, a signer fails, or signatures are missing.
    pub async fn sign(&self, signers: &[&dyn Signer]) -> Result<Vec<u8>, AuthoringError> {
        let bytes = self.finish()?.sign_some(signers).await?;
        self.check(&bytes)?;
        Ok(bytes)
    }

    /// Verifies gathered signatures as [`sign`](Self::sign) does.
    ///
    /// # Errors
    /// [`AuthoringError::Threshold`] says how many are still missing.
    pub fn check(&self, bytes: &[u8]) -> Result<(), AuthoringError> {
        let own = Document::<Root>::parse(bytes)?
            .role()
            .keys(RoleName::Root)
            .clone();
        let keys: Vec<&RoleKeys> = self.previous.iter().chain([&own]).collect();
        complete::<Root>(bytes, &keys).map(|_| ())
    }
}
