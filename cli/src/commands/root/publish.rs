//! `sealift root publish`.

use std::path::{Path, PathBuf};

use clap::Args;
use sealift_metadata::Root;
use sealift_metadata::document::Document;
use sealift_metadata::ids::RepositoryId;
use sealift_metadata::request::{Request, SigningRole};
use serde_json::json;

use crate::commands::repo::Place;
use crate::failure::Failure;
use crate::outfile::{self, Overwrite};
use crate::publishing::{self, OnlineArgs};
use crate::store::RepositoryArgs;
use crate::{World, demo, output, requests};

#[derive(Args, Debug)]
#[command(after_help = "\
Clients take a new root first and everything else after, so what is current is first signed by old and new keys, and the \
root comes last: give old and new keys of Snapshot and Timestamp where these change. A root of version 1 makes the \
repository, in an empty store. Ends with code 11 while signatures are missing.")]
pub(in crate::commands) struct Publish {
    /// Request that enough people have signed
    #[arg(value_name = "N.root.request.json")]
    file: PathBuf,

    #[command(flatten)]
    repository: RepositoryArgs,

    /// Signed request for Targets that go with the root
    #[arg(long, value_name = "N.targets.request.json")]
    with: Option<PathBuf>,

    /// Where to keep the first root of a new repository
    #[arg(long, value_name = "FILE", default_value = "1.root.json")]
    root_out: PathBuf,

    #[command(flatten)]
    overwrite: Overwrite,

    /// Private key that signs Targets, where no people do
    #[arg(
        long,
        help_heading = "Signing keys",
        value_name = "KEY.pem|URI",
        conflicts_with = "with"
    )]
    targets_key: Vec<PathBuf>,

    #[command(flatten)]
    online: OnlineArgs,
}

impl Publish {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let request = requests::read(&self.file)?;
        of_role(&request, &SigningRole::Root, &self.file)?;
        match request.basis().roots.is_empty() {
            true => self.first(world, &request).await,
            false => self.next(world, &request).await,
        }
    }

    /// The first root makes a repository.
    async fn first(self, world: &mut World, request: &Request) -> Result<(), Failure> {
        if self.repository.is_pinned() {
            return Err(
                Failure::usage("the request founds a repository, but --root names the root of one")
                    .next("leave out --root (and SEALIFT_ROOT) if a new repository is really meant"),
            );
        }
        outfile::refuse_existing(&self.root_out, self.overwrite)?;
        let root = complete(world, request, None)?;
        let targets = self.targets(world, None)?;
        let parsed = Document::<Root>::parse(&root)
            .map_err(|error| Failure::refused("the root cannot be read").because(error))?;
        demo::refuse_root(world, &self.file, parsed.role())?;
        let place = Place {
            repository: self.repository.url(),
            root_out: &self.root_out,
            overwrite: self.overwrite,
        };
        let keys = self.online.load_with(world, &self.targets_key)?;
        let address = place.found(world, &root, targets.as_deref(), keys).await?;
        let repository_id = RepositoryId::of_root(&root);
        let root_out = self.root_out.display().to_string();
        let json = json!({"repository": address, "repository_id": repository_id.as_str(), "root": root_out});
        output::show(world, &json, || {
            output::facts(&[
                ("repository", address.clone()),
                ("repository id", repository_id.to_string()),
                ("first root", root_out.clone()),
            ])
        })
    }

    async fn next(self, world: &mut World, request: &Request) -> Result<(), Failure> {
        let connection = self.repository.connect_pinned(world).await?;
        let root = complete(world, request, Some(connection.first_root()))?;
        let targets = self.targets(world, Some(connection.first_root()))?;
        let with: Vec<Vec<u8>> = targets.into_iter().collect();
        let keys = self.online.load_with(world, &self.targets_key)?;
        let mut publisher = publishing::publisher(&connection, keys);
        let published = publisher
            .publish_root(&root, &with, world.trusted_time())
            .await
            .map_err(publishing::failed)?;
        connection.remember(publisher.trust())?;
        let versions = publishing::versions(&published.repository);
        let json = json!({"changed": published.changed, "versions": versions});
        output::show(world, &json, || match published.changed {
            true => format!("published: root version {}\n", versions["root"]),
            false => format!("nothing to do: root version {} is this one\n", versions["root"]),
        })
    }

    /// The Targets that go with the root, where people signed them.
    fn targets(&self, world: &World, pin: Option<&[u8]>) -> Result<Option<Vec<u8>>, Failure> {
        let Some(path) = &self.with else {
            return Ok(None);
        };
        let request = requests::read(path)?;
        of_role(&request, &SigningRole::Targets, path)?;
        complete(world, &request, pin).map(Some)
    }
}

fn of_role(request: &Request, role: &SigningRole, path: &Path) -> Result<(), Failure> {
    if request.role() == role {
        return Ok(());
    }
    let what = format!(
        "{} is a request for the role {}, not {role}",
        path.display(),
        request.role()
    );
    Err(Failure::usage(what).next("see `sealift draft publish` for lists of targets"))
}

/// The document, if enough people have signed it.
fn complete(world: &World, request: &Request, pin: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    let checked = requests::check(world, request, pin)?;
    let gathered = checked.gather(&[]).map_err(requests::failed)?;
    requests::complete(&gathered)?;
    Ok(gathered.document)
}
