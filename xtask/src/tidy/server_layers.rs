//! Inside the server: `run → http → stage → {db, objects, signing}`, and `jobs → stage`. Checked on the `crate::` paths.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "server-layers";
const SOURCE: &str = "server/src/";

/// Layer, and the layers that it must not name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("http", &["db", "jobs", "run"]),
    ("stage", &["http", "jobs", "run"]),
    ("jobs", &["http", "db", "run"]),
    ("db", &["http", "stage", "jobs", "run", "objects", "signing"]),
    ("objects", &["http", "stage", "jobs", "run", "db", "signing"]),
    ("signing", &["http", "stage", "jobs", "run", "db", "objects"]),
];

/// The only layer that speaks SQL.
const SQL_LAYER: &str = "db";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        let Some(inside) = path.strip_prefix(SOURCE) else {
            continue;
        };
        let layer = inside.split(['/', '.']).next().unwrap_or_default();
        if is_test(inside) {
            continue;
        }
        let forbidden = FORBIDDEN
            .iter()
            .find(|(name, _)| *name == layer)
            .map_or(&[][..], |(_, list)| list);
        for (index, line) in product_lines(text) {
            let named = crate_modules(line);
            for module in named.iter().filter(|module| forbidden.contains(module)) {
                findings.push(finding(
                    path,
                    index,
                    format!("`{layer}` must not use `crate::{module}`"),
                ));
            }
            let layered = FORBIDDEN.iter().any(|(name, _)| *name == layer);
            if layered && layer != SQL_LAYER && line.contains("sqlx::") {
                findings.push(finding(path, index, format!("`{layer}` must not speak SQL")));
            }
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.contains("_tests.rs")
}

/// Lines of code up to an inline test module, numbered from 1, comments left out.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("mod tests {"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

/// First segments after `crate::`, with one level of braces (`use crate::{db, stage};`) opened.
fn crate_modules(line: &str) -> Vec<&str> {
    let mut modules = Vec::new();
    for (at, found) in line.match_indices("crate::") {
        let rest = line.get(at + found.len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(group) => modules.extend(top_level_names(group)),
            None => modules.push(first_word(rest)),
        }
    }
    modules
}

fn top_level_names(group: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut start = Some(0);
    let mut names = Vec::new();
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = Some(at + 1),
            _ if depth == 0 && !character.is_whitespace() => {
                if let Some(begin) = start.take() {
                    names.push(first_word(group.get(begin..).unwrap_or_default().trim_start()));
                }
            }
            _ => {}
        }
    }
    names
}

fn first_word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn finding(path: &str, line: usize, message: String) -> Finding {
    Finding {
        rule: RULE,
        path: path.to_owned(),
        line,
        message,
    }
}
