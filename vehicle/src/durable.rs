//! Files that survive a power cut: written to a temporary name, synced, renamed, directory synced. A reader sees the
//! old bytes or the new ones, never a mixture.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What a temporary file beside `path` is called. One name for each target, so that what a killed process left behind
/// is overwritten by the next one; the lock on the directory keeps two processes apart.
#[must_use]
pub fn staging_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".staging");
    path.with_file_name(name)
}

/// Replaces `path` by `bytes`, atomically and durably. Creates the directory if needed.
///
/// # Errors
/// Any I/O error; `path` then still has its old content.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let staging = staging_name(path);
    let written = write_synced(&staging, bytes).and_then(|()| publish(&staging, path));
    if written.is_err() {
        // The error that counts is the first one; a left-over is overwritten next time.
        let _ = fs::remove_file(&staging);
    }
    written
}

/// Renames the synced file `staging` to `path` and syncs the directory.
///
/// # Errors
/// Any I/O error.
pub fn publish(staging: &Path, path: &Path) -> io::Result<()> {
    fs::rename(staging, path)?;
    sync_parent(path)
}

/// Removes `path` if it exists.
///
/// # Errors
/// Any I/O error but "not found".
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reads `path`, at most `max_bytes` of it. `None` if there is no such file.
///
/// # Errors
/// `InvalidData` if the file is longer, otherwise any I/O error.
pub fn read_capped(path: &Path, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= max_bytes) {
        Ok(Some(bytes))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("longer than {max_bytes} bytes"),
        ))
    }
}

/// Makes a rename or a creation in the directory of `path` durable.
///
/// # Errors
/// Any I/O error.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// An empty file at `path` that is nobody else's: what lay there, a left-over or a link to elsewhere, is removed and not
/// written through.
///
/// # Errors
/// Any I/O error; `AlreadyExists` if somebody puts a file there at the same moment.
pub fn create_own(path: &Path) -> io::Result<File> {
    remove(path)?;
    File::create_new(path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_own(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_no_staging_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/state.json");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_replacement_keeps_the_old_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        replace(&path, b"one").unwrap();
        fs::create_dir(staging_name(&path)).unwrap();
        assert!(replace(&path, b"two").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_link_at_the_staging_place_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (path, outside) = (dir.path().join("state.json"), dir.path().join("outside"));
        fs::write(&outside, "precious").unwrap();
        std::os::unix::fs::symlink(&outside, staging_name(&path)).unwrap();
        replace(&path, b"one").unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn reading_stops_at_the_cap() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, [0; 8]).unwrap();
        assert_eq!(read_capped(&path, 9).unwrap().unwrap().len(), 8);
        assert_eq!(read_capped(&path, 8).unwrap().unwrap().len(), 8);
        assert!(read_capped(&path, 7).is_err());
        assert!(read_capped(&dir.path().join("none"), 7).unwrap().is_none());
    }
}
