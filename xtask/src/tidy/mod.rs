//! House rules that no compiler checks. Each rule is a pure function of the [`Tree`], one file each.

mod arrows;
mod behaviours;
mod ignored;
mod length;
mod manifests;
mod requirements;
mod sections;
mod server_layers;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use crate::failure::Failure;
use crate::tree::{self, Tree};

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    path: String,
    /// Counted from 1; 0 speaks of the whole file.
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            path,
            line,
            message,
        } = self;
        if *line == 0 {
            write!(f, "{path}: {message} [{rule}]")
        } else {
            write!(f, "{path}:{line}: {message} [{rule}]")
        }
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    length::check,
    arrows::check,
    server_layers::check,
    manifests::check,
    sections::check,
    ignored::check,
    behaviours::check,
    requirements::check,
    words::check,
];

/// Checks the workspace and prints what it found.
///
/// # Errors
/// At least one finding, or a tree that cannot be read.
pub(crate) fn run() -> Result<(), Failure> {
    let tree = Tree::read(&tree::root())?;
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {}", requirements::open(&tree));
    if findings.is_empty() {
        println!(
            "tidy: {} files, {} rules, nothing to say",
            tree.files().count(),
            RULES.len()
        );
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} finding(s); exceptions need a reason in tidy.toml",
        findings.len()
    )))
}
