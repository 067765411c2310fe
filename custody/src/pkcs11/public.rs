//! The public half of a key in a token: as a recipient of content keys, or as a key that verifies.

use cryptoki::error::Error;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use sealift_envelope::RecipientKey;
use sealift_metadata::PublicKey;

use super::faults;
use crate::error::{CustodyError, Fault};
use crate::uri::Pkcs11Uri;

/// DER of the object identifier of P-256, as `CKA_EC_PARAMS` carries it.
const P256_PARAMS: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Ed25519's: its object identifier, or its name as a PrintableString (PKCS#11 3.0 knew only that).
const ED25519_PARAMS: [&[u8]; 2] = [&[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"];

/// What an object says about its pair.
#[derive(Default)]
pub(super) struct Pair {
    kind: Option<KeyType>,
    pub(super) id: Vec<u8>,
    pub(super) label: Vec<u8>,
    curve: Vec<u8>,
    point: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// A public key in the terms of the token.
enum Told {
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl Pair {
    pub(super) fn read(session: &Session, key: ObjectHandle) -> Result<Self, Error> {
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

    /// Whether it is of a kind that this crate knows.
    fn is_known(&self) -> bool {
        match self.kind {
            Some(KeyType::EC) => self.curve.is_empty() || self.curve == P256_PARAMS,
            Some(KeyType::EC_EDWARDS) => {
                self.curve.is_empty() || ED25519_PARAMS.contains(&self.curve.as_slice())
            }
            Some(KeyType::RSA) => true,
            _ => false,
        }
    }

    fn told(self) -> Option<Told> {
        match self.kind {
            Some(KeyType::EC) if !self.point.is_empty() => Some(Told::P256(bare(&self.point, 65))),
            Some(KeyType::EC_EDWARDS) if !self.point.is_empty() => Some(Told::Ed25519(bare(&self.point, 32))),
            Some(KeyType::RSA) if !self.modulus.is_empty() && !self.exponent.is_empty() => Some(Told::Rsa {
                modulus: self.modulus,
                exponent: self.exponent,
            }),
            _ => None,
        }
    }
}

/// The standard wants the point inside an OCTET STRING; some tokens give it bare.
fn bare(point: &[u8], length: u8) -> Vec<u8> {
    point
        .strip_prefix(&[0x04, length])
        .filter(|bare| bare.len() == usize::from(length))
        .unwrap_or(point)
        .to_vec()
}

/// As a key that content keys are wrapped for.
pub(super) fn recipient(
    session: &Session,
    private: ObjectHandle,
    uri: &Pkcs11Uri,
) -> Result<RecipientKey, CustodyError> {
    let key = match told(session, private, uri)? {
        Told::P256(point) => RecipientKey::from_p256_point(&point),
        Told::Rsa { modulus, exponent } => RecipientKey::from_rsa_numbers(&modulus, &exponent),
        Told::Ed25519(_) => return Err(other("neither P-256 nor RSA", "Choose or make a P-256 key")),
    };
    key.map_err(|error| unusable("Use a P-256 key, or RSA of 3072 to 8192 bits").because(error))
}

/// As a key that signatures are verified with.
pub(super) fn verifying(
    session: &Session,
    private: ObjectHandle,
    uri: &Pkcs11Uri,
) -> Result<PublicKey, CustodyError> {
    let key = match told(session, private, uri)? {
        Told::P256(point) => PublicKey::from_p256_point(&point),
        Told::Ed25519(bytes) => PublicKey::from_ed25519_bytes(&bytes),
        Told::Rsa { modulus, exponent } => PublicKey::from_rsa_numbers(&modulus, &exponent),
    };
    key.map_err(|error| unusable("Use an Ed25519 or P-256 key, or RSA of 2048 to 8192 bits").because(error))
}

/// From the private object if it tells, else from the public object with the same id, or, where there is no id, the same
/// label.
fn told(session: &Session, private: ObjectHandle, uri: &Pkcs11Uri) -> Result<Told, CustodyError> {
    let unreadable = |error| faults::sort(uri.token.label.as_deref().unwrap_or_default(), error);
    let pair = Pair::read(session, private).map_err(unreadable)?;
    let Some(kind) = pair.kind.filter(|_| pair.is_known()) else {
        return Err(other(
            "none of P-256, Ed25519 and RSA",
            "Choose or make a P-256 key",
        ));
    };
    let beside = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(kind),
        match pair.id.is_empty() {
            false => Attribute::Id(pair.id.clone()),
            true => Attribute::Label(pair.label.clone()),
        },
    ];
    if let Some(told) = pair.told() {
        return Ok(told);
    }
    let public = match session.find_objects(&beside).map_err(unreadable)?.as_slice() {
        [one] => Pair::read(session, *one).map_err(unreadable)?.told(),
        _ => None,
    };
    public.ok_or_else(|| {
        CustodyError::new(
            Fault::NotFound,
            "the token has no one public key beside the private one",
            "Import the public key with the same CKA_ID",
        )
    })
}

fn other(kind: &str, next: &str) -> CustodyError {
    CustodyError::new(Fault::Unable, format!("the key in the token is {kind}"), next)
}

fn unusable(next: &str) -> CustodyError {
    CustodyError::new(Fault::Unable, "the public key in the token cannot be used", next)
}
