//! Keys from files and from where else they are held: names in, keys of `envelope` and `metadata` out, passphrases and PINs
//! asked for when needed.

use std::io::Read;
use std::path::Path;

use sealift_custody::{HeldKey, KeyUri};
use sealift_envelope::{Binding, ContentKey, EnvelopeDigest, KeyBox, PrivateKey, RecipientKey, UnwrapKey};
use sealift_metadata::{FileSigner, PublicKey, Signer};
use sha2::{Digest as _, Sha256};
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use crate::failure::{Failure, Fault};
use crate::passphrase::{Terminal, Unlock};
use crate::{World, demo, faults};

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

fn is_encrypted(pem: &str) -> bool {
    pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
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

/// A private key that signs.
pub(crate) fn signer(world: &World, path: &Path, unlock: &Unlock) -> Result<FileSigner, Failure> {
    let signer = private(path, unlock, "signing", |pem, passphrase| {
        FileSigner::from_pem(pem, passphrase)
    })?;
    demo::refuse(world, path, [signer.public().keyid().as_str()])?;
    Ok(signer)
}

/// A private key that opens, wherever it is.
pub(crate) type Opener = Box<dyn UnwrapKey + Send + Sync>;

/// A private key that opens: from a file, or held elsewhere if `path` is the URI of such a key.
pub(crate) fn opener(world: &World, path: &Path, unlock: &Unlock) -> Result<Opener, Failure> {
    if let Some(uri) = uri(path)? {
        return Ok(Box::new(held(world, &uri)?));
    }
    let key = private(path, unlock, "sealing", |pem, passphrase| {
        PrivateKey::from_pkcs8_pem(pem, passphrase)
    })?;
    demo::refuse(world, path, [key.key_id().to_string().as_str()])?;
    Ok(Box::new(key))
}

/// The URI that a key's name is, if it is none of a file.
pub(crate) fn uri(name: &Path) -> Result<Option<KeyUri>, Failure> {
    let Some(text) = name.to_str().filter(|text| KeyUri::is_one(text)) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error: sealift_custody::UriError| {
            // Without the URI itself: it may hold what must not be shown.
            Failure::usage("the key's URI cannot be used")
                .because(error)
                .next("see docs/operating/keys-elsewhere.md; a file of such a name is given as ./NAME")
        })
}

/// A key that is held elsewhere.
pub(crate) fn held(world: &World, uri: &KeyUri) -> Result<HeldKey, Failure> {
    let key = sealift_custody::open(uri, &Terminal)
        .map_err(|error| faults::custody(format!("cannot use the key {uri}"), error))?;
    let id = key.key_id().to_string();
    demo::refuse(world, Path::new(&uri.to_string()), [id.as_str()])?;
    Ok(key)
}

/// Has a key that is held elsewhere unwrap something worthless. What is wrapped for a public key whose private half is
/// another, or cannot unwrap, is lost.
pub(crate) fn prove(world: &mut World, uri: &KeyUri, key: &HeldKey) -> Result<(), Failure> {
    // A box of no vehicle.
    let (digest, binding) = (
        EnvelopeDigest::from_bytes([0; 32]),
        Binding::key_box("", "", "", ""),
    );
    let secret = ContentKey::generate(world.rng());
    let wrapped = KeyBox::create(&secret, key.public(), &digest, &binding, world.rng())
        .map_err(|error| faults::seal(format!("cannot wrap for {uri}"), error))?;
    let opened = wrapped.open(key, &binding).map_err(|error| {
        let failure = faults::unwrap(format!("{uri} does not unwrap what is wrapped for it"), error);
        failure.next("wrap nothing for this key before this works")
    })?;
    if opened.expose() == secret.expose() {
        Ok(())
    } else {
        Err(Failure::new(Fault::Key, format!("{uri} unwraps to something else")).next("report this"))
    }
}

pub(crate) fn private<K, E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    unlock: &Unlock,
    purpose: &str,
    parse: impl Fn(&str, Option<&[u8]>) -> Result<K, E>,
) -> Result<K, Failure> {
    let pem = read_secret_text(path)?;
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
