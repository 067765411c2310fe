use super::*;

fn error(code: RvError, function: Function) -> Error {
    Error::Pkcs11(code, function)
}

fn alive() -> bool {
    true
}

fn dead() -> bool {
    false
}

#[test]
fn a_token_that_went_away() {
    for code in [
        RvError::DeviceRemoved,
        RvError::SessionHandleInvalid,
        RvError::UserNotLoggedIn,
        RvError::TokenNotPresent,
    ] {
        for function in [Function::DeriveKey, Function::Decrypt] {
            let gone = error(code, function);
            assert!(is_gone(&gone) && !is_inability(&gone) && !is_refusal(&gone, alive));
            let sorted = sort("t", gone);
            assert_eq!(sorted.fault(), Fault::Unavailable);
            assert!(sorted.to_string().contains("token `t` is gone"));
        }
    }
}

/// The same code means the settings in one call and the ciphertext in the next.
#[test]
fn inability_is_no_refusal() {
    let init = error(RvError::ArgumentsBad, Function::DecryptInit);
    assert!(is_inability(&init) && !is_refusal(&init, alive));
    let data = error(RvError::ArgumentsBad, Function::Decrypt);
    assert!(is_refusal(&data, alive) && !is_inability(&data));
    for function in [Function::DeriveKey, Function::Decrypt] {
        let mechanism = error(RvError::MechanismInvalid, function);
        assert!(is_inability(&mechanism) && !is_refusal(&mechanism, alive));
    }
}

/// Whoever could tell wrong padding from a wrong tag by the answer could decrypt by asking.
#[test]
fn wrong_padding_by_any_name_is_one_refusal() {
    for code in [
        RvError::EncryptedDataInvalid,
        RvError::EncryptedDataLenRange,
        RvError::GeneralError,
        RvError::FunctionFailed,
        RvError::DeviceError,
        RvError::KeySizeRange,
        RvError::VendorDefined(0x8000_0001),
    ] {
        assert!(is_refusal(&error(code, Function::Decrypt), alive), "{code:?}");
        for other in [Function::Login, Function::DecryptInit, Function::DeriveKey] {
            assert!(!is_refusal(&error(code, other), alive), "{code:?}");
        }
    }
}

/// A dead back end says the same as wrong padding; only the session tells them apart.
#[test]
fn some_of_the_names_are_ambiguous() {
    for (code, certain) in [
        (RvError::EncryptedDataInvalid, true),
        (RvError::DataLenRange, true),
        (RvError::GeneralError, false),
        (RvError::FunctionFailed, false),
        (RvError::ArgumentsBad, false),
        (RvError::DeviceError, false),
        (RvError::VendorDefined(0x8000_0001), false),
    ] {
        let failed = error(code, Function::Decrypt);
        assert_eq!(is_refusal(&failed, dead), certain, "{code:?}");
    }
}
