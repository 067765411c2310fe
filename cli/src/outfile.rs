//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::NamedTempFile;

use crate::failure::{Failure, Fault};
use crate::signals::{self, Unfinished};

/// Enough to gather small writes. The blocks of an image are larger and pass by the buffer, so that they are not copied once
/// more and no plaintext stays in it.
const GATHERED_BYTES: usize = 16 * 1024;

/// Whether an existing file may be replaced.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Overwrite {
    /// Replace output files that exist already
    #[arg(long)]
    force: bool,
}

impl Overwrite {
    /// For files that are ours alone.
    pub(crate) const fn always() -> Self {
        Self { force: true }
    }
}

/// Who may read the new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// Readable as the umask says.
    Public,
    /// Mode 0600.
    Private,
}

/// A file being written under a temporary name beside its target; dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub(crate) struct OutFile {
    temporary: BufWriter<NamedTempFile>,
    target: PathBuf,
    overwrite: Overwrite,
    unfinished: Unfinished,
}

impl OutFile {
    /// Refuses an existing target early, before the work, and opens the temporary file.
    pub(crate) fn create(target: &Path, secrecy: Secrecy, overwrite: Overwrite) -> Result<Self, Failure> {
        refuse_existing(target, overwrite)?;
        let directory = parent(target);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".sealift-").suffix(".partial");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = if secrecy == Secrecy::Private { 0o600 } else { 0o666 };
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        let (temporary, unfinished) = signals::temporary(|| builder.tempfile_in(directory))
            .map_err(|error| Failure::file("create a file beside", target, error))?;
        Ok(Self {
            unfinished,
            temporary: BufWriter::with_capacity(GATHERED_BYTES, temporary),
            target: target.to_owned(),
            overwrite,
        })
    }

    /// Flushes and syncs, still without the final name: what fails from now on is renaming.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        self.temporary
            .flush()
            .and_then(|()| self.temporary.get_ref().as_file().sync_all())
            .map_err(|error| Failure::file("write", &self.target, error))
    }

    /// Flushes, syncs, renames, syncs the directory. Only now the final name exists.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        self.settle()?;
        let Self {
            temporary,
            target,
            overwrite,
            unfinished,
        } = self;
        let fail = |error| Failure::file("write", &target, error);
        let temporary = temporary.into_inner().map_err(|error| fail(error.into_error()))?;
        if overwrite.force {
            temporary.persist(&target).map_err(|error| fail(error.error))?;
        } else {
            temporary
                .persist_noclobber(&target)
                .map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&target),
                    _ => fail(error.error),
                })?;
        }
        drop(unfinished);
        #[cfg(unix)]
        File::open(parent(&target))
            .and_then(|directory| directory.sync_all())
            .map_err(fail)?;
        Ok(())
    }
}

impl Write for OutFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.temporary.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Writes a small file in one go, atomically.
pub(crate) fn write(
    target: &Path,
    bytes: &[u8],
    secrecy: Secrecy,
    overwrite: Overwrite,
) -> Result<(), Failure> {
    let mut file = OutFile::create(target, secrecy, overwrite)?;
    file.write_all(bytes)
        .map_err(|error| Failure::file("write", target, error))?;
    file.commit()
}

/// Fails if the target exists and may not be replaced; directories, pipes, devices and symbolic links never may: renaming
/// over `/dev/null` or `/dev/stdout` would put a file in its place.
pub(crate) fn refuse_existing(target: &Path, overwrite: Overwrite) -> Result<(), Failure> {
    let Ok(found) = target.symlink_metadata() else {
        return Ok(());
    };
    let never = |kind, next| {
        let what = format!("{} is {kind}, which is never replaced", target.display());
        Err(Failure::new(Fault::Conflict, what).next(next))
    };
    if found.is_symlink() {
        return never(
            "a symbolic link",
            "name the file that it leads to; for a pipe or a device write to `-` and redirect",
        );
    }
    if !found.is_file() {
        return never(
            "no regular file",
            "name a file; for a pipe or a device write to `-` and redirect",
        );
    }
    match overwrite.force {
        true => Ok(()),
        false => Err(exists(target)),
    }
}

/// Fails if `target` is one of these files, which the command reads and not even `--force` means.
pub(crate) fn refuse_input(target: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let Ok(place) = target.canonicalize() else {
        return Ok(());
    };
    let read = |input: &&&Path| input.canonicalize().is_ok_and(|input| input == place);
    match inputs.iter().find(read) {
        None => Ok(()),
        Some(_) => {
            let what = format!(
                "{} is read by this command and would be replaced by it",
                target.display()
            );
            Err(Failure::usage(what).next("name another output"))
        }
    }
}

/// `name` with `.suffix` appended: `image.bin` and `sealed` give `image.bin.sealed`.
pub(crate) fn with_suffix(name: &Path, suffix: &str) -> PathBuf {
    let mut longer = OsString::from(name.as_os_str());
    longer.push(".");
    longer.push(suffix);
    longer.into()
}

/// Makes a directory and its parents unless they exist.
pub(crate) fn directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::file("make the directory", path, error))
}

/// Fails unless `path` is an empty directory or does not exist; makes the directories above it.
pub(crate) fn fresh_directory(path: &Path) -> Result<(), Failure> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(
            Failure::new(Fault::Conflict, format!("{} is not empty", path.display()))
                .next("name a new or empty directory"),
        ),
        Ok(false) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => directory(parent(path)),
        Err(error) => Err(Failure::file("use the directory", path, error)),
    }
}

/// Where bulk output goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// A file that appears when it is whole.
    File(OutFile),
    /// The next process in the pipe, which must look at our exit code.
    Stdout(BufWriter<io::Stdout>),
}

impl Sink {
    /// `-` is stdout; binary output to a terminal is refused unless `-` was said aloud.
    pub(crate) fn open(target: Option<&Path>, overwrite: Overwrite) -> Result<Self, Failure> {
        match target {
            Some(path) if path.as_os_str() != "-" => {
                Ok(Self::File(OutFile::create(path, Secrecy::Public, overwrite)?))
            }
            None if io::stdout().is_terminal() => {
                Err(Failure::usage("refusing to write binary data to the terminal")
                    .next("name a file with -o FILE, or insist with -o -"))
            }
            _ => Ok(Self::Stdout(BufWriter::with_capacity(
                GATHERED_BYTES,
                io::stdout(),
            ))),
        }
    }

    /// Writes all of it down, still without the final name.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.settle(),
            Self::Stdout(_) => Ok(()),
        }
    }

    /// Makes the output final.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.commit(),
            Self::Stdout(mut stdout) => stdout
                .flush()
                .map_err(|error| Failure::io("cannot write to stdout", error)),
        }
    }

    /// True when the artefact occupies stdout, so that the summary may not.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buffer),
            Self::Stdout(stdout) => stdout.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

fn parent(target: &Path) -> &Path {
    target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn exists(target: &Path) -> Failure {
    Failure::new(Fault::Conflict, format!("{} exists already", target.display()))
        .next("name another file, or replace it with --force")
}
