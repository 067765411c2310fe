//! Secrets do not show when they are printed.

use sealift_envelope::{ContentKey, PrivateKey, UnwrapKey};

use crate::support::{P256, RSA, TestRng, X_WING, plan};

#[test]
fn debug_output_is_redacted() {
    let key = ContentKey::from_bytes([0xAB; 32]);
    assert_eq!(format!("{key:?}"), "ContentKey(redacted)");
    for key in [&*P256, &*RSA, &*X_WING] {
        assert_eq!(
            format!("{key:?}"),
            format!("PrivateKey({}, redacted)", key.key_id())
        );
    }
    let public = X_WING.public();
    let shown = format!("XWing(XWingPublic({}))", public.key_id());
    assert_eq!(format!("{public:?}"), shown);
    let plan = plan("redaction", None, vec![P256.public()]);
    let secret = plan.content_key().expose();
    for shown in [
        format!("{plan:?}"),
        format!("{plan:#?}"),
        format!("{:?}", plan.sealer().unwrap()),
    ] {
        assert!(shown.contains("redacted"));
        assert!(!shown.contains(&hex::encode(secret)));
        assert!(!shown.contains(&format!("{:?}", &secret[..4]).replace(['[', ']'], "")));
    }
}

#[test]
fn errors_do_not_carry_secrets_or_their_sources() {
    use std::error::Error as _;
    let plan = plan("errors", None, vec![]);
    let stranger = PrivateKey::generate_p256(&mut TestRng::new("stranger"));
    let find = |header: &sealift_envelope::Header| {
        header.unwrap_with(&stranger, &sealift_envelope::Binding::in_file())
    };
    let image = plan.header().bytes();
    let error = sealift_envelope::open(image, std::io::sink(), find, &mut |_| {}).unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(!error.to_string().contains(&source), "{error}: {source}");
    assert!(source.contains(&stranger.key_id().to_string()));
}

#[test]
fn keys_and_machines_can_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<PrivateKey>();
    crosses::<ContentKey>();
    crosses::<sealift_envelope::SealPlan>();
    crosses::<sealift_envelope::Sealer>();
    crosses::<sealift_envelope::Opener>();
    crosses::<sealift_envelope::RangedOpener<Vec<u8>>>();
    crosses::<sealift_envelope::OpenError>();
    crosses::<sealift_envelope::SealError>();
}
