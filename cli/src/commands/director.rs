//! `sealift director`: the Director's own root of trust.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use sealift_metadata::root::RoleName;
use sealift_metadata::{PublicKey, Signer};
use serde_json::json;

use super::key::{Kind, NewKey, public_name};
use super::repo::RootArgs;
use crate::failure::Failure;
use crate::outfile::{self, Overwrite, Secrecy};
use crate::passphrase::{Passphrase, UnlockAndProtect};
use crate::{World, faults, keys, output};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the Director's first root and, unless given, its three online keys
    Init(Init),
}

#[derive(Args, Debug)]
#[command(after_help = "\
Writes DIR/1.root.json, and DIR/director-targets.pem, DIR/director-snapshot.pem and DIR/director-timestamp.pem for the
keys that were not given. The server signs with these; the root key stays offline. New keys are encrypted with the first
passphrase given.")]
pub(super) struct Init {
    /// Directory for the root and the online keys
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    #[command(flatten)]
    root: RootArgs,

    /// Existing private key of Targets instead of a new one
    #[arg(long, value_name = "KEY.pem")]
    targets_key: Option<PathBuf>,

    /// Existing private key of Snapshot instead of a new one
    #[arg(long, value_name = "KEY.pem")]
    snapshot_key: Option<PathBuf>,

    /// Existing private key of Timestamp instead of a new one
    #[arg(long, value_name = "KEY.pem")]
    timestamp_key: Option<PathBuf>,

    #[command(flatten)]
    passphrases: UnlockAndProtect,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Init(args) => super::block_on(args.run(world)),
        }
    }
}

impl Init {
    async fn run(self, world: &mut World) -> Result<(), Failure> {
        let root_path = self.out.join("1.root.json");
        outfile::directory(&self.out)?;
        outfile::refuse_existing(&root_path, self.overwrite)?;
        let given = [
            (RoleName::Targets, self.targets_key.clone(), "director-targets.pem"),
            (RoleName::Snapshot, self.snapshot_key.clone(), "director-snapshot.pem"),
            (RoleName::Timestamp, self.timestamp_key.clone(), "director-timestamp.pem"),
        ];
        let mut passphrase = None;
        let mut files = Vec::new();
        let mut roles = Vec::new();
        for (role, path, name) in given {
            let (public, file) = match path {
                Some(path) => (keys::signer(world, &path, self.passphrases.unlock())?.public().clone(), path),
                None => {
                    let file = self.out.join(name);
                    outfile::refuse_existing(&file, self.overwrite)?;
                    outfile::refuse_existing(&public_name(&file), self.overwrite)?;
                    if passphrase.is_none() {
                        passphrase = Some(self.passphrases.for_new_key(&file)?);
                    }
                    (self.generate(world, &file, passphrase.as_ref().and_then(Option::as_ref))?, file)
                }
            };
            files.push((role, file));
            roles.push((role, vec![public], 1));
        }
        let Ok(roles) = <[_; 3]>::try_from(roles) else {
            return Err(Failure::usage("the Director has three online roles"));
        };
        let root = self.root.sign(world, roles, self.passphrases.unlock()).await?;
        outfile::write(&root_path, &root.bytes, Secrecy::Public, self.overwrite)?;
        let json = json!({
            "root": root_path.display().to_string(),
            "keys": files.iter().map(|(role, file)| (role.as_str(), file.display().to_string()))
                .collect::<std::collections::BTreeMap<_, _>>(),
        });
        output::show(world, &json, || {
            let mut facts = vec![("root", root_path.display().to_string())];
            facts.extend(files.iter().map(|(role, file)| (role.as_str(), file.display().to_string())));
            output::facts(&facts)
        })
    }

    fn generate(
        &self,
        world: &mut World,
        file: &Path,
        passphrase: Option<&Passphrase>,
    ) -> Result<PublicKey, Failure> {
        let key = NewKey::generate(Kind::Ed25519, world.rng())?;
        key.write(file, passphrase, self.overwrite, world.rng())?;
        PublicKey::from_pem(&key.public_pem()?).map_err(faults::key)
    }
}
