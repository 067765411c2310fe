//! `sealift director`: the Director's own root of trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use sealift_metadata::root::RoleName;
use sealift_metadata::{FileSigner, Signer};
use serde_json::json;

use super::key::{Kind, NewKey, public_name};
use super::repo::RootTerms;
use crate::failure::{Failure, Fault};
use crate::outfile::{self, Overwrite, Secrecy};
use crate::passphrase::{Passphrase, UnlockAndProtect};
use crate::{World, keys, output, publishing};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the Director's first root and, unless given, its three online keys
    Init(Init),
}

#[derive(Args, Debug)]
#[command(after_help = "\
Writes DIR/1.root.json, and DIR/director-targets.pem, DIR/director-snapshot.pem and DIR/director-timestamp.pem for the \
keys that were not given. The server signs with these; the root key stays offline. New keys are encrypted with the first \
passphrase given.")]
pub(super) struct Init {
    /// Directory for the root and the online keys
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Private key of the Director's root, kept offline: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…);
    /// may be given several times. Without it a new one is made
    #[arg(long, help_heading = "Root", value_name = "KEY.pem|URI")]
    root_key: Vec<PathBuf>,

    #[command(flatten)]
    terms: RootTerms,

    /// Existing private key of Targets instead of a new one; named like the root's
    #[arg(long, value_name = "KEY.pem|URI")]
    targets_key: Option<PathBuf>,

    /// Existing private key of Snapshot instead of a new one; named like the root's
    #[arg(long, value_name = "KEY.pem|URI")]
    snapshot_key: Option<PathBuf>,

    /// Existing private key of Timestamp instead of a new one; named like the root's
    #[arg(long, value_name = "KEY.pem|URI")]
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
            (
                RoleName::Targets,
                self.targets_key.clone(),
                "director-targets.pem",
            ),
            (
                RoleName::Snapshot,
                self.snapshot_key.clone(),
                "director-snapshot.pem",
            ),
            (
                RoleName::Timestamp,
                self.timestamp_key.clone(),
                "director-timestamp.pem",
            ),
        ];
        let mut root_keys = publishing::load_keys(world, &self.root_key, self.passphrases.unlock())?;
        let mut passphrase = None;
        let mut files = Vec::new();
        let mut roles = Vec::new();
        for (role, path, name) in given {
            let (public, file) = match path {
                Some(path) => (
                    keys::signer(world, &path, self.passphrases.unlock())?
                        .public()
                        .clone(),
                    path,
                ),
                None => {
                    let file = self.out.join(name);
                    let signer = self.generate(world, &file, &mut passphrase)?;
                    (signer.public().clone(), file)
                }
            };
            files.push((role, file));
            roles.push((role, vec![public], 1));
        }
        if root_keys.is_empty() {
            let file = self.out.join("director-root.pem");
            root_keys.push(Arc::new(self.generate(world, &file, &mut passphrase)?));
            world.warn(format!(
                "move {} to an offline place now; the server must not have it",
                file.display()
            ));
        }
        let root = self.terms.sign(world, &root_keys, &roles).await?;
        outfile::write(&root_path, &root.bytes, Secrecy::Public, self.overwrite)?;
        let json = json!({
            "root": root_path.display().to_string(),
            "keys": files.iter().map(|(role, file)| (role.as_str(), file.display().to_string()))
                .collect::<std::collections::BTreeMap<_, _>>(),
        });
        output::show(world, &json, || {
            let mut facts = vec![("root", root_path.display().to_string())];
            facts.extend(
                files
                    .iter()
                    .map(|(role, file)| (role.as_str(), file.display().to_string())),
            );
            output::facts(&facts)
        })
    }

    /// Makes and writes one key; the passphrase is asked for once.
    fn generate(
        &self,
        world: &mut World,
        file: &Path,
        passphrase: &mut Option<Option<Passphrase>>,
    ) -> Result<FileSigner, Failure> {
        outfile::refuse_existing(file, self.overwrite)?;
        outfile::refuse_existing(&public_name(file), self.overwrite)?;
        let passphrase = match passphrase {
            Some(known) => known,
            None => passphrase.insert(self.passphrases.for_new_key(file)?),
        };
        let key = NewKey::generate(Kind::Ed25519, world.rng())?;
        key.write(file, passphrase.as_ref(), self.overwrite, world.rng())?;
        match key {
            NewKey::Signing(signer) => Ok(*signer),
            NewKey::Either(_) => Err(Failure::new(Fault::Key, "the new key cannot sign")),
        }
    }
}
