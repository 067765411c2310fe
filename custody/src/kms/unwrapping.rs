//! The two operations that unwrap.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeyUsageType};
use sealift_envelope::external::{Answer, PeerPoint};
use sealift_envelope::{RecipientKey, Wrap};
use zeroize::Zeroizing;

use super::{KmsKey, faults, reach};
use crate::error::{CustodyError, Fault};
use crate::held::{HeldKey, Holder, Trouble};
use crate::uri::AwsKmsUri;

/// Finds the key, if it can do what is needed.
pub(crate) fn open(uri: &AwsKmsUri) -> Result<HeldKey, CustodyError> {
    let unable = |what: &str| {
        CustodyError::new(
            Fault::Unable,
            format!("the key {} {what}", uri.key),
            "Make one with `aws kms create-key --key-spec ECC_NIST_P256 --key-usage KEY_AGREEMENT`, \
             or with `--key-spec RSA_3072 --key-usage ENCRYPT_DECRYPT`",
        )
    };
    let reached = reach(uri)?;
    let public = RecipientKey::from_spki_der(reached.spki())
        .map_err(|error| unable("is not P-256 and not RSA of 3072 bits or more").because(error))?;
    let usage = match public.wrap() {
        Wrap::HpkeP256 => KeyUsageType::KeyAgreement,
        Wrap::RsaOaep => KeyUsageType::EncryptDecrypt,
        _ => return Err(unable("is of a kind that KMS cannot unwrap with")),
    };
    reached.is_for(&usage, unable)?;
    Ok(HeldKey::new(public, reached.into_key(uri)))
}

impl Holder for KmsKey {
    fn agree(&self, peer: &PeerPoint) -> Result<Answer, Trouble> {
        let request = self
            .client
            .derive_shared_secret()
            .key_id(&self.name)
            .key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh)
            .public_key(Blob::new(peer.to_spki_der()));
        let answer = self.worker.run(async move { request.send().await })?;
        let answer = answer.map_err(|error| faults::trouble(&self.name, "kms:DeriveSharedSecret", error))?;
        secret(answer.shared_secret)
    }

    fn decrypt(&self, enc: &[u8]) -> Result<Answer, Trouble> {
        let request = self
            .client
            .decrypt()
            .key_id(&self.name)
            .encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256)
            .ciphertext_blob(Blob::new(enc));
        let answer = self.worker.run(async move { request.send().await })?;
        let answer = answer.map_err(|error| faults::trouble(&self.name, "kms:Decrypt", error))?;
        secret(answer.plaintext)
    }
}

fn secret(blob: Option<Blob>) -> Result<Answer, Trouble> {
    blob.map(|blob| Zeroizing::new(blob.into_inner()))
        .ok_or(Trouble::Refused)
}
