//! What commands that publish share: whose keys sign, how long it holds, and what the outcome means.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::SignedDuration;
use sealift_metadata::Signer;
use sealift_metadata::trust::TrustedRepository;
use sealift_repository::{Lifetimes, PublishError, Publisher, Signers};
use serde_json::{Value, json};

use crate::failure::{Failure, Fault};
use crate::passphrase::Unlock;
use crate::store::Connection;
use crate::{World, faults, keys};

/// Private keys of the roles that every change is signed with.
#[derive(Args, Debug)]
pub(crate) struct SigningArgs {
    /// Private key that signs Targets: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…); as many as its
    /// threshold demands
    #[arg(
        long,
        help_heading = "Signing keys",
        value_name = "KEY.pem|URI",
        required = true
    )]
    targets_key: Vec<PathBuf>,

    #[command(flatten)]
    online: OnlineArgs,
}

/// Private keys of the roles that keep a repository fresh.
#[derive(Args, Debug)]
pub(crate) struct OnlineArgs {
    /// Private key that signs Snapshot: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…); as many as its
    /// threshold demands
    #[arg(
        long,
        help_heading = "Signing keys",
        value_name = "KEY.pem|URI",
        required = true
    )]
    snapshot_key: Vec<PathBuf>,

    /// Private key that signs Timestamp: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…); as many as its
    /// threshold demands
    #[arg(
        long,
        help_heading = "Signing keys",
        value_name = "KEY.pem|URI",
        required = true
    )]
    timestamp_key: Vec<PathBuf>,

    #[command(flatten)]
    unlock: Unlock,

    #[command(flatten)]
    lifetimes: LifetimeArgs,
}

/// How long documents hold from the moment of signing.
#[derive(Args, Debug)]
pub(crate) struct LifetimeArgs {
    /// Days until a new Targets document expires
    #[arg(long, help_heading = "Lifetimes", value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_targets: u16,

    /// Days until a new Snapshot document expires
    #[arg(long, help_heading = "Lifetimes", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_snapshot: u16,

    /// Days until a new Timestamp document expires: the longest time a client can be held back unnoticed
    #[arg(long, help_heading = "Lifetimes", value_name = "DAYS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_timestamp: u16,
}

impl LifetimeArgs {
    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            targets: days(self.expires_targets),
            snapshot: days(self.expires_snapshot),
            timestamp: days(self.expires_timestamp),
        }
    }
}

/// Whole days.
pub(crate) fn days(count: u16) -> SignedDuration {
    SignedDuration::from_hours(i64::from(count) * 24)
}

impl SigningArgs {
    /// Loads all keys, asking for passphrases where needed.
    pub(crate) fn load(&self, world: &World) -> Result<(Signers, Lifetimes), Failure> {
        let (mut signers, lifetimes) = self.online.load(world)?;
        signers.targets = load_keys(world, &self.targets_key, &self.online.unlock)?;
        Ok((signers, lifetimes))
    }

    /// The passphrases given for these keys, which other keys of the same command may share.
    pub(crate) fn unlock(&self) -> &Unlock {
        &self.online.unlock
    }
}

impl OnlineArgs {
    /// Loads the keys; there is none for Targets.
    pub(crate) fn load(&self, world: &World) -> Result<(Signers, Lifetimes), Failure> {
        let signers = Signers {
            targets: Vec::new(),
            snapshot: load_keys(world, &self.snapshot_key, &self.unlock)?,
            timestamp: load_keys(world, &self.timestamp_key, &self.unlock)?,
        };
        Ok((signers, self.lifetimes.lifetimes()))
    }
}

/// Loads private keys in order.
pub(crate) fn load_keys(
    world: &World,
    names: &[PathBuf],
    unlock: &Unlock,
) -> Result<Vec<Arc<dyn Signer>>, Failure> {
    names
        .iter()
        .map(|name| keys::signer(world, name, unlock))
        .collect()
}

/// A publisher on an open repository.
pub(crate) fn publisher(connection: &Connection, (signers, lifetimes): (Signers, Lifetimes)) -> Publisher {
    Publisher::new(
        connection.store().clone(),
        connection.trust_store().clone(),
        signers,
        lifetimes,
    )
}

/// The versions that clients see now.
pub(crate) fn versions(repository: &TrustedRepository) -> Value {
    json!({
        "root": repository.root().version(),
        "targets": repository.targets().version(),
        "snapshot": repository.snapshot().version(),
        "timestamp": repository.timestamp().version(),
    })
}

/// A dry run over a repository that nobody accepts any more.
pub(crate) fn nothing_to_tell() -> Failure {
    Failure::refused("the repository has expired, so that nothing can be told of what would come next")
        .next("renew it with `sealift repo refresh`, or go without --dry-run: publishing renews it too")
}

/// Publishing failed.
pub(crate) fn failed(error: PublishError) -> Failure {
    let fault = match &error {
        PublishError::Untrusted(_) | PublishError::Unacceptable(_) | PublishError::BadTarget { .. } => {
            Fault::Refused
        }
        PublishError::Equivocation { .. } | PublishError::RootExpired { .. } => Fault::Refused,
        PublishError::NotNextRoot { .. } | PublishError::NotOneDraft { .. } => Fault::Refused,
        PublishError::BadDraft { .. } | PublishError::ExpiredDraft { .. } => Fault::Refused,
        PublishError::StaleDraft { .. } | PublishError::VersionTaken { .. } => Fault::Conflict,
        PublishError::Change(_) | PublishError::Contended { .. } | PublishError::RootTaken { .. } => {
            Fault::Conflict
        }
        PublishError::Littered { .. } => Fault::Conflict,
        PublishError::MissingObject { .. } => Fault::NotFound,
        PublishError::NoSigner { .. } | PublishError::NotTheKeys { .. } => Fault::Key,
        PublishError::Store(_) => Fault::Unavailable,
        _ => Fault::Other,
    };
    match error {
        PublishError::Store(error) => faults::store(error),
        PublishError::Untrusted(error) => faults::walk(error),
        error @ PublishError::NotTheKeys { .. } => Failure::new(fault, "nothing was published")
            .because(error)
            .next("see which keys each role has with `sealift repo show`"),
        error @ PublishError::Sign { .. } => faults::signing("nothing was published", error),
        error => Failure::new(fault, "nothing was published").because(error),
    }
}
