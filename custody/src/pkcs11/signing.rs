//! Signing in a token.
//!
//! A digest goes to the token where the scheme allows it, so that a document of megabytes does not have to. Ed25519 wants
//! the whole message.

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismInfo, MechanismType};
use cryptoki::object::{Attribute, AttributeType};
use sealift_metadata::{KeyType, PublicKey};
use sha2::{Digest as _, Sha256};

use super::link::{Failed, Link};
use super::{Connection, faults, offers, public};
use crate::error::{CustodyError, Fault};
use crate::pin::AskPin;
use crate::signer::{HeldSigner, SigningHolder};
use crate::uri::Pkcs11Uri;

const OTHERWISE: &str = "Use a key that may sign (CKA_SIGN), or a token that has the mechanism; its list is shown by \
                         `pkcs11-tool --list-mechanisms`";

/// How this token signs with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Eddsa,
    Ecdsa,
    PssOfDigest,
    /// For tokens that make no PSS signature of a digest which is not their own.
    PssOfMessage,
}

/// A private key in a token that signs.
struct TokenSigner {
    link: Link<PublicKey>,
    way: Way,
}

/// Finds the key, and how the token signs with it.
pub(crate) fn open(uri: &Pkcs11Uri, ask: &dyn AskPin) -> Result<HeldSigner, CustodyError> {
    let (link, way) = Link::open(uri, ask, public::verifying, able)?;
    Ok(HeldSigner::new(link.public().clone(), TokenSigner { link, way }))
}

/// Says at the start what would otherwise be found out with the first document.
fn able(module: &Pkcs11, connection: &Connection, public: &PublicKey) -> Result<Way, CustodyError> {
    permitted(connection)?;
    let ways: &[Way] = match public.kind() {
        KeyType::Ed25519 => &[Way::Eddsa],
        KeyType::P256 => &[Way::Ecdsa],
        KeyType::RsaPss => &[Way::PssOfDigest, Way::PssOfMessage],
    };
    for way in ways {
        if offers(module, connection, way.mechanism_type(), MechanismInfo::sign)? {
            return Ok(*way);
        }
    }
    let name = ways.first().map_or("", |way| way.name());
    Err(faults::unable(&connection.label, name, OTHERWISE))
}

/// Whether the key itself says that it may not sign, or only with the PIN each time.
fn permitted(connection: &Connection) -> Result<(), CustodyError> {
    let refuse = |what, next| {
        let what = format!("the key in token `{}` {what}", connection.label);
        Err(CustodyError::new(Fault::Unable, what, next))
    };
    for asked in [AttributeType::Sign, AttributeType::AlwaysAuthenticate] {
        // A token that does not tell is tried.
        let told = connection.session.get_attributes(connection.private, &[asked]);
        match told.as_deref() {
            Ok([Attribute::Sign(false)]) => {
                return refuse("may not sign", "Make a key with CKA_SIGN for this");
            }
            Ok([Attribute::AlwaysAuthenticate(true)]) => {
                return refuse(
                    "wants the PIN for each signature, which is not supported",
                    "Use a key without CKA_ALWAYS_AUTHENTICATE; on a YubiKey slot 9a, not 9c",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Eddsa => "CKM_EDDSA",
            Self::Ecdsa => "CKM_ECDSA",
            Self::PssOfDigest => "CKM_RSA_PKCS_PSS with SHA-256",
            Self::PssOfMessage => "CKM_SHA256_RSA_PKCS_PSS",
        }
    }

    fn mechanism_type(self) -> MechanismType {
        match self {
            Self::Eddsa => MechanismType::EDDSA,
            Self::Ecdsa => MechanismType::ECDSA,
            Self::PssOfDigest => MechanismType::RSA_PKCS_PSS,
            Self::PssOfMessage => MechanismType::SHA256_RSA_PKCS_PSS,
        }
    }

    fn mechanism(self) -> Mechanism<'static> {
        // TUF wants 32 bytes of salt; left to themselves, holders take as many as fit.
        let pss = PkcsPssParams {
            hash_alg: MechanismType::SHA256,
            mgf: PkcsMgfType::MGF1_SHA256,
            s_len: 32.into(),
        };
        match self {
            Self::Eddsa => Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
            Self::Ecdsa => Mechanism::Ecdsa,
            Self::PssOfDigest => Mechanism::RsaPkcsPss(pss),
            Self::PssOfMessage => Mechanism::Sha256RsaPkcsPss(pss),
        }
    }
}

impl SigningHolder for TokenSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CustodyError> {
        let digest = Sha256::digest(message);
        let input = match self.way {
            Way::Ecdsa | Way::PssOfDigest => digest.as_slice(),
            Way::Eddsa | Way::PssOfMessage => message,
        };
        self.link.with(|connection| {
            let signed = connection
                .session
                .sign(&self.way.mechanism(), connection.private, input)
                .map_err(|error| {
                    if faults::is_inability(&error) {
                        let unable = faults::unable(&connection.label, self.way.name(), OTHERWISE);
                        Failed::Said(unable.because(error))
                    } else {
                        Failed::Token(error)
                    }
                })?;
            match self.way {
                Way::Ecdsa => der(&signed).ok_or_else(|| Failed::Said(garbled(&connection.label))),
                _ => Ok(signed),
            }
        })
    }
}

/// Tokens give the two numbers side by side; TUF wants them in DER.
fn der(numbers: &[u8]) -> Option<Vec<u8>> {
    let signature = p256::ecdsa::Signature::from_slice(numbers).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

fn garbled(token: &str) -> CustodyError {
    CustodyError::new(
        Fault::Unable,
        format!("what token `{token}` returned is no ECDSA signature on P-256"),
        "Look for an update of its module",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecdsa_signatures_become_der() {
        let mut numbers = [0; 64];
        (numbers[31], numbers[63]) = (1, 0x80);
        assert_eq!(der(&numbers).unwrap(), [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]);
        assert_eq!(der(&numbers[1..]), None);
        assert_eq!(der(&[0; 64]), None, "zero is no signature");
    }
}
