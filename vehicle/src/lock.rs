//! One process for each vehicle directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held for as long as the process works on the directory; the operating system releases it even after a kill.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds it.
    #[error("another sealift-vehicle process works on this directory; wait for it or stop it")]
    Busy,
    /// The lock file cannot be opened or locked.
    #[error("cannot lock the vehicle directory: check that it exists and is writable")]
    Io(#[source] io::Error),
}

impl DirectoryLock {
    /// Takes the lock at `path`, without waiting. The file is created if missing and never removed.
    ///
    /// # Errors
    /// [`LockError::Busy`] if another process holds it.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(LockError::Io)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Busy),
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_holder_is_told_busy_and_a_dropped_lock_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/lock");
        let held = DirectoryLock::acquire(&path).unwrap();
        assert!(matches!(DirectoryLock::acquire(&path), Err(LockError::Busy)));
        drop(held);
        DirectoryLock::acquire(&path).unwrap();
    }
}
