//! Writes the seeds of every target below the directory named by the first argument.

use std::path::PathBuf;
use std::{env, fs, io};

use sealift_oracles::TARGETS;

fn main() -> io::Result<()> {
    let root = PathBuf::from(
        env::args_os()
            .nth(1)
            .ok_or_else(|| io::Error::other("which directory?"))?,
    );
    for target in TARGETS {
        let directory = root.join(target.name);
        fs::create_dir_all(&directory)?;
        let seeds = (target.seeds)();
        for seed in &seeds {
            fs::write(directory.join(&seed.name), &seed.bytes)?;
        }
        println!("{}: {} seeds", target.name, seeds.len());
    }
    Ok(())
}
