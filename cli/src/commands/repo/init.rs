//! `sealift repo init`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::ids::RepositoryId;
use sealift_metadata::root::RoleName;
use sealift_metadata::{PublicKey, Signer};
use sealift_repository::{InitError, Publisher, RepositoryUrl};
use serde_json::json;

use crate::failure::{Failure, Fault};
use crate::outfile::{self, Overwrite, Secrecy};
use crate::publishing::{self, SigningArgs};
use crate::{World, faults, output};

#[derive(Args, Debug)]
#[command(after_help = "\
The first root is the anchor of all trust: it is written to --root-out as well, and that copy, not the store's, is \
what servers, vehicles and `sealift repo verify --root` should be given.")]
pub(in crate::commands) struct Init {
    /// Repository: file:///absolute/folder or s3://bucket/prefix
    #[arg(long, value_name = "URL", env = "SEALIFT_REPOSITORY", hide_env_values = true, value_parser = RepositoryUrl::parse)]
    repository: RepositoryUrl,

    /// Private key of the root role, kept offline: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…); may
    /// be given several times
    #[arg(long, help_heading = "Root", value_name = "KEY.pem|URI", required = true)]
    root_key: Vec<PathBuf>,

    #[command(flatten)]
    terms: RootTerms,

    #[command(flatten)]
    signing: SigningArgs,

    /// How many Targets keys must sign
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    targets_threshold: u32,

    /// Where to keep the first root
    #[arg(long, value_name = "FILE", default_value = "1.root.json")]
    root_out: PathBuf,

    #[command(flatten)]
    overwrite: Overwrite,
}

/// Threshold and lifetime of a new root; `director init` has them too.
#[derive(Args, Debug)]
pub(in crate::commands) struct RootTerms {
    /// How many root keys must sign
    #[arg(long, help_heading = "Root", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    threshold: u32,

    /// Days until the root expires
    #[arg(long, help_heading = "Root", value_name = "DAYS", default_value_t = 1825, value_parser = clap::value_parser!(u16).range(1..=7300))]
    expires_root: u16,
}

/// A first root, signed.
#[derive(Debug)]
pub(in crate::commands) struct FirstRoot {
    pub(in crate::commands) bytes: Vec<u8>,
    pub(in crate::commands) repository_id: RepositoryId,
}

impl RootTerms {
    /// Makes and signs the first root with these roles.
    pub(in crate::commands) async fn sign(
        &self,
        world: &World,
        keys: &[Arc<dyn Signer>],
        roles: &[(RoleName, Vec<PublicKey>, u32)],
    ) -> Result<FirstRoot, Failure> {
        let failed = |error: sealift_metadata::authoring::AuthoringError| {
            faults::signing("the root cannot be made", error)
        };
        let expires = world.now() + publishing::days(self.expires_root);
        let mut draft = RootDraft::new(expires);
        let public: Vec<PublicKey> = keys.iter().map(|key| key.public().clone()).collect();
        draft
            .set_role(RoleName::Root, &public, self.threshold)
            .map_err(failed)?;
        for (role, public, threshold) in roles {
            draft.set_role(*role, public, *threshold).map_err(failed)?;
        }
        let signers: Vec<&dyn Signer> = keys.iter().map(|key| &**key as &dyn Signer).collect();
        let bytes = draft.sign(&signers).await.map_err(failed)?;
        Ok(FirstRoot {
            repository_id: RepositoryId::of_root(&bytes),
            bytes,
        })
    }
}

impl Init {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        outfile::refuse_existing(&self.root_out, self.overwrite)?;
        let (signers, lifetimes) = self.signing.load(world)?;
        let public = |signers: &[Arc<dyn Signer>]| -> Vec<PublicKey> {
            signers.iter().map(|signer| signer.public().clone()).collect()
        };
        let roles = [
            (
                RoleName::Targets,
                public(&signers.targets),
                self.targets_threshold,
            ),
            (RoleName::Snapshot, public(&signers.snapshot), 1),
            (RoleName::Timestamp, public(&signers.timestamp), 1),
        ];
        let root_keys = publishing::load_keys(world, &self.root_key, self.signing.unlock())?;
        let root = self.terms.sign(world, &root_keys, &roles).await?;
        let store = self.repository.open().map_err(faults::url)?;
        let address = store.address();
        let before = self
            .root_out
            .exists()
            .then(|| std::fs::read(&self.root_out))
            .transpose();
        let before = before.map_err(|error| Failure::file("read", &self.root_out, error))?;
        // Written first: a repository whose root nobody kept could not be pinned.
        outfile::write(&self.root_out, &root.bytes, Secrecy::Public, self.overwrite)?;
        let made = Publisher::init(store, &root.bytes, None, signers, lifetimes, world.trusted_time()).await;
        if let Err(error) = made {
            // The root belongs to no repository; an outcome that is not known keeps it.
            if !matches!(error, InitError::Publish(_)) {
                match before {
                    Some(root) => outfile::write(&self.root_out, &root, Secrecy::Public, self.overwrite)?,
                    None => drop(std::fs::remove_file(&self.root_out)),
                }
            }
            return Err(failed(error));
        }
        let json = json!({
            "repository": address,
            "repository_id": root.repository_id.as_str(),
            "root": self.root_out.display().to_string(),
        });
        output::show(world, &json, || {
            output::facts(&[
                ("repository", address.clone()),
                ("repository id", root.repository_id.to_string()),
                ("first root", self.root_out.display().to_string()),
            ])
        })
    }
}

fn failed(error: InitError) -> Failure {
    match error {
        InitError::Publish(error) => publishing::failed(error),
        InitError::Exists { .. } | InitError::OtherRoot { .. } => {
            Failure::new(Fault::Conflict, "no repository was made").because(error)
        }
        error => Failure::refused("no repository was made").because(error),
    }
}
