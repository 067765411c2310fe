//! `Sign`, by the key's name: `signs`, `signs-rsa`, `signs-ed25519`; `signs-rsa-salt` takes the longest salt that fits,
//! `signs-other` signs something else, `signs-nothing` nothing, `signs-fails-CODE` fails.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::pkcs8::EncodePublicKey as _;
use rand_core::UnwrapErr;
use rsa::signature::SignatureEncoding as _;
use rsa::signature::hazmat::RandomizedPrehashSigner as _;
use sealift_metadata::{FileSigner, KeyType, Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Refusal, arn, p256_key, rsa_key};

fn kind(name: &str) -> KeyType {
    match name {
        name if name.contains("rsa") => KeyType::RsaPss,
        name if name.contains("ed25519") => KeyType::Ed25519,
        _ => KeyType::P256,
    }
}

fn ed25519() -> &'static FileSigner {
    static KEY: OnceLock<FileSigner> = OnceLock::new();
    KEY.get_or_init(|| FileSigner::generate(KeyType::Ed25519, &mut UnwrapErr(getrandom::SysRng)).unwrap())
}

/// `KeySpec`, and the public half in DER.
pub(super) fn public_key(name: &str) -> (&'static str, Vec<u8>) {
    match kind(name) {
        KeyType::P256 => (
            "ECC_NIST_P256",
            p256_key().public_key().to_public_key_der().unwrap().into_vec(),
        ),
        KeyType::RsaPss => (
            "RSA_3072",
            rsa_key().to_public_key().to_public_key_der().unwrap().into_vec(),
        ),
        KeyType::Ed25519 => {
            let pem = ed25519().public().to_pem().unwrap();
            let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            ("ECC_NIST_EDWARDS25519", STANDARD.decode(der).unwrap())
        }
    }
}

pub(super) fn algorithm(name: &str) -> &'static str {
    match kind(name) {
        KeyType::P256 => "ECDSA_SHA_256",
        KeyType::RsaPss => "RSASSA_PSS_SHA_256",
        KeyType::Ed25519 => "ED25519_SHA_512",
    }
}

pub(super) fn sign(name: &str, body: &Value, message: &[u8]) -> Result<Value, Refusal> {
    let refuse = |code: &str| Err(Refusal(400, code.to_owned()));
    if let Some(code) = name.strip_prefix("signs-fails-") {
        return refuse(code);
    }
    if !name.starts_with("signs") || body["SigningAlgorithm"] != algorithm(name) {
        return refuse("InvalidKeyUsageException");
    }
    let digest = match body["MessageType"].as_str() {
        Some("RAW") if (1..=4096).contains(&message.len()) => Sha256::digest(message).to_vec(),
        // AWS: Ed25519 is of the message.
        Some("DIGEST") if message.len() == 32 && kind(name) != KeyType::Ed25519 => message.to_vec(),
        _ => return refuse("ValidationException"),
    };
    let signature = match (name, kind(name)) {
        ("signs-nothing", _) => return Ok(json!({"KeyId": arn(&format!("key/{name}"))})),
        ("signs-other", _) => ecdsa(&Sha256::digest(b"something else")),
        ("signs-rsa-salt", _) => pss(&digest, 384 - 32 - 2),
        (_, KeyType::P256) => ecdsa(&digest),
        (_, KeyType::RsaPss) => pss(&digest, 32),
        (_, KeyType::Ed25519) => {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(ed25519().sign(message)).unwrap()
        }
    };
    Ok(json!({
        "KeyId": arn(&format!("key/{name}")),
        "SigningAlgorithm": algorithm(name),
        "Signature": STANDARD.encode(signature),
    }))
}

fn ecdsa(digest: &[u8]) -> Vec<u8> {
    let key = p256::ecdsa::SigningKey::from(p256_key());
    let signature: p256::ecdsa::Signature = key.sign_prehash(digest).unwrap();
    signature.to_der().as_bytes().to_vec()
}

fn pss(digest: &[u8], salt: usize) -> Vec<u8> {
    let key = rsa::pss::SigningKey::<Sha256>::new_with_salt_len(rsa_key(), salt);
    let mut rng = UnwrapErr(getrandom::SysRng);
    key.sign_prehash_with_rng(&mut rng, digest).unwrap().to_vec()
}
