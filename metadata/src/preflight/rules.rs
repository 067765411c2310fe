//! The rules, by what they are about.

pub(super) mod aktualizr;
pub(super) mod delegations;
pub(super) mod form;
pub(super) mod keys;
pub(super) mod ours;
pub(super) mod targets;

use serde_json::Value;

use super::Documents;

/// The documents whose signed part breaks a rule.
fn documents_where(documents: &Documents, broken: impl Fn(&Value) -> bool) -> Vec<String> {
    let found = documents.signed().filter(|(_, signed)| broken(signed));
    found.map(|(name, _)| name.to_owned()).collect()
}

/// Whether anything in a value, itself included, is so.
fn anywhere(value: &Value, is: &impl Fn(&Value) -> bool) -> bool {
    is(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| anywhere(item, is)),
            Value::Object(map) => map.values().any(|item| anywhere(item, is)),
            _ => false,
        }
}
