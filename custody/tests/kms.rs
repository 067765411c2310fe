//! AWS KMS, against a stand-in for it on this machine.

mod signing;
mod stand_in;

use sealift_custody::{CustodyError, Fault, HeldKey, KeyUri, NobodyToAsk};
use sealift_envelope::{UnwrapError, Wrap};

use self::stand_in::{ACCESS_KEY, REGION, SECRET_KEY, StandIn};
use crate::child;
use crate::unwrapping::{key_file, trouble, unwraps};

/// True in the child, which has credentials of the stand-in and nothing else.
fn inside(name: &str) -> bool {
    let credentials = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_REGION", REGION),
    ];
    inside_with(name, &credentials)
}

fn inside_with(name: &str, variables: &[(&str, &str)]) -> bool {
    let name = format!("kms::{name}");
    if child::is_inside(&name) {
        return true;
    }
    let quiet = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let all = variables.iter().chain(&quiet);
    let all: Vec<_> = all.map(|(name, value)| (*name, value.into())).collect();
    child::run(&name, &all);
    false
}

fn open(service: &StandIn, key: &str) -> Result<HeldKey, CustodyError> {
    let uri = format!("awskms://{}/{key}", service.address());
    sealift_custody::open(&uri.parse::<KeyUri>().unwrap(), &NobodyToAsk)
}

#[test]
fn p256_unwraps() {
    if !inside("p256_unwraps") {
        return;
    }
    let service = StandIn::start();
    let key = open(&service, "alias/p256").unwrap();
    assert_eq!(key.public().wrap(), Wrap::HpkeP256);
    unwraps(&key);
    // Whole, for another place, with another ciphertext. The damaged point lies off the curve and goes nowhere.
    let derive = "DeriveSharedSecret";
    assert_eq!(service.asked(), ["GetPublicKey", derive, derive, derive]);
    assert_eq!(service.complaints(), [""; 0]);
}

#[test]
fn rsa_unwraps() {
    if !inside("rsa_unwraps") {
        return;
    }
    let service = StandIn::start();
    let arn = format!("arn:aws:kms:{REGION}:111122223333:alias/rsa");
    let key = open(&service, &arn).unwrap();
    assert_eq!(key.public().wrap(), Wrap::RsaOaep);
    unwraps(&key);
    assert_eq!(
        service.asked(),
        ["GetPublicKey", "Decrypt", "Decrypt", "Decrypt", "Decrypt"]
    );
    assert_eq!(service.complaints(), [""; 0]);
}

/// A runtime with a single thread, which the call blocks; several callers at once besides.
#[test]
fn from_within_an_asynchronous_program() {
    if !inside("from_within_an_asynchronous_program") {
        return;
    }
    let service = StandIn::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let key = std::sync::Arc::new(open(&service, "alias/p256").unwrap());
        unwraps(&key);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let key = key.clone();
                tokio::task::spawn_blocking(move || unwraps(&key))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        drop(key);
    });
    assert_eq!(service.complaints(), [""; 0]);
}

