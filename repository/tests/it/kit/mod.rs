//! Stores that fail on command, and repositories to publish into them.

pub(crate) mod faulty;
pub(crate) mod gated;
pub(crate) mod people;
mod world;

pub(crate) use world::{World, key, later, start, target_file};

use sealift_repository::{RepositoryUrl, Store};
use tempfile::TempDir;

/// A store in memory.
pub(crate) fn memory() -> Store {
    RepositoryUrl::parse("memory:").unwrap().open().unwrap()
}

/// A store in a folder that vanishes with the first value.
pub(crate) fn disk() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = disk_at(folder.path());
    (folder, store)
}

/// A store in a given folder.
pub(crate) fn disk_at(folder: &std::path::Path) -> Store {
    RepositoryUrl::parse(&format!("file://{}/repository", folder.display()))
        .unwrap()
        .open()
        .unwrap()
}
