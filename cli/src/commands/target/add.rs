//! `sealift target add`: seal and publish in one go.

mod entry;

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use sealift_envelope::{Binding, KeyFile, RecipientKey, SealPlan};
use sealift_metadata::ids::{HardwareId, TargetPath};
use sealift_metadata::uptane::ImageProfile;
use sealift_repository::{PublishError, Store, TargetMap, Written, paths, upload_bytes};
use serde_json::json;

use self::entry::admit;
use super::object::{Described, Form};
use super::presealed::PresealedArgs;
use super::sending::{Done, Sending};
use super::uploads::forget;
use crate::commands::image;
use crate::failure::{Failure, Fault};
use crate::input::Input;
use crate::journal::{Journal, StateArgs};
use crate::publishing::{self, SigningArgs};
use crate::sealing::SealOptions;
use crate::store::RepositoryArgs;
use crate::{World, faults, keys, output};

#[derive(Args, Debug)]
#[command(after_help = "\
A file is read twice: once to learn the digest that names the object, once for the upload; if it changed in between, \
it is sealed again with a fresh key. A pipe is sealed into a spool file first. Plaintext never leaves this machine. \
If the upload is interrupted, run the same command again: what the store has is not sent again. See \
`sealift target uploads`.")]
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

    /// Replace the target if the path is taken; its release counter must rise
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    options: SealOptions,

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
        let connection = self.repository.connect_pinned(world).await?;
        // Before the long work: keys load, the repository verifies, the path is free.
        let signing = self.signing.load(world)?;
        let counter = self.release_counter;
        if let Some(trusted) = connection.walk_unless_expired(world).await? {
            admit(
                &self.path,
                self.replace,
                counter,
                trusted.targets().role().targets(),
            )
            .map_err(|error| publishing::failed(error.into()))?;
        }

        let keys = self.keys(world)?;
        let store = connection.store();
        let repository = connection.repository_id().as_str();
        let path = std::path::absolute(&self.input).unwrap_or_else(|_| self.input.clone());
        let sending = Sending {
            store,
            repository,
            path: &self.path,
            options: self.fingerprint(&path, &keys)?,
            input: path,
            seals: self.protection.is_none() && !self.presealed.is_given(),
            segments: &self.options,
            spool: &self.spool,
            form: &|world, file| self.form(world, file, &keys, repository),
            journals: self.state.journals().filter(|_| !self.no_resume),
        };
        let Done {
            described,
            key_file,
            sent,
            mut journal,
        } = sending.run(world, input).await?;
        self.upload_companions(world, store, &described, key_file, &mut journal)
            .await?;

        let file = self.entry(&described)?;
        let mut publisher = publishing::publisher(&connection, signing);
        let (path, replace) = (self.path.clone(), self.replace);
        let listed = file.clone();
        let change = move |targets: &mut TargetMap| {
            // Written before, and the store's answer was lost.
            if targets.get(&path) == Some(&listed) {
                return Ok(());
            }
            admit(&path, replace, counter, targets)?;
            targets.insert(path.clone(), listed.clone());
            Ok(())
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
        let store_name = self.path.store_name(&described.object.sha256);
        let json = json!({
            "target": self.path.as_str(),
            "object": store_name,
            "length": described.object.length,
            "sha256": hex::encode(described.object.sha256),
            "sealift": file.custom.as_ref().map(|custom| custom[ImageProfile::FIELD].clone()),
            "versions": publishing::versions(&published),
            "upload": {"resumed_bytes": sent.resumed_bytes, "present": sent.present},
        });
        output::show(world, &json, || {
            output::facts(&[
                ("published", self.path.to_string()),
                ("object", store_name.clone()),
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

    /// What must be there before the target is listed: the segment list, and the wrapped keys.
    async fn upload_companions(
        &self,
        world: &World,
        store: &Store,
        described: &Described,
        key_file: Option<Vec<u8>>,
        journal: &mut Option<Journal>,
    ) -> Result<(), Failure> {
        let list = described.segments.digest();
        let list_path = paths::segments(&list.sha256).map_err(faults::store)?;
        upload_bytes(store, list_path, described.segments.bytes())
            .await
            .map_err(faults::upload)?;
        let Some(key_file) = key_file else { return Ok(()) };
        let key_path = paths::key_file(&self.path, &described.object.sha256).map_err(faults::store)?;
        match store
            .create_exact(&key_path, key_file)
            .await
            .map_err(faults::store)?
        {
            Written::Ours(_) => Ok(()),
            Written::Theirs => {
                // It stays in the way of this object: the next run needs another one.
                forget(world, journal.take());
                let next = if self.presealed.is_given() {
                    "seal the image again and publish that, or give the key file that was published with it"
                } else {
                    "run the command again; it will make a fresh content key"
                };
                let what = format!("{key_path} exists with other content");
                Err(Failure::new(Fault::Conflict, what).next(next))
            }
        }
    }
}