/// Each error of KMS's reference that an operator can do something about, when the key is looked for and when it is used.
#[test]
fn errors_say_who_has_to_do_what() {
    if !inside("errors_say_who_has_to_do_what") {
        return;
    }
    let service = StandIn::start();
    let error = open(&service, "alias/missing").unwrap_err();
    assert_eq!(error.fault(), Fault::NotFound, "{error}");
    assert!(error.to_string().contains("alias/missing"), "{error}");
    for (code, fault, says) in [
        ("AccessDeniedException", Fault::Denied, "kms:DeriveSharedSecret"),
        ("NotFoundException", Fault::NotFound, "region"),
        ("DisabledException", Fault::Denied, "enable-key"),
        ("KMSInvalidStateException", Fault::Denied, "cancel-key-deletion"),
        ("InvalidKeyUsageException", Fault::Unable, "KEY_AGREEMENT"),
        ("ExpiredTokenException", Fault::Denied, "Renew"),
        ("ValidationException", Fault::Unavailable, "ValidationException"),
    ] {
        let key = open(&service, &format!("alias/fails-{code}")).unwrap();
        let error = trouble(&key);
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(service.complaints(), [""; 0]);
}

#[test]
fn a_ciphertext_that_kms_refuses_is_refused() {
    if !inside("a_ciphertext_that_kms_refuses_is_refused") {
        return;
    }
    let service = StandIn::start();
    let key = open(&service, "alias/fails-InvalidCiphertextException").unwrap();
    let (file, binding) = key_file(key.public());
    let result = file.unwrap_with(&key, &binding);
    assert!(matches!(result, Err(UnwrapError::Refused)), "{result:?}");
}

/// An overloaded service is asked again a few times by the SDK, and no more.
#[test]
fn throttling_is_waited_out_or_told() {
    if !inside("throttling_is_waited_out_or_told") {
        return;
    }
    let service = StandIn::start();
    let key = open(&service, "alias/once-ThrottlingException").unwrap();
    let (file, binding) = key_file(key.public());
    assert!(file.unwrap_with(&key, &binding).is_ok());
    assert_eq!(service.asked().len(), 3);
    let key = open(&service, "alias/fails-ThrottlingException").unwrap();
    let error = trouble(&key);
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(error.to_string().contains("quota"), "{error}");
    assert_eq!(service.asked().len(), 3 + 1 + 3);
}

/// Answers that are well-formed and wrong: another key's secret, too short, none.
#[test]
fn a_wrong_answer_is_refused() {
    if !inside("a_wrong_answer_is_refused") {
        return;
    }
    let service = StandIn::start();
    for key in ["alias/lies-other", "alias/lies-short", "alias/lies-nothing"] {
        let key = open(&service, key).unwrap();
        let (file, binding) = key_file(key.public());
        let result = file.unwrap_with(&key, &binding);
        assert!(matches!(result, Err(UnwrapError::Refused)), "{result:?}");
    }
}

#[test]
fn keys_for_other_uses_are_refused_at_once() {
    if !inside("keys_for_other_uses_are_refused_at_once") {
        return;
    }
    let service = StandIn::start();
    for key in ["alias/signs", "alias/rsa2048"] {
        let error = open(&service, key).unwrap_err();
        assert_eq!(error.fault(), Fault::Unable, "{error}");
        assert!(error.to_string().contains("aws kms create-key"), "{error}");
    }
}

#[test]
fn nobody_listens() {
    if !inside("nobody_listens") {
        return;
    }
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let uri: KeyUri = format!("awskms://{address}/alias/p256").parse().unwrap();
    let error = sealift_custody::open(&uri, &NobodyToAsk).unwrap_err();
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(error.to_string().contains("does not answer"), "{error}");
}

#[test]
fn credentials_are_missing() {
    if !inside_with("credentials_are_missing", &[("AWS_REGION", REGION)]) {
        return;
    }
    let service = StandIn::start();
    let error = open(&service, "alias/p256").unwrap_err();
    assert_eq!(error.fault(), Fault::Denied);
    assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
    assert!(service.asked().is_empty());
}

#[test]
fn the_region_is_missing() {
    let credentials = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
    ];
    if !inside_with("the_region_is_missing", &credentials) {
        return;
    }
    let service = StandIn::start();
    let error = open(&service, "alias/p256").unwrap_err();
    assert_eq!(error.fault(), Fault::Settings);
    assert!(error.to_string().contains("AWS_REGION"), "{error}");
    let arn = format!("arn:aws:kms:{REGION}:111122223333:alias/p256");
    unwraps(&open(&service, &arn).unwrap());
}

/// The stand-in checks signatures: a wrong secret does not pass. Without this, the other tests would show less.
#[test]
fn a_wrong_secret_key_is_found_out() {
    let credentials = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", "another"),
        ("AWS_REGION", REGION),
    ];
    if !inside_with("a_wrong_secret_key_is_found_out", &credentials) {
        return;
    }
    let service = StandIn::start();
    let error = open(&service, "alias/p256").unwrap_err();
    assert_eq!(error.fault(), Fault::Denied);
    assert!(
        error.to_string().contains("does not accept these credentials"),
        "{error}"
    );
    assert_eq!(service.complaints().len(), 1);
}
