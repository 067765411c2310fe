//! `sealift target uploads`: what interrupted uploads left on this machine and in stores.

use std::path::Path;

use clap::{Args, Subcommand};
use sealift_metadata::ids::TargetPath;
use sealift_repository::{RepositoryUrl, Store, paths};
use serde_json::{Value, json};

use crate::failure::{Failure, Fault};
use crate::journal::{Id, Journal, Journals, Source, StateArgs, Taken};
use crate::{World, faults, output};

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Command {
    /// List the uploads that can be resumed by running their `target add` again
    List(List),
    /// Drop interrupted uploads: their parts in the store, their spools and their journals
    Abort(Abort),
}

impl Command {
    pub(super) async fn run(self, world: &World) -> Result<(), Failure> {
        match self {
            Self::List(args) => args.run(world),
            Self::Abort(args) => args.run(world).await,
        }
    }
}

#[derive(Args, Debug)]
pub(in crate::commands) struct List {
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Args, Debug)]
pub(in crate::commands) struct Abort {
    #[command(flatten)]
    state: StateArgs,

    /// Which ones, as `sealift target uploads list` names them
    #[arg(value_name = "ID", required_unless_present = "all", value_parser = id)]
    ids: Vec<Id>,

    /// All of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,

    /// Forget them here without asking the store; its own rule for incomplete uploads has to remove their parts
    #[arg(long)]
    forget: bool,
}

fn id(text: &str) -> Result<Id, String> {
    Id::parse(text).ok_or_else(|| "12 hexadecimal digits".to_owned())
}

impl List {
    fn run(&self, world: &World) -> Result<(), Failure> {
        let journals = journals(&self.state)?;
        let (mut rows, mut list) = (Vec::new(), Vec::new());
        for id in journals.ids()? {
            let row = match journals.take(&id)? {
                Taken::Nothing => continue,
                Taken::Busy => line(&id, "under way", json!({"state": "under way"})),
                Taken::Damaged(_) => line(&id, "damaged", json!({"state": "damaged"})),
                Taken::Found(journal) => found(&id, &journal),
            };
            rows.push(row.0);
            list.push(row.1);
        }
        let header = ["id", "state", "sent", "began", "target", "store", "source"];
        output::show(world, &json!({"uploads": list}), || output::table(&header, rows))
    }
}

type Row = (Vec<String>, Value);

fn line(id: &Id, state: &str, mut value: Value) -> Row {
    value["id"] = id.as_str().into();
    let row = [id.as_str(), state, "-", "-", "-", "-", "-"];
    (row.map(str::to_owned).into(), value)
}

fn found(id: &Id, journal: &Journal) -> Row {
    let head = &journal.head;
    let sent = journal.earlier.as_ref().map_or(0, |earlier| {
        let parts = earlier
            .parts
            .values()
            .filter(|part| part.receipt.is_some())
            .count();
        u64::try_from(parts)
            .unwrap_or(u64::MAX)
            .saturating_mul(earlier.id.part_bytes())
    });
    let sent = sent.min(head.object.length);
    let source: &Path = match &head.source {
        Source::File(path) | Source::Spool(path) => path,
    };
    let row = vec![
        id.as_str().to_owned(),
        "interrupted".to_owned(),
        format!("{} of {} MiB", sent >> 20, head.object.length.div_ceil(1 << 20)),
        head.began.to_string(),
        head.target.clone(),
        head.store.clone(),
        source.display().to_string(),
    ];
    let value = json!({
        "id": id.as_str(),
        "state": "interrupted",
        "sent_bytes": sent,
        "object_bytes": head.object.length,
        "began": head.began.to_string(),
        "target": head.target,
        "store": head.store,
        "repository_id": head.repository,
        "source": source.display().to_string(),
    });
    (row, value)
}

impl Abort {
    async fn run(&self, world: &World) -> Result<(), Failure> {
        let journals = journals(&self.state)?;
        let ids = if self.all {
            journals.ids()?
        } else {
            self.ids.clone()
        };
        let mut dropped = Vec::new();
        for id in ids {
            match journals.take(&id)? {
                Taken::Nothing if self.all => continue,
                Taken::Nothing => {
                    let what = format!("there is no interrupted upload {}", id.as_str());
                    return Err(Failure::new(Fault::NotFound, what).next("see `sealift target uploads list`"));
                }
                Taken::Busy => {
                    let what = format!("the upload {} is under way", id.as_str());
                    return Err(
                        Failure::new(Fault::Conflict, what).next("end the process that sends it first")
                    );
                }
                Taken::Damaged(damaged) => {
                    world.warn(
                        "a damaged journal names no upload; what it was about is left to the bucket's rule",
                    );
                    damaged.remove()?;
                }
                Taken::Found(journal) => {
                    if !self.forget {
                        self.drop_parts(&journal).await?;
                    }
                    journal.remove()?;
                }
            }
            dropped.push(id.as_str().to_owned());
        }
        let json = json!({"dropped": dropped});
        output::show(world, &json, || {
            dropped.iter().map(|id| format!("dropped {id}\n")).collect()
        })
    }

    async fn drop_parts(&self, journal: &Journal) -> Result<(), Failure> {
        let url = RepositoryUrl::parse(&journal.head.store).map_err(faults::url)?;
        let store = url.open().map_err(faults::url)?;
        drop_upload(&store, journal).await.map_err(|failure| {
            failure
                .next("run the command again when the store answers, or forget the upload here with --forget")
        })
    }
}

/// Removes the parts of a recorded upload from the store.
pub(super) async fn drop_upload(store: &Store, journal: &Journal) -> Result<(), Failure> {
    let Some(id) = journal.upload() else { return Ok(()) };
    let target = TargetPath::new(&journal.head.target)
        .map_err(|error| Failure::refused("the journal names no target path").because(error))?;
    let path = paths::target(&target, &journal.head.object.sha256).map_err(faults::store)?;
    store.abort_upload(&path, &id).await.map_err(faults::store)
}

/// Removes a journal that is of no use any more. What has come to pass stands, so a failure is told and no more.
pub(super) fn forget(world: &World, journal: Option<Journal>) {
    let Some(journal) = journal else { return };
    let id = journal.id().as_str().to_owned();
    if let Err(failure) = journal.remove() {
        world.warn(format!(
            "{failure}; drop it with `sealift target uploads abort {id} --forget`"
        ));
    }
}

fn journals(state: &StateArgs) -> Result<Journals, Failure> {
    state.journals().ok_or_else(|| {
        Failure::usage("there is no home directory to look for interrupted uploads in")
            .next("name it with --state DIR")
    })
}
