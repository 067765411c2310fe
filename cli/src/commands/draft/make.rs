//! `sealift draft new`: a request for Targets, and what all verbs that make one share.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use sealift_metadata::Targets;
use sealift_metadata::document::Document;
use sealift_metadata::ids::TargetPath;
use sealift_metadata::request::{Basis, Request, SigningRole, TargetOperation};
use sealift_metadata::trust::Limits;
use sealift_repository::TargetMap;

use crate::failure::Failure;
use crate::outfile::{self, Overwrite};
use crate::requests::{self, State};
use crate::store::{self, RepositoryArgs};
use crate::{World, input, output, publishing};

#[derive(Args, Debug)]
#[command(after_help = "\
Needs no keys. Objects of new targets have to be in the store before the request is published; the entries of \
--targets name them by length and digest.")]
pub(in crate::commands) struct New {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Take a target off the list; may be given several times
    #[arg(long, value_name = "DIR/NAME")]
    remove: Vec<TargetPath>,

    /// Make the list of targets equal to that of this Targets document
    #[arg(long, value_name = "TARGETS.json", conflicts_with = "remove")]
    targets: Option<PathBuf>,

    /// Change nothing but version and expiry
    #[arg(long, conflicts_with_all = ["remove", "targets"], required_unless_present_any = ["remove", "targets"])]
    renew: bool,

    #[command(flatten)]
    fresh: Fresh,
}

/// A request for Targets that is being made: how long the list will hold, and where the request goes.
#[derive(Args, Debug)]
pub(in crate::commands) struct Fresh {
    /// Days until the new Targets document expires
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_targets: u16,

    /// A note to those who are to sign; nothing vouches for it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// Where to write the request
    #[arg(short, long, value_name = "NAME.request.json")]
    output: PathBuf,

    #[command(flatten)]
    overwrite: Overwrite,
}

impl Fresh {
    pub(super) fn refuse_existing(&self) -> Result<(), Failure> {
        outfile::refuse_existing(&self.output, self.overwrite)
    }

    pub(super) fn expires(&self, world: &World) -> Timestamp {
        world.now() + publishing::days(self.expires_targets)
    }

    /// Checks the request as its signers will, writes it and shows it.
    pub(super) fn write(&self, world: &World, request: Request, pin: &[u8]) -> Result<(), Failure> {
        let request = match &self.note {
            Some(note) => request.with_note(note),
            None => request,
        };
        let checked = requests::check(world, &request, Some(pin))?;
        let gathered = checked.gather(&[]).map_err(requests::failed)?;
        requests::write(&self.output, &request, self.overwrite)?;
        let state = State::of(&request, &checked, &gathered);
        output::show(world, &state.json, || state.text)
    }
}

impl New {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        self.fresh.refuse_existing()?;
        let connection = self.repository.connect_pinned(world).await?;
        let trusted = connection.walk_to_sign(world).await?;
        let current = trusted.targets().role().targets();
        let operations = match &self.targets {
            Some(path) => {
                let bytes = input::read_capped(path, Limits::IMAGE.targets)?;
                let document = Document::<Targets>::parse(&bytes).map_err(|error| {
                    Failure::refused(format!("{} is no Targets document", path.display())).because(error)
                })?;
                between(current, document.role().targets())
            }
            None => {
                for path in &self.remove {
                    store::listed(&trusted, path)?;
                }
                let paths = self.remove.iter().cloned();
                paths.map(|path| TargetOperation::Remove { path }).collect()
            }
        };
        let basis = Basis {
            roots: connection.roots().await?,
            base: Some(trusted.targets().bytes().to_vec()),
            ..Basis::default()
        };
        let request = Request::change(SigningRole::Targets, basis, operations, self.fresh.expires(world))
            .map_err(requests::failed)?;
        self.fresh.write(world, request, connection.first_root())
    }
}

/// What leads from one list to another.
fn between(before: &TargetMap, after: &TargetMap) -> Vec<TargetOperation> {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let gone = gone.map(|path| TargetOperation::Remove { path: path.clone() });
    let put = after
        .iter()
        .filter(|(path, file)| before.get(*path) != Some(*file))
        .map(|(path, file)| TargetOperation::put(path.clone(), file));
    gone.chain(put).collect()
}
