//! A request in words and in JSON: what it changes, who has signed, who is missing.

use jiff::Timestamp;
use sealift_metadata::KeyId;
use sealift_metadata::authoring::{Gathered, Missing, Standing};
use sealift_metadata::delegation::{DelegatedRole, PathSet};
use sealift_metadata::request::{
    Checked, DelegationChange, Difference, Request, RoleChange, TargetChange, Unnamed,
};
use sealift_metadata::targets::TargetFile;
use serde_json::{Value, json};

use crate::output;
use crate::voice::one_line;

/// Longest value that is printed for people as it stands; `--json` has all of it.
const MAX_SHOWN: usize = 1000;

/// Everything about a checked request.
#[derive(Debug)]
pub(crate) struct State {
    /// For machines.
    pub(crate) json: Value,
    /// For people.
    pub(crate) text: String,
}

impl State {
    pub(crate) fn of(request: &Request, checked: &Checked<'_>, gathered: &Gathered) -> Self {
        let difference = checked.difference();
        let digest = hex::encode(request.digest());
        let next_root = checked.next_root().map(hex::encode);
        let repository_id = request.repository_id().map(ToString::to_string);
        let signatures: Vec<Value> = gathered
            .signatures
            .iter()
            .map(|judged| json!({"keyid": judged.keyid, "standing": word(judged.standing)}))
            .collect();
        let missing: Vec<Value> = gathered
            .missing
            .iter()
            .map(|missing| {
                json!({"role": missing.role, "needed": missing.needed, "found": missing.found,
                    "may_sign": ids(&missing.may_sign)})
            })
            .collect();
        let json = json!({
            "role": request.role().to_string(),
            "repository_id": repository_id,
            "version": difference.version.1,
            "last_version": difference.version.0,
            "digest": digest,
            "next_root_digest": next_root,
            "note": request.note(),
            "expires": {"before": difference.expires.0.map(instant), "after": instant(difference.expires.1)},
            "changes": changes(&difference),
            "signatures": signatures,
            "missing": missing,
            "complete": gathered.missing.is_empty(),
        });
        let arrow = |before: Option<String>, after: String| match before {
            Some(before) => format!("{before} -> {after}"),
            None => format!("{after} (the first)"),
        };
        let version = difference.version;
        let expires = (difference.expires.0.map(instant), instant(difference.expires.1));
        let mut facts = vec![
            ("role", one_line(&request.role().to_string())),
            (
                "repository id",
                repository_id.unwrap_or_else(|| "a new repository".to_owned()),
            ),
            (
                "version",
                arrow(version.0.map(|n| n.to_string()), version.1.to_string()),
            ),
            ("expires", arrow(expires.0, expires.1)),
            ("digest", digest),
        ];
        if let Some(next_root) = next_root {
            facts.push(("for root draft", next_root));
        }
        if !request.note().is_empty() {
            facts.push(("note (from nobody)", one_line(request.note())));
        }
        let mut text = output::facts(&facts);
        text += "\nsignatures\n";
        let foreign = |standing| standing == Standing::Foreign;
        for judged in gathered
            .signatures
            .iter()
            .filter(|judged| !foreign(judged.standing))
        {
            text += &format!("  {}  {}\n", one_line(&judged.keyid), word(judged.standing));
        }
        // Their key ids are whatever somebody wrote.
        let strangers = gathered
            .signatures
            .iter()
            .filter(|judged| foreign(judged.standing));
        match strangers.count() {
            0 => {}
            count => text += &format!("  {count} foreign, which count for nothing\n"),
        }
        match gathered.missing.is_empty() {
            true => text += "  complete\n",
            false => {
                for missing in &gathered.missing {
                    text += &format!("  missing: {}\n", self::missing(missing));
                }
            }
        }
        // Last, so that nothing stands between them and the question.
        text += "\nchanges\n";
        let lines = lines(&difference);
        for line in &lines {
            text += &format!("  {line}\n");
        }
        if lines.is_empty() {
            text += "  none but version and expiry\n";
        }
        Self { json, text }
    }
}

/// What a signature is worth, in a word or two.
pub(crate) const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Counts => "counts",
        Standing::Surplus => "surplus",
        Standing::Duplicate => "duplicate",
        Standing::Foreign => "foreign",
        Standing::Wrong => "wrong",
        Standing::OtherDraft => "other-draft",
    }
}

/// Who is missing, in a sentence.
pub(super) fn missing(missing: &Missing) -> String {
    format!(
        "{} has {} of {}, may sign: {}",
        one_line(&missing.role),
        missing.found,
        missing.needed,
        ids(&missing.may_sign).join(" ")
    )
}

fn ids(keyids: &[KeyId]) -> Vec<String> {
    keyids.iter().map(ToString::to_string).collect()
}

fn instant(at: Timestamp) -> String {
    at.to_string()
}

fn changes(difference: &Difference) -> Value {
    let roles = difference.roles.iter().map(|change| {
        json!({"role": change.role, "added": ids(&change.added), "removed": ids(&change.removed),
            "threshold": {"before": change.threshold.0, "after": change.threshold.1}})
    });
    let delegations = difference.delegations.iter().map(|change| {
        json!({"role": change.role, "place": change.place,
            "before": change.before.as_ref().map(delegation), "after": change.after.as_ref().map(delegation)})
    });
    let targets = difference.targets.iter().map(|change| {
        json!({"path": change.path.as_str(), "before": change.before.as_ref().map(TargetFile::to_value),
            "after": change.after.as_ref().map(TargetFile::to_value)})
    });
    let others = difference
        .unnamed
        .iter()
        .map(|other| json!({"pointer": other.pointer, "before": other.before, "after": other.after}));
    json!({
        "roles": roles.collect::<Vec<_>>(),
        "delegations": delegations.collect::<Vec<_>>(),
        "delegations_reordered": difference.reordered,
        "targets": targets.collect::<Vec<_>>(),
        "others": others.collect::<Vec<_>>(),
    })
}

