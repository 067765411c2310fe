//! What an input is, told without making anything of it.

use std::io::{self, Write};

use sealift_envelope::Digest;
use sha2::{Digest as _, Sha256};

use super::copy::copy_all;
use super::{blocking, rewind};
use crate::World;
use crate::failure::Failure;
use crate::input::Input;
use crate::progress::Progress;

#[derive(Default)]
struct Hashing {
    sha256: Sha256,
    length: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sha256.update(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads an input to its end; a file can be read again afterwards, a pipe is spent.
pub(in crate::commands::target) async fn digest(world: &World, mut input: Input) -> Result<Digest, Failure> {
    let progress = Progress::bytes(world, "hashing", input.length());
    blocking(move || {
        let mut hashing = Hashing::default();
        copy_all(&mut input, &mut hashing, &mut |done| progress.set(done))
            .map_err(|error| Failure::io("cannot read the image", error))?;
        if let Input::File(file, _) = &input {
            rewind(file)?;
        }
        Ok(Digest {
            length: hashing.length,
            sha256: hashing.sha256.finalize().into(),
        })
    })
    .await
}
