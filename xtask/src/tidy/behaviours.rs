//! Every row of the list of behaviours names a test that exists.

use super::Finding;
use crate::behaviours::{LIST, named_tests};
use crate::tree::Tree;

const RULE: &str = "behaviours";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(LIST).unwrap_or_default();
    named_tests(text)
        .into_iter()
        .filter_map(|(line, test)| {
            let problem = match test.split_once("::") {
                None => Some(format!("`{test}` is not of the form `path/file.rs::test_name`")),
                Some((file, name)) => match tree.text(file) {
                    None => Some(format!("`{file}` does not exist")),
                    Some(source) if !source.contains(&format!("fn {name}(")) => {
                        Some(format!("`{file}` has no test `{name}`"))
                    }
                    Some(_) => None,
                },
            };
            problem.map(|message| Finding {
                rule: RULE,
                path: LIST.to_owned(),
                line,
                message,
            })
        })
        .collect()
}
