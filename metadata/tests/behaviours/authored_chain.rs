//! What authors write about each other's documents.

use sealift_metadata::authoring::{next_snapshot, next_targets, next_timestamp};
use sealift_metadata::{Document, Snapshot, TargetFile, Targets, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::common::{EXPIRES, instant, key, now, path};

fn line_of(bytes: &[u8], version: u64) -> Value {
    json!({"version": version, "length": bytes.len(), "hashes": {"sha256": hex::encode(Sha256::digest(bytes))}})
}

/// U-5.1.4-1, U-5.2.5-1, U-5.2.5-2, X-6a: a timestamp names the newest snapshot, and a snapshot the newest targets, by version,
/// length and hash of the very bytes, and nothing beside them.
#[test]
fn each_document_names_the_one_before() {
    let expires = instant(EXPIRES);
    let (mut targets, mut snapshot, mut timestamp) = (None, None, None);
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for version in 1..=3 {
        let mut draft = next_targets(targets.as_ref(), version, expires).unwrap();
        let file = TargetFile {
            length: version,
            hashes: [1; 32].into(),
            custom: None,
        };
        draft.put(&path(&format!("{version}.img")), &file);
        let targets_bytes = now(draft.finish().unwrap().sign_some(&[&key(4)])).unwrap();
        let next = Document::<Targets>::parse(&targets_bytes).unwrap();

        let draft = next_snapshot(snapshot.as_ref(), &next, version + 10, expires).unwrap();
        assert_eq!(
            draft.signed()["meta"],
            json!({"targets.json": line_of(&targets_bytes, version)})
        );
        let snapshot_bytes = now(draft.sign_some(&[&key(3)])).unwrap();
        targets = Some(next);
        let next = Document::<Snapshot>::parse(&snapshot_bytes).unwrap();

        let draft = next_timestamp(timestamp.as_ref(), &next, version + 20, expires).unwrap();
        assert_eq!(
            draft.signed()["meta"],
            json!({"snapshot.json": line_of(&snapshot_bytes, version + 10)})
        );
        let timestamp_bytes = now(draft.sign_some(&[&key(2)])).unwrap();
        snapshot = Some(next);
        timestamp = Some(Document::<Timestamp>::parse(&timestamp_bytes).unwrap());
        assert!(!seen.contains(&timestamp_bytes), "new content is announced");
        seen.push(timestamp_bytes);
    }
}
