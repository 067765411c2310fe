//! `envelope/testdata/`: the vectors of the sealed image, made from seeds. One file, one fact.
//!
//! Images that a sealer may make come from the library. What it refuses to make is put together in [`forge`] from the
//! specification, with everything right but the one fact: a reader that lets the fact pass opens the image.

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of vectors, which are far below 32 bits"
)]

mod binding;
mod cbor;
mod commitment;
mod forge;
mod framing;
mod header;
mod key_box;
mod key_file;
mod lengths;
mod p256;
mod payload;
mod reorder;
mod rsa_oaep;
#[path = "../../../envelope/tests/support/seeded.rs"]
mod seeded;
mod segments;
mod stanzas;
mod vector;
mod world;
mod x_wing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use self::vector::Vector;
use self::world::World;
use crate::failure::Failure;
use crate::tree;

const DIRECTORY: &str = "envelope/testdata";

/// Arguments of `cargo xtask vectors`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing, fail if a file differs from what the seeds make
    #[arg(long)]
    check: bool,
}

/// Rewrites or checks the directory.
///
/// # Errors
/// A vector that cannot be made; with `--check`, the files that differ.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let root = tree::root();
    let files = generate(&root)?;
    let directory = root.join(DIRECTORY);
    let (total, differ) = (files.len(), differing(&directory, &files)?);
    if args.check && !differ.is_empty() {
        let names = differ.join(", ");
        let advice = "run `cargo xtask vectors` and look at the change";
        return Err(Failure::new(format!(
            "{DIRECTORY} differs from what the seeds make: {names}; {advice}"
        )));
    }
    for name in &differ {
        let path = directory.join(name);
        match files.get(name) {
            Some(bytes) => fs::write(&path, bytes),
            None => fs::remove_file(&path),
        }
        .map_err(|error| Failure::at(path.display(), error))?;
    }
    println!("vectors: {total} files, {} written or removed", differ.len());
    Ok(())
}

/// Names of the files that are missing, different, or made by nothing.
fn differing(directory: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>, Failure> {
    let mut differ = Vec::new();
    for (name, bytes) in files {
        if !fs::read(directory.join(name)).is_ok_and(|old| old == *bytes) {
            differ.push(name.clone());
        }
    }
    for entry in fs::read_dir(directory).map_err(|error| Failure::at(directory.display(), error))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".vec") && !files.contains_key(&name) {
            differ.push(name);
        }
    }
    Ok(differ)
}

/// Makes the vectors of one module.
type Group = fn(&World) -> Result<Vec<Vector>, Failure>;

/// Every file by its name.
fn generate(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let world = World::read(&root.join("envelope/tests/keys"))?;
    let groups: [Group; 14] = [
        lengths::all,
        framing::all,
        header::all,
        stanzas::all,
        p256::all,
        rsa_oaep::all,
        x_wing::all,
        binding::all,
        commitment::all,
        payload::all,
        reorder::all,
        key_file::all,
        key_box::all,
        segments::all,
    ];
    let mut files = BTreeMap::new();
    for group in groups {
        for vector in group(&world)? {
            let (name, bytes) = vector.file();
            if files.insert(name.clone(), bytes).is_some() {
                return Err(Failure::new(format!("two vectors are called {name}")));
            }
        }
    }
    Ok(files)
}
