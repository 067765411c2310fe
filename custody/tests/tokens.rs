//! PKCS#11, with SoftHSM as the token. Each test has a token of its own, in a child process of its own.
//!
//! SoftHSM does P-256. Of RSA-OAEP it knows SHA-1 only, which shows what is said of a token that cannot.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use sealift_custody::{AskPin, CustodyError, Fault, HeldKey, KeyUri, NobodyToAsk, Pin};
use sealift_envelope::{UnwrapError, Wrap};

use crate::child;
use crate::unwrapping::{key_file, trouble, unwraps};

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
const PIN: &str = "71077345";
const SO_PIN: &str = "31415926";
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// True in the child. In the parent, makes a token `Director` and runs the child with it.
fn inside(name: &str) -> bool {
    let name = format!("tokens::{name}");
    if child::is_inside(&name) {
        return true;
    }
    let Some(module) = MODULES.into_iter().find(|path| Path::new(path).exists()) else {
        eprintln!("left out: {name}: SoftHSM is not installed (on Debian: apt-get install softhsm2)");
        return false;
    };
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = dir.path().join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&conf, text).unwrap();
    for label in ["Director", "Spare"] {
        let made = Command::new("softhsm2-util")
            .args([
                "--init-token",
                "--free",
                "--label",
                label,
                "--pin",
                PIN,
                "--so-pin",
                SO_PIN,
            ])
            .env("SOFTHSM2_CONF", &conf)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let pin_file = dir.path().join("pin");
    std::fs::write(&pin_file, format!("{PIN}\n")).unwrap();
    child::run(
        &name,
        &[
            ("SOFTHSM2_CONF", conf.into_os_string()),
            ("SEALIFT_PKCS11_MODULE", module.into()),
            ("PIN_FILE", pin_file.into_os_string()),
            ("TOKEN_PIN", PIN.into()),
        ],
    );
    false
}

fn variable(name: &str) -> String {
    std::env::var_os(name).unwrap().into_string().unwrap()
}

/// A session of the vendor's tool, so to speak.
struct Workshop(Session);

impl Workshop {
    fn open() -> Self {
        let module = Pkcs11::new(variable("SEALIFT_PKCS11_MODULE")).unwrap();
        // Fails where the crate under test was first.
        let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let mut slots = module.get_slots_with_token().unwrap().into_iter();
        let slot = slots.find(|slot| module.get_token_info(*slot).unwrap().label() == "Director");
        let session = module.open_rw_session(slot.unwrap()).unwrap();
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        // The module stays initialised: finalising it would take the other sessions along.
        std::mem::forget(module);
        Self(session)
    }

    fn p256(&self, label: &str, id: u8) {
        let name = [
            Attribute::Label(label.into()),
            Attribute::Id(vec![id]),
            Attribute::Token(true),
        ];
        let public = [&name[..], &[Attribute::EcParams(P256.to_vec())]].concat();
        let private = [&name[..], &[Attribute::Derive(true), Attribute::Sensitive(true)]].concat();
        self.0
            .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
            .unwrap();
    }

    fn rsa(&self, label: &str, bits: u64) {
        let name = [
            Attribute::Label(label.into()),
            Attribute::Id(vec![0x55]),
            Attribute::Token(true),
        ];
        let numbers = [
            Attribute::ModulusBits(bits.into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Encrypt(true),
        ];
        let public = [&name[..], &numbers].concat();
        let private = [&name[..], &[Attribute::Decrypt(true)]].concat();
        self.0
            .generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private)
            .unwrap();
    }
}

fn open(uri: &str) -> Result<HeldKey, CustodyError> {
    sealift_custody::open(&uri.parse::<KeyUri>().unwrap(), &NobodyToAsk)
}

/// Answers with this, and counts how often it was asked.
struct Answers<'a>(&'a str, Cell<u32>);

impl AskPin for Answers<'_> {
    fn ask(&self, token: &str) -> Result<Option<Pin>, Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(token, "Director");
        self.1.set(self.1.get() + 1);
        Ok(Some(Pin::new(self.0.to_owned().into())))
    }
}

#[test]
fn p256_unwraps() {
    if !inside("p256_unwraps") {
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
    if !inside("many_threads_share_one_session") {
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

/// One try with a wrong PIN, no second by itself, and the PIN in no message.
#[test]
fn a_wrong_pin_is_tried_once() {
    if !inside("a_wrong_pin_is_tried_once") {
        return;
    }
    let workshop = Workshop::open();
    workshop.p256("kek", 1);
    // Logged in once is logged in everywhere in a process.
    drop(workshop);
    let uri: KeyUri = "pkcs11:token=Director;object=kek".parse().unwrap();
    let wrong = Answers("00000000", Cell::new(0));
    let error = sealift_custody::open(&uri, &wrong).unwrap_err();
    assert_eq!((error.fault(), wrong.1.get()), (Fault::Pin, 1));
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("refused the PIN") && text.contains("few tries"),
        "{text}"
    );
    assert!(!text.contains("00000000"), "{text}");
    let right = Answers(PIN, Cell::new(0));
    unwraps(&sealift_custody::open(&uri, &right).unwrap());
    assert_eq!(right.1.get(), 1);
}

#[test]
fn without_a_pin_there_is_no_try() {
    if !inside("without_a_pin_there_is_no_try") {
        return;
    }
    for (uri, says) in [
        ("pkcs11:token=Director", "nobody to ask"),
        ("pkcs11:token=Director?pin-source=/nowhere/pin", "/nowhere/pin"),
        ("pkcs11:token=Director?pin-source=env:UNSET", "UNSET"),
    ] {
        let error = open(uri).unwrap_err();
        assert_eq!(error.fault(), Fault::Pin, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    if !inside("what_is_not_there_is_answered_with_what_is") {
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
    if !inside("a_token_that_cannot_says_which_mechanism") {
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
    if !inside("a_key_that_may_not_derive_is_named") {
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
    if !inside("keys_of_other_kinds_are_refused") {
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
    if !inside("a_lost_session_is_reported_and_then_renewed") {
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

/// A PIN that a person typed is not kept; so the session cannot be renewed, and nothing is tried.
#[test]
fn a_lost_session_is_not_renewed_without_the_person() {
    if !inside("a_lost_session_is_not_renewed_without_the_person") {
        return;
    }
    let workshop = Workshop::open();
    workshop.p256("kek", 1);
    workshop.0.logout().unwrap();
    let uri: KeyUri = "pkcs11:token=Director".parse().unwrap();
    let key = sealift_custody::open(&uri, &Answers(PIN, Cell::new(0))).unwrap();
    unwraps(&key);
    workshop.0.logout().unwrap();
    let (file, binding) = key_file(key.public());
    for fault in [Fault::Unavailable, Fault::Pin, Fault::Pin] {
        let error = match file.unwrap_with(&key, &binding) {
            Err(UnwrapError::Unavailable(error)) => error.downcast::<CustodyError>().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(error.fault(), fault, "{error}");
    }
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
