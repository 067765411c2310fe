//! Keys in PKCS#11 tokens.
//!
//! P-256: `CKM_ECDH1_DERIVE` without a key derivation function; the product is made as a readable session object, read, and
//! destroyed. RSA: `CKM_RSA_PKCS_OAEP` with SHA-256, MGF1 with SHA-256 and no label. X-Wing: PKCS#11 knows none.

mod faults;
mod key;
mod login;
mod modules;
mod objects;
mod refused;
mod slots;

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::{MechanismInfo, MechanismType};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use sealift_envelope::{RecipientKey, Wrap};

use crate::error::{CustodyError, Fault};
use crate::held::HeldKey;
use crate::pin::AskPin;
use crate::uri::Pkcs11Uri;

/// Opens a session with the token, logs in, and finds the key pair.
pub(crate) fn open(uri: &Pkcs11Uri, ask: &dyn AskPin) -> Result<HeldKey, CustodyError> {
    let module = modules::load(uri.module.as_deref())?;
    let connection = connect(&module, uri, ask)?;
    let public = objects::public(&connection.session, connection.private, uri)?;
    able(&module, &connection, &public)?;
    Ok(HeldKey::new(
        public.clone(),
        key::TokenKey::new(module, uri.clone(), public, connection),
    ))
}

/// A session that is logged in, and the private key in it.
struct Connection {
    session: Session,
    slot: Slot,
    private: ObjectHandle,
    label: String,
}

fn connect(module: &Pkcs11, uri: &Pkcs11Uri, ask: &dyn AskPin) -> Result<Connection, CustodyError> {
    let (slot, info) = slots::find(module, &uri.token)?;
    let label = info.label().to_owned();
    let session = module
        .open_ro_session(slot)
        .map_err(|error| faults::sort(&label, error))?;
    login::user(module, slot, &session, uri, ask)?;
    let private = objects::private(&session, uri, &label)?;
    Ok(Connection {
        session,
        slot,
        private,
        label,
    })
}

/// Says at the start what would otherwise be found out with the first image.
fn able(module: &Pkcs11, connection: &Connection, public: &RecipientKey) -> Result<(), CustodyError> {
    type Can = fn(&MechanismInfo) -> bool;
    let (mechanism, can, name): (_, Can, _) = match public.wrap() {
        Wrap::HpkeP256 => (MechanismType::ECDH1_DERIVE, MechanismInfo::derive, key::ECDH),
        Wrap::RsaOaep => (MechanismType::RSA_PKCS_OAEP, MechanismInfo::decrypt, key::OAEP),
        other => {
            return Err(CustodyError::new(
                Fault::Unable,
                format!("tokens cannot unwrap {}", other.name()),
                "Use a P-256 or RSA key in the token, or keep this key in a file",
            ));
        }
    };
    match module.get_mechanism_info(connection.slot, mechanism) {
        Ok(info) if can(&info) => Ok(()),
        Ok(_) => Err(faults::unable(&connection.label, name)),
        Err(error) if faults::is_inability(&error) => {
            Err(faults::unable(&connection.label, name).because(error))
        }
        // Pulled out meanwhile, for instance.
        Err(error) => Err(faults::sort(&connection.label, error)),
    }
}
