//! The key broker: the one joint at which content keys are handled.
//!
//! Whoever holds it can read every image whose key-encryption key it can use, so it acts on nothing but a target that
//! stands in a verified Image repository, and logs each act. In process here; a process of its own behind the same trait.

use crate::ambient::Entropy;
use async_trait::async_trait;
use sealift_envelope::{
    Binding, ContentKey, FormatError, Header, KeyBox, KeyFile, MAX_KEY_FILE_LEN, OpenError, RecipientKey,
    SealError, UnwrapError, UnwrapKey,
};
use sealift_metadata::uptane::VerifiedTarget;
use sealift_metadata::{EcuSerial, RepositoryId, VehicleId};
use sealift_repository::{Store, StoreError, paths};
use sealift_wire::{Problem, ProblemKind};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Semaphore;

/// Largest header that is read for its envelope digest, in bytes.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// For whom a content key is wrapped.
#[derive(Debug, Clone)]
pub struct EcuKey {
    /// Vehicle, bound into the box.
    pub vehicle: VehicleId,
    /// ECU, bound into the box.
    pub serial: EcuSerial,
    /// The ECU's registered sealing key.
    pub sealing: RecipientKey,
}

/// Wraps content keys anew.
#[async_trait]
pub trait KeyBroker: Send + Sync + fmt::Debug {
    /// A key box with the content key of `target` for `ecu` alone.
    ///
    /// # Errors
    /// [`BrokerError`]; no error says more about a key than that it cannot be used.
    async fn rewrap(&self, target: &VerifiedTarget, ecu: &EcuKey) -> Result<KeyBox, BrokerError>;
}

