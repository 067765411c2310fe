//! The two operations that unwrap.

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismInfo, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use sealift_envelope::external::{Answer, PeerPoint};
use sealift_envelope::{RecipientKey, Wrap};
use zeroize::Zeroizing;

use super::link::{self, Link};
use super::{Connection, faults, offers, public};
use crate::error::{CustodyError, Fault};
use crate::held::{HeldKey, Holder, Trouble};
use crate::pin::AskPin;
use crate::uri::Pkcs11Uri;

const ECDH: &str = "CKM_ECDH1_DERIVE on P-256";
const OAEP: &str = "CKM_RSA_PKCS_OAEP with SHA-256";
const OTHERWISE: &str = "Use a P-256 key that may derive, or a token that decrypts RSA-OAEP with SHA-256; \
                         its list of mechanisms is shown by `pkcs11-tool --list-mechanisms`";

/// A private key in a token that unwraps.
struct TokenKey(Link<RecipientKey>);

type Failed = link::Failed<Trouble>;

/// Finds the key, and whether the token can do what it is for.
pub(crate) fn open(uri: &Pkcs11Uri, ask: &dyn AskPin) -> Result<HeldKey, CustodyError> {
    let (link, ()) = Link::open(uri, ask, public::recipient, able)?;
    Ok(HeldKey::new(link.public().clone(), TokenKey(link)))
}

/// Says at the start what would otherwise be found out with the first image.
fn able(module: &Pkcs11, connection: &Connection, public: &RecipientKey) -> Result<(), CustodyError> {
    type Can = fn(&MechanismInfo) -> bool;
    let (mechanism, can, name): (_, Can, _) = match public.wrap() {
        Wrap::HpkeP256 => (MechanismType::ECDH1_DERIVE, MechanismInfo::derive, ECDH),
        Wrap::RsaOaep => (MechanismType::RSA_PKCS_OAEP, MechanismInfo::decrypt, OAEP),
        other => {
            return Err(CustodyError::new(
                Fault::Unable,
                format!("tokens cannot unwrap {}", other.name()),
                "Use a P-256 or RSA key in the token, or keep this key in a file",
            ));
        }
    };
    match offers(module, connection, mechanism, can)? {
        true => Ok(()),
        false => Err(faults::unable(&connection.label, name, OTHERWISE)),
    }
}

impl Holder for TokenKey {
    fn agree(&self, peer: &PeerPoint) -> Result<Answer, Trouble> {
        self.0.with(|connection| agree(connection, peer))
    }

    fn decrypt(&self, enc: &[u8]) -> Result<Answer, Trouble> {
        self.0.with(|connection| decrypt(connection, enc))
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
            said(faults::unable(&connection.label, ECDH, OTHERWISE).because(error))
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
    value.ok_or_else(|| said(kept(&connection.label)))
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
            said(faults::unable(&connection.label, OAEP, OTHERWISE).because(error))
        } else if faults::is_refusal(&error, || session.get_session_info().is_ok()) {
            Failed::Said(Trouble::Refused)
        } else {
            Failed::Token(error)
        }
    })
}

fn said(error: CustodyError) -> Failed {
    Failed::Said(error.into())
}

fn kept(token: &str) -> CustodyError {
    CustodyError::new(
        Fault::Unable,
        format!("token `{token}` does not give out the result of {ECDH}"),
        "Allow derived secrets to be extractable in its policy, or use RSA",
    )
}
