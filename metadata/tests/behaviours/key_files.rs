//! Private keys in files: ours, and OpenSSL's.

use std::io::Write as _;
use std::process::{Command, Stdio};

use async_trait::async_trait;
use pkcs8::der::Document;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Pbkdf2Params, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding};
use sealift_metadata::signer::{KeyFileError, SignError, Signer, sign_checked};
use sealift_metadata::{FileSigner, KeyType, PublicKey};

use crate::common::{SeededRng, key, now};

const MESSAGE: &[u8] = include_bytes!("../data/message");

fn signs(signer: &FileSigner) -> Vec<u8> {
    now(sign_checked(signer, MESSAGE)).unwrap()
}

/// T-4.2.2-2: signatures made by OpenSSL verify.
#[test]
fn openssl_signatures_verify() {
    let cases: [(&str, &[u8]); 3] = [
        (
            include_str!("../data/ed25519.pub.pem"),
            include_bytes!("../data/ed25519.sig"),
        ),
        (
            include_str!("../data/p256.pub.pem"),
            include_bytes!("../data/p256.sig"),
        ),
        (
            include_str!("../data/rsa2048.pub.pem"),
            include_bytes!("../data/rsa2048.sig"),
        ),
    ];
    for (pem, sig) in cases {
        let key = PublicKey::from_pem(pem).unwrap();
        key.verify(MESSAGE, sig).unwrap();
        assert!(key.verify(b"Message", sig).is_err());
        let mut flipped = sig.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(key.verify(MESSAGE, &flipped).is_err());
        assert!(key.verify(MESSAGE, &[]).is_err());
    }
}

/// The private keys that OpenSSL writes are read, and sign for the public half that it wrote.
#[test]
fn openssl_key_files_are_read() {
    let ed25519 = include_str!("../data/ed25519.pub.pem");
    let p256 = include_str!("../data/p256.pub.pem");
    let rsa = include_str!("../data/rsa2048.pub.pem");
    for (pem, passphrase, public) in [
        (include_str!("../data/ed25519.pem"), None, ed25519),
        (
            include_str!("../data/ed25519.encrypted.pem"),
            Some("secret"),
            ed25519,
        ),
        (include_str!("../data/p256.pem"), None, p256),
        (include_str!("../data/p256.sec1.pem"), None, p256),
        (include_str!("../data/p256.encrypted.pem"), Some("secret"), p256),
        (include_str!("../data/rsa2048.pem"), None, rsa),
        (include_str!("../data/rsa2048.pkcs1.pem"), None, rsa),
    ] {
        let signer = FileSigner::from_pem(pem, passphrase.map(str::as_bytes)).unwrap();
        let public = PublicKey::from_pem(public).unwrap();
        assert_eq!(*signer.public(), public);
        public.verify(MESSAGE, &signs(&signer)).unwrap();
    }
}

/// Each thing that can be wrong with a key file has its own error.
#[test]
fn errors_say_what_is_wrong_with_a_key_file() {
    let encrypted = include_str!("../data/p256.encrypted.pem");
    let refused = |pem: &str, passphrase: Option<&[u8]>| FileSigner::from_pem(pem, passphrase).unwrap_err();
    assert!(matches!(refused(encrypted, None), KeyFileError::PassphraseNeeded));
    assert!(matches!(
        refused(encrypted, Some(b"Secret")),
        KeyFileError::WrongPassphrase
    ));
    assert!(matches!(
        refused(include_str!("../data/p256.legacy.pem"), Some(b"secret")),
        KeyFileError::LegacyEncryption
    ));
    assert!(matches!(
        refused(include_str!("../data/p384.pem"), None),
        KeyFileError::Unsupported
    ));
    for nothing in [
        "",
        "PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        include_str!("../data/p256.pub.pem"),
    ] {
        assert!(
            matches!(refused(nothing, None), KeyFileError::NotPem),
            "{nothing:?}"
        );
    }
    assert!(matches!(
        refused(&"x".repeat(100_000), None),
        KeyFileError::NotPem
    ));
}