/// Why there is no key box.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The signed description has no header digest: the image is not sealed.
    #[error("the target is not a sealed image")]
    NotSealed,
    /// The object's header is not the one that was signed.
    #[error("the object's header is not the signed one")]
    OtherHeader,
    /// The header or the key file cannot be read.
    #[error("the sealed image's header or key file cannot be read")]
    Format(#[from] FormatError),
    /// There is no key file, or it belongs to another object.
    #[error("{0}")]
    KeyFile(&'static str),
    /// The key-encryption key is held elsewhere, and could not be used there.
    #[error("the key-encryption key is held elsewhere and could not be used there")]
    OutOfReach(#[source] UnwrapError),
    /// No key here opens it, or it was wrapped for another place.
    #[error("the content key cannot be unwrapped for this path")]
    Unwrap(#[source] UnwrapError),
    /// None of our keys is a recipient.
    #[error("none of this server's {0} key-encryption keys is among the recipients")]
    NoKek(usize),
    /// What came out is not the content key of this object.
    #[error("the unwrapped key does not open the object")]
    Commitment(#[source] OpenError),
    /// The ECU's key cannot be wrapped for.
    #[error("the content key cannot be wrapped for the ECU")]
    Wrap(#[source] SealError),
    /// The store failed.
    #[error("the object store failed")]
    Store(#[from] StoreError),
    /// The broker did not answer.
    #[error("the broker broke off")]
    Gone,
    /// As many keys as may be are being unwrapped; a token or key service may be hanging.
    #[error("too many content keys are being unwrapped at once")]
    Busy,
}

impl BrokerError {
    /// What an operator is told.
    pub fn problem(&self) -> Problem {
        let (kind, next) = match self {
            Self::Store(_) => {
                return Problem::new(ProblemKind::Unavailable)
                    .with_detail("the object store does not answer");
            }
            Self::OutOfReach(_) => {
                return Problem::new(ProblemKind::Unavailable)
                    .with_detail(self.to_string())
                    .with_next("the server's log says why; the request can be sent again");
            }
            Self::Gone | Self::Busy => {
                return Problem::new(ProblemKind::Unavailable).with_detail(self.to_string());
            }
            Self::OtherHeader => (
                ProblemKind::RepositoryUntrusted,
                "look at the object with `sealift repo verify`",
            ),
            Self::NoKek(_) => (
                ProblemKind::ContentKeyRefused,
                "seal for the Director's key (`--director`), or `sealift kek rotate`",
            ),
            _ => (
                ProblemKind::ContentKeyRefused,
                "publish the image with `sealift target add` under this very path and repository",
            ),
        };
        Problem::new(kind).with_detail(self.to_string()).with_next(next)
    }
}

/// The broker in this process.
pub struct InProcessBroker {
    store: Store,
    repository: RepositoryId,
    keks: Arc<Vec<Box<dyn UnwrapKey + Send + Sync>>>,
    entropy: Entropy,
    /// A token that hangs keeps its callers' threads for ever. What it may keep is bounded: the threads are everybody's.
    room: Arc<Semaphore>,
}

/// Content keys that are unwrapped at once, at most.
const MAX_AT_ONCE: usize = 32;

impl InProcessBroker {
    /// A broker over key files in `store`, with these private keys.
    pub fn new(
        store: Store,
        repository: RepositoryId,
        keks: Vec<Box<dyn UnwrapKey + Send + Sync>>,
        entropy: Entropy,
    ) -> Self {
        Self {
            store,
            repository,
            keks: Arc::new(keks),
            entropy,
            room: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }
}

impl fmt::Debug for InProcessBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessBroker")
            .field("keks", &self.keks.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyBroker for InProcessBroker {
    async fn rewrap(&self, target: &VerifiedTarget, ecu: &EcuKey) -> Result<KeyBox, BrokerError> {
        let outcome = self.rewrap_once(target, ecu).await;
        match &outcome {
            Ok(_) => tracing::info!(
                target_path = %target.path(), vehicle = %ecu.vehicle, ecu = %ecu.serial,
                recipient = %ecu.sealing.key_id(), "content key wrapped"
            ),
            Err(error) => tracing::warn!(
                target_path = %target.path(), vehicle = %ecu.vehicle, ecu = %ecu.serial,
                error = super::error::error_chain(error), "content key not wrapped"
            ),
        }
        let result = if outcome.is_ok() { "wrapped" } else { "refused" };
        metrics::counter!("sealift_key_boxes_total", "result" => result).increment(1);
        outcome
    }
}

impl InProcessBroker {
    async fn rewrap_once(&self, target: &VerifiedTarget, ecu: &EcuKey) -> Result<KeyBox, BrokerError> {
        let signed = target.profile().header.ok_or(BrokerError::NotSealed)?;
        if signed.length > MAX_HEADER_BYTES {
            return Err(BrokerError::OtherHeader);
        }
        let object = paths::target(target.path(), target.sha256())?;
        let bytes = self.store.get_range(&object, 0..signed.length).await?;
        // The digest first: nothing parses what nobody signed.
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != signed.sha256 {
            return Err(BrokerError::OtherHeader);
        }
        let (header, consumed) = Header::parse(&bytes)?;
        if consumed != bytes.len() {
            return Err(BrokerError::OtherHeader);
        }
        let path = paths::key_file(target.path(), target.sha256())?;
        let cap = u64::try_from(MAX_KEY_FILE_LEN).unwrap_or(u64::MAX);
        let Some(stored) = self.store.read(&path, cap).await? else {
            return Err(BrokerError::KeyFile("there is no key file beside the object"));
        };
        let key_file = KeyFile::parse(&stored.bytes)?;
        if key_file.envelope_digest() != header.envelope_digest() {
            return Err(BrokerError::KeyFile("the key file belongs to another object"));
        }
        let permit = Arc::clone(&self.room).try_acquire_owned();
        let permit = permit.map_err(|_| BrokerError::Busy)?;
        let (keks, entropy, ecu) = (Arc::clone(&self.keks), self.entropy.clone(), ecu.clone());
        let (repository, path) = (self.repository.to_string(), target.path().to_string());
        // Private-key operations take milliseconds, those of a token or key service seconds: not on a thread that serves
        // requests.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let binding = Binding::key_file(&repository, &path);
            let key = unwrap(&keks, &key_file, &header, &binding)?;
            let binding = Binding::key_box(&repository, &path, ecu.vehicle.as_str(), ecu.serial.as_str());
            KeyBox::create(
                &key,
                &ecu.sealing,
                &header.envelope_digest(),
                &binding,
                &mut **entropy.lock(),
            )
            .map_err(BrokerError::Wrap)
        })
        .await
        .map_err(|_| BrokerError::Gone)?
    }
}

/// The content key, by the first of our keys that opens it. One that fails keeps none of the others from trying. Of several
/// failures the first is told, but one out of reach before all others: that one may open it when it is asked again.
fn unwrap(
    keks: &[Box<dyn UnwrapKey + Send + Sync>],
    key_file: &KeyFile,
    header: &Header,
    binding: &Binding,
) -> Result<ContentKey, BrokerError> {
    let (mut first, mut out_of_reach) = (None, None);
    for kek in keks {
        let unwrapped = key_file
            .unwrap_with(&**kek, binding)
            .map_err(|error| match error {
                UnwrapError::Unavailable(_) => BrokerError::OutOfReach(error),
                other => BrokerError::Unwrap(other),
            });
        // What another key unwraps may be the content key still, where this stanza is a forged one.
        let proven = unwrapped.and_then(|key| match header.check_key(&key) {
            Ok(()) => Ok(key),
            Err(error) => Err(BrokerError::Commitment(error)),
        });
        match proven {
            Ok(key) => return Ok(key),
            Err(BrokerError::Unwrap(UnwrapError::NotARecipient { .. })) => {}
            Err(error) => {
                tracing::warn!(kek = %kek.key_id(), error = super::error::error_chain(&error), "key-encryption key failed");
                match error {
                    BrokerError::OutOfReach(_) => out_of_reach.get_or_insert(error),
                    _ => first.get_or_insert(error),
                };
            }
        }
    }
    Err(out_of_reach.or(first).unwrap_or(BrokerError::NoKek(keks.len())))
}
