//! What an interrupted `target add` leaves on this machine, so that the next one can go on.
//!
//! One file for each target under way, `STATE/uploads/ID.upload`, mode 0600. Its first line is the [`Head`], synced before
//! anything is sent; a file that ends inside of it counts as damaged. Lines about parts are appended and synced; a last line
//! without an end was being written when the power failed, and does not count. Whoever writes a journal holds a lock on it.

mod head;
mod lines;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use sealift_repository::{Earlier, UploadId};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::signals::Unfinished;
use crate::world;

pub(crate) use head::{Head, Plan, SPOOL_PREFIX, Source, VERSION};
pub(crate) use lines::Lines;

/// Longest journal, in bytes: a head with the largest key file, and two lines for each of 10 000 parts, some times over.
const MAX_BYTES: u64 = 32 << 20;
const SUFFIX: &str = ".upload";

/// Where journals are kept, and whether.
#[derive(Args, Clone, Debug)]
pub(crate) struct StateArgs {
    /// Directory for what interrupted uploads need to go on, content keys among it; default $XDG_STATE_HOME/sealift, else
    /// ~/.local/state/sealift
    #[arg(long, value_name = "DIR", env = "SEALIFT_STATE", hide_env_values = true)]
    state: Option<PathBuf>,
}

impl StateArgs {
    /// The folder of journals; `None` when no directory was given and this user has no home.
    pub(crate) fn journals(&self) -> Option<Journals> {
        let state = self.state.clone().or_else(world::state_home)?;
        Some(Journals {
            folder: state.join("uploads"),
        })
    }
}

/// The folder of journals.
#[derive(Clone, Debug)]
pub(crate) struct Journals {
    folder: PathBuf,
}

/// The name of a journal: which target of which repository in which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id(String);

impl Id {
    pub(crate) fn new(store: &str, repository: &str, target: &str) -> Self {
        let digest = Sha256::digest(format!("{store}\0{repository}\0{target}"));
        Self(digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect())
    }

    /// An id that a user gave.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 12 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        good.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is under a name.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once and taken apart at once")]
pub(crate) enum Taken {
    Nothing,
    /// Another process is at work on this target.
    Busy,
    /// A file that does not add up, which counts as none.
    Damaged(Damaged),
    Found(Journal),
}

/// A file that is no journal, locked by this process.
#[derive(Debug)]
pub(crate) struct Damaged {
    file: File,
    path: PathBuf,
    /// What its head names, if that much can be read.
    spool: Option<PathBuf>,
}

/// A journal, locked by this process.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) head: Head,
    pub(crate) earlier: Option<Earlier>,
    id: Id,
    path: PathBuf,
    lines: Arc<Lines>,
}

impl Journals {
    fn path(&self, id: &Id) -> PathBuf {
        self.folder.join(format!("{}{SUFFIX}", id.0))
    }

    /// Opens and locks the journal of a target.
    pub(crate) fn take(&self, id: &Id) -> Result<Taken, Failure> {
        let path = self.path(id);
        let fail = |error| Failure::file("read the journal", &path, error);
        let mut file = match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Taken::Nothing),
            Err(error) => return Err(fail(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Taken::Busy),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        // Whoever held the lock may have finished and removed the file meanwhile, or begun another.
        if !is_named(&file, &path).map_err(fail)? {
            return Ok(Taken::Nothing);
        }
        let length = file.metadata().map_err(fail)?.len();
        if length > MAX_BYTES {
            let spool = None;
            return Ok(Taken::Damaged(Damaged { file, path, spool }));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(
            usize::try_from(length).unwrap_or(0).saturating_add(1),
        ));
        (&mut file)
            .take(MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        let Some((head, earlier)) = parse(&bytes) else {
            let spool = spool_of(&bytes);
            return Ok(Taken::Damaged(Damaged { file, path, spool }));
        };
        let lines = Arc::new(Lines::new(file, path.clone()));
        if !bytes.ends_with(b"\n") {
            // What was being written when the power failed; nothing may be appended to half a line.
            let whole = bytes
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at.saturating_add(1));
            lines.cut(u64::try_from(whole).unwrap_or(0)).map_err(fail)?;
        }
        Ok(Taken::Found(Journal {
            head,
            earlier,
            id: id.clone(),
            path,
            lines,
        }))
    }

