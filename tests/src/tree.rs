//! What an attacker with write access to the object store can do to a repository on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A repository on disk: the directory that holds `repo/` and `private/`.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

/// Every small file of a directory at one moment.
#[derive(Clone, Debug)]
pub struct Photograph(BTreeMap<PathBuf, Vec<u8>>);

impl Photograph {
    /// Remembers every file under `dir` whose path `wanted` accepts.
    ///
    /// # Panics
    /// When the directory cannot be read.
    #[must_use]
    pub fn of(dir: &Path, wanted: impl Fn(&Path) -> bool) -> Self {
        let files = walk(dir).into_iter().filter(|path| wanted(path));
        Self(
            files
                .map(|path| (path.clone(), fs::read(&path).unwrap()))
                .collect(),
        )
    }

    /// Puts every remembered file back.
    ///
    /// # Panics
    /// When one cannot be written.
    pub fn put_back(&self) {
        for (path, bytes) in &self.0 {
            fs::write(path, bytes).unwrap();
        }
    }
}

/// Every file under `dir`, in order.
///
/// # Panics
/// When a directory cannot be read.
#[must_use]
pub fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

impl Tree {
    /// The repository under `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory that is served: `1.root.json`, `timestamp.json`, `targets/`.
    #[must_use]
    pub fn served(&self) -> PathBuf {
        self.root.join("repo")
    }

    /// Files that are never served: key files, staging.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.root.join("private")
    }

    /// A metadata file, parsed.
    ///
    /// # Panics
    /// When it is missing or no JSON.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Value {
        let path = self.served().join(name);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The signed part of the Targets document that `timestamp.json` leads to.
    ///
    /// # Panics
    /// When a document on the way is missing.
    #[must_use]
    pub fn targets(&self) -> Value {
        let version =
            |document: &Value, name: &str| document["signed"]["meta"][name]["version"].as_u64().unwrap();
        let timestamp = self.metadata("timestamp.json");
        let snapshot = self.metadata(&format!("{}.snapshot.json", version(&timestamp, "snapshot.json")));
        let targets = self.metadata(&format!("{}.targets.json", version(&snapshot, "targets.json")));
        targets["signed"].clone()
    }

    /// The signed entry of one target.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn target(&self, path: &str) -> Value {
        let entry = self.targets()["targets"][path].clone();
        assert!(entry.is_object(), "no target {path} in {}", self.root.display());
        entry
    }

    /// The stored bytes of one target, `dir/HASH.file`.
    ///
    /// # Panics
    /// When it is not signed.
    #[must_use]
    pub fn object(&self, path: &str) -> PathBuf {
        let entry = self.target(path);
        let hash = entry["hashes"]["sha256"].as_str().unwrap();
        self.served().join("targets").join(store_name(path, hash))
    }

    /// The key file of one target.
    ///
    /// # Panics
    /// When it is not signed.
    #[must_use]
    pub fn key_file(&self, path: &str) -> PathBuf {
        let entry = self.target(path);
        let hash = entry["hashes"]["sha256"].as_str().unwrap();
        self.private()
            .join("keys")
            .join(format!("{}.keys", store_name(path, hash)))
    }

    /// All metadata as they are now.
    #[must_use]
    pub fn photograph(&self) -> Photograph {
        Photograph::of(&self.served(), |path| {
            path.extension().is_some_and(|extension| extension == "json")
        })
    }
}

/// The store name of a target under consistent snapshots.
#[must_use]
pub fn store_name(path: &str, sha256: &str) -> String {
    match path.rsplit_once('/') {
        Some((dir, file)) => format!("{dir}/{sha256}.{file}"),
        None => format!("{sha256}.{path}"),
    }
}

/// Flips the lowest bit of one byte of a file.
///
/// # Panics
/// When the file is shorter or cannot be written.
pub fn flip(path: &Path, offset: u64) {
    let mut file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}
