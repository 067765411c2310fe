//! Signing in SoftHSM: each scheme of TUF, keys that may not, sessions that are lost.

use std::cell::Cell;
use std::process::Command;

use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::Attribute;
use sealift_custody::{CustodyError, Fault, HeldSigner, KeyUri, NobodyToAsk};
use sealift_metadata::{KeyType, PublicKey, Signer};

use crate::signing::{signs, trouble};
use crate::softhsm::{Answers, P256, PIN, Workshop, inside};

const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

fn open(key: &str) -> Result<HeldSigner, CustodyError> {
    let uri = format!("pkcs11:token=Director;object={key}?pin-source=env:TOKEN_PIN");
    sealift_custody::open_signer(&uri.parse::<KeyUri>().unwrap(), &NobodyToAsk)
}

fn signing(private: &[Attribute]) -> Vec<Attribute> {
    [&[Attribute::Sign(true)], private].concat()
}

fn p256(workshop: &Workshop, label: &str) {
    let curve = [Attribute::EcParams(P256.to_vec())];
    workshop.pair(&Mechanism::EccKeyPairGen, label, &curve, &signing(&[]));
}

fn rsa(workshop: &Workshop, label: &str, bits: u64) {
    let numbers = [
        Attribute::ModulusBits(bits.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ];
    workshop.pair(&Mechanism::RsaPkcsKeyPairGen, label, &numbers, &signing(&[]));
}

#[test]
fn p256_signs() {
    if !inside("token_signing::p256_signs") {
        return;
    }
    p256(&Workshop::open(), "role");
    let signer = open("role").unwrap();
    assert_eq!(signer.public().kind(), KeyType::P256);
    signs(&signer);
    // The key that others read from the token is the one that verifies.
    let again = open("role").unwrap();
    assert_eq!(again.public().keyid(), signer.public().keyid());
    assert_eq!(
        format!("{signer:?}"),
        format!("HeldSigner({:?}, elsewhere)", signer.public())
    );
}

#[test]
fn rsa_signs_with_32_bytes_of_salt() {
    if !inside("token_signing::rsa_signs_with_32_bytes_of_salt") {
        return;
    }
    rsa(&Workshop::open(), "role", 3072);
    let signer = open("role").unwrap();
    assert_eq!(signer.public().kind(), KeyType::RsaPss);
    // The verifier takes no other salt.
    signs(&signer);
}

#[test]
fn ed25519_signs() {
    if !inside("token_signing::ed25519_signs") {
        return;
    }
    let workshop = Workshop::open();
    if !workshop.has(MechanismType::EDDSA) {
        eprintln!("left out: token_signing::ed25519_signs: this build of SoftHSM has no CKM_EDDSA");
        return;
    }
    let curve = [Attribute::EcParams(ED25519.to_vec())];
    workshop.pair(&Mechanism::EccEdwardsKeyPairGen, "role", &curve, &signing(&[]));
    let signer = open("role").unwrap();
    assert_eq!(signer.public().kind(), KeyType::Ed25519);
    signs(&signer);
    // It opens nothing.
    let uri: KeyUri = "pkcs11:token=Director?pin-source=env:TOKEN_PIN".parse().unwrap();
    let error = sealift_custody::open(&uri, &NobodyToAsk).unwrap_err();
    assert_eq!(error.fault(), Fault::Unable, "{error}");
}

/// Before anything is signed: a server that could not sign should not start.
#[test]
fn keys_that_cannot_sign_are_refused_at_once() {
    if !inside("token_signing::keys_that_cannot_sign_are_refused_at_once") {
        return;
    }
    let workshop = Workshop::open();
    let curve = |oid: &[u8]| [Attribute::EcParams(oid.to_vec())];
    let generate = Mechanism::EccKeyPairGen;
    let derives = [Attribute::Sign(false), Attribute::Derive(true)];
    workshop.pair(&generate, "kek", &curve(P256), &derives);
    workshop.pair(&generate, "p384", &curve(P384), &signing(&[]));
    let each_time = signing(&[Attribute::AlwaysAuthenticate(true), Attribute::Private(true)]);
    workshop.pair(&generate, "each", &curve(P256), &each_time);
    rsa(&workshop, "weak", 1024);
    for (key, says) in [
        ("kek", "may not sign"),
        ("p384", "none of P-256, Ed25519 and RSA"),
        ("each", "wants the PIN for each signature"),
        ("weak", "2048 to 8192"),
    ] {
        let error = open(key).unwrap_err();
        assert_eq!(error.fault(), Fault::Unable, "{key}: {error}");
        assert!(error.to_string().contains(says), "{key}: {error}");
    }
    assert_eq!(open("nobody").unwrap_err().fault(), Fault::NotFound);
}

/// Five roles in one token: the person types the PIN once.
#[test]
fn a_person_is_asked_once_for_all_keys_of_a_token() {
    if !inside("token_signing::a_person_is_asked_once_for_all_keys_of_a_token") {
        return;
    }
    let workshop = Workshop::open();
    p256(&workshop, "one");
    p256(&workshop, "two");
    // Logged in once is logged in everywhere in a process.
    workshop.0.logout().unwrap();
    let person = Answers(PIN, Cell::new(0));
    let ask = |key: &str| {
        let uri: KeyUri = format!("pkcs11:token=Director;object={key}").parse().unwrap();
        sealift_custody::open_signer(&uri, &person).unwrap()
    };
    let (one, two) = (ask("one"), ask("two"));
    assert_eq!(person.1.get(), 1);
    signs(&one);
    signs(&two);
    assert_ne!(one.public(), two.public());
}

/// Signers are shared by tasks, and none blocks the runtime or another's answer.
#[test]
fn many_tasks_share_one_session() {
    if !inside("token_signing::many_tasks_share_one_session") {
        return;
    }
    p256(&Workshop::open(), "role");
    let signer = open("role").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let messages: Vec<Vec<u8>> = (0..16_u8).map(|number| vec![number; 100]).collect();
    let tasks: Vec<_> = messages
        .iter()
        .map(|message| {
            let (signer, message) = (signer.clone(), message.clone());
            runtime.spawn(async move { signer.sign(&message).await })
        })
        .collect();
    let public: &PublicKey = signer.public();
    for (message, task) in messages.iter().zip(tasks) {
        let signature = runtime.block_on(task).unwrap().unwrap();
        public.verify(message, &signature).unwrap();
    }
}

/// Someone else in the process logs out: the signature under way fails, the next one logs in again.
#[test]
fn a_lost_session_is_reported_and_then_renewed() {
    if !inside("token_signing::a_lost_session_is_reported_and_then_renewed") {
        return;
    }
    let workshop = Workshop::open();
    p256(&workshop, "role");
    let signer = open("role").unwrap();
    signs(&signer);
    workshop.0.logout().unwrap();
    let error = trouble(&signer);
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(error.to_string().contains("gone"), "{error}");
    signs(&signer);
}

/// Taken away between two signatures, for good.
#[test]
fn a_token_that_is_gone_signs_nothing() {
    if !inside("token_signing::a_token_that_is_gone_signs_nothing") {
        return;
    }
    p256(&Workshop::open(), "role");
    let signer = open("role").unwrap();
    signs(&signer);
    let gone = Command::new("softhsm2-util")
        .args(["--delete-token", "--token", "Director"])
        .output()
        .unwrap();
    assert!(gone.status.success(), "{gone:?}");
    // Found out by the signature under way; from then on there is no such token.
    for (fault, says) in [(Fault::Unavailable, "gone"), (Fault::NotFound, "`Spare`")] {
        let error = trouble(&signer);
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
