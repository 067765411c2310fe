//! `sealift target remove`.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::ids::TargetPath;
use sealift_metadata::request::TargetOperation;
use sealift_repository::Operation;
use serde_json::json;

use crate::commands::draft::Collected;
use crate::failure::Failure;
use crate::publishing::{self, SigningArgs};
use crate::store::{self, RepositoryArgs};
use crate::{World, output};

#[derive(Args, Debug)]
#[command(mut_arg("targets_key", |arg| arg.required(false).required_unless_present("draft")))]
#[command(mut_arg("snapshot_key", |arg| arg.required(false).required_unless_present("draft")))]
#[command(mut_arg("timestamp_key", |arg| arg.required(false).required_unless_present("draft")))]
pub(in crate::commands) struct Remove {
    /// Target path
    #[arg(long, value_name = "DIR/NAME")]
    path: TargetPath,

    #[command(flatten)]
    repository: RepositoryArgs,
    /// Sign and publish nothing: put the removal into this signing request, which is made unless it is there
    #[arg(long, value_name = "NAME.request.json", conflicts_with_all = ["targets_key", "snapshot_key", "timestamp_key", "dry_run"])]
    draft: Option<PathBuf>,

    #[command(flatten)]
    signing: SigningArgs,

    /// Check everything that can be checked, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Remove {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let connection = self.repository.connect_pinned(world).await?;
        if let Some(draft) = &self.draft {
            let lifetime = self.signing.targets_lifetime();
            let state = Collected::read(draft)?
                .with(world, &connection, lifetime, |targets| {
                    store::listed_in(targets, &self.path)?;
                    let path = self.path.clone();
                    Ok(TargetOperation::Remove { path })
                })
                .await?;
            return output::show(world, &state.json, || state.text);
        }
        let signing = self.signing.load(world)?;
        if let Some(trusted) = connection.walk_unless_expired(world).await? {
            store::listed(&trusted, &self.path)?;
            signing
                .0
                .check(trusted.root().role())
                .map_err(publishing::failed)?;
            if self.dry_run {
                let versions = publishing::versions(&trusted);
                let json = json!({"removed": self.path.as_str(), "dry_run": true, "versions": versions});
                return output::show(world, &json, || format!("would remove {}\n", self.path));
            }
        } else if self.dry_run {
            return Err(publishing::nothing_to_tell());
        }
        let mut publisher = publishing::publisher(&connection, signing);
        let change = vec![Operation::Remove {
            path: self.path.clone(),
        }];
        let published = publisher
            .publish(&change, world.trusted_time())
            .await
            .map_err(publishing::failed)?;
        connection.remember(publisher.trust())?;
        let json =
            json!({"removed": self.path.as_str(), "versions": publishing::versions(&published.repository)});
        output::show(world, &json, || {
            let version = published.repository.targets().version();
            format!(
                "removed {} in targets version {version}; its bytes stay in the store\n",
                self.path
            )
        })
    }
}
