//! Keys from files and from where else they are held: names in, keys of `envelope` and `metadata` out, passphrases and PINs
//! asked for when needed.

mod named;
mod private;

use std::io::Read;
use std::path::Path;

use sealift_envelope::RecipientKey;
use sealift_metadata::PublicKey;
use sha2::{Digest as _, Sha256};
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use crate::failure::{Failure, Fault};
use crate::{World, demo};

pub(crate) use named::Named;
pub(crate) use private::{opener, private, signer, try_passphrases};

/// Largest key or certificate file, in bytes.
const MAX_PEM_BYTES: usize = 256 * 1024;

/// Reads a small public text file.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    read_secret_text(path).map(|text| text.as_str().to_owned())
}

/// Reads a small text file that holds a secret.
pub(crate) fn read_secret_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let fail = |error| Failure::file("read", path, error);
    // Room for all of it: what grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PEM_BYTES + 1));
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(MAX_PEM_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() > MAX_PEM_BYTES {
        return Err(Failure::refused(format!(
            "{} is too large for a key or certificate",
            path.display()
        )));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::refused(format!("{} is not a PEM file", path.display()))
            .next("convert DER with `openssl pkey -inform DER`")
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads certificates in PEM form; none may be of a demonstration key.
pub(crate) fn certificates(world: &World, path: &Path) -> Result<String, Failure> {
    let text = read_text(path)?;
    for block in Pem::iter_from_buffer(text.as_bytes()) {
        let refused = || Failure::refused(format!("{} holds no certificate", path.display()));
        let block = block.map_err(|error| refused().because(error))?;
        let certificate = block.parse_x509().map_err(|error| refused().because(error))?;
        let id = hex::encode(Sha256::digest(certificate.public_key().raw));
        demo::refuse(world, path, [id.as_str()])?;
    }
    Ok(text)
}

/// Reads the certificates that `--ca` names, of which a server's must come.
pub(crate) fn authorities(world: &World, path: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let pem = certificates(world, path)?;
    let list = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
    match list.is_empty() {
        true => Err(
            Failure::refused(format!("{} holds no certificate", path.display()))
                .next("give a PEM file to --ca"),
        ),
        false => Ok(list),
    }
}

/// Whether a PEM text holds a private key of any kind.
pub(crate) fn is_private(pem: &str) -> bool {
    pem.contains("PRIVATE KEY-----")
}

/// A public key that content keys are wrapped for.
pub(crate) fn recipient(world: &World, path: &Path) -> Result<RecipientKey, Failure> {
    let pem = public_pem(path)?;
    let key = RecipientKey::from_pem(&pem).map_err(|error| {
        Failure::new(Fault::Key, format!("{} cannot be a recipient", path.display()))
            .because(error)
            .next("give a P-256, RSA (3072 bits and up) or X-Wing public key in PEM form; `sealift key show URI -o FILE` writes that of a key held elsewhere")
    })?;
    demo::refuse(world, path, [key.key_id().to_string().as_str()])?;
    Ok(key)
}

/// A public key that signatures are verified with.
pub(crate) fn verification_key(world: &World, path: &Path) -> Result<PublicKey, Failure> {
    let pem = public_pem(path)?;
    let key = PublicKey::from_pem(&pem).map_err(|error| {
        Failure::new(Fault::Key, format!("{} is no public signing key", path.display()))
            .because(error)
            .next("give an Ed25519, P-256 or RSA public key in PEM form")
    })?;
    demo::refuse(world, path, [key.keyid().as_str()])?;
    Ok(key)
}

fn public_pem(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let pem = read_secret_text(path)?;
    if is_private(&pem) {
        return Err(
            Failure::new(Fault::Key, format!("{} is a private key", path.display()))
                .next("give its public half, FILE.pub.pem"),
        );
    }
    Ok(pem)
}
