//! python-tuf and tuf-js, through `tests/peers/run.py`.

use std::path::{Path, PathBuf};

use sealift_tests::bins;
use sealift_tests::process::Program;
use sealift_tests::s3::python;

use super::{TARGET, published};

/// The directory with tuf-js, or why there is none.
fn node_modules() -> Result<PathBuf, String> {
    let installed = bins::target_dir().join("node/node_modules");
    let modules = std::env::var_os("SEALIFT_NODE_MODULES").map_or(installed, PathBuf::from);
    if modules.join("tuf-js").is_dir() {
        Ok(modules)
    } else {
        Err(format!(
            "tuf-js is not in {} (cargo xtask test installs it)",
            modules.display()
        ))
    }
}

/// Has both clients judge the targets, or says why not.
pub(super) fn peers_agree(tree: &Path, targets: &[&str]) {
    let (python, modules) = match (python(), node_modules()) {
        (Ok(python), Ok(modules)) => (python, modules),
        (Err(reason), _) | (_, Err(reason)) => return println!("left out: {reason}"),
    };
    for target in targets {
        let program = Program::new("python", &python).arg(bins::package_dir().join("peers/run.py"));
        let program = program.arg(tree).arg(target).arg("--node-modules").arg(&modules);
        let run = program.run().ok();
        assert!(run.text().ends_with("peers agree\n"), "{run}");
        print!("{}", run.text());
    }
}

/// U-5.2.7-1: files have the names that other clients ask for.
#[test]
fn python_tuf_and_tuf_js_take_the_target_and_refuse_what_was_touched() {
    let (_world, tree) = published();
    peers_agree(&tree, &[TARGET, "flat.img"]);
}