fn delegation(role: &DelegatedRole) -> Value {
    let (field, paths) = paths(role);
    json!({"keyids": keyids(role), "threshold": role.keys.threshold(), field: paths, "terminating": role.terminating})
}

fn keyids(role: &DelegatedRole) -> Vec<String> {
    role.keys.keyids().map(ToString::to_string).collect()
}

fn paths(role: &DelegatedRole) -> (&'static str, Vec<String>) {
    match &role.paths {
        PathSet::Patterns(list) => ("paths", list.iter().map(ToString::to_string).collect()),
        PathSet::HashPrefixes(list) => ("path_hash_prefixes", list.clone()),
    }
}

/// One line for each change, whatever it holds: names and texts in a draft are its author's.
fn lines(difference: &Difference) -> Vec<String> {
    let mut lines: Vec<String> = difference.roles.iter().flat_map(role).collect();
    lines.extend(difference.delegations.iter().flat_map(delegation_lines));
    if difference.reordered {
        lines.push("delegations change places: the first that matches a path decides".to_owned());
    }
    lines.extend(difference.targets.iter().flat_map(target));
    lines.extend(difference.unnamed.iter().map(other));
    lines.iter().map(|line| one_line(line)).collect()
}

fn role(change: &RoleChange) -> Vec<String> {
    let name = &change.role;
    let mut lines: Vec<String> = Vec::new();
    lines.extend(change.removed.iter().map(|keyid| format!("- {name} key {keyid}")));
    lines.extend(change.added.iter().map(|keyid| format!("+ {name} key {keyid}")));
    match change.threshold {
        (Some(before), after) if before == after => {}
        (Some(before), after) => lines.push(format!("~ {name} threshold {before} -> {after}")),
        (None, after) => lines.push(format!("+ {name} threshold {after}")),
    }
    lines
}

fn delegation_lines(change: &DelegationChange) -> Vec<String> {
    let told = |sign: char, role: &DelegatedRole| {
        let (field, paths) = paths(role);
        let ending = if role.terminating { ", terminating" } else { "" };
        format!(
            "{sign} delegation {:?}: {field} {}, {} of keys {}{ending}",
            change.role,
            quoted(&paths),
            role.keys.threshold(),
            keyids(role).join(" ")
        )
    };
    let before = change.before.iter().map(|role| told('-', role));
    let place = change.place.map_or(0, |place| place + 1);
    let after = change
        .after
        .iter()
        .map(|role| format!("{}, place {place}", told('+', role)));
    before.chain(after).collect()
}

/// Each in quotes, so that one with a blank in it is not taken for two.
fn quoted(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    quoted.join(" ")
}

fn target(change: &TargetChange) -> Vec<String> {
    let told = |sign: char, file: &TargetFile| format!("{sign} target {}: {}", change.path, content(file));
    let before = change.before.iter().map(|file| told('-', file));
    before
        .chain(change.after.iter().map(|file| told('+', file)))
        .collect()
}

/// All that a target says in Sealift's own words; what else is in it is listed with the others.
fn content(file: &TargetFile) -> String {
    let mut parts = vec![format!("{} bytes", file.length)];
    let hashes = &file.to_value()["hashes"];
    for (function, digest) in hashes.as_object().into_iter().flatten() {
        parts.push(format!("{function} {}", digest.as_str().unwrap_or_default()));
    }
    if let Some(profile) = TargetChange::profile(file) {
        let hardware: Vec<&str> = profile.hardware_ids.iter().map(|id| id.as_str()).collect();
        parts.push(format!("version {:?}", profile.version));
        parts.push(format!("release counter {}", profile.release_counter));
        parts.push(format!("for {}", hardware.join(" ")));
        parts.push(format!("protection {}", profile.protection.as_str()));
        parts.push(format!(
            "installs {} bytes, sha256 {}",
            profile.plain.length,
            hex::encode(profile.plain.sha256)
        ));
        if let Some(header) = profile.header {
            parts.push(format!(
                "header {} bytes, sha256 {}",
                header.length,
                hex::encode(header.sha256)
            ));
        }
        if let Some(list) = profile.segments {
            parts.push(format!(
                "segments {} of {} bytes, list {} bytes, sha256 {}",
                list.alg.as_str(),
                list.size,
                list.length,
                hex::encode(list.sha256)
            ));
        }
    }
    parts.join(", ")
}

fn other(other: &Unnamed) -> String {
    let shown = |value: &Option<Value>| match value {
        None => "nothing".to_owned(),
        Some(value) => {
            let text = value.to_string();
            let end = text.floor_char_boundary(MAX_SHOWN);
            match end < text.len() {
                true => format!("{}… ({} bytes, all with --json)", &text[..end], text.len()),
                false => text,
            }
        }
    };
    format!(
        "~ {:?}: {} -> {}",
        other.pointer,
        shown(&other.before),
        shown(&other.after)
    )
}
