//! The key broker: the one joint at which content keys are handled.
//!
//! Whoever holds it can read every image whose key-encryption key it can use, so it acts on nothing but a target that
//! stands in a verified Image repository, and logs each act. In process here; a process of its own behind the same trait.

mod keks;

use crate::ambient::Entropy;
use crate::signing::HeldKek;
use async_trait::async_trait;
use keks::{Keks, Wrapped};
use sealift_envelope::{
    Binding, FormatError, Header, KeyBox, KeyFile, MAX_KEY_FILE_LEN, OpenError, RecipientKey, SealError,
    UnwrapError,
};
use sealift_metadata::uptane::VerifiedTarget;
use sealift_metadata::{EcuSerial, RepositoryId, VehicleId};
use sealift_repository::{Store, StoreError, paths};
use sealift_wire::{Problem, ProblemKind};
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

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
    /// The key-encryption key is held elsewhere, and has more to unwrap than it gets done; it may be hanging.
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
    keks: Keks,
    entropy: Entropy,
}

impl InProcessBroker {
    /// A broker over key files in `store`, with these private keys. A request waits as long as `patience` for each of those held
    /// elsewhere to have room for it, and then for its answer.
    pub fn new(
        store: Store,
        repository: RepositoryId,
        keks: Vec<HeldKek>,
        entropy: Entropy,
        patience: Duration,
    ) -> Self {
        Self {
            store,
            repository,
            keks: Keks::new(keks, patience),
            entropy,
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
        let (repository, path) = (self.repository.to_string(), target.path().to_string());
        let digest = header.envelope_digest();
        let wrapped = Wrapped {
            key_file,
            header,
            binding: Binding::key_file(&repository, &path),
        };
        let key = self.keks.unwrap(wrapped).await?;
        let (entropy, ecu) = (self.entropy.clone(), ecu.clone());
        // Milliseconds of arithmetic: not on a thread that serves requests.
        tokio::task::spawn_blocking(move || {
            let binding = Binding::key_box(&repository, &path, ecu.vehicle.as_str(), ecu.serial.as_str());
            KeyBox::create(&key, &ecu.sealing, &digest, &binding, &mut **entropy.lock())
                .map_err(BrokerError::Wrap)
        })
        .await
        .map_err(|_| BrokerError::Gone)?
    }
}
