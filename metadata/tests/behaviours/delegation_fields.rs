//! What a delegation has to say of itself.

use sealift_metadata::{Document, FormatError, Signer as _, Targets};
use serde_json::{Value, json};

use crate::common::{EXPIRES, key};

fn read(role: &Value) -> Result<Document<Targets>, FormatError> {
    let public = key(81).public().clone();
    let signed = json!({
        "_type": "targets", "spec_version": "1.0.0", "version": 1, "expires": EXPIRES, "targets": {},
        "delegations": {"keys": {public.keyid().as_str(): public.to_value()}, "roles": [role]},
    });
    Document::parse(json!({"signed": signed, "signatures": []}).to_string().as_bytes())
}

/// U-5.2.3.2-7, U-5.2.3.2-8: a name, keys, a threshold, and whether the search ends there; what is left out is not guessed.
#[test]
fn every_field_is_required() {
    let keyid = key(81).public().keyid().to_string();
    let good =
        json!({"name": "a", "keyids": [keyid], "threshold": 1, "terminating": false, "paths": ["a/*"]});
    read(&good).unwrap();
    for field in ["name", "keyids", "threshold", "terminating", "paths"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(read(&without).is_err(), "{field}");
    }
    for (field, bad) in [
        ("terminating", json!("false")),
        ("terminating", json!(0)),
        ("terminating", Value::Null),
        ("threshold", json!(0)),
    ] {
        let mut bent = good.clone();
        bent[field] = bad;
        assert!(read(&bent).is_err(), "{bent}");
    }
}
