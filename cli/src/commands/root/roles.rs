//! `ROLE=…` on the command line, and what becomes of a role's keys.

use std::path::PathBuf;

use sealift_metadata::authoring::{AuthoringError, RootDraft};
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::{KeyId, PublicKey};

use crate::failure::{Failure, Fault};
use crate::{World, keys};

/// Fewest digits by which a key is named.
const DIGITS: usize = 8;

/// A value for one role.
#[derive(Debug, Clone)]
pub(super) struct ForRole<T> {
    pub(super) role: RoleName,
    pub(super) value: T,
}

fn split(text: &str) -> Result<(RoleName, &str), String> {
    let (name, value) = text.split_once('=').ok_or("ROLE=VALUE is expected")?;
    let role = RoleName::ALL.into_iter().find(|role| role.as_str() == name);
    let role = role.ok_or("the role is one of root, targets, snapshot, timestamp")?;
    match value.is_empty() {
        true => Err("ROLE=VALUE is expected".to_owned()),
        false => Ok((role, value)),
    }
}

/// `ROLE=KEY.pub.pem`
pub(super) fn key(text: &str) -> Result<ForRole<PathBuf>, String> {
    let (role, value) = split(text)?;
    let value = value.into();
    Ok(ForRole { role, value })
}

/// `ROLE=KEYID`
pub(super) fn keyid(text: &str) -> Result<ForRole<String>, String> {
    let (role, value) = split(text)?;
    let value = digits(value)?;
    Ok(ForRole { role, value })
}

/// `ROLE=N`
pub(super) fn threshold(text: &str) -> Result<ForRole<u32>, String> {
    let (role, value) = split(text)?;
    let value = value.parse().ok().filter(|number| *number > 0);
    let value = value.ok_or("ROLE=N with N of at least 1 is expected")?;
    Ok(ForRole { role, value })
}

/// `ROLE=KEYID:KEY.pub.pem`
pub(super) fn exchange(text: &str) -> Result<ForRole<(String, PathBuf)>, String> {
    let (role, value) = split(text)?;
    let (old, new) = value
        .split_once(':')
        .ok_or("ROLE=KEYID:KEY.pub.pem is expected")?;
    let value = (digits(old)?, new.into());
    Ok(ForRole { role, value })
}

/// A key id or its beginning.
pub(super) fn digits(text: &str) -> Result<String, String> {
    let fits = (DIGITS..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match fits {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a key id or at least 8 digits of its beginning is expected".to_owned()),
    }
}

/// What changes in the roles of a root.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) add: Vec<ForRole<PathBuf>>,
    pub(super) remove: Vec<ForRole<String>>,
    pub(super) threshold: Vec<ForRole<u32>>,
}

impl Changes {
    /// Applies them to the roles of `root`, or to none.
    pub(super) fn apply(
        &self,
        world: &World,
        root: Option<&Root>,
        draft: &mut RootDraft,
    ) -> Result<(), Failure> {
        for role in RoleName::ALL {
            let of_role = |for_role: RoleName| for_role == role;
            let before = root.map(|root| root.keys(role));
            let mut keys: Vec<PublicKey> = before.into_iter().flat_map(|keys| keys.keys()).cloned().collect();
            for removed in self.remove.iter().filter(|entry| of_role(entry.role)) {
                let keyid = find(&keys, &removed.value, role)?;
                keys.retain(|key| *key.keyid() != keyid);
            }
            for added in self.add.iter().filter(|entry| of_role(entry.role)) {
                keys.push(keys::verification_key(world, &added.value)?);
            }
            let wanted = self.threshold.iter().rev().find(|entry| of_role(entry.role));
            let threshold = wanted.map(|entry| entry.value);
            let threshold = threshold
                .or(before.map(|keys| keys.threshold().get()))
                .unwrap_or(1);
            if root.is_some() && !self.touches(role) {
                continue;
            }
            draft.set_role(role, &keys, threshold).map_err(failed)?;
        }
        Ok(())
    }

    fn touches(&self, role: RoleName) -> bool {
        self.add.iter().any(|entry| entry.role == role)
            || self.remove.iter().any(|entry| entry.role == role)
            || self.threshold.iter().any(|entry| entry.role == role)
    }
}

/// The one key that `digits` begin the id of.
fn find(keys: &[PublicKey], digits: &str, role: RoleName) -> Result<KeyId, Failure> {
    let mut found = keys
        .iter()
        .map(PublicKey::keyid)
        .filter(|id| id.as_str().starts_with(digits));
    match (found.next(), found.next()) {
        (Some(keyid), None) => Ok(keyid.clone()),
        (None, _) => Err(
            Failure::new(Fault::NotFound, format!("the role {role} has no key {digits}"))
                .next("see `sealift repo show` for the keys of each role"),
        ),
        (Some(_), Some(_)) => Err(
            Failure::usage(format!("several keys of {role} begin with {digits}")).next("give more digits"),
        ),
    }
}

/// A root that cannot be made of these keys.
pub(super) fn failed(error: AuthoringError) -> Failure {
    let next = match &error {
        AuthoringError::Unreachable { .. } => {
            "add other keys with `--add ROLE=KEY.pub.pem`, name each key once, or change it with `--threshold ROLE=N`"
        }
        AuthoringError::RoleMissing(_) => "give a key for each of root, targets, snapshot and timestamp",
        _ => "change what the error names and try again",
    };
    Failure::new(Fault::Key, "the root cannot be made")
        .because(error)
        .next(next)
}
