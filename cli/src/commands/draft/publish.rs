//! `sealift draft publish`.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::request::SigningRole;
use serde_json::json;

use crate::failure::Failure;
use crate::publishing::{self, OnlineArgs};
use crate::requests;
use crate::store::RepositoryArgs;
use crate::{World, output};

#[derive(Args, Debug)]
#[command(after_help = "\
The list goes into the repository byte for byte as it was signed. If somebody else published a list since, this ends with \
code 6: see `sealift draft rebase`. Ends with code 11 while signatures are missing.")]
pub(in crate::commands) struct Publish {
    /// Request that enough people have signed
    #[arg(value_name = "NAME.request.json")]
    file: PathBuf,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    online: OnlineArgs,
}

impl Publish {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let request = requests::read(&self.file)?;
        let wrong = match request.role() {
            SigningRole::Targets => None,
            SigningRole::Root => Some("a root is published with `sealift root publish`"),
            _ => Some("have whoever keeps the repository publish it"),
        };
        if let Some(next) = wrong {
            let what = format!(
                "{} is a request for the role {}",
                self.file.display(),
                request.role()
            );
            return Err(Failure::usage(what).next(next));
        }
        let connection = self.repository.connect_pinned(world).await?;
        let checked = requests::check(world, &request, Some(connection.first_root()))?;
        let gathered = checked.gather(&[]).map_err(requests::failed)?;
        requests::complete(&gathered)?;
        let mut publisher = publishing::publisher(&connection, self.online.load(world)?);
        let published = publisher
            .publish_signed(&[gathered.document], world.trusted_time())
            .await
            .map_err(publishing::failed)?;
        connection.remember(publisher.trust())?;
        let versions = publishing::versions(&published.repository);
        let json = json!({"changed": published.changed, "versions": versions});
        output::show(world, &json, || match published.changed {
            true => format!("published: targets version {}\n", versions["targets"]),
            false => format!(
                "nothing to do: targets version {} is this one\n",
                versions["targets"]
            ),
        })
    }
}
