//! Signing in the stand-in.

use sealift_custody::{CustodyError, Fault, HeldSigner, KeyUri, NobodyToAsk};
use sealift_metadata::{KeyType, SignError, Signer as _};

use super::stand_in::StandIn;
use crate::signing::{held, sign, signs, trouble};

/// True in the child, which has credentials of the stand-in and nothing else.
fn inside(name: &str) -> bool {
    super::inside(&format!("signing::{name}"))
}

fn open(service: &StandIn, key: &str) -> Result<HeldSigner, CustodyError> {
    let uri = format!("awskms://{}/alias/{key}", service.address());
    sealift_custody::open_signer(&uri.parse::<KeyUri>().unwrap(), &NobodyToAsk)
}

#[test]
fn each_kind_signs() {
    if !inside("each_kind_signs") {
        return;
    }
    let service = StandIn::start();
    for (key, kind) in [("signs", KeyType::P256), ("signs-rsa", KeyType::RsaPss)] {
        let before = service.asked().len();
        let signer = open(&service, key).unwrap();
        assert_eq!(signer.public().kind(), kind);
        signs(&signer);
        assert_eq!(service.asked()[before..], ["GetPublicKey", "Sign", "Sign"]);
        // The longest that KMS takes whole, and one more.
        sign(&signer, &[1; 4096]).unwrap();
        sign(&signer, &[1; 4097]).unwrap();
    }
    assert_eq!(service.complaints(), [""; 0]);
}

/// KMS takes no digest for it, and no long message.
#[test]
fn ed25519_signs_what_is_short() {
    if !inside("ed25519_signs_what_is_short") {
        return;
    }
    let service = StandIn::start();
    let signer = open(&service, "signs-ed25519").unwrap();
    assert_eq!(signer.public().kind(), KeyType::Ed25519);
    sign(&signer, &[1; 4096]).unwrap();
    let asked = service.asked().len();
    let error = held(sign(&signer, &[1; 4097]));
    assert_eq!(error.fault(), Fault::Unable);
    assert!(error.to_string().contains("P-256"), "{error}");
    assert_eq!(service.asked().len(), asked, "it was not even tried");
}

/// Well-formed answers that are no signatures of the document: what moto does with PSS, above all.
#[test]
fn a_wrong_signature_never_gets_out() {
    if !inside("a_wrong_signature_never_gets_out") {
        return;
    }
    let service = StandIn::start();
    for (key, scheme) in [
        ("signs-rsa-salt", "rsassa-pss-sha256"),
        ("signs-other", "ecdsa-sha2-nistp256"),
        ("signs-nothing", "ecdsa-sha2-nistp256"),
    ] {
        let signer = open(&service, key).unwrap();
        let error = sign(&signer, b"{}").unwrap_err();
        assert!(
            matches!(&error, SignError::Wrong { scheme: wanted, .. } if *wanted == scheme),
            "{key}: {error:?}"
        );
    }
}

#[test]
fn keys_for_other_uses_are_refused_at_once() {
    if !inside("keys_for_other_uses_are_refused_at_once") {
        return;
    }
    let service = StandIn::start();
    for key in ["p256", "rsa"] {
        let error = open(&service, key).unwrap_err();
        assert_eq!(error.fault(), Fault::Unable, "{error}");
        assert!(error.to_string().contains("SIGN_VERIFY"), "{error}");
    }
    // And the other way round.
    let error = super::open(&service, "alias/signs-ed25519").unwrap_err();
    assert_eq!(error.fault(), Fault::Unable, "{error}");
}

#[test]
fn errors_say_who_has_to_do_what() {
    if !inside("errors_say_who_has_to_do_what") {
        return;
    }
    let service = StandIn::start();
    for (code, fault, says) in [
        ("AccessDeniedException", Fault::Denied, "kms:Sign"),
        ("DisabledException", Fault::Denied, "enable-key"),
        ("KMSInvalidStateException", Fault::Denied, "cancel-key-deletion"),
        ("ThrottlingException", Fault::Unavailable, "quota"),
    ] {
        let signer = open(&service, &format!("signs-fails-{code}")).unwrap();
        let error = trouble(&signer);
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(service.complaints(), [""; 0]);
}
