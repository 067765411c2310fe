//! Private keys, wherever they are.

use std::path::Path;
use std::sync::Arc;

use sealift_envelope::{PrivateKey, UnwrapKey};
use sealift_metadata::{FileSigner, Signer};

use super::{Named, is_private};
use crate::failure::{Failure, Fault};
use crate::passphrase::{Terminal, Unlock};
use crate::{World, demo, faults};

/// A private key that signs.
pub(crate) fn signer(world: &World, name: &Path, unlock: &Unlock) -> Result<Arc<dyn Signer>, Failure> {
    let signer: Arc<dyn Signer> = match Named::of(name)? {
        Named::Elsewhere(uri) => Arc::new(
            sealift_custody::open_signer(&uri, &Terminal)
                .map_err(|error| faults::custody(format!("cannot sign with the key {uri}"), error))?,
        ),
        Named::File(_) | Named::Variable(_) => {
            Arc::new(private(name, unlock, "signing", |pem, passphrase| {
                FileSigner::from_pem(pem, passphrase)
            })?)
        }
    };
    demo::refuse(world, name, [signer.public().keyid().as_str()])?;
    Ok(signer)
}

/// A private key that opens, wherever it is.
type Opener = Box<dyn UnwrapKey + Send + Sync>;

/// A private key that opens.
pub(crate) fn opener(world: &World, name: &Path, unlock: &Unlock) -> Result<Opener, Failure> {
    let key: Opener = match Named::of(name)? {
        Named::Elsewhere(uri) => Box::new(
            sealift_custody::open(&uri, &Terminal)
                .map_err(|error| faults::custody(format!("cannot use the key {uri}"), error))?,
        ),
        Named::File(_) | Named::Variable(_) => {
            Box::new(private(name, unlock, "sealing", |pem, passphrase| {
                PrivateKey::from_pkcs8_pem(pem, passphrase)
            })?)
        }
    };
    demo::refuse(world, name, [key.key_id().to_string().as_str()])?;
    Ok(key)
}

/// A private key in PEM form, asking for its passphrase if it has one that was not given.
pub(crate) fn private<K, E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    unlock: &Unlock,
    purpose: &str,
    parse: impl Fn(&str, Option<&[u8]>) -> Result<K, E>,
) -> Result<K, Failure> {
    let pem = Named::of(path)?.pem()?;
    let unusable = |error: E| {
        let failure = Failure::new(
            Fault::Key,
            format!("{} is no usable {purpose} key", path.display()),
        );
        match is_private(&pem) {
            true => failure
                .because(error)
                .next("give what `sealift key generate` or `openssl genpkey` makes"),
            false => failure.next("give the private key, not its public half"),
        }
    };
    if is_encrypted(&pem) {
        try_passphrases(path, unlock, |passphrase| parse(&pem, Some(passphrase)))
    } else {
        parse(&pem, None).map_err(unusable)
    }
}

/// Tries the passphrases that were given, or the one that is asked for.
pub(crate) fn try_passphrases<T, E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    unlock: &Unlock,
    open: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<T, Failure> {
    let mut candidates = unlock.given()?;
    if candidates.is_empty() {
        candidates.push(unlock.ask(path)?);
    }
    let failure = Failure::new(
        Fault::Key,
        format!("the passphrase does not open {}", path.display()),
    );
    let mut failure =
        failure.next("check the passphrase; if it is right, the key is of a kind that does not fit here");
    for passphrase in &candidates {
        match open(passphrase.as_bytes()) {
            Ok(opened) => return Ok(opened),
            // Of several the last one is told: they differ only where the file is at fault, and that is in all.
            Err(error) => failure = failure.because(error),
        }
    }
    Err(failure)
}

fn is_encrypted(pem: &str) -> bool {
    pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
}
