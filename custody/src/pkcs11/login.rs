//! Logging in: one try with each PIN, never a second by itself, for a few wrong ones lock a token for good.

use std::sync::PoisonError;

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;

use super::{faults, refused};
use crate::error::{CustodyError, Fault};
use crate::pin::{AskPin, Pin};
use crate::uri::Pkcs11Uri;

pub(super) fn user(
    module: &Pkcs11,
    slot: Slot,
    session: &Session,
    uri: &Pkcs11Uri,
    ask: &dyn AskPin,
) -> Result<(), CustodyError> {
    let look = || {
        module
            .get_token_info(slot)
            .map_err(|error| faults::sort("", error))
    };
    let info = look()?;
    if !info.login_required() {
        return Ok(());
    }
    // Whoever logged in for one key of a token is logged in for all; a person is not asked for each.
    if is_in(session) {
        return Ok(());
    }
    let label = info.label();
    if info.user_pin_locked() {
        return Err(locked(label));
    }
    let pin = pin(&info, uri, ask)?;
    let known = refused::by(&info);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let exposed = pin.as_ref().map(Pin::expose);
    if known.has(exposed) {
        return Err(refused_before(label));
    }
    // A file that is wrong once is wrong every time; the last try is for a person. Another key may have come close to it since.
    if uri.pin_source.is_some() && look()?.user_pin_final_try() {
        return Err(CustodyError::new(
            Fault::Pin,
            format!("token `{label}` has one PIN try left, which no file or variable may use up"),
            "Leave out pin-source, and type the PIN, or have the PIN set anew by the token's security officer",
        ));
    }
    match session.login(UserType::User, exposed.map(AuthPin::from).as_ref()) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) => {
            let no_pin_yet = matches!(error, Error::Pkcs11(RvError::UserPinNotInitialized, _));
            // What is left is read afterwards: the token has counted this one.
            let after = module.get_token_info(slot).ok();
            let error = refused(label, after.as_ref(), error, || {
                session.get_session_info().is_ok()
            });
            if error.fault() == Fault::Pin && !no_pin_yet {
                known.add(exposed);
            }
            Err(error)
        }
    }
}

fn is_in(session: &Session) -> bool {
    let state = session.get_session_info().map(|info| info.session_state());
    matches!(state, Ok(SessionState::RoUser | SessionState::RwUser))
}

/// The PIN from where it is; `None` where the token asks itself.
fn pin(info: &TokenInfo, uri: &Pkcs11Uri, ask: &dyn AskPin) -> Result<Option<Pin>, CustodyError> {
    let label = info.label();
    match &uri.pin_source {
        Some(source) => source.read().map(Some),
        // The token's own keypad.
        None if info.protected_authentication_path() => Ok(None),
        None => {
            let asked = ask.ask(label).map_err(|error| {
                CustodyError::new(Fault::Pin, format!("no PIN for token `{label}`"), "Try again")
                    .because(error)
            })?;
            let nobody = || {
                CustodyError::new(
                    Fault::Pin,
                    format!("token `{label}` wants a PIN, and there is nobody to ask"),
                    "Add `?pin-source=file:/…` or `?pin-source=env:NAME` to the URI",
                )
            };
            asked.map(Some).ok_or_else(nobody)
        }
    }
}

fn refused(
    label: &str,
    after: Option<&TokenInfo>,
    error: Error,
    session_answers: impl FnOnce() -> bool,
) -> CustodyError {
    let tries = Tries::of(after);
    match &error {
        Error::Pkcs11(RvError::PinLocked, _) => locked(label).because(error),
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => match tries {
            Tries::Locked => locked(label).because(error),
            tries => wrong(label, tries).because(error),
        },
        Error::Pkcs11(RvError::PinExpired, _) => CustodyError::new(
            Fault::Pin,
            format!("the PIN of token `{label}` has expired"),
            "Set a new one with the vendor's tool",
        )
        .because(error),
        Error::Pkcs11(RvError::UserPinNotInitialized, _) => CustodyError::new(
            Fault::Pin,
            format!("token `{label}` has no user PIN yet"),
            "Set one with the vendor's tool",
        )
        .because(error),
        _ if faults::is_no_try(&error, session_answers) => faults::sort(label, error),
        // A vendor's own code may be one more word for a wrong PIN, so this counts as a try.
        _ => CustodyError::new(
            Fault::Pin,
            format!("token `{label}` refused the login"),
            "Look the code up in the token's manual, and check the PIN before you try again",
        )
        .because(error),
    }
}

