//! Keys in AWS KMS.
//!
//! RSA: `Decrypt` with `RSAES_OAEP_SHA_256`. P-256: `DeriveSharedSecret`, which gives the bare product. `GetPublicKey` tells
//! at the start which key it is; from then on it is named by its ARN, so that an alias which is moved does not change the
//! key under us. X-Wing: KMS has none.
//!
//! To sign: `Sign`; of a digest made here, where the message is too long for KMS.
//!
//! Credentials come from wherever AWS's own tools take them: variables, profiles, single sign-on, the machine's role.

mod faults;
mod signing;
#[cfg(test)]
mod tests;
mod unwrapping;
mod worker;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::ProvideCredentials as _;
use aws_sdk_kms::operation::get_public_key::GetPublicKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::KeyUsageType;

use self::worker::Worker;
use crate::error::{CustodyError, Fault};
use crate::uri::AwsKmsUri;

pub(crate) use signing::open as open_signer;
pub(crate) use unwrapping::open;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// One call with all its attempts: a vehicle waits for it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 3;

/// A key in the service, and the way to it.
struct Reached {
    worker: Worker,
    client: Client,
    answer: GetPublicKeyOutput,
}

/// Finds the credentials and the key.
fn reach(uri: &AwsKmsUri) -> Result<Reached, CustodyError> {
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
    Ok(Reached {
        worker,
        client,
        answer,
    })
}

impl Reached {
    /// The public half in DER.
    fn spki(&self) -> &[u8] {
        self.answer.public_key().map(Blob::as_ref).unwrap_or_default()
    }

    /// Refuses a key that was made for another use.
    fn is_for(
        &self,
        usage: &KeyUsageType,
        unable: impl Fn(&str) -> CustodyError,
    ) -> Result<(), CustodyError> {
        match self.answer.key_usage() == Some(usage) {
            true => Ok(()),
            false => Err(unable(&format!("may not be used for {usage}"))),
        }
    }

    fn into_key(self, uri: &AwsKmsUri) -> KmsKey {
        KmsKey {
            name: self.answer.key_id.unwrap_or_else(|| uri.key.clone()),
            worker: self.worker,
            client: self.client,
        }
    }
}

/// A key, by the name that it had when it was found.
struct KmsKey {
    worker: Worker,
    client: Client,
    name: String,
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
