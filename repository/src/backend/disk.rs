//! A repository in a folder of the local disk.
//!
//! Reads go straight to the file with positioned reads of whole pieces. Writes go to a temporary file in
//! `private/staging`, are synced, get their name in one step, and then the folder is synced. A conditional replacement
//! holds an operating-system lock while it compares and renames; the state of a file is the SHA-256 of its bytes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::disk_upload::DiskUpload;
use super::{Backend, Listed, ReadObject, Stored, UploadSink, Version};
use crate::error::StoreError;
use crate::path::StorePath;

/// Piece length of reads: large enough that thread hops cost nothing, small enough for many connections.
const READ_PIECE_BYTES: usize = 1024 * 1024;
/// Temporary files live here, never in the folder that is served.
const STAGING: &str = "private/staging";
/// Held exclusively while a conditional replacement compares and renames.
const LOCK: &str = "private/lock";

/// The folder; cheap to clone into a blocking task.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    root: Arc<Path>,
}

impl Disk {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root: root.into() }
    }

    fn file(&self, path: &StorePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    /// The folder of temporary files.
    pub(super) fn staging(&self) -> io::Result<PathBuf> {
        let staging = self.root.join(STAGING);
        create_folder(&staging)?;
        Ok(staging)
    }

    /// A temporary file that vanishes unless it is given a name. Served files are readable by the web server's user.
    pub(super) fn temporary(&self, path: &StorePath, prefix: &str) -> io::Result<NamedTempFile> {
        let staging = self.staging()?;
        let mode = if path.as_str().starts_with("private/") {
            0o600
        } else {
            0o644
        };
        tempfile::Builder::new()
            .prefix(prefix)
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(staging)
    }

    /// Syncs the temporary file and gives it its name, over what is there or not.
    pub(super) fn install(
        &self,
        file: NamedTempFile,
        path: &StorePath,
        existing: Existing,
    ) -> io::Result<()> {
        file.as_file().sync_all()?;
        let target = self.file(path);
        let folder = target.parent().unwrap_or(&self.root);
        create_folder(folder)?;
        match existing {
            Existing::Replaced => file.persist(&target).map_err(|e| e.error)?,
            Existing::Kept => file.persist_noclobber(&target).map_err(|e| e.error)?,
        };
        sync_folder(folder)
    }

    fn write(&self, path: &StorePath, bytes: &[u8], existing: Existing) -> io::Result<Version> {
        let mut file = self.temporary(path, ".incoming-")?;
        file.write_all(bytes)?;
        self.install(file, path, existing)?;
        Ok(version_of(bytes))
    }

    fn lock(&self) -> io::Result<File> {
        let path = self.root.join(LOCK);
        create_folder(path.parent().unwrap_or(&self.root))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.lock()?;
        Ok(file)
    }

    fn replace_locked(&self, path: &StorePath, bytes: &[u8], seen: &Version) -> Result<Version, StoreError> {
        let fail = |e| StoreError::io(path, e);
        let stale = || StoreError::Stale {
            path: path.to_string(),
        };
        let _held = self.lock().map_err(fail)?;
        let mut digest = Sha256::new();
        match File::open(self.file(path)) {
            Ok(mut file) => io::copy(&mut file, &mut HashInto(&mut digest)).map_err(fail)?,
            Err(e) if is_absent(&e) => return Err(stale()),
            Err(e) => return Err(fail(e)),
        };
        if seen.e_tag.as_deref() != Some(hex::encode(digest.finalize()).as_str()) {
            return Err(stale());
        }
        self.write(path, bytes, Existing::Replaced).map_err(fail)
    }

    fn read_whole(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        let fail = |e| StoreError::io(path, e);
        let Some(file) = self.open_file(path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max_bytes {
            return Err(StoreError::TooLarge {
                path: path.to_string(),
                max_bytes,
            });
        }
        let version = version_of(&bytes);
        Ok(Some(Stored {
            bytes: bytes.into(),
            version,
        }))
    }

    fn open_file(&self, path: &StorePath) -> Result<Option<File>, StoreError> {
        match File::open(self.file(path)) {
            Ok(file) if file.metadata().map_err(|e| StoreError::io(path, e))?.is_file() => Ok(Some(file)),
            Ok(_) => Ok(None),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(StoreError::io(path, e)),
        }
    }
}

/// What a write does with a file that already has the name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Existing {
    /// It stays, and the write fails.
    Kept,
    /// It makes way in one step.
    Replaced,
}

/// Runs file-system work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    path: &StorePath,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| StoreError::io(path, io::Error::other(e)))?
}

#[async_trait]
impl Backend for Disk {
    fn address(&self) -> String {
        match url::Url::from_file_path(&self.root) {
            Ok(url) => url.to_string(),
            Err(()) => format!("file://{}", self.root.display()),
        }
    }

