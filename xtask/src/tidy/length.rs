//! A file that does not fit into one head is two files: cap 400 lines, exceptions with a reason.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "length";
const MAX_LINES: usize = 400;
const ALLOW_LIST: &str = "tidy.toml";
/// A reason shorter than this says nothing.
const MIN_REASON_CHARS: usize = 20;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let allowed = allow_list(tree, &mut findings);
    for (path, text) in tree.rust() {
        let lines = text.lines().count();
        if lines > MAX_LINES && !allowed.contains_key(path) {
            findings.push(finding(path, format!("{lines} lines, the cap is {MAX_LINES}")));
        }
    }
    for (path, reason) in &allowed {
        let lines = tree.text(path).map(|text| text.lines().count());
        if lines.is_none_or(|lines| lines <= MAX_LINES) {
            findings.push(finding(
                ALLOW_LIST,
                format!("`{path}` no longer needs its exception"),
            ));
        }
        if reason.chars().count() < MIN_REASON_CHARS {
            findings.push(finding(
                ALLOW_LIST,
                format!("`{path}` needs a reason in a sentence"),
            ));
        }
    }
    findings
}

fn allow_list(tree: &Tree, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let Some(text) = tree.text(ALLOW_LIST) else {
        return BTreeMap::new();
    };
    let parsed: Result<toml::Table, _> = toml::from_str(text);
    match parsed {
        Ok(table) => table
            .get("length")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
            .map(|(path, reason)| (path.clone(), reason.as_str().unwrap_or_default().to_owned()))
            .collect(),
        Err(error) => {
            findings.push(finding(ALLOW_LIST, format!("not TOML: {}", error.message())));
            BTreeMap::new()
        }
    }
}

fn finding(path: &str, message: String) -> Finding {
    Finding {
        rule: RULE,
        path: path.to_owned(),
        line: 0,
        message,
    }
}
