//! The public demonstration keys, refused unless `--demo` says that this is a demonstration.

use std::path::Path;

use sealift_metadata::Root;
use sealift_metadata::root::RoleName;

use crate::World;
use crate::failure::{Failure, Fault};

/// One id on each line: TUF key ids and recipient key ids alike; `#` starts a comment.
const IDS: &str = include_str!("../../keys-example/ids.txt");

/// Fails if one of `ids` belongs to a demonstration key and this is none.
pub(crate) fn refuse<'a>(
    world: &World,
    subject: &Path,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<(), Failure> {
    if world.demo() || !ids.into_iter().any(is_listed) {
        return Ok(());
    }
    Err(refusal(format!(
        "{} is a public demonstration key: everyone has its private half",
        subject.display()
    )))
}

/// Fails if any role of a trusted root rests on a demonstration key and this is no demonstration.
pub(crate) fn refuse_root(world: &World, subject: &Path, root: &Root) -> Result<(), Failure> {
    for role in [
        RoleName::Root,
        RoleName::Targets,
        RoleName::Snapshot,
        RoleName::Timestamp,
    ] {
        let mut ids = root.keys(role).keyids();
        if !world.demo() && ids.any(|id| is_listed(id.as_str())) {
            return Err(refusal(format!(
                "{} rests on public demonstration keys: everyone can sign for its {role} role",
                subject.display()
            )));
        }
    }
    Ok(())
}

fn refusal(what: String) -> Failure {
    Failure::new(Fault::DemoKey, what)
        .next("make your own keys with `sealift key generate`; for a demonstration add --demo")
}

fn is_listed(id: &str) -> bool {
    IDS.lines()
        .filter_map(|line| line.split_whitespace().next())
        .any(|listed| listed == id)
}
