//! Finding the private key in a token.

use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::faults;
use super::public::Pair;
use crate::error::{CustodyError, Fault};
use crate::uri::Pkcs11Uri;

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
