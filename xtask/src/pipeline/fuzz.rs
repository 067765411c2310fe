//! A smoke run: every target, from its committed seeds, for a few seconds under a sanitizer.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cargo::FUZZ_MANIFEST;
use super::shell::Shell;
use super::steps::Done;
use crate::failure::Failure;

const SECONDS_PER_TARGET: u32 = 5;
/// A single allocation above this fails the run: every cap of the formats is far below.
const MAX_ALLOCATION_MIB: u32 = 64;
const MAX_RSS_MIB: u32 = 1024;
/// Built by nightly for the sanitizer; the product itself is built by stable.
const TOOLCHAIN: &str = "+nightly";

pub(super) fn smoke(shell: &Shell) -> Result<Done, Failure> {
    if !Shell::has("cargo", &[TOOLCHAIN, "--version"]) {
        return Err(Failure::new(
            "the fuzz targets need a nightly compiler: rustup toolchain install nightly",
        ));
    }
    let targets = targets(&shell.root().join(FUZZ_MANIFEST))?;
    shell.run("cargo", &[TOOLCHAIN, "fuzz", "build", "--fuzz-dir", "fuzz"])?;
    let host = host(shell)?;
    for target in &targets {
        let grown = shell.root().join("fuzz/target/corpus").join(target);
        fs::create_dir_all(&grown)?;
        let artifacts = shell.root().join("fuzz/artifacts").join(target);
        fs::create_dir_all(&artifacts)?;
        let mut run = Command::new(shell.root().join(format!("fuzz/target/{host}/release/{target}")));
        // New inputs go into the first directory; the seeds in the second are only read.
        run.arg(grown).arg(shell.root().join("fuzz/corpus").join(target));
        run.args([
            format!("-max_total_time={SECONDS_PER_TARGET}"),
            format!("-malloc_limit_mb={MAX_ALLOCATION_MIB}"),
            format!("-rss_limit_mb={MAX_RSS_MIB}"),
            format!("-artifact_prefix={}/", artifacts.display()),
        ]);
        shell
            .finish(run)
            .map_err(|failure| Failure::at(format!("target {target}"), failure))?;
    }
    let checks = u64::try_from(targets.len())?;
    Ok(Done::Passed {
        said: format!(
            "{checks} targets for {SECONDS_PER_TARGET} s each: {}",
            targets.join(", ")
        ),
        checks,
    })
}

/// Names of the `[[bin]]` sections.
fn targets(manifest: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(manifest).map_err(|error| Failure::at(manifest.display(), error))?;
    let table: toml::Table = toml::from_str(&text)?;
    let bins = table
        .get("bin")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten();
    Ok(bins
        .filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned()))
        .collect())
}

fn host(shell: &Shell) -> Result<String, Failure> {
    let printed = shell.run("rustc", &["-vV"])?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::new("rustc -vV names no host"))
}
