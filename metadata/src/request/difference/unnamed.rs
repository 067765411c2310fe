//! What differs and is named by no typed change.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{RoleChange, TargetChange, empty};
use crate::uptane::ImageProfile;

/// Something that differs, as it stands. One of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// Where, as a JSON pointer (RFC 6901) into the signed part. A delegated role is found by its name instead of its place.
    pub pointer: String,
    /// As it was.
    pub before: Option<Value>,
    /// As it will be.
    pub after: Option<Value>,
}

/// Places that typed changes name, with everything below them.
#[derive(Debug, Default)]
pub(super) struct Named(BTreeSet<String>);

impl Named {
    /// Version and expiry, which every difference names.
    pub(super) fn common() -> Self {
        Self(["/version", "/expires"].map(str::to_owned).into())
    }

    pub(super) fn all(&mut self, pointer: String) {
        self.0.insert(pointer);
    }

    /// Key objects that a change of a role names by their ids, which are their digests.
    pub(super) fn keys(&mut self, table: &[&str], change: &RoleChange) {
        for keyid in change.added.iter().chain(&change.removed) {
            self.all(pointer(&[table, &[keyid.as_str()]].concat()));
        }
    }

    pub(super) fn role(&mut self, at: &[&str], change: &RoleChange) {
        if change.changes_keys() {
            self.all(pointer(&[at, &["keyids"]].concat()));
        }
        if change.changes_threshold() {
            self.all(pointer(&[at, &["threshold"]].concat()));
        }
    }

    /// What is read of an entry. What else stands in it is not shown with the target and has to be shown apart.
    pub(super) fn target(&mut self, change: &TargetChange) {
        let at = ["targets", change.path.as_str()];
        let Some(after) = &change.after else {
            return self.all(pointer(&at));
        };
        self.all(pointer(&[&at[..], &["length"]].concat()));
        for function in ["sha256", "sha512"] {
            self.all(pointer(&[&at[..], &["hashes", function]].concat()));
        }
        // The object is closed: what reads as one is shown whole.
        let read = |file| TargetChange::profile(file).is_some();
        if read(after) && change.before.as_ref().is_none_or(read) {
            self.all(pointer(&[&at[..], &["custom", ImageProfile::FIELD]].concat()));
        }
    }

    /// Everything that differs and is not named.
    pub(super) fn others(&self, before: Option<&Value>, after: &Value, kind: &str) -> Vec<Unnamed> {
        let start = empty(kind);
        let mut found = Vec::new();
        self.walk(before.or(Some(&start)), Some(after), String::new(), &mut found);
        found
    }

    fn walk(&self, before: Option<&Value>, after: Option<&Value>, at: String, found: &mut Vec<Unnamed>) {
        if before == after || self.0.contains(&at) {
            return;
        }
        let nothing = Map::new();
        // An object that comes or goes is told by what is in it, which may be named in part.
        let members = match (before, after) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => Some((before, after)),
            (None, Some(Value::Object(after))) if !after.is_empty() => Some((&nothing, after)),
            (Some(Value::Object(before)), None) if !before.is_empty() => Some((before, &nothing)),
            _ => None,
        };
        match (members, before, after) {
            (Some((before, after)), _, _) => {
                let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                for name in names {
                    let below = format!("{at}/{}", escape(name));
                    self.walk(before.get(name), after.get(name), below, found);
                }
            }
            (None, Some(Value::Array(before)), Some(Value::Array(after))) if before.len() == after.len() => {
                for (index, (before, after)) in before.iter().zip(after).enumerate() {
                    self.walk(Some(before), Some(after), format!("{at}/{index}"), found);
                }
            }
            (None, _, _) => found.push(Unnamed {
                pointer: at,
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
    }
}

/// A JSON pointer.
pub(super) fn pointer(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", escape(part))).collect()
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// The signed part with its delegations by name: a role that changes places is then still the same role.
pub(super) fn by_name(signed: &Value) -> Value {
    let mut signed = signed.clone();
    if let Some(roles) = signed.pointer_mut("/delegations/roles")
        && let Value::Array(list) = roles.take()
    {
        // Reading the document has refused two of one name, and one without.
        let named = list.into_iter().map(|role| {
            let name = role["name"].as_str().unwrap_or_default().to_owned();
            (name, role)
        });
        *roles = Value::Object(named.collect());
    }
    signed
}