/// Every kind goes out to a file and back, encrypted and not.
#[test]
fn key_files_round_trip() {
    let rsa = FileSigner::from_pem(include_str!("../data/rsa2048.pem"), None).unwrap();
    let p256 = FileSigner::generate(KeyType::P256, &mut SeededRng::new(5)).unwrap();
    for signer in [key(5), p256, rsa] {
        let rng = &mut SeededRng::new(6);
        let plain = signer.to_pkcs8_pem(None, rng).unwrap();
        let sealed = signer.to_pkcs8_pem(Some(b"secret"), rng).unwrap();
        assert!(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        assert_eq!(
            FileSigner::from_pem(&plain, None).unwrap().public(),
            signer.public()
        );
        assert_eq!(
            FileSigner::from_pem(&sealed, Some(b"secret")).unwrap().public(),
            signer.public()
        );
        assert!(matches!(
            FileSigner::from_pem(&sealed, Some(b"wrong")),
            Err(KeyFileError::WrongPassphrase)
        ));
    }
}

/// OpenSSL opens what we write. It is a peer here: without it the test says so and ends.
#[test]
fn openssl_reads_our_key_files() {
    let p256 = FileSigner::generate(KeyType::P256, &mut SeededRng::new(5)).unwrap();
    for signer in [key(5), p256] {
        let pem = signer
            .to_pkcs8_pem(Some(b"secret"), &mut SeededRng::new(6))
            .unwrap();
        let child = Command::new("openssl")
            .args(["pkey", "-passin", "pass:secret", "-pubout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("no openssl on this machine: not checked");
            return;
        };
        child.stdin.take().unwrap().write_all(pem.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            signer.public().to_pem().unwrap()
        );
    }
}

/// An RSA signature needs no generator: salt and blinding come from key and message.
#[test]
fn rsa_signatures_are_reproducible() {
    let signer = FileSigner::from_pem(include_str!("../data/rsa2048.pem"), None).unwrap();
    assert_eq!(signs(&signer), signs(&signer));
    assert_ne!(now(signer.sign(b"a")).unwrap(), now(signer.sign(b"b")).unwrap());
}

/// Private keys do not show in logs.
#[test]
fn debug_output_hides_the_private_key() {
    let shown = format!("{:?}", key(5));
    assert!(
        shown.starts_with("FileSigner { public: PublicKey(Ed25519, "),
        "{shown}"
    );
    assert!(shown.ends_with(".. }"), "{shown}");
}

/// A holder that signs with another key than it says.
#[derive(Debug)]
struct Confused(FileSigner, FileSigner);

#[async_trait]
impl Signer for Confused {
    fn public(&self) -> &PublicKey {
        self.0.public()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.1.sign(message).await
    }
}

/// What a remote signer returns is verified before use.
#[test]
fn a_wrong_signature_never_leaves() {
    let error = now(sign_checked(&Confused(key(1), key(2)), MESSAGE)).unwrap_err();
    assert!(matches!(error, SignError::Wrong { .. }));
}

/// The key of the file, encrypted with another derivation in its parameters.
fn derived_by(kdf: Kdf) -> String {
    let file = include_str!("../data/p256.encrypted.pem");
    let (_, document) = Document::from_pem(file).unwrap();
    let mut info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).unwrap();
    let EncryptionScheme::Pbes2(parameters) = &mut info.encryption_algorithm else {
        panic!("another encryption");
    };
    parameters.kdf = kdf;
    let changed = Document::encode_msg(&info).unwrap();
    changed.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap()
}

/// The file says how long trying a passphrase takes. Some say: hours, or all memory; of a cost of zero the library's
/// logarithm panics.
#[test]
fn a_derivation_that_costs_too_much_is_not_begun() {
    let scrypt = |cost_parameter, block_size, parallelization| {
        Kdf::Scrypt(ScryptParams {
            salt: [1; 16].as_slice().try_into().unwrap(),
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        })
    };
    let pbkdf2 = |iteration_count| {
        Kdf::Pbkdf2(Pbkdf2Params {
            iteration_count,
            ..Pbkdf2Params::hmac_sha256(1, &[1; 16]).unwrap()
        })
    };
    let tried = |kdf| FileSigner::from_pem(&derived_by(kdf), Some(b"secret")).unwrap_err();
    for kdf in [
        scrypt(0, 8, 1),
        scrypt(1 << 20, 8, 1),
        scrypt(1 << 19, 8, 2),
        scrypt(1 << 40, 8, 1),
        scrypt(1 << 63, u16::MAX, u16::MAX),
        scrypt(2, u16::MAX, u16::MAX),
        scrypt(1 << 14, 0, 1),
        pbkdf2(10_000_001),
        pbkdf2(u32::MAX),
    ] {
        let error = tried(kdf.clone());
        assert!(matches!(error, KeyFileError::PassphraseCost), "{kdf:?}: {error}");
    }
    for kdf in [scrypt(1 << 10, 8, 1), pbkdf2(1000)] {
        let error = tried(kdf.clone());
        // CBC padding lets one wrong key in 256 through to what is then no key.
        assert!(!matches!(error, KeyFileError::PassphraseCost), "{kdf:?}: {error}");
    }
}
