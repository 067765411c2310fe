//! Paths of one machine and marks of unfinished work stay out of the tree.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "words";

/// Text, and what to do instead. Written in two halves, so that this file does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("/wo", "rk/"),
        "a path of one machine; name it from the root of the workspace",
    ),
    (
        concat!("/fa", "rm/"),
        "a path of one machine; name it from the root of the workspace",
    ),
    (
        concat!("/ro", "ot/."),
        "a path of one machine; name it from the root of the workspace",
    ),
    (
        concat!("FIX", "ME"),
        "finish it, or write it down as a limit in the documentation",
    ),
    (
        concat!("XX", "X "),
        "finish it, or write it down as a limit in the documentation",
    ),
    (
        concat!("TO", "DO:"),
        "finish it, or write it down as a limit in the documentation",
    ),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        for (index, line) in text.lines().enumerate() {
            for (word, instead) in FORBIDDEN {
                if occurs(line, word) {
                    findings.push(Finding {
                        rule: RULE,
                        path: path.to_owned(),
                        line: index + 1,
                        message: format!("`{}`: {instead}", word.trim()),
                    });
                }
            }
        }
    }
    findings
}

/// Whether `word` stands in `line` on its own: below another directory it is somebody else's name, not the machine's.
fn occurs(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '}' | '/'))
    })
}
