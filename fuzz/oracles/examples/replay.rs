//! Puts every file of the given directories through the oracle named by the first argument: what measures coverage runs.

use std::path::PathBuf;
use std::{env, fs, io};

use sealift_oracles::TARGETS;

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let name = arguments.next().unwrap_or_default();
    let target = TARGETS
        .iter()
        .find(|target| name == target.name)
        .ok_or_else(|| io::Error::other("which target?"))?;
    let mut inputs = 0;
    for directory in arguments.map(PathBuf::from) {
        for entry in fs::read_dir(directory)? {
            (target.judge)(&fs::read(entry?.path())?);
            inputs += 1;
        }
    }
    println!("{}: {inputs} inputs", target.name);
    Ok(())
}
