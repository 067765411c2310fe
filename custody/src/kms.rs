//! Keys in AWS KMS.
//!
//! RSA: `Decrypt` with `RSAES_OAEP_SHA_256`. P-256: `DeriveSharedSecret`, which gives the bare product. `GetPublicKey` tells
//! at the start which key it is; from then on it is named by its ARN, so that an alias which is moved does not change the
//! key under us. X-Wing: KMS has none.
//!
//! Credentials come from wherever AWS's own tools take them: variables, profiles, single sign-on, the machine's role.

mod faults;
#[cfg(test)]
mod tests;
mod worker;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::ProvideCredentials as _;
use aws_sdk_kms::operation::get_public_key::GetPublicKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeyUsageType};
use sealift_envelope::external::{Answer, PeerPoint};
use sealift_envelope::{RecipientKey, Wrap};
use zeroize::Zeroizing;

use self::worker::Worker;
use crate::error::{CustodyError, Fault};
use crate::held::{HeldKey, Holder, Trouble};
use crate::uri::AwsKmsUri;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// One call with all its attempts: a vehicle waits for it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 3;

/// Finds the credentials and the key.
pub(crate) fn open(uri: &AwsKmsUri) -> Result<HeldKey, CustodyError> {
    let worker = Worker::start()?;
    let (client, answer) = worker.run({
        let uri = uri.clone();
        async move {
            let client = in_time(OPERATION_TIMEOUT, client(&uri)).await?;
            let asked = client.get_public_key().key_id(&uri.key).send().await;
            let answer = asked.map_err(|error| faults::sort(&uri.key, "kms:GetPublicKey", error))?;
            Ok::<_, CustodyError>((client, answer))
        }
    })??;
    let (name, public) = key(uri, &answer)?;
    let holder = KmsKey { worker, client, name };
    Ok(HeldKey::new(public, holder))
}

/// A helper that gives out credentials may hang, and the SDK would wait for it.
async fn in_time<T>(
    limit: Duration,
    found: impl Future<Output = Result<T, CustodyError>>,
) -> Result<T, CustodyError> {
    let slow = |_| {
        CustodyError::new(
            Fault::Unavailable,
            "AWS credentials were not found in time",
            "Look at the profile's credential_process, or at the machine's metadata service",
        )
    };
    tokio::time::timeout(limit, found).await.map_err(slow)?
}

async fn client(uri: &AwsKmsUri) -> Result<Client, CustodyError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
    if let Some(region) = &uri.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let found = loader.load().await;
    if found.region().is_none() {
        return Err(CustodyError::new(
            Fault::Settings,
            format!("it is not known in which AWS region {} is", uri.key),
            "Set AWS_REGION, or name the key by its ARN",
        ));
    }
    // Looked for now, since a request without them fails with many words and not that one.
    let missing = || {
        CustodyError::new(
            Fault::Denied,
            "there are no AWS credentials",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or give the machine a role",
        )
    };
    let provider = found.credentials_provider().ok_or_else(missing)?;
    provider
        .provide_credentials()
        .await
        .map_err(|error| missing().because(error))?;
    let mut settings = aws_sdk_kms::config::Builder::from(&found);
    // Only the URI names an endpoint: `AWS_ENDPOINT_URL` is where the objects are, and whoever keeps those must not be
    // asked for keys.
    settings.set_endpoint_url(uri.endpoint.clone());
    Ok(Client::from_conf(settings.build()))
}

/// The key's ARN and its public half, if it can do what is needed.
fn key(uri: &AwsKmsUri, answer: &GetPublicKeyOutput) -> Result<(String, RecipientKey), CustodyError> {
    let unable = |what: &str| {
        CustodyError::new(
            Fault::Unable,
            format!("the key {} {what}", uri.key),
            "Make one with `aws kms create-key --key-spec ECC_NIST_P256 --key-usage KEY_AGREEMENT`, \
             or with `--key-spec RSA_3072 --key-usage ENCRYPT_DECRYPT`",
        )
    };
    let der = answer.public_key().map(Blob::as_ref).unwrap_or_default();
    let public = RecipientKey::from_spki_der(der)
        .map_err(|error| unable("is not P-256 and not RSA of 3072 bits or more").because(error))?;
    let usage = match public.wrap() {
        Wrap::HpkeP256 => KeyUsageType::KeyAgreement,
        Wrap::RsaOaep => KeyUsageType::EncryptDecrypt,
        _ => return Err(unable("is of a kind that KMS cannot unwrap with")),
    };
    if answer.key_usage() != Some(&usage) {
        return Err(unable(&format!("may not be used for {usage}")));
    }
    let name = answer.key_id().unwrap_or(&uri.key);
    Ok((name.to_owned(), public))
}

struct KmsKey {
    worker: Worker,
    client: Client,
    name: String,
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
