//! A `§` in code names its document, and a document of ours has that heading.
//!
//! The convention: `envelope-v1 §3.2` points into `docs/spec/envelope-v1.md` (or `docs/…`), to a heading that starts with
//! that number. Documents of others are named as they name themselves: `RFC 9110 §14.2`, `TUF §5.3.4`, `Uptane §5.4.4.3`.
//! A bare `§3.2` speaks of the specification that the crate's `lib.rs` names (`docs/spec/….md`), or else of the foreign document
//! that the same file named before.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "sections";

/// Last words of the names of documents that are not ours; a number may follow them (`RFC 9110`, `SP 800-38D`).
const FOREIGN: &[&str] = &[
    "RFC",
    "TUF",
    "Uptane",
    "Standard",
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
        let own = crate_specification(tree, path);
        let mut named_foreign = false;
        for (index, line) in text.lines().enumerate() {
            for (at, sign) in line.match_indices('§') {
                let number = section_number(line.get(at + sign.len()..).unwrap_or_default());
                if number.is_empty() {
                    // Prose about the sign itself.
                    continue;
                }
                let message = match named_document(tree, line.get(..at).unwrap_or_default()) {
                    Named::Foreign => {
                        named_foreign = true;
                        continue;
                    }
                    Named::Ours(document) => missing(tree, &document, number),
                    Named::Nothing => match own {
                        _ if named_foreign => None,
                        Some(document) => missing(tree, document, number),
                        None => Some(format!("§{number} names no document")),
                    },
                };
                findings.extend(message.map(|message| Finding {
                    rule: RULE,
                    path: path.to_owned(),
                    line: index + 1,
                    message,
                }));
            }
        }
    }
    findings
}

/// What stands before a section sign.
enum Named {
    Foreign,
    Ours(String),
    Nothing,
}

fn named_document(tree: &Tree, before: &str) -> Named {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, '(' | '`' | '[' | '"' | '*');
    // `name` §1: a closing quote may stand between.
    let before = before.trim_end_matches(|c: char| ends_word(c) || c == ']');
    let mut words = before.rsplit(ends_word);
    let last = words.next().unwrap_or_default();
    let previous = words.next().unwrap_or_default();
    if FOREIGN.contains(&last)
        || (FOREIGN.contains(&previous) && last.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Named::Foreign;
    }
    let stem = last
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".md");
    let document = ["docs/spec", "docs", "docs/operating"]
        .iter()
        .map(|directory| format!("{directory}/{stem}.md"))
        .find(|path| tree.text(path).is_some());
    document.map_or(Named::Nothing, Named::Ours)
}

/// The first `docs/spec/….md` in the `lib.rs` of the crate that `path` belongs to.
fn crate_specification<'a>(tree: &'a Tree, path: &str) -> Option<&'a str> {
    let (package, _) = path.split_once("/src/").or_else(|| path.split_once("/tests/"))?;
    let text = tree.text(&format!("{package}/src/lib.rs"))?;
    let rest = text.get(text.find("docs/spec/")?..)?;
    rest.get(..rest.find(".md")? + 3)
}

fn missing(tree: &Tree, document: &str, number: &str) -> Option<String> {
    let heading = |line: &str| {
        line.starts_with('#') && section_number(line.trim_start_matches(['#', ' ', '§'])) == number
    };
    let found = tree.text(document).is_some_and(|text| text.lines().any(heading));
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
