//! `sealift target add`: seal and publish in one go.

mod again;
mod attached;
mod beside;
mod entry;
mod outcome;

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use sealift_envelope::{Binding, KeyFile, RecipientKey, SealPlan};
use sealift_metadata::TargetFile;
use sealift_metadata::ids::{HardwareId, TargetPath};
use sealift_metadata::request::TargetOperation;
use sealift_repository::{Lifetimes, PublishError, Signers};
use serde_json::json;

use self::attached::{Attached, CompanionArgs};
use self::entry::Listing;
use super::object::{Form, digest};
use super::presealed::PresealedArgs;
use super::sending::{Done, Sending};
use super::uploads::forget;
use crate::commands::draft::Collected;
use crate::commands::image;
use crate::failure::Failure;
use crate::input::Input;
use crate::journal::{Journal, StateArgs};
use crate::publishing::{self, SigningArgs};
use crate::sealing::SealOptions;
use crate::store::{Connection, RepositoryArgs};
use crate::{World, faults, keys, output};

#[derive(Args, Debug)]
#[command(after_help = "\
A file is read twice: once to learn the digest that names the object, once for the upload; if it changed in between, \
it is sealed again with a fresh key. A pipe is sealed into a spool file first. Plaintext never leaves this machine. \
If the upload is interrupted, run the same command again: what the store has is not sent again. See \
`sealift target uploads`. A release that is published already is left as it is, so that the command can be run again. \
With --draft the image is uploaded and people are asked to sign: see `sealift draft`.")]
#[command(mut_arg("targets_key", |arg| arg.required(false).required_unless_present("draft")))]
#[command(mut_arg("snapshot_key", |arg| arg.required(false).required_unless_present("draft")))]
#[command(mut_arg("timestamp_key", |arg| arg.required(false).required_unless_present("draft")))]
pub(in crate::commands) struct Add {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Target path in the repository
    #[arg(long, value_name = "DIR/NAME")]
    path: TargetPath,

    /// Hardware that the image is for; may be given several times
    #[arg(long, value_name = "HW", required = true)]
    hardware_id: Vec<HardwareId>,

    /// Counter that rises with every release; an ECU never installs a lower one than it has
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=9_007_199_254_740_991))]
    release_counter: u64,

    /// Version for people, such as 4.2.0
    #[arg(long, alias = "image-version", value_name = "V", value_parser = version_text)]
    version: String,

    /// Public key-encryption key of the Director that will hand out key boxes; may be given several times
    #[arg(long, value_name = "KEK-PUB.pem", required_unless_present_any = ["recipient", "protection", "sealed"])]
    director: Vec<PathBuf>,

    /// Public key that can open the image from the file alone, for workshops; may be given several times
    #[arg(long, value_name = "PUB.pem")]
    recipient: Vec<PathBuf>,

    /// Publish without encryption: everyone who can download the image can read it
    #[arg(long, value_enum, conflicts_with_all = ["director", "recipient"])]
    protection: Option<ProtectionChoice>,

    #[command(flatten)]
    presealed: PresealedArgs,

    #[command(flatten)]
    companions: CompanionArgs,

    /// Replace the target if the path is taken; its release counter must rise
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    options: SealOptions,

    /// Sign and publish nothing: put the target into this signing request, which is made unless it is there
    #[arg(long, value_name = "NAME.request.json", conflicts_with_all = ["targets_key", "snapshot_key", "timestamp_key", "dry_run"])]
    draft: Option<PathBuf>,

    #[command(flatten)]
    signing: SigningArgs,

    /// Directory for the sealed spool of piped input
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/tmp",
        env = "TMPDIR",
        hide_env_values = true
    )]
    spool: PathBuf,

    #[command(flatten)]
    state: StateArgs,

    /// Check everything that can be checked, and write nothing: neither object nor metadata
    #[arg(long)]
    dry_run: bool,

    /// Write nothing down for a later run, and use nothing that an earlier one wrote down
    #[arg(long)]
    no_resume: bool,

    /// Image to publish, `-` for stdin
    input: PathBuf,
}

