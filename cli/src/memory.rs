//! What was verified last, kept apart from the store: a store that was set back does not verify against it.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use sealift_metadata::ids::RepositoryId;
use sealift_metadata::trust::{Limits, TrustStore};

use crate::failure::Failure;
use crate::input;
use crate::outfile::{self, Overwrite, Secrecy};

/// The folder of one repository.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    pub(crate) fn new(directory: PathBuf, repository: &RepositoryId) -> Self {
        Self {
            folder: directory.join(repository.as_str()),
        }
    }

    /// What was remembered, or the first root alone.
    pub(crate) fn recall(&self, first_root: &[u8]) -> Result<TrustStore, Failure> {
        let caps = Limits::IMAGE;
        Ok(TrustStore {
            root: self
                .read("root.json", caps.root)?
                .unwrap_or_else(|| first_root.to_vec()),
            timestamp: self.read("timestamp.json", caps.timestamp)?,
            snapshot: self.read("snapshot.json", caps.snapshot)?,
            targets: self.read("targets.json", caps.targets)?,
        })
    }

    /// Keeps what was verified; the root first, because the others were verified with it.
    pub(crate) fn keep(&self, trust: &TrustStore) -> Result<(), Failure> {
        outfile::directory(&self.folder)?;
        self.write("root.json", Some(&trust.root))?;
        self.write("timestamp.json", trust.timestamp.as_ref())?;
        self.write("snapshot.json", trust.snapshot.as_ref())?;
        self.write("targets.json", trust.targets.as_ref())
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.folder.join(name);
        match path.try_exists() {
            Ok(false) => Ok(None),
            Ok(true) => input::read_capped(&path, max_bytes).map(Some),
            Err(error) => Err(Failure::file("examine", &path, error)),
        }
    }

    fn write(&self, name: &str, bytes: Option<&Vec<u8>>) -> Result<(), Failure> {
        let path = self.folder.join(name);
        match bytes {
            Some(bytes) => outfile::write(&path, bytes, Secrecy::Public, Overwrite::always()),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(Failure::file("remove", &path, error))
                }
                _ => Ok(()),
            },
        }
    }
}
