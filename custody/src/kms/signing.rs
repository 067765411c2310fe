//! Signing in AWS KMS.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyUsageType, MessageType, SigningAlgorithmSpec};
use sealift_metadata::{KeyType, PublicKey};
use sha2::{Digest as _, Sha256};

use super::{KmsKey, faults, reach};
use crate::error::{CustodyError, Fault};
use crate::signer::{HeldSigner, SigningHolder};
use crate::uri::AwsKmsUri;

/// The longest message that KMS hashes itself, bytes.
const MAX_RAW_BYTES: usize = 4096;

/// Finds the key, if it signs.
pub(crate) fn open(uri: &AwsKmsUri) -> Result<HeldSigner, CustodyError> {
    let unable = |what: &str| {
        CustodyError::new(
            Fault::Unable,
            format!("the key {} {what}", uri.key),
            "Make one with `aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY`",
        )
    };
    let reached = reach(uri)?;
    let public = PublicKey::from_spki_der(reached.spki())
        .map_err(|error| unable("is not P-256, RSA or Ed25519").because(error))?;
    reached.is_for(&KeyUsageType::SignVerify, unable)?;
    let key = SigningKey {
        kind: public.kind(),
        key: reached.into_key(uri),
    };
    Ok(HeldSigner::new(public, key))
}

struct SigningKey {
    key: KmsKey,
    kind: KeyType,
}

impl SigningKey {
    /// Only a digest where KMS would take no more, and where the scheme is of a digest.
    fn input(&self, message: &[u8]) -> Result<(MessageType, Blob), CustodyError> {
        match (message.len() <= MAX_RAW_BYTES, self.kind) {
            (true, _) => Ok((MessageType::Raw, Blob::new(message))),
            (false, KeyType::P256 | KeyType::RsaPss) => {
                Ok((MessageType::Digest, Blob::new(Sha256::digest(message).to_vec())))
            }
            (false, KeyType::Ed25519) => Err(CustodyError::new(
                Fault::Unable,
                format!(
                    "AWS KMS signs at most {MAX_RAW_BYTES} bytes with an Ed25519 key, and this document has {}",
                    message.len()
                ),
                "Use a P-256 key for this role",
            )),
        }
    }
}

impl SigningHolder for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CustodyError> {
        let (form, input) = self.input(message)?;
        let KmsKey { worker, client, name } = &self.key;
        let request = client
            .sign()
            .key_id(name)
            .message_type(form)
            .message(input)
            .signing_algorithm(match self.kind {
                KeyType::Ed25519 => SigningAlgorithmSpec::Ed25519Sha512,
                KeyType::P256 => SigningAlgorithmSpec::EcdsaSha256,
                KeyType::RsaPss => SigningAlgorithmSpec::RsassaPssSha256,
            });
        let answer = worker.run(async move { request.send().await })?;
        let answer = answer.map_err(|error| faults::sort(name, "kms:Sign", error))?;
        // None at all verifies as little as a wrong one.
        Ok(answer.signature.map(Blob::into_inner).unwrap_or_default())
    }
}
