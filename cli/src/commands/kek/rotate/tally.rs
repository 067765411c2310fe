//! Counts, and what is left at the end. What is said of them is in `told`.

mod told;

use std::collections::BTreeMap;

use serde_json::json;

use super::one::{Done, Outcome};
use super::{Mode, OldKey, Plan};
use crate::failure::{Failure, Fault};
use crate::store::Connection;
use crate::{World, output};

/// How many failures are told to a person one by one; `--json` tells all.
const MAX_TOLD: u64 = 20;

/// What has been done so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    old: String,
    new: String,
    goes: bool,
    dry_run: bool,
    allow_other_kek: bool,
    /// The old key is known by its id alone, which may be mistyped.
    by_id: bool,
    /// How many key files had a wrap for each key when they were looked at.
    keys: BTreeMap<String, u64>,
    changed: u64,
    proven: u64,
    present: u64,
    other_kek: u64,
    no_kek: u64,
    unlisted: u64,
    /// Those of them that have the old key.
    stranded: u64,
    missing: u64,
    failed: u64,
    /// The fault of the failures, while it is one and the same.
    fault: Option<Fault>,
    old_left: u64,
    unknown: u64,
    in_file: u64,
    /// Those of them for which this run found no other key: none in the key file, or only keys that are not ours.
    needing_old: u64,
    /// Key files that were found new and not looked at when the last round was over.
    unfinished: u64,
}

impl Tally {
    pub(super) fn new(plan: &Plan, allow_other_kek: bool) -> Self {
        Self {
            old: plan.old_id.to_string(),
            new: plan.new_id.to_string(),
            goes: plan.old_key == OldKey::Goes,
            dry_run: plan.mode == Mode::DryRun,
            // Taking a key away is no business of files that never had it.
            allow_other_kek: allow_other_kek || plan.new.is_none(),
            by_id: plan.old.is_none(),
            ..Self::default()
        }
    }

    /// The first line of the record.
    pub(super) fn begin(&self, world: &World, connection: &Connection) -> Result<(), Failure> {
        output::event(
            world,
            &json!({
                "event": "begin",
                "at": world.now().to_string(),
                "repository": connection.store().address(),
                "repository_id": connection.repository_id().as_str(),
                "old": self.old,
                "new": self.new,
                "old_key": if self.goes { "goes" } else { "stays" },
                "dry_run": self.dry_run,
            }),
        )
    }

    /// Takes one outcome in and tells it.
    pub(super) fn take(&mut self, world: &World, outcome: Outcome) -> Result<(), Failure> {
        match outcome.old_left {
            Some(left) => self.old_left += u64::from(left),
            None => self.unknown += 1,
        }
        for key in &outcome.keys {
            *self.keys.entry(key.to_string()).or_default() += 1;
        }
        self.in_file += u64::from(outcome.in_file);
        if outcome.in_file && matches!(outcome.result, Ok(Done::NoKek | Done::OtherKek)) {
            self.needing_old += 1;
        }
        if matches!(outcome.result, Ok(Done::Unlisted)) && outcome.old_left == Some(true) {
            self.stranded += 1;
        }
        let count = match &outcome.result {
            Ok(Done::Changed { .. }) => &mut self.changed,
            Ok(Done::Proven) => &mut self.proven,
            Ok(Done::Present) => &mut self.present,
            Ok(Done::OtherKek) => &mut self.other_kek,
            Ok(Done::NoKek) => &mut self.no_kek,
            Ok(Done::Unlisted) => &mut self.unlisted,
            Err(failure) if failure.fault() == Fault::NotFound => &mut self.missing,
            Err(_) => &mut self.failed,
        };
        *count += 1;
        let mut line = told::line(&outcome);
        if let Err(failure) = outcome.result {
            let name = outcome.target.unwrap_or_else(|| outcome.key_file.to_string());
            self.fault(failure.fault());
            match self.missing + self.failed {
                told if told <= MAX_TOLD => failure.tell_of(world, &name),
                told if told == MAX_TOLD + 1 => world.warn("more failures are told by --json only"),
                _ => {}
            }
            line["failure"] = failure.to_json();
        }
        output::event(world, &line)
    }

    /// So many key files were new when looking again was given up.
    pub(super) fn unfinished(&mut self, count: usize) {
        self.unfinished = count as u64;
    }

    /// The summary, and the failure if something is left undone.
    pub(super) fn end(mut self, world: &World) -> Result<(), Failure> {
        let undone = self.missing + self.failed;
        if self.other_kek > 0 && !self.allow_other_kek {
            self.fault(Fault::Key);
        }
        if self.goes && self.stranded > 0 {
            self.fault(Fault::Conflict);
        }
        if self.unfinished > 0 {
            self.fault(Fault::Conflict);
        }
        self.tell(world)?;
        if let Some(doubt) = self.doubt() {
            world.warn(doubt);
        }
        let Some(fault) = self.fault else { return Ok(()) };
        let failure = Failure::new(fault, self.verdict());
        Err(failure.next(self.advice(undone)))
    }

    fn fault(&mut self, fault: Fault) {
        self.fault = match self.fault {
            None => Some(fault),
            Some(known) if known == fault => Some(fault),
            Some(_) => Some(Fault::Partial),
        };
    }

    /// Key files that the old key's wrap is taken out of; in a dry run, would be.
    fn removed(&self) -> u64 {
        if self.goes { self.changed } else { 0 }
    }

    /// Key files that have the old key at the end; in a dry run, at the end of the run that it previews.
    fn left(&self) -> u64 {
        let goes = if self.dry_run { self.removed() } else { 0 };
        self.old_left.saturating_sub(goes)
    }

    /// Those that have neither key, where that is not in order.
    fn strangers(&self) -> u64 {
        if self.allow_other_kek { 0 } else { self.other_kek }
    }

    /// Nothing is left that has the old key, nothing that could bring it back, and each image that had it is proven to open
    /// with the new one.
    fn may_be_destroyed(&self) -> bool {
        !self.dry_run && self.hindrances().is_empty()
    }
}

#[cfg(test)]
mod tests;
