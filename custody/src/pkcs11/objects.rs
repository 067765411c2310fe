//! Finding the key pair in a token.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use sealift_envelope::RecipientKey;

use super::faults;
use crate::error::{CustodyError, Fault};
use crate::uri::Pkcs11Uri;

/// DER of the object identifier of P-256, as `CKA_EC_PARAMS` carries it.
const P256_PARAMS: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// DER of an OCTET STRING of 65 bytes begins so.
const OCTETS_65: &[u8] = &[0x04, 0x41];

/// The one private key that fits.
pub(super) fn private(session: &Session, uri: &Pkcs11Uri, token: &str) -> Result<ObjectHandle, CustodyError> {
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    template.extend(uri.object.clone().map(Attribute::Label));
    template.extend(uri.id.clone().map(Attribute::Id));
    let found = session
        .find_objects(&template)
        .map_err(|error| faults::sort(token, error))?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let any = [Attribute::Class(ObjectClass::PRIVATE_KEY)];
            let there = session.find_objects(&any).unwrap_or_default();
            let next = match names(session, &there) {
                list if list.is_empty() => {
                    "There is no private key in it at all; make one with the vendor's tool".to_owned()
                }
                list => format!("Name one of those that are there: {list}"),
            };
            Err(CustodyError::new(
                Fault::NotFound,
                format!("no private key in token `{token}` fits the URI"),
                next,
            ))
        }
        several => Err(CustodyError::new(
            Fault::NotFound,
            format!("more than one private key in token `{token}` fits the URI"),
            format!("Name one by `id`: {}", names(session, several)),
        )),
    }
}

/// Keys as they are named in URIs; a few of them.
fn names(session: &Session, keys: &[ObjectHandle]) -> String {
    const SHOWN: usize = 8;
    let name = |key: &ObjectHandle| {
        let pair = Pair::read(session, *key).ok()?;
        let id: String = pair.id.iter().map(|byte| format!("%{byte:02x}")).collect();
        Some(format!(
            "`object={};id={id}`",
            String::from_utf8_lossy(&pair.label)
        ))
    };
    let list: Vec<_> = keys.iter().take(SHOWN).filter_map(name).collect();
    list.join(", ")
}

/// What an object says about its pair.
#[derive(Default)]
struct Pair {
    kind: Option<KeyType>,
    id: Vec<u8>,
    label: Vec<u8>,
    curve: Vec<u8>,
    point: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Pair {
    fn read(session: &Session, key: ObjectHandle) -> Result<Self, cryptoki::error::Error> {
        let wanted = [
            AttributeType::KeyType,
            AttributeType::Id,
            AttributeType::Label,
            AttributeType::EcParams,
            AttributeType::EcPoint,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
        ];
        let mut pair = Self::default();
        // One by one: some modules refuse a whole list for one attribute that the object does not have.
        for attribute in wanted {
            for value in session.get_attributes(key, &[attribute])? {
                match value {
                    Attribute::KeyType(kind) => pair.kind = Some(kind),
                    Attribute::Id(bytes) => pair.id = bytes,
                    Attribute::Label(bytes) => pair.label = bytes,
                    Attribute::EcParams(bytes) => pair.curve = bytes,
                    Attribute::EcPoint(bytes) => pair.point = bytes,
                    Attribute::Modulus(bytes) => pair.modulus = bytes,
                    Attribute::PublicExponent(bytes) => pair.exponent = bytes,
                    _ => {}
                }
            }
        }
        Ok(pair)
    }

    fn key(&self) -> Option<Result<RecipientKey, sealift_envelope::KeyError>> {
        match self.kind {
            Some(KeyType::EC) if !self.point.is_empty() => {
                // The standard wants the point inside an OCTET STRING; some tokens give it bare.
                let bare = self
                    .point
                    .strip_prefix(OCTETS_65)
                    .filter(|point| point.len() == 65)
                    .unwrap_or(&self.point);
                Some(RecipientKey::from_p256_point(bare))
            }
            Some(KeyType::RSA) if !self.modulus.is_empty() && !self.exponent.is_empty() => {
                Some(RecipientKey::from_rsa_numbers(&self.modulus, &self.exponent))
            }
            _ => None,
        }
    }
}

/// The public half of `private`: from the private object if it tells, else from the public object with the same id, or,
/// where there is no id, the same label.
pub(super) fn public(
    session: &Session,
    private: ObjectHandle,
    uri: &Pkcs11Uri,
) -> Result<RecipientKey, CustodyError> {
    let unreadable = |error| faults::sort(uri.token.label.as_deref().unwrap_or_default(), error);
    let pair = Pair::read(session, private).map_err(unreadable)?;
    let kind = match pair.kind {
        Some(KeyType::EC) if pair.curve.is_empty() || pair.curve == P256_PARAMS => KeyType::EC,
        Some(KeyType::RSA) => KeyType::RSA,
        _ => {
            return Err(CustodyError::new(
                Fault::Unable,
                "the key in the token is neither P-256 nor RSA",
                "Choose or make a P-256 key",
            ));
        }
    };
    let told = match pair.key() {
        Some(key) => Some(key),
        None => {
            let mut template = vec![
                Attribute::Class(ObjectClass::PUBLIC_KEY),
                Attribute::KeyType(kind),
            ];
            template.push(match pair.id.is_empty() {
                false => Attribute::Id(pair.id),
                true => Attribute::Label(pair.label),
            });
            match session.find_objects(&template).map_err(unreadable)?.as_slice() {
                [one] => Pair::read(session, *one).map_err(unreadable)?.key(),
                _ => None,
            }
        }
    };
    let told = told.ok_or_else(|| {
        CustodyError::new(
            Fault::NotFound,
            "the token has no one public key beside the private one",
            "Import the public key with the same CKA_ID",
        )
    })?;
    told.map_err(|error| {
        CustodyError::new(
            Fault::Unable,
            "the public key in the token cannot be used",
            "Use a P-256 key, or RSA of 3072 to 8192 bits",
        )
        .because(error)
    })
}