/// What a token says about further tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tries {
    Unsaid,
    Few,
    One,
    Locked,
}

impl Tries {
    fn of(info: Option<&TokenInfo>) -> Self {
        match info {
            Some(info) if info.user_pin_locked() => Self::Locked,
            Some(info) if info.user_pin_final_try() => Self::One,
            Some(info) if info.user_pin_count_low() => Self::Few,
            _ => Self::Unsaid,
        }
    }
}

fn wrong(label: &str, tries: Tries) -> CustodyError {
    let left = match tries {
        Tries::Unsaid | Tries::Locked => "The token does not say how many tries are left",
        Tries::Few => "The token says that few tries are left before it locks",
        Tries::One => "The token says that ONE try is left before it locks",
    };
    CustodyError::new(
        Fault::Pin,
        format!("token `{label}` refused the PIN"),
        format!("{left}. Check the PIN before you try again"),
    )
}

fn refused_before(label: &str) -> CustodyError {
    CustodyError::new(
        Fault::Pin,
        format!(
            "token `{label}` refused this PIN before, for this key or another one, and it is not tried again"
        ),
        "Correct the PIN; if it is right by now, or was typed at the token's own keypad, start again",
    )
}

fn locked(label: &str) -> CustodyError {
    CustodyError::new(
        Fault::Pin,
        format!("the PIN of token `{label}` is locked after too many wrong ones"),
        "Have the token's security officer unlock it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pin_says_what_is_left() {
        let text = |tries| wrong("t", tries).to_string();
        assert!(text(Tries::One).contains("ONE try"));
        assert!(text(Tries::Few).contains("few tries"));
        assert!(text(Tries::Unsaid).contains("does not say"));
        assert!(locked("t").to_string().contains("security officer"));
    }

    fn failed(code: RvError, session_answers: bool) -> Fault {
        let error = Error::Pkcs11(code, cryptoki::context::Function::Login);
        refused("t", None, error, || session_answers).fault()
    }

    /// What is not known to be harmless must not be tried again with the same PIN: a card may say of a wrong one that the
    /// device has failed.
    #[test]
    fn a_login_that_fails_for_an_unknown_reason_counts_as_a_try() {
        for code in [
            RvError::ArgumentsBad,
            RvError::DeviceError,
            RvError::OperationActive,
            RvError::KeyHandleInvalid,
            RvError::VendorDefined(0x8000_0001),
        ] {
            assert_eq!(failed(code, true), Fault::Pin, "{code:?}");
            assert_eq!(failed(code, false), Fault::Pin, "{code:?}");
        }
    }

    /// The PIN may be right, and it must be tried again.
    #[test]
    fn a_login_that_compared_no_pin_costs_no_try() {
        for code in [
            RvError::HostMemory,
            RvError::DeviceMemory,
            RvError::SessionCount,
            RvError::SessionClosed,
            RvError::FunctionCanceled,
            RvError::UserAnotherAlreadyLoggedIn,
            RvError::UserTooManyTypes,
            RvError::DeviceRemoved,
            RvError::TokenNotPresent,
            RvError::TokenNotRecognized,
            RvError::CryptokiNotInitialized,
        ] {
            assert_eq!(failed(code, true), Fault::Unavailable, "{code:?}");
        }
    }

    /// A network HSM that restarts says no more than that something failed, but then it knows the session no longer.
    #[test]
    fn a_login_at_a_service_that_restarts_costs_no_try() {
        for code in [RvError::GeneralError, RvError::FunctionFailed] {
            assert_eq!(failed(code, false), Fault::Unavailable, "{code:?}");
            assert_eq!(failed(code, true), Fault::Pin, "{code:?}");
        }
    }
}
