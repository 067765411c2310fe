//! Keys in PKCS#11 tokens.
//!
//! P-256: `CKM_ECDH1_DERIVE` without a key derivation function; the product is made as a readable session object, read, and
//! destroyed. RSA: `CKM_RSA_PKCS_OAEP` with SHA-256, MGF1 with SHA-256 and no label. X-Wing: PKCS#11 knows none.
//!
//! To sign: `CKM_EDDSA` without parameters, `CKM_ECDSA` and `CKM_RSA_PKCS_PSS` of a digest made here, else
//! `CKM_SHA256_RSA_PKCS_PSS`.

mod faults;
mod link;
mod login;
mod modules;
mod objects;
mod public;
mod refused;
mod signing;
mod slots;
mod unwrapping;

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::{MechanismInfo, MechanismType};
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use crate::error::CustodyError;
use crate::pin::AskPin;
use crate::uri::Pkcs11Uri;

pub(crate) use signing::open as open_signer;
pub(crate) use unwrapping::open;

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

/// Whether the token has this mechanism for this use, whatever the key says of itself.
fn offers(
    module: &Pkcs11,
    connection: &Connection,
    mechanism: MechanismType,
    can: fn(&MechanismInfo) -> bool,
) -> Result<bool, CustodyError> {
    match module.get_mechanism_info(connection.slot, mechanism) {
        Ok(info) => Ok(can(&info)),
        Err(error) if faults::is_inability(&error) => Ok(false),
        // Pulled out meanwhile, for instance.
        Err(error) => Err(faults::sort(&connection.label, error)),
    }
}
