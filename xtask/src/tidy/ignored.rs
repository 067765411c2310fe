//! A test that does not run says why.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "ignored";
/// A reason shorter than this says nothing.
const MIN_REASON_CHARS: usize = 15;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        for (index, line) in text.lines().enumerate() {
            let Some(rest) = line.trim().strip_prefix("#[ignore") else {
                continue;
            };
            let reason = rest
                .trim_start_matches([' ', '=', '"'])
                .trim_end_matches(['"', ']']);
            if reason.chars().count() < MIN_REASON_CHARS {
                findings.push(Finding {
                    rule: RULE,
                    path: path.to_owned(),
                    line: index + 1,
                    message: "a test is ignored without a reason in a sentence".to_owned(),
                });
            }
        }
    }
    findings
}
