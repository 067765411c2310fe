//! PKCS#11, with SoftHSM as the token: finding keys and unwrapping with them.
//!
//! SoftHSM does P-256. Of RSA-OAEP it knows SHA-1 only, which shows what is said of a token that cannot.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use sealift_custody::Fault;
use sealift_envelope::Wrap;

use crate::child;
use crate::softhsm::{P256, Workshop, inside, open, variable};
use crate::unwrapping::{trouble, unwraps};

#[test]
fn p256_unwraps() {
    if !inside("tokens::p256_unwraps") {
        return;
    }
    Workshop::open().p256("kek", 1);
    let key = open("pkcs11:token=Director;object=kek?pin-source=env:TOKEN_PIN").unwrap();
    assert_eq!(key.public().wrap(), Wrap::HpkeP256);
    unwraps(&key);
    // The same key by its other names, beside the first.
    let pin_file = variable("PIN_FILE");
    let module = variable("SEALIFT_PKCS11_MODULE");
    let uri = format!("pkcs11:token=Director;id=%01?pin-source=file:{pin_file}&module-path={module}");
    let again = open(&uri).unwrap();
    assert_eq!(again.public(), key.public());
    drop(key);
    unwraps(&again);
}

#[test]
fn many_threads_share_one_session() {
    if !inside("tokens::many_threads_share_one_session") {
        return;
    }
    Workshop::open().p256("kek", 1);
    let key = open("pkcs11:token=Director?pin-source=env:TOKEN_PIN").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..8).for_each(|_| unwraps(&key)));
        }
    });
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    if !inside("tokens::what_is_not_there_is_answered_with_what_is") {
        return;
    }
    let workshop = Workshop::open();
    let found = |uri: &str, fault: Fault, says: &[&str]| {
        let error = open(&format!("{uri}?pin-source=env:TOKEN_PIN")).unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        for part in says {
            assert!(error.to_string().contains(part), "{error}");
        }
    };
    found(
        "pkcs11:token=Dire",
        Fault::NotFound,
        &["no token", "`Director`", "`Spare`"],
    );
    found(
        "pkcs11:",
        Fault::NotFound,
        &["more than one token", "`Spare`", "serial"],
    );
    found(
        "pkcs11:token=Director",
        Fault::NotFound,
        &["no private key in it at all"],
    );
    workshop.p256("kek", 1);
    found(
        "pkcs11:token=Director;object=kk",
        Fault::NotFound,
        &["`object=kek;id=%01`"],
    );
    workshop.p256("kek", 2);
    let both = ["more than one", "id=%01", "id=%02"];
    found("pkcs11:token=Director;object=kek", Fault::NotFound, &both);
    unwraps(&open("pkcs11:token=Director;object=kek;id=%02?pin-source=env:TOKEN_PIN").unwrap());
}

/// SoftHSM's OAEP knows no SHA-256. That is no fault of the stanza, and must not look like one.
#[test]
fn a_token_that_cannot_says_which_mechanism() {
    if !inside("tokens::a_token_that_cannot_says_which_mechanism") {
        return;
    }
    let workshop = Workshop::open();
    workshop.rsa("kek", 3072);
    let key = open("pkcs11:token=Director;object=kek?pin-source=env:TOKEN_PIN").unwrap();
    assert_eq!(key.public().wrap(), Wrap::RsaOaep);
    let error = trouble(&key);
    assert_eq!(error.fault(), Fault::Unable);
    let text = error.to_string();
    assert!(
        text.contains("`Director` cannot do CKM_RSA_PKCS_OAEP with SHA-256"),
        "{text}"
    );
}

/// RSA in a token that can, whichever the machine has: SoftHSM cannot. For instance NSS' own token behind p11-kit.
#[test]
fn rsa_unwraps_in_a_token_that_can() {
    let Some(uri) = std::env::var_os("SEALIFT_TEST_RSA_URI") else {
        eprintln!("left out: SEALIFT_TEST_RSA_URI names no RSA key in a token");
        return;
    };
    let key = open(uri.to_str().unwrap()).unwrap();
    assert_eq!(key.public().wrap(), Wrap::RsaOaep);
    unwraps(&key);
}

/// A key that may only sign is found by its absence of `CKA_DERIVE`, which SoftHSM enforces.
#[test]
fn a_key_that_may_not_derive_is_named() {
    if !inside("tokens::a_key_that_may_not_derive_is_named") {
        return;
    }
    let workshop = Workshop::open();
    let name = [
        Attribute::Label("sign".into()),
        Attribute::Id(vec![9]),
        Attribute::Token(true),
    ];
    let public = [&name[..], &[Attribute::EcParams(P256.to_vec())]].concat();
    let private = [&name[..], &[Attribute::Derive(false), Attribute::Sign(true)]].concat();
    workshop
        .0
        .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
        .unwrap();
    let error = trouble(&open("pkcs11:token=Director?pin-source=env:TOKEN_PIN").unwrap());
    assert_eq!(error.fault(), Fault::Unable);
    assert!(error.to_string().contains("CKM_ECDH1_DERIVE"), "{error}");
}

#[test]
fn keys_of_other_kinds_are_refused() {
    if !inside("tokens::keys_of_other_kinds_are_refused") {
        return;
    }
    let workshop = Workshop::open();
    workshop.rsa("small", 2048);
    let error = open("pkcs11:token=Director?pin-source=env:TOKEN_PIN").unwrap_err();
    assert_eq!(error.fault(), Fault::Unable);
    assert!(error.to_string().contains("3072"), "{error}");
}

/// Someone else in the process logs out: the operation under way fails, the next one logs in again.
#[test]
fn a_lost_session_is_reported_and_then_renewed() {
    if !inside("tokens::a_lost_session_is_reported_and_then_renewed") {
        return;
    }
    let workshop = Workshop::open();
    workshop.p256("kek", 1);
    let key = open("pkcs11:token=Director?pin-source=env:TOKEN_PIN").unwrap();
    unwraps(&key);
    workshop.0.logout().unwrap();
    let error = trouble(&key);
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(error.to_string().contains("gone"), "{error}");
    unwraps(&key);
}

#[test]
fn modules_that_are_none() {
    for (uri, says) in [
        ("pkcs11:?module-path=/nowhere/module.so", "/nowhere/module.so"),
        ("pkcs11:?module-path=/etc/passwd", "/etc/passwd"),
    ] {
        let error = open(uri).unwrap_err();
        assert_eq!(error.fault(), Fault::Settings);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn no_module_is_named() {
    let name = "tokens::no_module_is_named";
    if !child::is_inside(name) {
        return child::run(name, &[]);
    }
    let error = open("pkcs11:token=Director").unwrap_err();
    assert_eq!(error.fault(), Fault::Settings);
    assert!(error.to_string().contains("SEALIFT_PKCS11_MODULE"), "{error}");
}
