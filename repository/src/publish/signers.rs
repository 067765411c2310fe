//! Whether the keys at hand are the repository's, told before any long work.

use std::collections::BTreeSet;

use sealift_metadata::root::{RoleName, Root};

use super::{PublishError, Signers};

impl Signers {
    /// Whether these keys can sign every role that they are given for. A role without any is passed over.
    ///
    /// # Errors
    /// [`PublishError::NotTheKeys`] for the first role that they are too few for, counted as clients count: distinct keys
    /// that `root` names.
    pub fn check(&self, root: &Root) -> Result<(), PublishError> {
        let roles = [
            (RoleName::Targets, &self.targets),
            (RoleName::Snapshot, &self.snapshot),
            (RoleName::Timestamp, &self.timestamp),
        ];
        for (role, signers) in roles.into_iter().filter(|(_, signers)| !signers.is_empty()) {
            let keys = root.keys(role);
            let is_of_role = |keyid: &str| keys.keyids().any(|of_role| of_role.to_string() == keyid);
            let given: Vec<_> = signers.iter().map(|signer| signer.public()).collect();
            let (ours, foreign): (Vec<_>, Vec<_>) = given
                .into_iter()
                .partition(|key| is_of_role(&key.keyid().to_string()));
            let found = ours
                .iter()
                .map(|key| key.identity())
                .collect::<BTreeSet<_>>()
                .len();
            let needed = keys.threshold().get();
            if u32::try_from(found).is_ok_and(|found| found < needed) {
                return Err(PublishError::NotTheKeys {
                    role: role.as_str(),
                    found,
                    needed,
                    foreign: foreign.iter().map(|key| key.keyid().to_string()).collect(),
                });
            }
        }
        Ok(())
    }
}
