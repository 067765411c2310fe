//! Manifests: every crate inherits the workspace's lints, edition and versions; every shared dependency says why it is there.

use toml::{Table, Value};

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "manifests";
const ROOT: &str = "Cargo.toml";
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// One member's manifest, parsed.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) path: String,
    pub(super) package: String,
    table: Table,
}

impl Manifest {
    /// Names of the dependencies that go into the product: all but the dev-dependencies.
    pub(super) fn shipped_dependencies(&self) -> Vec<String> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let mut tables = vec![&self.table];
        tables.extend(
            targets
                .into_iter()
                .flatten()
                .filter_map(|(_, target)| target.as_table()),
        );
        tables
            .iter()
            .flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)))
            .flatten()
            .filter_map(Value::as_table)
            .flat_map(|dependencies| dependencies.iter().map(|(name, spec)| real_name(name, spec)))
            .collect()
    }
}

/// A renamed dependency is still what its `package` key says.
fn real_name(name: &str, spec: &Value) -> String {
    spec.get("package")
        .and_then(Value::as_str)
        .unwrap_or(name)
        .to_owned()
}

/// The members that the root manifest lists. A manifest that cannot be parsed is cargo's to report.
pub(super) fn members(tree: &Tree) -> Vec<Manifest> {
    let listed = root(tree);
    let members = listed
        .as_ref()
        .and_then(|root| root.get("workspace")?.get("members")?.as_array());
    members
        .into_iter()
        .flatten()
        .filter_map(|member| {
            let path = format!("{}/Cargo.toml", member.as_str()?);
            let table: Table = toml::from_str(tree.text(&path)?).ok()?;
            let package = table.get("package")?.get("name")?.as_str()?.to_owned();
            Some(Manifest { path, package, table })
        })
        .collect()
}

fn root(tree: &Tree) -> Option<Table> {
    toml::from_str(tree.text(ROOT)?).ok()
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in members(tree) {
        inherits(&manifest, &mut findings);
    }
    reasons(tree.text(ROOT).unwrap_or_default(), &mut findings);
    findings
}

fn inherits(manifest: &Manifest, findings: &mut Vec<Finding>) {
    let mut say = |message: String| {
        findings.push(Finding {
            rule: RULE,
            path: manifest.path.clone(),
            line: 0,
            message,
        });
    };
    let from_workspace = |value: Option<&Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(Value::as_bool)
            == Some(true)
    };
    if !from_workspace(manifest.table.get("lints")) {
        say("does not inherit the workspace's lints".to_owned());
    }
    let package = manifest.table.get("package");
    for key in INHERITED {
        if !from_workspace(package.and_then(|package| package.get(key))) {
            say(format!("`{key}` is not inherited from the workspace"));
        }
    }
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let dependencies = manifest.table.get(kind).and_then(Value::as_table);
        for (name, spec) in dependencies.into_iter().flatten() {
            if !from_workspace(Some(spec)) {
                say(format!(
                    "`{name}` in [{kind}] is not inherited from the workspace"
                ));
            }
        }
    }
}

/// Shared dependencies and lints carry a comment on their line. Paths inside the workspace explain themselves.
fn reasons(text: &str, findings: &mut Vec<Finding>) {
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let asks = section == "[workspace.dependencies]" || section.starts_with("[workspace.lints");
        let Some((name, rest)) = line.split_once('=') else {
            continue;
        };
        if !asks || line.starts_with('#') || rest.contains("path = ") {
            continue;
        }
        if comment(rest).is_none_or(|reason| reason.trim().is_empty()) {
            findings.push(Finding {
                rule: RULE,
                path: ROOT.to_owned(),
                line: index + 1,
                message: format!("`{}` has no reason beside it", name.trim()),
            });
        }
    }
}

/// What follows the first `#` outside of quotes.
fn comment(text: &str) -> Option<&str> {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}
