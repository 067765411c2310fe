//! The list by which every binary knows these keys and refuses them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::KEYS;
use super::material::Key;
use crate::failure::Failure;

const HEAD: &str = "\
# Ids of the demonstration keys. Written by `cargo xtask keys`; each binary refuses these keys outside of a demonstration.
# First word of a line: the id, lower hex. `spki` is SHA-256 of the SubjectPublicKeyInfo (the key id of recipients and
# certificates), `tuf` is the TUF key id.
";

/// One line for each id of each key.
pub(super) fn list(keys: &BTreeMap<&str, Key>) -> Result<String, Failure> {
    let mut text = HEAD.to_owned();
    for (name, _, purpose) in KEYS {
        let Some(key) = keys.get(name) else { continue };
        let spki = hex::encode(Sha256::digest(key.public_der()?));
        writeln!(text, "{spki}  # spki  {name}: {purpose}")?;
    }
    Ok(text)
}
