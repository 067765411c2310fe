//! The list by which every binary knows these keys and refuses them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_envelope::RecipientKey;
use sealift_metadata::PublicKey;
use sha2::{Digest as _, Sha256};

use super::KEYS;
use super::material::Key;
use crate::failure::Failure;

const HEAD: &str = "\
# Ids of the demonstration keys. Written by `cargo xtask keys`; each binary refuses these keys outside of a demonstration.
# First word of a line: the id, lower hex. `spki` is SHA-256 of the SubjectPublicKeyInfo (the key id of recipients and
# certificates), `x-wing` the key id of an X-Wing recipient, `tuf` the TUF key id.
";

/// One line for each id of each key.
pub(super) fn list(keys: &BTreeMap<&str, Key>) -> Result<String, Failure> {
    let mut text = HEAD.to_owned();
    for (name, _, purpose) in KEYS {
        let Some(key) = keys.get(name) else { continue };
        if let Key::XWing(key) = key {
            writeln!(text, "{}  # x-wing {name}: {purpose}", key.public().key_id())?;
            continue;
        }
        let spki = hex::encode(Sha256::digest(key.public_der()?));
        let tuf = PublicKey::from_pem(&key.public_pem()?)?;
        writeln!(text, "{spki}  # spki  {name}: {purpose}")?;
        writeln!(text, "{}  # tuf   {name}: {purpose}", tuf.keyid())?;
        if let Ok(recipient) = RecipientKey::from_pem(&key.public_pem()?)
            && recipient.key_id().to_string() != spki
        {
            return Err(Failure::new(format!(
                "{name}: the envelope's key id is not the hash of the public key"
            )));
        }
    }
    Ok(text)
}