    /// Begins a journal, under its name from the start: a key lies nowhere else. `None` when another process was faster.
    pub(crate) fn create(&self, id: &Id, head: Head) -> Result<Option<Journal>, Failure> {
        let path = self.path(id);
        let fail = |error| Failure::file("write the journal", &path, error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| Failure::file("make the directory", &self.folder, error))?;
        let mut new = OpenOptions::new();
        new.append(true).create_new(true).mode(0o600);
        let file = match new.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let unfinished = Unfinished::new(&path);
        if let Err(error) = begin(&file, &head).and_then(|()| sync(&self.folder)) {
            // If it cannot go, it counts as damaged.
            let _ = unlink(&file, &path);
            return Err(fail(error));
        }
        drop(unfinished);
        // Before it was locked, another process may have taken it for damaged and removed it.
        if !is_named(&file, &path).map_err(fail)? {
            return Ok(None);
        }
        Ok(Some(Journal {
            head,
            earlier: None,
            id: id.clone(),
            lines: Arc::new(Lines::new(file, path.clone())),
            path,
        }))
    }

    /// The ids of all journals.
    pub(crate) fn ids(&self) -> Result<Vec<Id>, Failure> {
        let fail = |error| Failure::file("read the directory", &self.folder, error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fail(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(fail)?.file_name();
            ids.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(SUFFIX))
                    .and_then(Id::parse),
            );
        }
        ids.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(ids)
    }
}

impl Damaged {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, and the spool that it names.
    pub(crate) fn remove(self) -> Result<(), Failure> {
        if let Some(spool) = &self.spool {
            remove_spool(spool)?;
        }
        unlink(&self.file, &self.path)
            .map_err(|error| Failure::file("remove the damaged journal", &self.path, error))
    }
}

impl Journal {
    pub(crate) fn id(&self) -> &Id {
        &self.id
    }

    /// What the upload writes its parts into.
    pub(crate) fn lines(&self) -> Arc<Lines> {
        Arc::clone(&self.lines)
    }

    /// The upload that the store knows, begun by this process or by the one before.
    pub(crate) fn upload(&self) -> Option<UploadId> {
        let before = || self.earlier.as_ref().map(|earlier| earlier.id.clone());
        self.lines.current().or_else(before)
    }

    /// Whether it can be gone on with; not when something could not be written down.
    pub(crate) fn is_resumable(&self) -> bool {
        !self.lines.broken()
    }

    /// Removes the journal, and the spool that it names; nothing is left to go on with.
    pub(crate) fn remove(self) -> Result<(), Failure> {
        if let Source::Spool(spool) = &self.head.source {
            remove_spool(spool)?;
        }
        // Overwriting first would promise too much: disks keep old blocks. The key is as secret as the image beside it.
        self.lines
            .unlink()
            .map_err(|error| Failure::file("remove the journal", &self.path, error))
    }
}

/// Locks a new journal and writes its head.
fn begin(mut file: &File, head: &Head) -> io::Result<()> {
    file.lock()?;
    file.write_all(&head.to_line()?)?;
    file.sync_all()
}

fn remove_spool(spool: &Path) -> Result<(), Failure> {
    match fs::remove_file(spool) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::file("remove the spool", spool, error))
        }
        _ => Ok(()),
    }
}

/// The spool that a damaged journal names.
fn spool_of(bytes: &[u8]) -> Option<PathBuf> {
    let head = bytes.split(|byte| *byte == b'\n').next()?;
    match Head::parse(head)?.source {
        Source::Spool(spool) => Some(spool),
        Source::File(_) => None,
    }
}

/// Removes the name of a file that this process has locked, durably, unless it is another file's by now.
fn unlink(file: &File, path: &Path) -> io::Result<()> {
    if !is_named(file, path)? {
        return Ok(());
    }
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), sync)
}

/// Head and parts; `None` when it does not add up.
fn parse(bytes: &[u8]) -> Option<(Head, Option<Earlier>)> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n')?;
    let mut whole = bytes.get(..end)?.split(|byte| *byte == b'\n');
    let head = Head::parse(whole.next()?)?;
    let mut earlier: Option<Earlier> = None;
    for line in whole {
        lines::apply(line, &mut earlier)?;
    }
    Some((head, earlier))
}

fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
