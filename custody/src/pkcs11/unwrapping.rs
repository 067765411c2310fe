//! The two operations, and what keeps a session alive for a process that runs for months.

use std::sync::{Mutex, PoisonError};

use cryptoki::context::Pkcs11;
use cryptoki::error::Error;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use sealift_envelope::RecipientKey;
use sealift_envelope::external::{Answer, PeerPoint};
use zeroize::Zeroizing;

use super::{Connection, connect, faults, objects};
use crate::error::{CustodyError, Fault};
use crate::held::{Holder, Trouble};
use crate::pin::NobodyToAsk;
use crate::uri::Pkcs11Uri;

pub(super) const ECDH: &str = "CKM_ECDH1_DERIVE on P-256";
pub(super) const OAEP: &str = "CKM_RSA_PKCS_OAEP with SHA-256";

/// A private key in a token.
pub(super) struct TokenKey {
    module: Pkcs11,
    uri: Pkcs11Uri,
    public: RecipientKey,
    /// One session serves one operation at a time. None where the token went away: the next use looks for it again.
    link: Mutex<Option<Connection>>,
}

impl TokenKey {
    pub(super) fn new(module: Pkcs11, uri: Pkcs11Uri, public: RecipientKey, connection: Connection) -> Self {
        Self {
            module,
            uri,
            public,
            link: Mutex::new(Some(connection)),
        }
    }

    /// Does `operation` in the session. If that turns out to be gone, the failure is reported, and the next use connects
    /// again, provided that the PIN does not have to be asked for.
    fn with(&self, operation: impl FnOnce(&Connection) -> Result<Answer, Failed>) -> Result<Answer, Trouble> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *link {
            Some(connection) => connection,
            down => down.insert(self.reconnect()?),
        };
        match operation(connection) {
            Ok(answer) => Ok(answer),
            Err(Failed::Refused) => Err(Trouble::Refused),
            Err(Failed::Said(error)) => Err(Trouble::Custody(error)),
            Err(Failed::Token(error)) => {
                // A code that says nothing about the session: the session itself is asked.
                let gone = faults::is_gone(&error) || connection.session.get_session_info().is_err();
                let sorted = faults::sort(&connection.label, error);
                if gone {
                    *link = None;
                }
                Err(Trouble::Custody(sorted))
            }
        }
    }

    /// Whatever fails is tried again at the next use, but for a PIN that the token refused.
    fn reconnect(&self) -> Result<Connection, CustodyError> {
        let connection = connect(&self.module, &self.uri, &NobodyToAsk)?;
        // Another token with the same label may have been plugged in.
        let public = objects::public(&connection.session, connection.private, &self.uri)?;
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

enum Failed {
    Refused,
    Said(CustodyError),
    Token(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Token(error)
    }
}

impl Holder for TokenKey {
    fn agree(&self, peer: &PeerPoint) -> Result<Answer, Trouble> {
        self.with(|connection| agree(connection, peer))
    }

    fn decrypt(&self, enc: &[u8]) -> Result<Answer, Trouble> {
        self.with(|connection| decrypt(connection, enc))
    }
}

fn agree(connection: &Connection, peer: &PeerPoint) -> Result<Answer, Failed> {
    let params = Ecdh1DeriveParams::new(EcKdf::null(), peer.as_sec1());
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::ValueLen(32.into()),
    ];
    let session = &connection.session;
    let derived = session.derive_key(&Mechanism::Ecdh1Derive(params), connection.private, &template);
    let derived = derived.map_err(|error| {
        if faults::is_inability(&error) {
            Failed::Said(faults::unable(&connection.label, ECDH).because(error))
        } else {
            Failed::Token(error)
        }
    })?;
    let read = session.get_attributes(derived, &[AttributeType::Value]);
    // The token drops it with the session anyway; until then nobody else should read it.
    let destroyed = session.destroy_object(derived);
    let value = read?.into_iter().find_map(|attribute| match attribute {
        Attribute::Value(bytes) => Some(Zeroizing::new(bytes)),
        _ => None,
    });
    destroyed?;
    value.ok_or_else(|| Failed::Said(kept(&connection.label)))
}

fn decrypt(connection: &Connection, enc: &[u8]) -> Result<Answer, Failed> {
    let params = PkcsOaepParams::new(
        MechanismType::SHA256,
        PkcsMgfType::MGF1_SHA256,
        PkcsOaepSource::empty(),
    );
    let session = &connection.session;
    let decrypted = session.decrypt(&Mechanism::RsaPkcsOaep(params), connection.private, enc);
    decrypted.map(Zeroizing::new).map_err(|error| {
        if faults::is_inability(&error) {
            Failed::Said(faults::unable(&connection.label, OAEP).because(error))
        } else if faults::is_refusal(&error, || session.get_session_info().is_ok()) {
            Failed::Refused
        } else {
            Failed::Token(error)
        }
    })
}

fn kept(token: &str) -> CustodyError {
    CustodyError::new(
        Fault::Unable,
        format!("token `{token}` does not give out the result of {ECDH}"),
        "Allow derived secrets to be extractable in its policy, or use RSA",
    )
}
