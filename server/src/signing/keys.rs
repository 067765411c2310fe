//! Private keys: from files and variables, and from where else they are held.

use super::DemoKeys;
use crate::config::{self, Key, KeyPlace};
use crate::exit::{Code, Failure};
use sealift_custody::{CustodyError, Fault, NobodyToAsk};
use sealift_envelope::{KeyId, PrivateKey, UnwrapKey};
use sealift_metadata::{FileSigner, Signer};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Largest key file, in bytes.
const MAX_KEY_BYTES: usize = 64 * 1024;

/// A signing key. One that is held elsewhere is reached now: a server that could not sign should not start.
pub(super) fn signer(key: &Key, demo: DemoKeys) -> Result<Arc<dyn Signer>, Failure> {
    let signer: Arc<dyn Signer> = match &key.place {
        KeyPlace::Elsewhere(uri) => Arc::new(
            sealift_custody::open_signer(uri, &NobodyToAsk).map_err(|error| out_of_reach(key, error))?,
        ),
        KeyPlace::File(_) | KeyPlace::Env(_) => {
            let (pem, passphrase) = read(key)?;
            let passphrase = passphrase.as_ref().map(|bytes| bytes.as_slice());
            Arc::new(FileSigner::from_pem(&pem, passphrase).map_err(unusable(key))?)
        }
    };
    let public = signer.public();
    demo.check(
        key.field,
        &[public.keyid().as_str(), &hex::encode(public.identity())],
    )?;
    Ok(signer)
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
pub(super) fn kek(key: &Key, demo: DemoKeys) -> Result<HeldKek, Failure> {
    let kek = match &key.place {
        KeyPlace::Elsewhere(uri) => HeldKek::Elsewhere(Box::new(
            sealift_custody::open(uri, &NobodyToAsk).map_err(|error| out_of_reach(key, error))?,
        )),
        KeyPlace::File(_) | KeyPlace::Env(_) => {
            let (pem, passphrase) = read(key)?;
            let passphrase = passphrase.as_ref().map(|bytes| bytes.as_slice());
            HeldKek::InMemory(Box::new(
                PrivateKey::from_pkcs8_pem(&pem, passphrase).map_err(unusable(key))?,
            ))
        }
    };
    demo.check(key.field, &[&kek.key_id().to_string()])?;
    Ok(kek)
}

fn out_of_reach(key: &Key, error: CustodyError) -> Failure {
    let code = match error.fault() {
        Fault::Unavailable => Code::Unavailable,
        _ => Code::Config,
    };
    Failure::new(code, format!("{}: cannot use the key {}", key.field, key.place)).because(error)
}

type Material = (Zeroizing<String>, Option<Zeroizing<Vec<u8>>>);

fn read(key: &Key) -> Result<Material, Failure> {
    let wrong = |text| Failure::new(Code::Config, format!("{}: {text}", key.field));
    let passphrase = match &key.passphrase {
        None => None,
        Some(source) => Some(source.read().map_err(wrong)?),
    };
    let pem = match &key.place {
        KeyPlace::Env(name) => config::variable(name).map_err(wrong)?,
        KeyPlace::File(path) => read_file(key, path)?,
        KeyPlace::Elsewhere(_) => return Err(wrong("this key is not in PEM form".to_owned())),
    };
    Ok((pem, passphrase))
}

fn read_file(key: &Key, path: &Path) -> Result<Zeroizing<String>, Failure> {
    // Room for all of it: what grows leaves copies behind.
    let mut pem = Zeroizing::new(String::with_capacity(MAX_KEY_BYTES));
    std::fs::File::open(path)
        .and_then(|opened| opened.take(MAX_KEY_BYTES as u64).read_to_string(&mut pem))
        .map_err(|error| {
            let how = match key.field {
                "director.keks" => "make one with `sealift kek create`",
                field if field.starts_with("director.") => {
                    "make the Director's keys with `sealift director init`"
                }
                _ => "name the key that `sealift repo init` was given",
            };
            let text = format!(
                "{}: cannot read the private key {}; {how}",
                key.field,
                path.display()
            );
            Failure::new(Code::Config, text).because(error)
        })?;
    Ok(pem)
}

fn unusable<E: std::error::Error + Send + Sync + 'static>(key: &Key) -> impl FnOnce(E) -> Failure {
    let how = match &key.passphrase {
        Some(_) => String::new(),
        None => {
            let role = match key.field {
                "director.keks" => "director.kek",
                field => field.trim_end_matches("_key"),
            };
            format!("; if it is encrypted, set {role}_passphrase_file or {role}_passphrase_env")
        }
    };
    let text = format!("{}: the private key {} cannot be used{how}", key.field, key.place);
    move |error| Failure::new(Code::Config, text).because(error)
}
