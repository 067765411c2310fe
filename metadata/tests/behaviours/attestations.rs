//! Signed statements of builders: the envelope, and the provenance in it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use proptest::prelude::*;
use sealift_metadata::companions::{CompanionKind, Form, Provenance};
use sealift_metadata::dsse::{Envelope, pae};
use sealift_metadata::signer::{FileSigner, Signer, sign_checked};
use serde_json::{Value, json};

use crate::common::{key, now};

const TYPE: &str = "application/vnd.in-toto+json";

fn statement() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "other", "digest": {"sha512": "00"}},
            {"name": "a.img", "digest": {"sha256": "ab".repeat(32)}},
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {"buildType": "https://example.com/make", "externalParameters": {"level": 0.5}},
            "runDetails": {"builder": {"id": "https://example.com/builder"}},
        },
    })
}

fn seal(payload: &[u8], signers: &[&FileSigner]) -> Value {
    let message = pae(TYPE, payload);
    let signatures: Vec<Value> = signers
        .iter()
        .map(|signer| {
            let sig = now(sign_checked(*signer, &message)).unwrap();
            json!({"keyid": "anything", "sig": STANDARD.encode(sig)})
        })
        .collect();
    json!({"payloadType": TYPE, "payload": STANDARD.encode(payload), "signatures": signatures})
}

fn parse(value: &Value) -> Result<Envelope, String> {
    Envelope::parse(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// The example of the specification.
#[test]
fn the_encoding_is_that_of_the_specification() {
    let encoded = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    // Lengths are of bytes.
    assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
}

#[test]
fn a_signature_counts_for_its_key_alone() {
    let (one, two, three) = (key(1), key(2), key(3));
    let envelope = parse(&seal(b"payload", &[&one, &two])).unwrap();
    assert_eq!(envelope.payload(), b"payload");
    let keys = |signers: &[&FileSigner]| -> Vec<_> {
        signers.iter().map(|signer| signer.public().clone()).collect()
    };
    assert_eq!(envelope.signed_by(&keys(&[&three, &two])), Some(two.public()));
    assert_eq!(envelope.signed_by(&keys(&[&one])), Some(one.public()));
    assert_eq!(envelope.signed_by(&keys(&[&three])), None);
    assert_eq!(envelope.signed_by(&[]), None);
}

#[test]
fn type_and_payload_are_under_the_signature() {
    let signer = key(1);
    let keys = [signer.public().clone()];
    let good = seal(b"payload", &[&signer]);
    for (field, value) in [
        ("payload", STANDARD.encode(b"payloae")),
        ("payloadType", "application/vnd.in-toto+jsom".to_owned()),
    ] {
        let mut changed = good.clone();
        changed[field] = json!(value);
        assert_eq!(parse(&changed).unwrap().signed_by(&keys), None, "{field}");
    }
    // A boundary that moves between the two is no second reading.
    assert_ne!(pae("a", b"b 1 c"), pae("a 5 b", b"c"));
}

#[test]
fn both_alphabets_are_read() {
    let signer = key(1);
    let keys = [signer.public().clone()];
    let payload = b"\xfb\xff\xfe?>";
    let mut envelope = seal(payload, &[&signer]);
    for text in [URL_SAFE.encode(payload), STANDARD_NO_PAD.encode(payload)] {
        envelope["payload"] = json!(text);
        let parsed = parse(&envelope).unwrap();
        assert_eq!(parsed.payload(), payload);
        assert!(parsed.signed_by(&keys).is_some());
    }
}

#[test]
fn broken_envelopes_are_refused() {
    let signer = key(1);
    let good = seal(b"payload", &[&signer]);
    let signature = good["signatures"][0].clone();
    let with = |field: &str, value: Value| {
        let mut envelope = good.clone();
        envelope[field] = value;
        envelope
    };
    assert!(parse(&with("signatures", json!(vec![signature.clone(); 16]))).is_ok());
    for wrong in [
        with("signatures", json!(vec![signature; 17])),
        with("signatures", json!([])),
        with("signatures", json!([{"keyid": "a"}])),
        with("signatures", json!([{"sig": "*"}])),
        with("payload", json!("+/_-")),
        with("payload", json!(1)),
        with("payloadType", json!(null)),
    ] {
        assert!(parse(&wrong).is_err(), "{wrong}");
    }
    let twice = good.to_string().replacen('{', r#"{"payload": "AA==","#, 1);
    assert!(Envelope::parse(twice.as_bytes()).is_err());
}

fn provenance(statement: &Value) -> Result<Provenance, String> {
    Provenance::parse(TYPE, statement.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn provenance_says_of_what_and_by_whom() {
    let found = provenance(&statement()).unwrap();
    assert_eq!(found.builder_id(), "https://example.com/builder");
    assert!(found.is_of(&[0xab; 32]));
    assert!(!found.is_of(&[0; 32]));
    let envelope = seal(statement().to_string().as_bytes(), &[&key(1)]);
    let form = Form::read(CompanionKind::Provenance, envelope.to_string().as_bytes()).unwrap();
    assert!(matches!(form, Form::Provenance(_, read) if read == found));
}

#[test]
fn other_statements_are_named() {
    let changed = |pointer: &str, value: Value| {
        let mut statement = statement();
        *statement.pointer_mut(pointer).unwrap() = value;
        provenance(&statement).unwrap_err()
    };
    assert!(changed("/_type", json!("https://in-toto.io/Statement/v0.1")).contains("Statement/v1"));
    assert!(changed("/predicateType", json!("https://slsa.dev/provenance/v0.2")).contains("predicateType"));
    for pointer in [
        "/predicate",
        "/predicate/runDetails",
        "/predicate/runDetails/builder",
    ] {
        assert!(
            changed(pointer, json!({})).contains("builder.id is missing"),
            "{pointer}"
        );
    }
    assert!(changed("/predicate/runDetails/builder/id", json!("")).contains("missing"));
    let _ = changed("/subject", json!({}));
    let text = statement().to_string();
    assert!(Provenance::parse("application/json", text.as_bytes()).is_err());
    let twice = text.replacen('{', r#"{"_type": "https://in-toto.io/Statement/v1","#, 1);
    assert!(Provenance::parse(TYPE, twice.as_bytes()).is_err());
}

/// A digest in another spelling is another digest.
#[test]
fn digests_are_lower_case() {
    let mut upper = statement();
    upper["subject"][1]["digest"]["sha256"] = json!("AB".repeat(32));
    assert!(!provenance(&upper).unwrap().is_of(&[0xab; 32]));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Envelope::parse(&bytes);
        let _ = Provenance::parse(TYPE, &bytes);
        for kind in CompanionKind::ALL {
            let _ = Form::read(kind, &bytes);
        }
    }
}
