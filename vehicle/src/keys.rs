//! Private keys of the ECUs, from files. Published demonstration keys are refused unless asked for.

use std::collections::BTreeMap;
use std::path::Path;

use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use sealift_envelope::{PrivateKey, UnwrapKey};
use sealift_metadata::{EcuSerial, FileSigner, PublicKey, Signer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::durable;
use crate::error::LocalError;
use crate::layout::Layout;
use crate::provision::{Ecu, Provisioned};

const MAX_KEY_BYTES: u64 = 64 * 1024;
/// Ids of the demonstration keys: their private halves are public.
const DEMO_KEY_IDS: &str = include_str!("../../keys-example/ids.txt");

/// Whether demonstration keys are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DemoKeys {
    /// The only right setting for a real vehicle.
    Refuse,
    /// For demonstrations on one machine.
    Accept,
}

/// The two keys of an ECU; never the same key.
#[derive(Debug)]
pub(crate) struct EcuKeys {
    pub(crate) signing: FileSigner,
    pub(crate) sealing: Option<PrivateKey>,
}

/// Loads the keys of every ECU.
pub(crate) fn load(
    layout: &Layout,
    provisioned: &Provisioned,
    demo: DemoKeys,
) -> Result<BTreeMap<EcuSerial, EcuKeys>, LocalError> {
    let mut keys = BTreeMap::new();
    for ecu in &provisioned.ecus {
        keys.insert(ecu.serial.clone(), load_ecu(layout, ecu, demo)?);
    }
    Ok(keys)
}

fn load_ecu(layout: &Layout, ecu: &Ecu, demo: DemoKeys) -> Result<EcuKeys, LocalError> {
    let path = layout.provisioned(&ecu.signing_key);
    let what = "the ECU's signing key";
    let signing = FileSigner::from_pem(&pem(&path, what)?, None).map_err(|error| LocalError::Key {
        path: path.clone(),
        what,
        source: Box::new(error),
    })?;
    refuse_demo(&path, signing.public().keyid().as_str(), demo)?;
    if let Some(id) = spki_id(signing.public()) {
        refuse_demo(&path, &id, demo)?;
    }
    let sealing = match &ecu.sealing_key {
        None => None,
        Some(sealing_key) => {
            let path = layout.provisioned(sealing_key);
            let what = "the ECU's sealing key";
            let key =
                PrivateKey::from_pkcs8_pem(&pem(&path, what)?, None).map_err(|error| LocalError::Key {
                    path: path.clone(),
                    what,
                    source: Box::new(error),
                })?;
            refuse_demo(&path, &key.key_id().to_string(), demo)?;
            Some(key)
        }
    };
    Ok(EcuKeys { signing, sealing })
}

fn pem(path: &Path, what: &'static str) -> Result<Zeroizing<String>, LocalError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| LocalError::Key {
        path: path.to_owned(),
        what,
        source,
    };
    let bytes = durable::read_capped(path, MAX_KEY_BYTES).map_err(|error| failed(Box::new(error)))?;
    let bytes = bytes.ok_or_else(|| failed("the file does not exist".into()))?;
    String::from_utf8(bytes)
        .map(Zeroizing::new)
        .map_err(|_| failed("not PEM text".into()))
}

fn refuse_demo(path: &Path, key_id: &str, demo: DemoKeys) -> Result<(), LocalError> {
    if demo == DemoKeys::Refuse && is_demo_key(DEMO_KEY_IDS, key_id) {
        return Err(LocalError::DemoKey {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Lower-hex SHA-256 of the SubjectPublicKeyInfo, as the list of demonstration keys has it.
fn spki_id(key: &PublicKey) -> Option<String> {
    let spki = SubjectPublicKeyInfoDer::from_pem_slice(key.to_pem().ok()?.as_bytes()).ok()?;
    Some(hex::encode(Sha256::digest(&spki)))
}

/// One id a line; what follows white space, and lines starting with `#`, is commentary.
fn is_demo_key(ids: &str, key_id: &str) -> bool {
    ids.lines()
        .filter_map(|line| line.split_whitespace().next())
        .any(|id| id == key_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demonstration_keys_are_known_by_the_first_word_of_a_line() {
        let ids = "# demonstration keys\nabc  ECU signing\n\ndef\n";
        assert!(is_demo_key(ids, "abc"));
        assert!(is_demo_key(ids, "def"));
        assert!(!is_demo_key(ids, "ECU"));
        assert!(!is_demo_key(ids, "ab"));
    }
}
