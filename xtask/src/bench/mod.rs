//! `cargo xtask bench`: what sealing, opening and serving cost, as ratios to well-known tools in the same minutes.

mod files;
mod instructions;
mod memory;
mod meter;
mod report;
mod serve;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, process};

use self::report::Row;
use crate::failure::Failure;
use crate::tree;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Size of the image
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65536))]
    size_mib: u32,
    /// How often each row is run; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// Where the files lie; four times the size is needed. A RAM disk, or the disk is measured too
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    dir: PathBuf,
    /// Leave out the rows about serving
    #[arg(long)]
    no_serve: bool,
    /// Instead: peak memory of sealing and opening from 1 MiB to 16 GiB, through a pipe
    #[arg(long)]
    memory: bool,
    /// Instead: instructions a byte, counted by Callgrind, which no other load on the machine changes
    #[arg(long, conflicts_with = "memory")]
    instructions: bool,
    /// Write the figures into docs/performance.md
    #[arg(long)]
    write: bool,
}

/// Runs all rows and prints the table.
///
/// # Errors
/// A tool that fails, or is not there.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let alone = args.memory || args.instructions;
    let binaries = build(args.no_serve || alone)?;
    let scratch = Scratch::new(args)?;
    let (mark, text) = if args.memory {
        ("memory", memory::table(&binaries, &scratch.0)?)
    } else if args.instructions {
        match instructions::table(&binaries, &scratch.0)? {
            Some(table) => ("instructions", table),
            None => return Ok(()),
        }
    } else {
        ("figures", figures(args, &binaries, &scratch.0)?)
    };
    print!("{text}");
    if args.write {
        report::write(&tree::root(), mark, &text)?;
    }
    Ok(())
}

fn figures(args: &Args, binaries: &Path, dir: &Path) -> Result<String, Failure> {
    let mut rows = files::rows(args, binaries, dir)?;
    if !args.no_serve {
        rows.extend(serve::rows(args, binaries, dir)?);
    }
    let (size_mib, runs, machine) = (args.size_mib, args.runs, report::machine());
    Ok(format!(
        "{size_mib} MiB, median of {runs}, {machine}. Ratios: to `{}`, and to nginx.\n\n{}{}",
        files::LIMIT,
        report::table(&rows, size_mib),
        report::goals(&rows)
    ))
}

/// Release builds; anything else measures the compiler's laziness.
fn build(no_serve: bool) -> Result<PathBuf, Failure> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--release", "--package", "sealift-cli"])
        .current_dir(tree::root());
    if !no_serve {
        cargo.args(["--package", "sealift-server"]);
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(Failure::new(format!("the release build ended with {status}")));
    }
    Ok(tree::root().join("target/release"))
}

/// The directory of one bench, removed when dropped.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new(args: &Args) -> Result<Self, Failure> {
        let path = args.dir.join(format!("sealift-bench-{}", process::id()));
        fs::create_dir_all(&path).map_err(|error| Failure::at(path.display(), error))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about a leftover here but to name it.
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("bench: {} stays behind: {error}", self.0.display());
        }
    }
}
