//! `sealift repo publish` and `refresh`.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::Targets;
use sealift_metadata::document::Document;
use sealift_metadata::trust::Limits;
use sealift_repository::{Due, Published, Resign, TargetMap};
use serde_json::json;

use crate::failure::Failure;
use crate::publishing::{self, OnlineArgs, SigningArgs};
use crate::store::RepositoryArgs;
use crate::{World, input, output};

#[derive(Args, Debug)]
#[command(after_help = "\
Publishing is one transaction: killed anywhere it leaves a repository that every client accepts, and the same command \
run again carries on.")]
pub(in crate::commands) struct Publish {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Publish this root, which must be the next version; give old and new keys of roles whose keys it changes
    #[arg(long, value_name = "N.root.json", required_unless_present_any = ["targets", "resign"])]
    new_root: Option<PathBuf>,

    /// Make the target list equal to that of this Targets document; it is signed again with --targets-key
    #[arg(long, value_name = "TARGETS.json")]
    targets: Option<PathBuf>,

    /// Sign the list of targets again as it is, to give it a new version and a new expiry
    #[arg(long, conflicts_with = "targets")]
    resign: bool,

    #[command(flatten)]
    signing: SigningArgs,
}

#[derive(Args, Debug)]
pub(in crate::commands) struct Refresh {
    #[command(flatten)]
    repository: RepositoryArgs,

    #[command(flatten)]
    online: OnlineArgs,

    /// Sign only what has less than this share of its lifetime left
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    when_left: Option<u8>,
}

impl Publish {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let list = self.targets.as_ref().map(|path| {
            let bytes = input::read_capped(path, Limits::IMAGE.targets)?;
            let document = Document::<Targets>::parse(&bytes).map_err(|error| {
                Failure::refused(format!("{} is no Targets document", path.display())).because(error)
            })?;
            Ok::<TargetMap, Failure>(document.role().targets().clone())
        });
        let list = list.transpose()?;
        let new_root = self
            .new_root
            .as_ref()
            .map(|path| input::read_capped(path, Limits::IMAGE.root));
        let new_root = new_root.transpose()?;
        let connection = self.repository.connect_pinned(world).await?;
        let mut publisher = publishing::publisher(&connection, self.signing.load(world)?);
        let now = world.trusted_time();
        let mut published = None;
        if let Some(root) = new_root {
            published = Some(
                publisher
                    .publish_root(&root, &[], now)
                    .await
                    .map_err(publishing::failed)?,
            );
        }
        if let Some(list) = list {
            let change = move |targets: &mut TargetMap| {
                targets.clone_from(&list);
                Ok(())
            };
            published = Some(
                publisher
                    .publish(&change, now)
                    .await
                    .map_err(publishing::failed)?,
            );
        }
        if self.resign {
            published = Some(
                publisher
                    .publish(&Resign, now)
                    .await
                    .map_err(publishing::failed)?,
            );
        }
        connection.remember(publisher.trust())?;
        match published {
            Some(published) => show(world, &published),
            None => Err(Failure::usage("nothing to publish").next("give --new-root, --targets or --resign")),
        }
    }
}

impl Refresh {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let connection = self.repository.connect_pinned(world).await?;
        let mut publisher = publishing::publisher(&connection, self.online.load(world)?);
        let due = self
            .when_left
            .map_or(Due::Now, |percent| Due::WhenLeft { percent });
        let published = publisher
            .refresh(due, world.trusted_time())
            .await
            .map_err(publishing::failed)?;
        connection.remember(publisher.trust())?;
        show(world, &published)
    }
}

fn show(world: &World, published: &Published) -> Result<(), Failure> {
    let versions = publishing::versions(&published.repository);
    let json = json!({"changed": published.changed, "versions": versions});
    output::show(world, &json, || {
        let state = if published.changed {
            "published"
        } else {
            "nothing to do"
        };
        let roles = ["root", "targets", "snapshot", "timestamp"];
        let list: Vec<String> = roles
            .iter()
            .map(|role| format!("{role} {}", versions[*role]))
            .collect();
        format!("{state}: {}\n", list.join(", "))
    })
}
