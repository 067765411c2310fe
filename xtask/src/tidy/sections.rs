//! A `§` in code names its document, and a document of ours has that heading.
//!
//! The convention: `envelope-v1 §3.2` points into `docs/spec/envelope-v1.md` (or `docs/…`), to a heading that starts with
//! that number. Documents of others are named as they name themselves: `RFC 9110 §14.2`, `TUF §5.3.4`, `Uptane §5.4.4.3`.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "sections";

/// Last words of the names of documents that are not ours; a number may follow them (`RFC 9110`, `SP 800-38D`).
const FOREIGN: &[&str] = &[
    "RFC",
    "TUF",
    "Uptane",
    "FIPS",
    "SP",
    "C2SP",
    "chunked-encryption",
    "TAP",
    "X.509",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        // The tests of this rule spell out what it refuses.
        if path.starts_with("xtask/src/tidy/") {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            for (at, _) in line.match_indices('§') {
                if let Some(message) = judge(tree, line, at) {
                    findings.push(Finding {
                        rule: RULE,
                        path: path.to_owned(),
                        line: index + 1,
                        message,
                    });
                }
            }
        }
    }
    findings
}

/// What is wrong with the reference at byte `at` of `line`, if anything.
fn judge(tree: &Tree, line: &str, at: usize) -> Option<String> {
    let number = section_number(line.get(at + '§'.len_utf8()..)?);
    let before = line.get(..at)?.trim_end();
    let mut words = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '`' | '[' | '"'));
    let mut last = words.next()?;
    if last.is_empty() {
        // `name` §1: the closing quote stands between.
        last = words.next()?;
    }
    let previous = words.next().unwrap_or_default();
    let foreign = |word: &str| FOREIGN.contains(&word.trim_start_matches('['));
    if foreign(last) || (foreign(previous) && last.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    let stem = last.rsplit('/').next()?.trim_end_matches(".md");
    let document = ["docs/spec", "docs", "docs/operating"]
        .iter()
        .map(|directory| format!("{directory}/{stem}.md"))
        .find(|path| tree.text(path).is_some());
    let Some(document) = document else {
        return Some(format!(
            "§{number} names no document: `{last}` is neither in docs/ nor a known foreign one"
        ));
    };
    let heading = |line: &str| {
        line.starts_with('#') && section_number(line.trim_start_matches(['#', ' ', '§'])) == number
    };
    let found = !number.is_empty() && tree.text(&document)?.lines().any(heading);
    (!found).then(|| format!("{document} has no heading numbered {number}"))
}

/// The leading `1.2.3` of `text`, without a final dot.
fn section_number(text: &str) -> &str {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches('.')
}
