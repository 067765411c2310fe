//! Documents that are about to be signed, made from the ones before them: what this crate does not know about stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp as Instant;
use sealift_metadata::canonical;
use sealift_metadata::signer::{SignError, Signer, sign_checked};
use sealift_metadata::timestamp::MetaFile;
use serde_json::{Map, Value, json};

use crate::publish::TargetMap;

/// The version of the specification that documents name; every client in use accepts it.
const SPEC_VERSION: &str = "1.0.0";

/// Targets with `targets` in place of what `before` lists; delegations and `custom` are kept.
pub(crate) fn targets(before: Option<&Value>, targets: &TargetMap, version: u64, expires: Instant) -> Value {
    let entries: Map<String, Value> =
        targets.iter().map(|(path, file)| (path.as_str().to_owned(), file.to_value())).collect();
    next(before, "targets", version, expires, "targets", entries.into())
}

/// Snapshot that lists `meta`.
pub(crate) fn snapshot(
    before: Option<&Value>,
    meta: &BTreeMap<String, MetaFile>,
    version: u64,
    expires: Instant,
) -> Value {
    let entries: Map<String, Value> = meta.iter().map(|(name, file)| (name.clone(), file.to_value())).collect();
    next(before, "snapshot", version, expires, "meta", entries.into())
}

/// Timestamp that names `snapshot`.
pub(crate) fn timestamp(before: Option<&Value>, snapshot: &MetaFile, version: u64, expires: Instant) -> Value {
    next(before, "timestamp", version, expires, "meta", json!({"snapshot.json": snapshot.to_value()}))
}

fn next(before: Option<&Value>, role: &str, version: u64, expires: Instant, field: &str, content: Value) -> Value {
    let mut signed = match before {
        Some(Value::Object(before)) => before.clone(),
        _ => Map::from_iter([("spec_version".to_owned(), SPEC_VERSION.into())]),
    };
    signed.insert("_type".to_owned(), role.into());
    signed.insert("version".to_owned(), version.into());
    signed.insert("expires".to_owned(), expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    signed.insert(field.to_owned(), content);
    Value::Object(signed)
}

/// The complete document, signed once by each distinct key of `signers`.
pub(crate) async fn sign(signed: Value, signers: &[Arc<dyn Signer>]) -> Result<Vec<u8>, SignError> {
    let message = canonical::to_vec(&signed);
    let mut signatures = BTreeMap::new();
    for signer in signers {
        let keyid = signer.public().keyid().to_string();
        if !signatures.contains_key(&keyid) {
            signatures.insert(keyid, hex::encode(sign_checked(signer.as_ref(), &message).await?));
        }
    }
    let signatures: Vec<Value> =
        signatures.into_iter().map(|(keyid, sig)| json!({"keyid": keyid, "sig": sig})).collect();
    Ok(json!({"signatures": signatures, "signed": signed}).to_string().into_bytes())
}
