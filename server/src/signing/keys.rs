//! Private keys from files, and key-encryption keys from where else they are held.

use super::DemoKeys;
use crate::config::{Kek, KeyFile};
use crate::exit::{Code, Failure};
use sealift_custody::{CustodyError, Fault, KeyUri, NobodyToAsk};
use sealift_envelope::{KeyId, PrivateKey, UnwrapKey};
use sealift_metadata::{FileSigner, Signer};
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Largest key file, in bytes.
const MAX_KEY_BYTES: usize = 64 * 1024;

/// A signing key.
pub(super) fn signer(file: &KeyFile, demo: DemoKeys) -> Result<Arc<dyn Signer>, Failure> {
    let (pem, passphrase) = read(file)?;
    let signer = FileSigner::from_pem(&pem, passphrase.as_ref().map(|bytes| bytes.as_slice()))
        .map_err(unusable(file))?;
    let public = signer.public();
    demo.check(
        file.field,
        &[public.keyid().as_str(), &hex::encode(public.identity())],
    )?;
    Ok(Arc::new(signer))
}

/// A private key-encryption key, by where it is.
pub enum HeldKek {
    /// In this process: it answers in milliseconds, always.
    InMemory(Box<dyn UnwrapKey + Send + Sync>),
    /// In a token or a key service, which may be slow, or hang.
    Elsewhere(Box<dyn UnwrapKey + Send + Sync>),
}

impl HeldKek {
    /// Its id.
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::InMemory(key) | Self::Elsewhere(key) => key.key_id(),
        }
    }
}

impl fmt::Debug for HeldKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::InMemory(_) => "InMemory",
            Self::Elsewhere(_) => "Elsewhere",
        };
        f.debug_tuple(place).field(&self.key_id()).finish()
    }
}

/// A key-encryption key. One that is held elsewhere is reached now: a server that could not unwrap should not start.
pub(super) fn kek(kek: &Kek, demo: DemoKeys) -> Result<HeldKek, Failure> {
    match kek {
        Kek::File(file) => Ok(HeldKek::InMemory(Box::new(kek_file(file, demo)?))),
        Kek::Elsewhere(uri) => {
            let key = sealift_custody::open(uri, &NobodyToAsk).map_err(|error| out_of_reach(uri, error))?;
            demo.check("director.keks", &[&key.key_id().to_string()])?;
            Ok(HeldKek::Elsewhere(Box::new(key)))
        }
    }
}

fn out_of_reach(uri: &KeyUri, error: CustodyError) -> Failure {
    let code = match error.fault() {
        Fault::Unavailable => Code::Unavailable,
        _ => Code::Config,
    };
    Failure::new(code, format!("director.keks: cannot use the key {uri}")).because(error)
}

fn kek_file(file: &KeyFile, demo: DemoKeys) -> Result<PrivateKey, Failure> {
    let (pem, passphrase) = read(file)?;
    let key = PrivateKey::from_pkcs8_pem(&pem, passphrase.as_ref().map(|bytes| bytes.as_slice()))
        .map_err(unusable(file))?;
    demo.check(file.field, &[&key.key_id().to_string()])?;
    Ok(key)
}

type Material = (Zeroizing<String>, Option<Zeroizing<Vec<u8>>>);

fn read(file: &KeyFile) -> Result<Material, Failure> {
    let passphrase = match &file.passphrase {
        None => None,
        Some(source) => {
            let passphrase = source.read();
            Some(passphrase.map_err(|text| Failure::new(Code::Config, format!("{}: {text}", file.field)))?)
        }
    };
    // Room for all of it: what grows leaves copies behind.
    let mut pem = Zeroizing::new(String::with_capacity(MAX_KEY_BYTES));
    std::fs::File::open(&file.path)
        .and_then(|opened| opened.take(MAX_KEY_BYTES as u64).read_to_string(&mut pem))
        .map_err(|error| {
            let how = match file.field {
                "director.keks" => "make one with `sealift kek create`",
                field if field.starts_with("director.") => {
                    "make the Director's keys with `sealift director init`"
                }
                _ => "name the key that `sealift repo init` was given",
            };
            let text = format!(
                "{}: cannot read the private key {}; {how}",
                file.field,
                file.path.display()
            );
            Failure::new(Code::Config, text).because(error)
        })?;
    Ok((pem, passphrase))
}

fn unusable<E: std::error::Error + Send + Sync + 'static>(file: &KeyFile) -> impl FnOnce(E) -> Failure {
    let how = match &file.passphrase {
        Some(_) => String::new(),
        None => {
            let role = match file.field {
                "director.keks" => "director.kek",
                field => field.trim_end_matches("_key"),
            };
            format!("; if it is encrypted, set {role}_passphrase_file or {role}_passphrase_env")
        }
    };
    let text = format!(
        "{}: the private key {} cannot be used{how}",
        file.field,
        file.path.display()
    );
    move |error| Failure::new(Code::Config, text).because(error)
}
