//! A signer written for `tough` signs here.

use p256::pkcs8::EncodePrivateKey as _;
use sealift_custody::{Fault, KeySourceSigner};
use sealift_metadata::{FileSigner, Signer as _};
use tough::key_source::LocalKeySource;

use crate::signing::sign;

fn source(bytes: &[u8]) -> (tempfile::TempDir, LocalKeySource) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, bytes).unwrap();
    (dir, LocalKeySource { path })
}

fn open(source: &LocalKeySource) -> Result<KeySourceSigner, sealift_custody::CustodyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(KeySourceSigner::new(source))
}

/// Under the same key id as the same key has here.
#[test]
fn a_key_source_of_tough_signs() {
    let rsa = include_str!("../../envelope/tests/keys/rsa3072.pem");
    let p256 = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    let p256_der = p256.to_pkcs8_der().unwrap();
    let p256_pem = p256.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).unwrap();
    for (bytes, pem) in [(rsa.as_bytes(), rsa), (p256_der.as_bytes(), p256_pem.as_str())] {
        let (_dir, source) = source(bytes);
        let signer = open(&source).unwrap();
        let ours = FileSigner::from_pem(pem, None).unwrap();
        assert_eq!(signer.public().keyid(), ours.public().keyid());
        sign(&signer, b"{}").unwrap();
    }
}

#[test]
fn a_key_source_without_a_key_says_so() {
    let (_dir, source) = source(b"no key");
    let error = open(&source).unwrap_err();
    assert_eq!(error.fault(), Fault::Unavailable);
    assert!(error.to_string().contains("LocalKeySource"), "{error}");
}
