//! Oracle of the documents that are published beside an image.

use std::sync::OnceLock;

use sealift_metadata::companions::{Companion, CompanionKind, Form};
use sealift_metadata::dsse::pae;
use sealift_metadata::targets::TargetFile;
use sealift_metadata::{Hashes, PublicKey};
use serde_json::json;

/// A key that has signed none of the inputs.
const STRANGER: &str = include_str!("../../../metadata/tests/data/p256.pub.pem");

fn stranger() -> &'static [PublicKey; 1] {
    static KEY: OnceLock<[PublicKey; 1]> = OnceLock::new();
    KEY.get_or_init(|| [PublicKey::from_pem(STRANGER).expect("a key in the tests' data")])
}

/// What is accepted as a companion can be listed, and nobody has signed what he has not.
pub fn companion(input: &[u8]) {
    for kind in CompanionKind::ALL {
        let Ok(form) = Form::read(kind, input) else {
            continue;
        };
        let companion = Companion {
            kind,
            sha256: [7; 32],
            length: u64::try_from(input.len()).expect("an input has a length"),
            media_type: form.media_type(),
        };
        let file = TargetFile {
            length: 0,
            hashes: Hashes::from([0; 32]),
            custom: Some(json!({"companions": [companion.to_value()]})),
        };
        let listed = Companion::of_file(&file).expect("what was read can be listed");
        assert_eq!(listed, [companion], "the list says something else");
        if let Form::Provenance(envelope, provenance) = form {
            assert!(!provenance.builder_id().is_empty(), "a builder without a name");
            assert_eq!(envelope.signed_by(stranger()), None, "a stranger's signature");
            let message = pae(envelope.payload_type(), envelope.payload());
            assert!(message.ends_with(envelope.payload()), "not what was signed");
        }
    }
}
