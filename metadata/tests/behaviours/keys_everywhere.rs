//! Keys over the life of a repository, and in every document that lists some.

use sealift_metadata::root::RoleName;
use sealift_metadata::{Document, FormatError, Signer as _, Targets};
use serde_json::{Value, json};

use crate::common::{EXPIRES, Repo, key};

fn delegating(keyid: &str, object: Value) -> Result<Document<Targets>, FormatError> {
    let signed = json!({
        "_type": "targets", "spec_version": "1.0.0", "version": 1, "expires": EXPIRES, "targets": {},
        "delegations": {
            "keys": {keyid: object},
            "roles": [{"name": "a", "keyids": [keyid], "threshold": 1, "terminating": false, "paths": ["a/*"]}],
        },
    });
    Document::parse(json!({"signed": signed, "signatures": []}).to_string().as_bytes())
}

/// T-4.3-7, T-4.3-6: an id denotes one key in whatever document it is: a delegation cannot give the id of a root key to another.
#[test]
fn a_delegation_cannot_redefine_a_root_key() {
    let (root, other) = (key(1).public().clone(), key(81).public().clone());
    delegating(root.keyid().as_str(), root.to_value()).unwrap();
    delegating(other.keyid().as_str(), other.to_value()).unwrap();
    let refused = delegating(root.keyid().as_str(), other.to_value());
    assert!(refused.is_err(), "{refused:?}");
}

/// T-6.1-3: a client of any age follows the roots to the newest, though no key of its own root is in force any more.
#[test]
fn fifty_rotations_that_replace_every_key_are_followed() {
    let mut repo = Repo::new();
    for generation in 1..=50 {
        repo.rotate(|repo| {
            let keys = repo.signers.values_mut().flatten();
            keys.zip(1..)
                .for_each(|(key, role)| *key = 1000 * generation + role);
        });
    }
    repo.publish();
    let mut old = repo.client();
    let mut young = repo.client();
    young.store.root = repo.files["37.root.json"].clone();
    for client in [&mut old, &mut young] {
        let trusted = client.refresh(&repo.files).unwrap();
        assert_eq!(trusted.root().version(), 51);
        assert_eq!(client.store.root, repo.files["51.root.json"]);
    }
    let first = key(1).public().clone();
    let newest = &repo.docs[&RoleName::Root]["keys"];
    assert!(newest.get(first.keyid().as_str()).is_none(), "{newest}");
    repo.files.remove("20.root.json");
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("timestamp.json".into(), "signature"),
        "there is no way round a root in between"
    );
}
