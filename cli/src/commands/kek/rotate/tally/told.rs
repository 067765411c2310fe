//! The words and fields for the counts.

use serde_json::{Value, json};

use super::Tally;
use crate::commands::kek::rotate::one::{Done, Outcome};
use crate::failure::Failure;
use crate::{World, output};

/// How many other keys are named where an id is not found.
const MAX_KEYS: usize = 8;

impl Tally {
    pub(super) fn tell(&self, world: &World) -> Result<(), Failure> {
        if world.json() {
            return output::event(world, &self.json());
        }
        output::show(world, &Value::Null, || self.text())
    }

    fn json(&self) -> Value {
        json!({
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
            "old_removed": self.removed(),
            "old_left": self.old_left,
            "old_unknown": self.unknown,
            "old_in_images": self.in_file,
            "old_only_in_images": self.needing_old,
            "unfinished": self.unfinished,
            "old_needed_because": self.hindrances(),
            "old_may_be_destroyed": self.may_be_destroyed(),
        })
    }

    fn text(&self) -> String {
        let (changed, removed) = match self.dry_run {
            true => ("would be rotated", "old key would go from"),
            false => ("rotated", "old key taken out of"),
        };
        let done = self.proven + self.present;
        let done = format!("{done} ({} proven, {} present)", self.proven, self.present);
        let mut text = output::facts(&[
            (changed, self.changed.to_string()),
            ("done before", done),
            ("of another kek", self.other_kek.to_string()),
            ("for no director", self.no_kek.to_string()),
            ("missing", self.missing.to_string()),
            ("failed", self.failed.to_string()),
            ("not listed anywhere", format!("{}, left alone", self.unlisted)),
            (removed, format!("{} key files", self.removed())),
            ("old key left in", format!("{} key files", self.old_left)),
            ("not known of", format!("{} key files", self.unknown)),
            ("old key inside of", format!("{} images", self.in_file)),
        ]);
        let hindrances = self.hindrances();
        text += match (hindrances.is_empty(), self.dry_run) {
            (true, false) => "No key file has the old key: it may be destroyed.\n",
            (true, true) => "Without --dry-run no key file would have the old key: it could be destroyed.\n",
            (false, false) => "Keep the old key:\n",
            (false, true) => "Without --dry-run the old key would have to be kept:\n",
        };
        for hindrance in hindrances {
            text += &format!("- {hindrance}\n");
        }
        if self.in_file > 0 {
            text += "Images that have the old key as a recipient inside of them open with it until they are sealed again.\n";
        }
        text
    }

    /// Why the old key is needed, or may be, when this run is over; in a dry run, when the one that it previews would be.
    pub(super) fn hindrances(&self) -> Vec<String> {
        let kept = if self.goes {
            "key files keep it; those that no list names are of publishers at work, or killed"
        } else {
            "key files have it: run again with --remove-old when every Director has the new one"
        };
        let counts = [
            (self.left(), kept),
            (self.unknown, "key files could not be read"),
            (
                self.missing,
                "key files or images are missing: a backup of them may need it",
            ),
            (self.failed, "failed, as said above"),
            (self.strangers(), "key files have neither key"),
            (
                self.unfinished,
                "key files came while it ran and were not looked at",
            ),
            (
                self.present,
                "wraps for the new key were there before and were not tried: run again with --check-new",
            ),
            (
                self.needing_old,
                "images may open with it only, which is inside of them: seal them again",
            ),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, what)| format!("{count} {what}")).collect()
    }

    /// What to say where the id of a key to be removed is found nowhere: it is removed already, or mistyped.
    pub(super) fn doubt(&self) -> Option<String> {
        if !self.by_id || self.keys.contains_key(&self.old) {
            return None;
        }
        let mut known = self.keys.iter();
        let named = known.by_ref().take(MAX_KEYS);
        let mut named: Vec<_> = named
            .map(|(key, files)| format!("{key} ({files} key files)"))
            .collect();
        match known.count() {
            0 => {}
            more => named.push(format!("{more} more, see `sealift kek list`")),
        }
        if named.is_empty() {
            named.push("none".to_owned());
        }
        let keys = named.join(", ");
        Some(format!(
            "no key file has the key {}: it has been removed already, or the id is another. Keys that are there: {keys}",
            self.old
        ))
    }

    pub(super) fn verdict(&self) -> String {
        let total = self.changed + self.proven + self.present + self.missing + self.failed + self.other_kek;
        let counts = [
            (self.failed, "failed"),
            (self.missing, "are missing"),
            (self.strangers(), "have neither key"),
            (
                if self.goes { self.stranded } else { 0 },
                "that no list names have the old key",
            ),
            (self.unfinished, "came while it ran and were not looked at"),
        ];
        let parts: Vec<_> = counts.iter().filter(|(count, _)| *count > 0).collect();
        if let [(strangers, _)] = *parts.as_slice()
            && *strangers == self.strangers()
            && *strangers == total
        {
            return format!(
                "none of the {total} key files has the old key {} or the new one",
                self.old
            );
        }
        let parts: Vec<_> = parts
            .iter()
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let would = if self.dry_run { "would be" } else { "is" };
        format!("not every key file {would} rotated: {}", parts.join(", "))
    }

    pub(super) fn advice(&self, undone: u64) -> &'static str {
        if undone > 0 {
            "do what is said for each above, then run the command again; what is done already is passed over"
        } else if self.strangers() > 0 {
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
pub(super) fn line(outcome: &Outcome) -> Value {
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
