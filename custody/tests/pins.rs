//! PINs: tried once, by no key again once refused, and looked for anew where they could not be read.

use std::cell::Cell;
use std::fs;

use cryptoki::types::AuthPin;
use sealift_custody::{CustodyError, Fault, KeyUri};
use sealift_envelope::UnwrapError;

use crate::softhsm::{Answers, PIN, Workshop, inside, open, variable};
use crate::unwrapping::{key_file, trouble, unwraps};

const WRONG: &str = "00000000";

/// One try with a wrong PIN, no second by itself, and the PIN in no message.
#[test]
fn a_wrong_pin_is_tried_once() {
    if !inside("pins::a_wrong_pin_is_tried_once") {
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
    if !inside("pins::without_a_pin_there_is_no_try") {
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

/// A PIN that a person typed is not kept; so the session cannot be renewed, and nothing is tried.
#[test]
fn a_lost_session_is_not_renewed_without_the_person() {
    if !inside("pins::a_lost_session_is_not_renewed_without_the_person") {
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

/// Two keys of one token with the same wrong PIN cost one try, not two.
#[test]
fn a_refused_pin_is_tried_for_no_other_key_of_the_token() {
    if !inside("pins::a_refused_pin_is_tried_for_no_other_key_of_the_token") {
        return;
    }
    let workshop = Workshop::open();
    workshop.p256("kek", 1);
    workshop.p256("spare", 2);
    // Logged in once is logged in everywhere in a process.
    workshop.0.logout().unwrap();
    let uri: KeyUri = "pkcs11:token=Director;object=kek".parse().unwrap();
    let error = sealift_custody::open(&uri, &Answers(WRONG, Cell::new(0))).unwrap_err();
    assert!(error.to_string().contains("refused the PIN"), "{error}");
    // From now on it would be right: whoever tried it would get in.
    let (right, wrong) = (AuthPin::from(PIN), AuthPin::from(WRONG));
    workshop.0.set_pin(&right, &wrong).unwrap();
    let pin_file = variable("PIN_FILE");
    fs::write(&pin_file, WRONG).unwrap();
    let spare = format!("pkcs11:token=Director;object=spare?pin-source=file:{pin_file}");
    let error = open(&spare).unwrap_err();
    assert_eq!(error.fault(), Fault::Pin);
    let text = format!("{error} {error:?}");
    assert!(text.contains("refused this PIN before"), "{text}");
    assert!(!text.contains(WRONG), "{text}");
    // Another PIN is another try.
    workshop.0.set_pin(&wrong, &right).unwrap();
    fs::write(&pin_file, PIN).unwrap();
    unwraps(&open(&spare).unwrap());
}

/// What keeps a server from logging in again may pass: a file that is being replaced, a PIN that is corrected.
#[test]
fn a_pin_is_looked_for_again_at_the_next_use() {
    if !inside("pins::a_pin_is_looked_for_again_at_the_next_use") {
        return;
    }
    let workshop = Workshop::open();
    workshop.p256("kek", 1);
    let pin_file = variable("PIN_FILE");
    let key = open(&format!("pkcs11:token=Director?pin-source=file:{pin_file}")).unwrap();
    workshop.0.logout().unwrap();
    assert_eq!(trouble(&key).fault(), Fault::Unavailable);
    let says = |fault, part| {
        let error = trouble(&key);
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    fs::remove_file(&pin_file).unwrap();
    says(Fault::Pin, "cannot read the PIN file");
    fs::write(&pin_file, WRONG).unwrap();
    says(Fault::Pin, "refused the PIN");
    says(Fault::Pin, "refused this PIN before");
    fs::write(&pin_file, PIN).unwrap();
    unwraps(&key);
}
