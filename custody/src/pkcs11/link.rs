//! What keeps a session alive for a process that runs for months.

use std::sync::{Mutex, PoisonError};

use cryptoki::context::Pkcs11;
use cryptoki::error::Error;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::{Connection, connect, faults, modules};
use crate::error::{CustodyError, Fault};
use crate::pin::{AskPin, NobodyToAsk};
use crate::uri::Pkcs11Uri;

/// How the public half of a private key is read: as a recipient, or as a key that verifies.
type Read<P> = fn(&Session, ObjectHandle, &Pkcs11Uri) -> Result<P, CustodyError>;

/// A session with the token that holds a key, found again where it was lost.
pub(super) struct Link<P> {
    module: Pkcs11,
    uri: Pkcs11Uri,
    public: P,
    read: Read<P>,
    /// One session serves one operation at a time. None where the token went away: the next use looks for it again.
    connection: Mutex<Option<Connection>>,
}

/// Why an operation did not succeed: something to be told, or a code of the token's, which may be about the session.
pub(super) enum Failed<E> {
    Said(E),
    Token(Error),
}

impl<E> From<Error> for Failed<E> {
    fn from(error: Error) -> Self {
        Self::Token(error)
    }
}

impl<P: PartialEq> Link<P> {
    /// Opens a session, logs in, finds the key pair, and asks `able` about it.
    pub(super) fn open<T>(
        uri: &Pkcs11Uri,
        ask: &dyn AskPin,
        read: Read<P>,
        able: impl FnOnce(&Pkcs11, &Connection, &P) -> Result<T, CustodyError>,
    ) -> Result<(Self, T), CustodyError> {
        let module = modules::load(uri.module.as_deref())?;
        let connection = connect(&module, uri, ask)?;
        let public = read(&connection.session, connection.private, uri)?;
        let told = able(&module, &connection, &public)?;
        let link = Self {
            module,
            uri: uri.clone(),
            public,
            read,
            connection: Mutex::new(Some(connection)),
        };
        Ok((link, told))
    }

    pub(super) fn public(&self) -> &P {
        &self.public
    }

    /// Does `operation` in the session. If that turns out to be gone, the failure is reported, and the next use connects
    /// again, provided that the PIN does not have to be asked for.
    pub(super) fn with<T, E: From<CustodyError>>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, Failed<E>>,
    ) -> Result<T, E> {
        let mut link = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *link {
            Some(connection) => connection,
            down => down.insert(self.reconnect()?),
        };
        match operation(connection) {
            Ok(answer) => Ok(answer),
            Err(Failed::Said(error)) => Err(error),
            Err(Failed::Token(error)) => {
                // A code that says nothing about the session: the session itself is asked.
                let gone = faults::is_gone(&error) || connection.session.get_session_info().is_err();
                let sorted = faults::sort(&connection.label, error);
                if gone {
                    *link = None;
                }
                Err(sorted.into())
            }
        }
    }

    /// Whatever fails is tried again at the next use, but for a PIN that the token refused.
    fn reconnect(&self) -> Result<Connection, CustodyError> {
        let connection = connect(&self.module, &self.uri, &NobodyToAsk)?;
        // Another token with the same label may have been plugged in.
        let public = (self.read)(&connection.session, connection.private, &self.uri)?;
        if public != self.public {
            return Err(CustodyError::new(
                Fault::NotFound,
                format!("token `{}` now holds another key", connection.label),
                "Plug in the token that was there before",
            ));
        }
        Ok(connection)
    }
}
