//! What the pipeline files would have a runner do.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sealift_tests::bins::package_dir;

/// The pipelines.
pub(super) const FILES: [&str; 2] = ["github-actions.yml", "gitlab-ci.yml"];
/// The scripts that they call.
pub(super) const SCRIPTS: [&str; 2] = ["provenance.sh", "publish.sh"];

/// Where they are.
pub(super) fn folder() -> PathBuf {
    package_dir().join("../docs/operating/ci")
}

pub(super) fn text(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).unwrap()
}

/// The command lines in order: `run: LINE` of GitHub, `- LINE` under `script:` of GitLab.
pub(super) fn lines(file: &str) -> Vec<String> {
    let text = text(file);
    let mut lines = Vec::new();
    let mut in_script = false;
    for line in text.lines().map(str::trim) {
        let line = if in_script && line.starts_with("- ") {
            line.strip_prefix("- ")
        } else {
            in_script = line == "script:";
            line.strip_prefix("run: ")
        };
        if let Some(line) = line {
            assert!(
                !line.starts_with(['|', '>', '"', '\'']),
                "{file}: one plain line: {line}"
            );
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The environment variables that the command lines and the scripts read.
pub(super) fn script_variables(file: &str) -> BTreeSet<String> {
    let scripts = SCRIPTS.map(text).into_iter();
    let all: String = scripts.chain(lines(file)).collect();
    let mut found = BTreeSet::from(["SEALIFT_REPOSITORY".to_owned(), "SEALIFT_ROOT".to_owned()]);
    // `env:NAME` is how `sealift` and `openssl` are told of one.
    for piece in all.replace("env:", "$").split('$').skip(1) {
        let name = piece.trim_start_matches('{').chars();
        let name: String = name.take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
        if name.len() > 1 {
            found.insert(name);
        }
    }
    found
}
