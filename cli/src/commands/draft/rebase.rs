//! `sealift draft rebase`.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::request::{Basis, SigningRole};

use super::make::Fresh;
use crate::World;
use crate::failure::Failure;
use crate::requests;
use crate::store::RepositoryArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
The changes that the request lists are applied to the list that is current now. Its signatures are dropped: they were over \
another document, and everybody has to look and sign again.")]
pub(in crate::commands) struct Rebase {
    /// Request that others have overtaken
    #[arg(value_name = "NAME.request.json")]
    file: PathBuf,

    #[command(flatten)]
    repository: RepositoryArgs,

    #[command(flatten)]
    fresh: Fresh,
}

impl Rebase {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        self.fresh.refuse_existing()?;
        let request = requests::read(&self.file)?;
        if *request.role() != SigningRole::Targets {
            let what = format!(
                "{} is a request for the role {}",
                self.file.display(),
                request.role()
            );
            return Err(Failure::usage(what).next("make the request again"));
        }
        let connection = self.repository.connect_pinned(world).await?;
        let trusted = connection.walk_to_sign(world).await?;
        let basis = Basis {
            roots: connection.roots().await?,
            next_root: request.basis().next_root.clone(),
            base: Some(trusted.targets().bytes().to_vec()),
            ..Basis::default()
        };
        let rebased = request
            .rebase(basis, self.fresh.expires(world))
            .map_err(requests::failed)?;
        world.note("signatures of the old request are gone: everybody has to sign again");
        self.fresh.write(world, rebased, connection.first_root())
    }
}
