//! Bulk input: a file whose length is known, or a pipe.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::{Failure, Fault};

/// What is read.
#[derive(Debug)]
pub(crate) enum Input {
    /// A regular file or block device of known length.
    File(File, u64),
    /// Stdin, a pipe or a device whose length nobody knows.
    Stream(Stream),
}

/// A source without a length.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Our stdin.
    Stdin(io::Stdin),
    /// A named pipe or character device.
    Special(File),
}

impl Input {
    /// `-` is stdin.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stream(Stream::Stdin(io::stdin())));
        }
        let fail = |error| Failure::file("open", path, error);
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(
                Failure::new(Fault::Usage, format!("{} is a directory", path.display()))
                    .next("pack it first, for example with `tar -C DIR -c . | sealift … -`"),
            );
        }
        if metadata.is_file() {
            return Ok(Self::File(file, metadata.len()));
        }
        Ok(Self::Stream(Stream::Special(file)))
    }

    /// Bytes to come, where known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::File(_, length) => Some(*length),
            Self::Stream(_) => None,
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file, _) => file.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stdin(stdin) => stdin.read(buffer),
            Self::Special(file) => file.read(buffer),
        }
    }
}

/// The input in a sentence.
pub(crate) fn shown(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    }
}

/// Reads a whole file of at most `max_bytes`.
pub(crate) fn read_capped(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut input = Input::open(path)?.take(max_bytes.saturating_add(1));
    input
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file("read", path, error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max_bytes {
        return Err(
            Failure::refused(format!("{} is larger than {max_bytes} bytes", path.display()))
                .next("check that the right file was given"),
        );
    }
    Ok(bytes)
}
