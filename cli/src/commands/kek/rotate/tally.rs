//! Counts, one line for each key file, and what is left at the end.

use serde_json::{Value, json};

use super::one::{Done, Outcome};
use super::{Mode, OldKey, Plan};
use crate::failure::{Failure, Fault};
use crate::store::Connection;
use crate::{World, output};

/// How many failures are told to a person one by one; `--json` tells all.
const MAX_TOLD: u64 = 20;

/// What has been done so far.
#[derive(Debug)]
pub(super) struct Tally {
    old: String,
    new: String,
    goes: bool,
    dry_run: bool,
    allow_other_kek: bool,
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
            changed: 0,
            proven: 0,
            present: 0,
            other_kek: 0,
            no_kek: 0,
            unlisted: 0,
            stranded: 0,
            missing: 0,
            failed: 0,
            fault: None,
            old_left: 0,
            unknown: 0,
            in_file: 0,
            needing_old: 0,
            unfinished: 0,
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
        let mut line = line(&outcome);
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

    /// Nothing is left that has the old key, nothing that could bring it back, and each image that had it is proven to open
    /// with the new one.
    fn may_be_destroyed(&self) -> bool {
        let left = self.old_left + self.unknown + self.missing + self.failed + self.unfinished;
        let strangers = if self.allow_other_kek { 0 } else { self.other_kek };
        !self.dry_run && left + strangers + self.present + self.needing_old == 0
    }

    fn tell(&self, world: &World) -> Result<(), Failure> {
        let json = json!({
            "event": "summary",
            "old": self.old,
            "new": self.new,
            "dry_run": self.dry_run,
            "rotated": self.changed,
            "already": self.proven + self.present,
            "proven": self.proven,
            "present": self.present,
            "other_kek": self.other_kek,
            "no_kek": self.no_kek,
            "unlisted": self.unlisted,
            "missing": self.missing,
            "failed": self.failed,
            "old_left": self.old_left,
            "old_unknown": self.unknown,
            "old_in_images": self.in_file,
            "old_only_in_images": self.needing_old,
            "unfinished": self.unfinished,
            "old_may_be_destroyed": self.may_be_destroyed(),
        });
        if world.json() {
            return output::event(world, &json);
        }
        let changed = if self.dry_run {
            "would be rotated"
        } else {
            "rotated"
        };
        let mut text = output::facts(&[
            (changed, self.changed.to_string()),
            (
                "done before",
                format!(
                    "{} ({} proven, {} present)",
                    self.proven + self.present,
                    self.proven,
                    self.present
                ),
            ),
            ("of another kek", self.other_kek.to_string()),
            ("for no director", self.no_kek.to_string()),
            ("missing", self.missing.to_string()),
            ("failed", self.failed.to_string()),
            ("not listed anywhere", format!("{}, left alone", self.unlisted)),
            ("old key left in", format!("{} key files", self.old_left)),
            ("not known of", format!("{} key files", self.unknown)),
            ("old key inside of", format!("{} images", self.in_file)),
        ]);
        text += match (self.may_be_destroyed(), self.goes) {
            (true, _) => "No key file has the old key: it may be destroyed.\n",
            (false, false) => {
                "Keep the old key: it has not been removed. Run again with --remove-old when every Director has the new one.\n"
            }
            (false, true) => "Keep the old key: it is not certain that nothing needs it.\n",
        };
        if self.goes && !self.dry_run && self.present > 0 {
            text +=
                "Wraps for the new key that were there before were not tried: run again with --check-new.\n";
        }
        if self.needing_old > 0 {
            text += &format!(
                "{} images may open with the old key only, which is inside of them: seal them again.\n",
                self.needing_old
            );
        }
        if self.in_file > 0 {
            text += "Images that have the old key as a recipient inside of them open with it until they are sealed again.\n";
        }
        output::show(world, &Value::Null, || text)
    }

    fn verdict(&self) -> String {
        let total = self.changed + self.proven + self.present + self.missing + self.failed + self.other_kek;
        if self.other_kek > 0 && self.other_kek == total {
            return format!(
                "none of the {total} key files has the old key {} or the new one",
                self.old
            );
        }
        let mut parts = Vec::new();
        let mut part = |count: u64, what: &str| {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        };
        part(self.failed, "failed");
        part(self.missing, "are missing");
        if !self.allow_other_kek {
            part(self.other_kek, "have neither key");
        }
        if self.goes {
            part(self.stranded, "that no list names have the old key");
        }
        part(self.unfinished, "came while it ran and were not looked at");
        format!("not every key file is rotated: {}", parts.join(", "))
    }

    fn advice(&self, undone: u64) -> &'static str {
        if undone > 0 {
            "do what is said for each above, then run the command again; what is done already is passed over"
        } else if self.other_kek > 0 && !self.allow_other_kek {
            "see `sealift kek list`; if the repository has several key-encryption keys on purpose, add --allow-other-kek"
        } else if self.unfinished > 0 {
            "publishers are at work: let them name the new key, then run the command again"
        } else {
            "a publisher may be at work, or was killed: publish or delete the key files that no list names (--json shows them), \
             then run the command again"
        }
    }
}

/// The record of one key file.
fn line(outcome: &Outcome) -> Value {
    let mut line = json!({
        "event": "key-file",
        "key_file": outcome.key_file.as_str(),
        "target": outcome.target,
        "outcome": match &outcome.result {
            Ok(Done::Changed { .. }) => "rotated",
            Ok(Done::Proven) => "proven",
            Ok(Done::Present) => "present",
            Ok(Done::OtherKek) => "other-kek",
            Ok(Done::NoKek) => "no-kek",
            Ok(Done::Unlisted) => "unlisted",
            Err(_) => "failed",
        },
        "old_left": outcome.old_left,
        "old_in_image": outcome.in_file,
    });
    if let Ok(Done::Changed { before, after }) = &outcome.result {
        line["before"] = hex::encode(before).into();
        line["after"] = hex::encode(after).into();
    }
    if let Some(version) = outcome.older {
        line["targets_version"] = version.into();
    }
    line
}
