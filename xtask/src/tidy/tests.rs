//! Each rule refuses a fixture that breaks it and passes one that does not.

use super::*;

const MEMBER: &str = "\
[package]
name = \"NAME\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
[lints]
workspace = true
";

fn member(name: &str, more: &str) -> String {
    format!("{}{more}", MEMBER.replace("NAME", name))
}

fn workspace(path: &str, manifest: &str) -> Tree {
    Tree::default()
        .with("Cargo.toml", &format!("[workspace]\nmembers = [\"{path}\"]\n"))
        .with(&format!("{path}/Cargo.toml"), manifest)
}

fn messages(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_at_the_cap_passes_and_one_line_more_does_not() {
    let tree = Tree::default()
        .with("a/src/at.rs", &"\n".repeat(400))
        .with("a/src/over.rs", &"\n".repeat(401));
    assert_eq!(
        messages(&length::check(&tree)),
        ["a/src/over.rs: 401 lines, the cap is 400 [length]"]
    );
}

#[test]
fn an_exception_needs_a_reason_and_a_long_file() {
    let long = Tree::default().with("a.rs", &"\n".repeat(401));
    let reasoned = long.with(
        "tidy.toml",
        "[length]\n\"a.rs\" = \"a table that reads best in one piece\"\n",
    );
    assert_eq!(length::check(&reasoned), []);
    let silent = reasoned.with("tidy.toml", "[length]\n\"a.rs\" = \"long\"\n");
    assert_eq!(
        messages(&length::check(&silent)),
        ["tidy.toml: `a.rs` needs a reason in a sentence [length]"]
    );
    let stale = silent.with(
        "tidy.toml",
        "[length]\n\"b.rs\" = \"a table that reads best in one piece\"\n",
    );
    assert_eq!(
        length::check(&stale).len(),
        2,
        "a.rs is too long, b.rs is not there"
    );
}

#[test]
fn blind_siblings_stay_blind() {
    let knows = member(
        "sealift-envelope",
        "[dependencies]\nsealift-metadata.workspace = true\n",
    );
    let found = arrows::check(&workspace("envelope", &knows));
    assert_eq!(
        messages(&found),
        ["envelope/Cargo.toml: `sealift-envelope` must not know `sealift-metadata` [arrows]"]
    );
}

#[test]
fn arrows_see_through_renames_targets_and_build_scripts() {
    for hidden in [
        "[dependencies]\nother = { package = \"sealift-server\", workspace = true }\n",
        "[build-dependencies]\nsealift-server.workspace = true\n",
        "[target.'cfg(unix)'.dependencies]\nsealift-server.workspace = true\n",
    ] {
        assert_eq!(
            arrows::check(&workspace("cli", &member("sealift-cli", hidden))).len(),
            1,
            "{hidden}"
        );
    }
}

#[test]
fn a_test_may_build_a_world() {
    let manifest = member(
        "sealift-cli",
        "[dev-dependencies]\nsealift-server.workspace = true\n",
    );
    assert_eq!(arrows::check(&workspace("cli", &manifest)), []);
}

#[test]
fn a_new_crate_needs_a_row() {
    assert_eq!(
        arrows::check(&workspace("new", &member("sealift-new", ""))).len(),
        1
    );
}

#[test]
fn a_crate_inherits_lints_package_fields_and_versions() {
    assert_eq!(manifests::check(&workspace("a", &member("a", ""))), []);
    let bare = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n";
    let found = manifests::check(&workspace("a", bare));
    assert_eq!(
        found.len(),
        7,
        "lints, five package fields, one dependency: {found:?}"
    );
}

#[test]
fn a_shared_dependency_has_its_reason_beside_it() {
    let root = "[workspace.dependencies]\nours = { path = \"ours\" }\n# a heading\nserde = \"1\" # documents\nurl = \"2\"\n\n[workspace.lints.rust]\ntodo = \"warn\"\n";
    let found = manifests::check(&Tree::default().with("Cargo.toml", root));
    assert_eq!(
        messages(&found),
        [
            "Cargo.toml:5: `url` has no reason beside it [manifests]",
            "Cargo.toml:8: `todo` has no reason beside it [manifests]"
        ]
    );
}

#[test]
fn http_names_neither_the_database_nor_sql() {
    for line in [
        "use crate::db::Vehicles;",
        "use crate::{stage, db::Vehicles};",
        "let row = sqlx::query(text);",
    ] {
        let tree = Tree::default().with("server/src/http/api.rs", line);
        assert_eq!(server_layers::check(&tree).len(), 1, "{line}");
    }
    let good =
        "use crate::stage::{db_like, Vehicles};\n// crate::db would be wrong\nmod tests {\nuse crate::db;\n";
    assert_eq!(
        server_layers::check(&Tree::default().with("server/src/http/api.rs", good)),
        []
    );
}

#[test]
fn layers_below_do_not_look_up() {
    for (path, line) in [
        ("server/src/stage/assign.rs", "use crate::http::Problem;"),
        ("server/src/db.rs", "use crate::stage::Assign;"),
        ("server/src/jobs/refresh.rs", "use crate::db::Vehicles;"),
    ] {
        assert_eq!(
            server_layers::check(&Tree::default().with(path, line)).len(),
            1,
            "{path}"
        );
    }
    assert_eq!(
        server_layers::check(&Tree::default().with("server/src/run.rs", "use crate::db::open;")),
        []
    );
}

#[test]
fn a_section_of_ours_has_a_heading() {
    let tree = Tree::default().with(
        "docs/spec/envelope-v1.md",
        "# Envelope\n## 3. Header\n### 3.2 Caps\n",
    );
    for good in [
        "// envelope-v1 §3.2",
        "// see `envelope-v1` §3.",
        "// docs/spec/envelope-v1.md §3.2, and",
    ] {
        let tree = Tree::default()
            .with(
                "docs/spec/envelope-v1.md",
                tree.text("docs/spec/envelope-v1.md").unwrap(),
            )
            .with("a/src/lib.rs", good);
        assert_eq!(sections::check(&tree), [], "{good}");
    }
    let tree = tree.with(
        "a/src/lib.rs",
        "// envelope-v1 §3.3\n// §3.2\n// envelope-v9 §3.2\n",
    );
    assert_eq!(sections::check(&tree).len(), 3);
}

#[test]
fn a_bare_section_speaks_of_the_crates_specification() {
    let tree = Tree::default()
        .with("docs/spec/envelope-v1.md", "# Envelope\n## 3. Header\n")
        .with(
            "a/src/lib.rs",
            "//! Specified in `docs/spec/envelope-v1.md`; a bare § is a section there.\n",
        )
        .with("a/src/header.rs", "// §3\n// §4\n")
        .with("b/src/lib.rs", "// RFC 9110 §14.2 and §14.3\n");
    let found = sections::check(&tree);
    assert_eq!(
        messages(&found),
        ["a/src/header.rs:2: docs/spec/envelope-v1.md has no heading numbered 4 [sections]",]
    );
}

#[test]
fn a_section_of_others_names_its_document() {
    for good in [
        "// RFC 9110 §14.2",
        "// TUF §5.3.4",
        "// (Uptane §5.4.4.3)",
        "// SP 800-38D §8",
    ] {
        assert_eq!(
            sections::check(&Tree::default().with("a/src/lib.rs", good)),
            [],
            "{good}"
        );
    }
}

#[test]
fn an_ignored_test_says_why() {
    let tree = Tree::default().with(
        "a.rs",
        "#[ignore]\n#[ignore = \"slow\"]\n#[ignore = \"needs a real token in the slot\"]\n",
    );
    assert_eq!(ignored::check(&tree).len(), 2);
}

#[test]
fn a_behaviour_names_a_test_that_exists() {
    let list = "| id | shows | test |\n|---|---|---|\n| U-1 | a | `m/src/t.rs::there` |\n| U-2 | b | `m/src/t.rs::gone` |\n| U-3 | c | `m/src/u.rs::t` |\n| U-4 | d | `nowhere` |\n";
    let tree = Tree::default()
        .with("docs/behaviours.md", list)
        .with("m/src/t.rs", "fn there() {}");
    let lines: Vec<usize> = behaviours::check(&tree)
        .iter()
        .map(|finding| finding.line)
        .collect();
    assert_eq!(lines, [4, 5, 6]);
}

#[test]
fn paths_of_one_machine_and_marks_are_refused() {
    let machine = concat!("see /wo", "rk/plan");
    let mark = concat!("// FIX", "ME later");
    let innocent = concat!("docs/wo", "rk/ is a directory of ours");
    let tree = Tree::default().with("a.md", &format!("{machine}\n{mark}\n{innocent}\n"));
    let lines: Vec<usize> = words::check(&tree).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [1, 2]);
}

