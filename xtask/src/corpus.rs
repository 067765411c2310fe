//! Seeds of the fuzz targets. They are made beside the oracles, which know what is genuine.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::tree;

const DIRECTORY: &str = "fuzz/corpus";
/// Where `--check` makes the seeds again.
const FRESH: &str = "target/xtask/corpus";

/// Arguments of `cargo xtask corpus`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing, fail if a seed differs from what the generator makes
    #[arg(long)]
    check: bool,
}

/// Rewrites or checks the seeds; found inputs beside them stay.
///
/// # Errors
/// The generator's; with `--check`, the seeds that differ.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let root = tree::root();
    if !args.check {
        return generate(&root, DIRECTORY);
    }
    let fresh = root.join(FRESH);
    // A directory that is not there yet is as good as an empty one.
    drop(fs::remove_dir_all(&fresh));
    generate(&root, FRESH)?;
    let (seeds, differ) = compare(&fresh, &root.join(DIRECTORY))?;
    if differ.is_empty() {
        println!("corpus: {seeds} seeds, up to date");
        return Ok(());
    }
    Err(Failure::new(format!(
        "{DIRECTORY} differs from what the generator makes: {}; run `cargo xtask corpus` and look at the change",
        differ.join(", ")
    )))
}

fn generate(root: &Path, directory: &str) -> Result<(), Failure> {
    let status = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--package",
            "sealift-oracles",
            "--example",
            "corpus",
        ])
        .args(["--", directory])
        .current_dir(root)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "the generator of the seeds ended with {status}"
        )))
    }
}

/// How many seeds there are, and which of them are not the same below `committed`.
fn compare(fresh: &Path, committed: &Path) -> Result<(u64, Vec<String>), Failure> {
    let (mut seeds, mut differ) = (0, Vec::new());
    for target in fs::read_dir(fresh)? {
        let target = target?;
        for seed in fs::read_dir(target.path())? {
            let seed = seed?;
            let name = Path::new(&target.file_name()).join(seed.file_name());
            seeds += 1;
            if fs::read(committed.join(&name)).ok() != Some(fs::read(seed.path())?) {
                differ.push(name.display().to_string());
            }
        }
    }
    Ok((seeds, differ))
}
