//! Where the demonstration's image comes from, and the byte-for-byte comparison at its end.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::failure::Failure;

/// A source that can be read twice and gives the same bytes each time.
#[derive(Debug)]
pub(super) enum Source {
    /// A file that the caller named.
    File(PathBuf),
    /// A tar of the Rust toolchain, streamed: names sorted, owners and times fixed.
    Toolchain(PathBuf),
}

impl Source {
    /// The file that was named, or the toolchain that builds this project.
    pub(super) fn find(image: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = image {
            return Ok(Self::File(path.to_owned()));
        }
        let output = Command::new("rustc")
            .args(["--print", "sysroot"])
            .output()
            .map_err(|error| {
                Failure::at(
                    "cannot ask rustc for its sysroot; name an image with --image FILE",
                    error,
                )
            })?;
        Ok(Self::Toolchain(PathBuf::from(
            String::from_utf8_lossy(&output.stdout).trim(),
        )))
    }

    /// What the image is, for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Toolchain(path) => format!("tar of {}", path.display()),
        }
    }

    /// Opens the source from its first byte.
    pub(super) fn open(&self) -> Result<Reading, Failure> {
        match self {
            Self::File(path) => File::open(path)
                .map(Reading::File)
                .map_err(|error| Failure::at(format!("cannot open {}", path.display()), error)),
            Self::Toolchain(path) => {
                let mut child = Command::new("tar")
                    .args([
                        "--create",
                        "--file=-",
                        "--sort=name",
                        "--owner=0",
                        "--group=0",
                        "--numeric-owner",
                    ])
                    .args(["--mtime=@0", "--format=gnu", "--directory"])
                    .arg(path)
                    .arg(".")
                    .stdout(Stdio::piped())
                    .spawn()
                    .map_err(|error| Failure::at("cannot run tar", error))?;
                let stdout = child
                    .stdout
                    .take()
                    .ok_or_else(|| Failure::new("tar has no output"))?;
                Ok(Reading::Tar(child, stdout))
            }
        }
    }
}

/// A source being read.
#[derive(Debug)]
pub(super) enum Reading {
    /// Straight from the disk.
    File(File),
    /// From tar's output; the process is waited for when the stream has ended.
    Tar(Child, ChildStdout),
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Tar(child, stdout) => {
                let read = stdout.read(buffer)?;
                if read == 0 && !buffer.is_empty() && !child.wait()?.success() {
                    return Err(io::Error::other("tar failed"));
                }
                Ok(read)
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Self::Tar(child, _) = self {
            // Ends a tar whose output nobody reads any more; one that has ended is only reaped.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Copies the whole source into `sink` and returns the number of bytes.
pub(super) fn pump(mut source: Reading, sink: &mut impl Write) -> Result<u64, Failure> {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        let read = source
            .read(&mut buffer)
            .map_err(|error| Failure::at("cannot read the image", error))?;
        let Some(block) = buffer.get(..read).filter(|block| !block.is_empty()) else {
            return Ok(total);
        };
        sink.write_all(block)
            .map_err(|error| Failure::at("cannot pass the image on", error))?;
        total += read as u64;
    }
}

/// Compares the source with a file, byte for byte, and returns the number of bytes that are equal.
pub(super) fn compare(mut source: Reading, installed: &Path) -> Result<u64, Failure> {
    let mut file = File::open(installed)
        .map_err(|error| Failure::at(format!("cannot open {}", installed.display()), error))?;
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut total = 0_u64;
    loop {
        let read = source
            .read(&mut left)
            .map_err(|error| Failure::at("cannot read the image", error))?;
        if read == 0 {
            break;
        }
        file.read_exact(&mut right[..read]).map_err(|_| {
            Failure::new(format!(
                "{} ends at {total} or soon after, the original does not",
                installed.display()
            ))
        })?;
        if left[..read] != right[..read] {
            return Err(Failure::new(format!(
                "{} differs from the original after byte {total}",
                installed.display()
            )));
        }
        total += read as u64;
    }
    match file.read(&mut right) {
        Ok(0) => Ok(total),
        Ok(_) => Err(Failure::new(format!(
            "{} is longer than the original ({total} bytes)",
            installed.display()
        ))),
        Err(error) => Err(Failure::at(format!("cannot read {}", installed.display()), error)),
    }
}
