//! What the token's return codes mean.

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};

use crate::error::{CustodyError, Fault};

/// Whether the session, the login or the whole token is no longer there.
pub(super) fn is_gone(error: &Error) -> bool {
    use RvError as R;
    let Error::Pkcs11(code, _) = error else {
        return false;
    };
    matches!(
        code,
        R::DeviceRemoved
            | R::DeviceError
            | R::TokenNotPresent
            | R::TokenNotRecognized
            | R::SlotIdInvalid
            | R::SessionHandleInvalid
            | R::SessionClosed
            // An operation that broke off in the middle: only another session is free again.
            | R::OperationActive
            | R::KeyHandleInvalid
            | R::ObjectHandleInvalid
            | R::UserNotLoggedIn
            | R::CryptokiNotInitialized
    )
}

/// Whether the token cannot do this with this key, whatever the input.
pub(super) fn is_inability(error: &Error) -> bool {
    use RvError as R;
    let Error::Pkcs11(code, function) = error else {
        return matches!(error, Error::NotSupported | Error::NullFunctionPointer);
    };
    match code {
        R::MechanismInvalid
        | R::MechanismParamInvalid
        | R::FunctionNotSupported
        | R::KeyFunctionNotPermitted
        | R::KeyTypeInconsistent
        | R::CurveNotSupported
        | R::ActionProhibited
        | R::TemplateInconsistent
        | R::AttributeValueInvalid
        | R::AttributeReadOnly => true,
        // SoftHSM's word for an OAEP hash that it does not know.
        R::ArgumentsBad => matches!(function, Function::DecryptInit),
        _ => false,
    }
}

/// Whether the token looked at the ciphertext and refused it.
///
/// Tokens do not agree on a code for wrong padding. Each that may stand for it is one and the same refusal, so that nobody
/// learns more from one than from another.
pub(super) fn is_refusal(error: &Error) -> bool {
    use RvError as R;
    let Error::Pkcs11(code, function) = error else {
        return false;
    };
    matches!(function, Function::Decrypt)
        && matches!(
            code,
            R::EncryptedDataInvalid
                | R::EncryptedDataLenRange
                | R::DataInvalid
                | R::DataLenRange
                | R::ArgumentsBad
                | R::FunctionFailed
                | R::GeneralError
        )
}

/// Whether the code speaks of the ciphertext and of nothing else. The other codes of a refusal also come from a token whose
/// back end has died.
pub(super) fn is_about_the_data(error: &Error) -> bool {
    use RvError as R;
    let Error::Pkcs11(code, _) = error else {
        return false;
    };
    matches!(
        code,
        R::EncryptedDataInvalid | R::EncryptedDataLenRange | R::DataInvalid | R::DataLenRange
    )
}

/// The token cannot do what unwrapping needs.
pub(super) fn unable(token: &str, mechanism: &str) -> CustodyError {
    CustodyError::new(
        Fault::Unable,
        format!("token `{token}` cannot do {mechanism} with this key"),
        "Use a P-256 key that may derive, or a token that decrypts RSA-OAEP with SHA-256; \
         its list of mechanisms is shown by `pkcs11-tool --list-mechanisms`",
    )
}

pub(super) fn sort(token: &str, error: Error) -> CustodyError {
    let name = match token {
        "" => "the token".to_owned(),
        label => format!("token `{label}`"),
    };
    let (fault, what, next) = if is_gone(&error) {
        (
            Fault::Unavailable,
            format!("{name} is gone, or has closed the session"),
            "Plug it in, or bring its service back, and try again",
        )
    } else if matches!(error, Error::Pkcs11(RvError::SessionCount, _)) {
        (
            Fault::Unavailable,
            format!("{name} has no session left"),
            "Close other programs that use it",
        )
    } else {
        (
            Fault::Unavailable,
            format!("{name} failed"),
            "Look the code up in the token's manual and log",
        )
    };
    CustodyError::new(fault, what, next).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: RvError, function: Function) -> Error {
        Error::Pkcs11(code, function)
    }

    #[test]
    fn a_token_that_went_away() {
        for code in [
            RvError::DeviceRemoved,
            RvError::SessionHandleInvalid,
            RvError::UserNotLoggedIn,
            RvError::TokenNotPresent,
        ] {
            let gone = error(code, Function::DeriveKey);
            assert!(is_gone(&gone) && !is_inability(&gone) && !is_refusal(&gone));
            let sorted = sort("t", gone);
            assert_eq!(sorted.fault(), Fault::Unavailable);
            assert!(sorted.to_string().contains("token `t` is gone"));
        }
    }

    /// The same code means the settings in one call and the ciphertext in the next.
    #[test]
    fn inability_is_no_refusal() {
        let init = error(RvError::ArgumentsBad, Function::DecryptInit);
        assert!(is_inability(&init) && !is_refusal(&init));
        let data = error(RvError::ArgumentsBad, Function::Decrypt);
        assert!(is_refusal(&data) && !is_inability(&data));
        let mechanism = error(RvError::MechanismInvalid, Function::DeriveKey);
        assert!(is_inability(&mechanism) && !is_refusal(&mechanism));
    }

    #[test]
    fn wrong_padding_by_any_name_is_one_refusal() {
        for code in [
            RvError::EncryptedDataInvalid,
            RvError::EncryptedDataLenRange,
            RvError::GeneralError,
            RvError::FunctionFailed,
        ] {
            assert!(is_refusal(&error(code, Function::Decrypt)));
            assert!(!is_refusal(&error(code, Function::Login)));
        }
    }

    /// A dead back end says the same as wrong padding; only the session tells them apart.
    #[test]
    fn two_of_the_names_are_ambiguous() {
        for (code, certain) in [
            (RvError::EncryptedDataInvalid, true),
            (RvError::DataLenRange, true),
            (RvError::GeneralError, false),
            (RvError::FunctionFailed, false),
            (RvError::ArgumentsBad, false),
        ] {
            let failed = error(code, Function::Decrypt);
            assert!(is_refusal(&failed));
            assert_eq!(is_about_the_data(&failed), certain, "{code:?}");
        }
    }
}
