//! What was verified last, kept apart from the store: a store that was set back does not verify against it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use sealift_metadata::document::Document;
use sealift_metadata::ids::RepositoryId;
use sealift_metadata::trust::{Limits, TrustStore};
use sealift_metadata::{Root, Timestamp};

use crate::failure::Failure;
use crate::input;
use crate::outfile::{self, Overwrite, Secrecy};

/// The folder of one repository.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

/// Held while the files are read or written: several commands may run at once, and they belong together.
const LOCK: &str = ".lock";

impl Memory {
    pub(crate) fn new(directory: PathBuf, repository: &RepositoryId) -> Self {
        Self {
            folder: directory.join(repository.as_str()),
        }
    }

    /// What was remembered, or the first root alone.
    pub(crate) fn recall(&self, first_root: &[u8]) -> Result<TrustStore, Failure> {
        let _lock = self.lock();
        self.read_all(first_root)
    }

    /// Keeps what was verified; the root first, because the others were verified with it. What a command that ran meanwhile
    /// has seen later stays.
    pub(crate) fn keep(&self, trust: &TrustStore) -> Result<(), Failure> {
        outfile::directory(&self.folder)?;
        let _lock = self.lock();
        if age(&self.read_all(&trust.root)?) > age(trust) {
            return Ok(());
        }
        self.write("root.json", Some(&trust.root))?;
        self.write("timestamp.json", trust.timestamp.as_ref())?;
        self.write("snapshot.json", trust.snapshot.as_ref())?;
        self.write("targets.json", trust.targets.as_ref())
    }

    /// Best effort: without it, on a file system that knows no locks, two commands may forget what one of them saw.
    fn lock(&self) -> Option<File> {
        let path = self.folder.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .ok()?;
        file.lock().ok()?;
        Some(file)
    }

    fn read_all(&self, first_root: &[u8]) -> Result<TrustStore, Failure> {
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

/// Versions of root and Timestamp, in this order: a new root may let the Timestamp begin anew. What cannot be read is oldest.
fn age(trust: &TrustStore) -> (u64, u64) {
    let root = Document::<Root>::parse(&trust.root).map_or(0, |root| root.version());
    let timestamp = trust.timestamp.as_deref();
    let timestamp = timestamp.and_then(|bytes| Document::<Timestamp>::parse(bytes).ok());
    (root, timestamp.map_or(0, |timestamp| timestamp.version()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(version: u64) -> TrustStore {
        let timestamp = json!({
            "signatures": [],
            "signed": {
                "_type": "timestamp", "spec_version": "1.0.34", "version": version, "expires": "2030-01-01T00:00:00Z",
                "meta": {"snapshot.json": {"version": 1}},
            },
        });
        TrustStore {
            root: b"a root".to_vec(),
            timestamp: Some(timestamp.to_string().into_bytes()),
            ..TrustStore::default()
        }
    }

    /// Two commands at once: the one that saw less may be the last to write.
    #[test]
    fn what_was_seen_later_is_not_forgotten_for_what_was_seen_before() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::new(folder.path().to_owned(), &RepositoryId::of_root(b"a root"));
        memory.keep(&seen(7)).unwrap();
        memory.keep(&seen(6)).unwrap();
        assert_eq!(memory.recall(b"a root").unwrap().timestamp, seen(7).timestamp);
        memory.keep(&seen(8)).unwrap();
        assert_eq!(memory.recall(b"a root").unwrap().timestamp, seen(8).timestamp);
    }
}