    async fn create(&self, path: &StorePath, bytes: Bytes) -> Result<Version, StoreError> {
        let (disk, at) = (self.clone(), path.clone());
        blocking(path, move || {
            disk.write(&at, &bytes, Existing::Kept)
                .map_err(|e| match e.kind() {
                    ErrorKind::AlreadyExists => StoreError::AlreadyExists { path: at.to_string() },
                    _ => StoreError::io(&at, e),
                })
        })
        .await
    }

    async fn replace_if(
        &self,
        path: &StorePath,
        bytes: Bytes,
        seen: &Version,
    ) -> Result<Version, StoreError> {
        let (disk, at, seen) = (self.clone(), path.clone(), seen.clone());
        blocking(path, move || disk.replace_locked(&at, &bytes, &seen)).await
    }

    async fn read(&self, path: &StorePath, max_bytes: u64) -> Result<Option<Stored>, StoreError> {
        let (disk, at) = (self.clone(), path.clone());
        blocking(path, move || disk.read_whole(&at, max_bytes)).await
    }

    async fn open(&self, path: &StorePath) -> Result<Option<Box<dyn ReadObject>>, StoreError> {
        let (disk, at) = (self.clone(), path.clone());
        blocking(path, move || {
            let Some(file) = disk.open_file(&at)? else {
                return Ok(None);
            };
            let meta = file.metadata().map_err(|e| StoreError::io(&at, e))?;
            Ok(Some(Box::new(DiskObject {
                file: Arc::new(file),
                path: at,
                size: meta.len(),
                state: format!("{}-{}.{}", meta.ino(), meta.mtime(), meta.mtime_nsec()),
            }) as Box<dyn ReadObject>))
        })
        .await
    }

    fn list(&self, folder: &StorePath) -> BoxStream<'_, Result<Listed, StoreError>> {
        let (disk, at, name) = (self.clone(), folder.clone(), folder.clone());
        stream::once(async move {
            let walked = blocking(&name, move || {
                let mut found = Vec::new();
                walk(&disk.file(&at), at.as_str(), &mut found).map_err(|e| StoreError::io(&at, e))?;
                Ok(found)
            });
            match walked.await {
                Ok(found) => found.into_iter().map(Ok).collect(),
                Err(e) => vec![Err(e)],
            }
        })
        .flat_map(stream::iter)
        .boxed()
    }

    async fn delete(&self, path: &StorePath) -> Result<(), StoreError> {
        let (disk, at) = (self.clone(), path.clone());
        blocking(path, move || {
            let file = disk.file(&at);
            match fs::remove_file(&file) {
                Ok(()) => {
                    sync_folder(file.parent().unwrap_or(&disk.root)).map_err(|e| StoreError::io(&at, e))
                }
                Err(e) if is_absent(&e) => Ok(()),
                Err(e) => Err(StoreError::io(&at, e)),
            }
        })
        .await
    }

    async fn begin_upload(&self, path: &StorePath, _length: u64) -> Result<Box<dyn UploadSink>, StoreError> {
        let (disk, at) = (self.clone(), path.clone());
        blocking(path, move || {
            let upload = DiskUpload::begin(disk, &at).map_err(|e| StoreError::io(&at, e))?;
            Ok(Box::new(upload) as Box<dyn UploadSink>)
        })
        .await
    }
}

/// An open file; positioned reads need no lock.
#[derive(Debug)]
struct DiskObject {
    file: Arc<File>,
    path: StorePath,
    size: u64,
    state: String,
}

#[async_trait]
impl ReadObject for DiskObject {
    fn size(&self) -> u64 {
        self.size
    }

    fn state(&self) -> Option<String> {
        Some(self.state.clone())
    }

    fn piece_bytes(&self) -> usize {
        READ_PIECE_BYTES
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        blocking(&self.path, move || {
            let mut piece = vec![0; length];
            match file.read_exact_at(&mut piece, offset) {
                Ok(()) => Ok(piece.into()),
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => Err(StoreError::Truncated {
                    path: path.to_string(),
                    offset,
                    expected: u64::try_from(length).unwrap_or(u64::MAX),
                }),
                Err(e) => Err(StoreError::io(&path, e)),
            }
        })
        .await
    }
}

/// Feeds a digest from `io::copy`.
struct HashInto<'a>(&'a mut Sha256);

impl Write for HashInto<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn version_of(bytes: &[u8]) -> Version {
    Version {
        e_tag: Some(hex::encode(Sha256::digest(bytes))),
        version: None,
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Makes a folder and every missing one above it, each of them durable.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        create_folder(above)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Collects regular files below a folder; names that are no [`StorePath`] are none of ours and are passed over.
fn walk(folder: &Path, name: &str, found: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if is_absent(&e) => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let Some(path) = entry.file_name().to_str().map(|part| format!("{name}/{part}")) else {
            continue;
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, found)?;
        } else if let (true, Ok(path)) = (kind.is_file(), StorePath::parse(&path)) {
            match entry.metadata() {
                Ok(meta) => found.push(Listed {
                    path,
                    size: meta.len(),
                }),
                Err(e) if is_absent(&e) => {} // removed while we were looking
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}
