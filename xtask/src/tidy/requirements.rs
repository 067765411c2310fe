//! Every requirement is shown by a test, or says why it is not; and tests name only requirements that there are.
//!
//! `open` behind a requirement can be taken away and not be added without being seen: that is what keeps a test that goes
//! from going unnoticed.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::behaviours::claims;
use crate::requirements::{FILE, Mark, parse};
use crate::tree::Tree;

const RULE: &str = "requirements";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let claims = claims(tree);
    let (requirements, strange) = parse(tree.text(FILE).unwrap_or_default());
    let finding = |line: usize, message: String| Finding {
        rule: RULE,
        path: FILE.to_owned(),
        line,
        message,
    };
    let mut findings: Vec<Finding> = strange
        .into_iter()
        .map(|line| {
            finding(
                line,
                "not of the form `id | level | who | what [| mark]`".to_owned(),
            )
        })
        .collect();
    let mut known = BTreeSet::new();
    for requirement in &requirements {
        let id = requirement.id;
        let is_shown = claims.contains_key(id);
        let problem = match &requirement.mark {
            _ if !known.insert(id) => format!("{id} is here twice"),
            Mark::Unknown(word) => format!("{id}: `{word}` is neither `open` nor `waived: reason`"),
            Mark::None if requirement.is_mandatory() && !is_shown => {
                format!("no test shows {id}: name it in a test's doc comment, or say `waived: reason`")
            }
            Mark::Open if is_shown => format!("{id} is shown by a test; run `cargo xtask behaviours`"),
            Mark::Waived(_) if is_shown => format!("{id} is shown by a test; take the waiver away"),
            _ => continue,
        };
        findings.push(finding(requirement.line, problem));
    }
    for (id, test) in claims.iter().filter(|(id, _)| !known.contains(id.as_str())) {
        findings.push(finding(
            0,
            format!("`{test}` names {id}, which is not in the list"),
        ));
    }
    findings
}

/// How many requirements wait for their test, and in which groups.
pub(super) fn open(tree: &Tree) -> String {
    let (requirements, _) = parse(tree.text(FILE).unwrap_or_default());
    let mut groups = BTreeMap::<&str, usize>::new();
    for requirement in requirements.iter().filter(|found| found.mark == Mark::Open) {
        *groups.entry(requirement.group).or_default() += 1;
    }
    let total: usize = groups.values().sum();
    let groups: Vec<String> = groups
        .iter()
        .map(|(group, count)| format!("{group} {count}"))
        .collect();
    format!("{total} requirement(s) open in {FILE}: {}", groups.join(", "))
}