#[test]
fn a_requirement_is_shown_or_says_why_not() {
    let list = "## A. Group\n\
        U-1 | MUST | ECU | Shown.\n\
        U-2 | MUST | ECU | Shown by nothing.\n\
        U-3 | MUST | ECU | Not yet. | open\n\
        U-4 | MUST | ECU | Not here. | waived: no such ECU\n\
        U-5 | SHOULD | ECU | Shown by nothing.\n\
        U-6 | MUST | ECU | Shown. | open\n\
        U-7 | SHOULD | ECU | Shown. | waived: no such ECU\n\
        U-8 | MUST | ECU | Without a reason. | waived\n\
        U-1 | MUST | ECU | Again.\n\
        U-9\n";
    let source = "/// U-1, U-6: says\n/// and U-7.\n#[test]\nfn shows() {}\n\n/// U-10: not there.\n#[test]\nfn strays() {}\n";
    let tree = Tree::default()
        .with("docs/requirements.txt", list)
        .with("m/src/t.rs", source);
    let mut found = requirements::check(&tree);
    found.sort_by_key(|finding| finding.line);
    let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [0, 3, 7, 8, 9, 10, 11], "{found:?}");
    assert!(found[0].message.contains("m/src/t.rs::strays"), "{found:?}");
    assert_eq!(
        requirements::open(&tree),
        "2 requirement(s) open in docs/requirements.txt: A 2"
    );
}
