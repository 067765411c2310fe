//! Which crate may know which, read from the manifests. Dev-dependencies are free: a test may build a whole world.

use super::Finding;
use super::manifests::{Manifest, members};
use crate::tree::Tree;

const RULE: &str = "arrows";

/// Package, and the packages of the workspace that it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("sealift-envelope", &[]),
    // A leaf that opens for the one and signs for the other (ADR 0014); the two still do not know each other.
    ("sealift-custody", &["sealift-envelope", "sealift-metadata"]),
    ("sealift-metadata", &[]),
    ("sealift-repository", &["sealift-metadata"]),
    ("sealift-wire", &["sealift-metadata"]),
    (
        "sealift-vehicle",
        &["sealift-envelope", "sealift-metadata", "sealift-wire"],
    ),
    (
        "sealift-cli",
        &[
            "sealift-custody",
            "sealift-envelope",
            "sealift-metadata",
            "sealift-repository",
            "sealift-wire",
        ],
    ),
    (
        "sealift-server",
        &[
            "sealift-custody",
            "sealift-envelope",
            "sealift-metadata",
            "sealift-repository",
            "sealift-wire",
        ],
    ),
    (
        "sealift-tests",
        &[
            "sealift-envelope",
            "sealift-metadata",
            "sealift-repository",
            "sealift-wire",
            "sealift-vehicle",
            "sealift-server",
            "sealift-cli",
        ],
    ),
    // The oracles judge the parsers; they are compiled with a sanitizer, so nothing heavy comes along.
    ("sealift-oracles", &["sealift-envelope", "sealift-metadata"]),
    // The demonstration keys carry the ids that these two crates compute.
    ("xtask", &["sealift-envelope", "sealift-metadata"]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in members(tree) {
        let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| *package == manifest.package) else {
            findings.push(finding(
                &manifest,
                format!("`{}` has no row in the table of arrows", manifest.package),
            ));
            continue;
        };
        for dependency in manifest.shipped_dependencies() {
            let ours = dependency.starts_with("sealift-") || dependency == "xtask";
            if ours && !allowed.contains(&dependency.as_str()) {
                findings.push(finding(
                    &manifest,
                    format!("`{}` must not know `{dependency}`", manifest.package),
                ));
            }
        }
    }
    findings
}

fn finding(manifest: &Manifest, message: String) -> Finding {
    Finding {
        rule: RULE,
        path: manifest.path.clone(),
        line: 0,
        message,
    }
}