/// Public keys that an image is sealed for.
struct Keys {
    recipients: Vec<RecipientKey>,
    directors: Vec<RecipientKey>,
}

/// The one weaker choice; sealing needs no flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProtectionChoice {
    /// No encryption
    None,
}

fn version_text(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("1 to 128 bytes without control characters".to_owned())
    }
}

impl Add {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let input = Input::open(&self.input)?;
        let attached = self.companions.load(world)?;
        let connection = self.repository.connect_pinned(world).await?;
        // Before the long work: keys load and are the repository's, the repository verifies, the path is free.
        let signing = match self.draft {
            None => Some(self.signing.load(world)?),
            Some(_) => None,
        };
        let keys = self.keys(world)?;
        if let Some(trusted) = connection.walk_unless_expired(world).await? {
            let root = trusted.root().role();
            if let Some((signers, _)) = &signing {
                signers.check(root).map_err(publishing::failed)?;
            }
            let targets = trusted.targets().role().targets();
            let versions = publishing::versions(&trusted);
            if let Some(listed) = self.listed(targets) {
                let digest = digest(world, input).await?;
                if !listed.is_of(&self, &digest) {
                    return Err(self.refusal(targets));
                }
                self.settle(world, &connection, &listed, &keys, &attached).await?;
                return self.show_unchanged(world, &listed, &versions);
            }
            self.admit(targets)
                .map_err(|error| publishing::failed(error.into()))?;
            if self.dry_run {
                return self.rehearse(world, input, &attached, &versions).await;
            }
        } else if self.dry_run {
            return Err(publishing::nothing_to_tell());
        }
        self.publish(world, input, &connection, signing, &keys, &attached)
            .await
    }

    /// Seals, uploads and publishes, or asks people to sign.
    async fn publish(
        &self,
        world: &mut World,
        input: Input,
        connection: &Connection,
        signing: Option<(Signers, Lifetimes)>,
        keys: &Keys,
        attached: &Attached,
    ) -> Result<(), Failure> {
        let store = connection.store();
        let repository = connection.repository_id().as_str();
        let path = std::path::absolute(&self.input).unwrap_or_else(|_| self.input.clone());
        let sending = Sending {
            store,
            repository,
            path: &self.path,
            options: self.fingerprint(&path, keys)?,
            input: path,
            seals: self.protection.is_none() && !self.presealed.is_given(),
            segments: &self.options,
            spool: &self.spool,
            form: &|world, file| self.form(world, file, keys, repository),
            suits: &|described| attached.suit(described.image()),
            journals: self.state.journals().filter(|_| !self.no_resume),
        };
        let Done {
            described,
            key_file,
            sent,
            mut journal,
        } = sending.run(world, input).await?;
        self.upload_beside(world, store, &described, attached, key_file, &mut journal)
            .await?;

        let file = self.entry(&described, attached)?;
        let Some(signing) = signing else {
            return self.propose(world, connection, file, journal).await;
        };
        let mut publisher = publishing::publisher(connection, signing);
        let change = Listing {
            args: self,
            file: &file,
            described: &described,
            attached,
        };
        let published = match publisher.publish(&change, world.trusted_time()).await {
            Ok(published) => published,
            Err(error) => {
                // What does not fit now never will; after anything else the same command goes on.
                if matches!(error, PublishError::Change(_)) {
                    forget(world, journal);
                }
                return Err(publishing::failed(error));
            }
        };
        let remembered = connection.remember(publisher.trust());
        forget(world, journal);
        remembered?;
        let targets = published.repository.targets().role().targets();
        let versions = publishing::versions(&published.repository);
        if let Some(listed) = self.listed(targets).filter(|listed| listed.file != file) {
            world
                .note("another publisher was faster with the same release; the object sent here is not used");
            self.settle(world, connection, &listed, keys, attached).await?;
            return self.show_unchanged(world, &listed, &versions);
        }
        let mut json = self.outcome(&file, &described.object.sha256, true, &versions);
        json["upload"] = json!({"resumed_bytes": sent.resumed_bytes, "present": sent.present});
        output::show(world, &json, || {
            output::facts(&[
                ("published", self.path.to_string()),
                ("object", self.path.store_name(&described.object.sha256)),
                ("plain bytes", described.plain.length.to_string()),
                ("stored bytes", described.object.length.to_string()),
                ("sha256", hex::encode(described.object.sha256)),
                (
                    "targets version",
                    published.repository.targets().version().to_string(),
                ),
            ])
        })
    }

    /// Puts the target into a request, for people to sign.
    async fn propose(
        &self,
        world: &World,
        connection: &Connection,
        file: TargetFile,
        journal: Option<Journal>,
    ) -> Result<(), Failure> {
        let Some(draft) = &self.draft else { return Ok(()) };
        let collected = Collected::read(draft)?;
        let lifetime = self.signing.targets_lifetime();
        let state = collected
            .with(world, connection, lifetime, |targets| {
                // Put there before by the same command.
                if targets.get(&self.path) != Some(&file) {
                    self.admit(targets)
                        .map_err(|error| publishing::failed(error.into()))?;
                }
                Ok(TargetOperation::put(self.path.clone(), &file))
            })
            .await?;
        forget(world, journal);
        output::show(world, &state.json, || state.text)
    }

    /// Public keys that the image is sealed for.
    fn keys(&self, world: &World) -> Result<Keys, Failure> {
        let load = |paths: &[PathBuf]| -> Result<Vec<_>, Failure> {
            paths.iter().map(|path| keys::recipient(world, path)).collect()
        };
        let keys = Keys {
            recipients: load(&self.recipient)?,
            directors: load(&self.director)?,
        };
        if self.protection.is_some() {
            world.warn("this image is published without encryption");
        } else if keys.directors.is_empty() && !self.presealed.is_given() {
            world.warn("no --director: no Director will be able to hand out key boxes for this image");
        }
        Ok(keys)
    }

    /// Digest of everything on the command line that decides about the bytes.
    fn fingerprint(&self, input: &Path, keys: &Keys) -> Result<String, Failure> {
        use sha2::Digest as _;
        let ids = |keys: &[RecipientKey]| -> Vec<String> {
            keys.iter().map(|key| key.key_id().to_string()).collect()
        };
        let words = format!(
            "{:?}",
            (
                env!("CARGO_PKG_VERSION"),
                input,
                self.protection,
                &self.presealed,
                self.presealed.keys_digest()?,
                &self.options,
                ids(&keys.recipients),
                ids(&keys.directors),
            )
        );
        Ok(hex::encode(sha2::Sha256::digest(words)))
    }

    /// The form of the object, with a fresh key if it is sealed here.
    fn form(
        &self,
        world: &mut World,
        file: Option<&File>,
        keys: &Keys,
        repository: &str,
    ) -> Result<(Form, Option<KeyFile>), Failure> {
        if let Some((form, keys)) = self.presealed.form(file, &self.options)? {
            return Ok((form, Some(keys)));
        }
        if self.protection.is_some() {
            return Ok((Form::Plain(self.options.clone()), None));
        }
        let length = file
            .and_then(|file| file.metadata().ok())
            .filter(Metadata::is_file);
        let length = length.map(|metadata| metadata.len());
        let params = self.options.params(length, keys.recipients.clone(), world.rng());
        let plan = SealPlan::new(params, world.rng())
            .map_err(|error| faults::seal("cannot prepare the sealing", error))?;
        let binding = Binding::key_file(repository, self.path.as_str());
        let key_file = image::key_file(world, &plan, &keys.directors, &binding)?;
        Ok((Form::Sealed(Arc::new(plan)), Some(key_file)))
    }
}
