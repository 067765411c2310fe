//! `docs/behaviours.md`: which test shows which requirement, written from the doc comments of the tests themselves.
//!
//! A test claims a requirement by naming its id in its doc comment: `/// U-5.4.4.3-3: a new Root needs both thresholds`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::failure::Failure;
use crate::requirements;
use crate::tree::{self, Tree};

/// Where the list is kept.
pub(crate) const LIST: &str = "docs/behaviours.md";

const INTRODUCTION: &str = "\
# Behaviours and the tests that show them

Written by `cargo xtask behaviours` from the doc comments of the tests; `cargo xtask tidy` checks that every test named
here exists. What is asked for, and what waits for a test or needs none, is in [`requirements.txt`](requirements.txt).
The ids: `U-` Uptane Standard 2.1.0 by section, `T-` TUF specification 1.0.34, `TAP` its augmentation proposals, `D-`
Uptane Deployment Considerations, `X-` decisions of this project where the texts are silent.

| requirement | what the test shows | test |
|---|---|---|
";

/// Arguments of `cargo xtask behaviours`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing, fail if the list is out of date
    #[arg(long)]
    check: bool,
}

/// Rewrites or checks the list.
///
/// # Errors
/// With `--check`, a list that is out of date.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let root = tree::root();
    let tree = Tree::read(&root)?;
    let rows = collect(&tree);
    let claims = claims(&tree);
    let asked = tree.text(requirements::FILE).unwrap_or_default();
    let files = [
        (LIST, render(&rows)),
        (
            requirements::FILE,
            requirements::closed(asked, |id| claims.contains_key(id)),
        ),
    ];
    for (file, text) in files {
        if tree.text(file) == Some(&text) {
            continue;
        }
        if args.check {
            return Err(Failure::new(format!(
                "{file} is out of date; run `cargo xtask behaviours`"
            )));
        }
        fs::write(root.join(file), text).map_err(|error| Failure::at(file, error))?;
    }
    println!("behaviours: {} rows", rows.len());
    Ok(())
}

/// Every requirement that a test names, with one such test.
pub(crate) fn claims(tree: &Tree) -> BTreeMap<String, String> {
    collect(tree).into_iter().map(|row| (row.id, row.test)).collect()
}

/// One requirement shown by one test.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    sort_key: Vec<(u64, String)>,
    id: String,
    shows: String,
    test: String,
}

fn render(rows: &BTreeSet<Row>) -> String {
    let mut text = INTRODUCTION.to_owned();
    for Row { id, shows, test, .. } in rows {
        text.push_str(&format!("| {id} | {} | `{test}` |\n", shows.replace('|', "\\|")));
    }
    text
}

/// The tests named in the last column of the list, with their line, counted from 1.
pub(crate) fn named_tests(list: &str) -> Vec<(usize, &str)> {
    let rows = list
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("| ") && line.contains('`'));
    rows.filter_map(|(index, line)| {
        let cell = line.trim_end_matches(['|', ' ']).rsplit('|').next()?;
        Some((index + 1, cell.trim().trim_matches('`')))
    })
    .collect()
}

fn collect(tree: &Tree) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for (path, text) in tree.rust().filter(|(path, _)| !path.starts_with("xtask/")) {
        let mut doc: Vec<&str> = Vec::new();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                doc.push(comment.trim());
            } else if line.starts_with("#[") || line.starts_with("reason =") || line == ")]" {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            } else {
                if let (true, Some(name)) = (is_test, function_name(line)) {
                    rows.extend(rows_of(&doc, &format!("{path}::{name}")));
                }
                doc.clear();
                is_test = false;
            }
        }
    }
    rows
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.split_once("fn ")?.1;
    rest.split_once('(').map(|(name, _)| name)
}

fn rows_of(doc: &[&str], test: &str) -> Vec<Row> {
    let text = doc.join(" ");
    let ids: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || ",;()[]`".contains(c))
        .map(trim_id)
        .filter(|word| is_id(word))
        .collect();
    let shows = shown(&text, &ids);
    ids.iter()
        .map(|id| Row {
            sort_key: sort_key(id),
            id: (*id).to_owned(),
            shows: shows.clone(),
            test: test.to_owned(),
        })
        .collect()
}

fn trim_id(word: &str) -> &str {
    word.trim_end_matches(['.', ':'])
}

/// `U-5.4.4.3-3`, `T-5.3-thr`, `D-prim-1`, `X-6b`, `TAP3-2`.
fn is_id(word: &str) -> bool {
    let known = ["U-", "T-", "D-", "X-", "TAP3-", "TAP4-"]
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix));
    known.is_some_and(|rest| {
        let plain = rest
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        let numbered = rest.chars().any(|c| c.is_ascii_digit());
        !rest.is_empty() && plain && numbered
    })
}

/// The doc comment's first sentence without the leading ids.
fn shown(text: &str, ids: &[&str]) -> String {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || ",;:()[]`".contains(c));
        let word = trimmed
            .split(|c: char| c.is_whitespace() || ",;()[]`".contains(c))
            .next()
            .unwrap_or_default();
        if word.is_empty() || !ids.contains(&trim_id(word)) {
            let mut sentence = trimmed
                .split_once(". ")
                .map_or(trimmed, |(first, _)| first)
                .to_owned();
            for id in ids {
                sentence = sentence.replace(&format!(" ({id})"), "");
            }
            return sentence.trim_end_matches('.').to_owned();
        }
        rest = trimmed.get(word.len()..).unwrap_or_default();
    }
}

/// Numbers in an id sort as numbers: `U-5.4.4.10-2` behind `U-5.4.4.2-11`.
fn sort_key(id: &str) -> Vec<(u64, String)> {
    id.split(['.', '-'])
        .map(|part| (part.parse().unwrap_or(u64::MAX), part.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
/// U-5.4.4.3-3, T-5.3-thr: A new Root needs both thresholds. More words.
#[test]
fn both_thresholds() {}

/// U-5.4.4.3-4: not a test, so no claim.
fn helper() {}

/// X-6b A server error is not the end of the chain.
#[tokio::test]
async fn server_error_aborts() {}
";

    #[test]
    fn rows_come_from_doc_comments_of_tests_only() {
        let tree = Tree::default().with("metadata/src/trust/tests.rs", SOURCE);
        let text = render(&collect(&tree));
        assert_eq!(
            text.strip_prefix(INTRODUCTION),
            Some(
                "\
| T-5.3-thr | A new Root needs both thresholds | `metadata/src/trust/tests.rs::both_thresholds` |
| U-5.4.4.3-3 | A new Root needs both thresholds | `metadata/src/trust/tests.rs::both_thresholds` |
| X-6b | A server error is not the end of the chain | `metadata/src/trust/tests.rs::server_error_aborts` |
"
            )
        );
    }

    #[test]
    fn numbers_sort_as_numbers() {
        assert!(sort_key("U-5.4.4.2-11") < sort_key("U-5.4.4.10-2"));
    }

    #[test]
    fn rows_are_found_again_in_the_list() {
        assert_eq!(
            named_tests("| a | b | c |\n| U-1 | says `x` | `f.rs::t` |\n"),
            [(2, "f.rs::t")]
        );
    }
}
