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
    is_loss(*code)
        || matches!(
            code,
            R::DeviceError
                | R::SlotIdInvalid
                // An operation that broke off in the middle: only another session is free again.
                | R::OperationActive
                | R::KeyHandleInvalid
                | R::ObjectHandleInvalid
                | R::UserNotLoggedIn
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

/// Whether a login that failed so has cost none of the token's tries, as no PIN came to be compared.
///
/// A list of its own: what elsewhere tells that the session is gone, `CKR_DEVICE_ERROR` above all, is some card's word for a
/// wrong PIN. What is not known to be harmless counts as a try.
pub(super) fn is_no_try(error: &Error, session_answers: impl FnOnce() -> bool) -> bool {
    use RvError as R;
    let Error::Pkcs11(code, _) = error else {
        return false;
    };
    match code {
        R::HostMemory
        | R::DeviceMemory
        | R::SessionCount
        | R::SessionExists
        | R::SessionParallelNotSupported
        | R::SessionReadOnly
        | R::SessionReadOnlyExists
        | R::SessionReadWriteSoExists
        // Nobody came to the keypad in time.
        | R::FunctionCanceled
        | R::UserAnotherAlreadyLoggedIn
        | R::UserTooManyTypes => true,
        // A wrong PIN with some tokens; also all that a service says which restarts, and then the session is lost too.
        R::GeneralError | R::FunctionFailed => !session_answers(),
        code => is_loss(*code),
    }
}

/// Whether the token looked at the ciphertext and refused it.
///
/// Tokens do not agree on a code for wrong padding; a vendor may have one of its own. Whatever the session outlives is one and
/// the same refusal, so that nobody learns more from one than from another. A dead back end says the same as wrong padding: the
/// session is asked, unless the code speaks of the ciphertext and of nothing else.
pub(super) fn is_refusal(error: &Error, session_answers: impl FnOnce() -> bool) -> bool {
    use RvError as R;
    match error {
        Error::Pkcs11(
            R::EncryptedDataInvalid | R::EncryptedDataLenRange | R::DataInvalid | R::DataLenRange,
            Function::Decrypt,
        ) => true,
        // The session outlives its login.
        Error::Pkcs11(R::UserNotLoggedIn, _) => false,
        Error::Pkcs11(code, Function::Decrypt) => {
            !is_loss(*code) && !is_inability(error) && session_answers()
        }
        _ => false,
    }
}

/// Codes that speak of a lost token or session and of nothing else.
fn is_loss(code: RvError) -> bool {
    use RvError as R;
    matches!(
        code,
        R::DeviceRemoved
            | R::TokenNotPresent
            | R::TokenNotRecognized
            | R::SessionHandleInvalid
            | R::SessionClosed
            | R::CryptokiNotInitialized
    )
}

/// The token cannot do what is needed.
pub(super) fn unable(token: &str, mechanism: &str, otherwise: &str) -> CustodyError {
    CustodyError::new(
        Fault::Unable,
        format!("token `{token}` cannot do {mechanism} with this key"),
        otherwise,
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
mod tests;
