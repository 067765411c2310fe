//! Installing in two phases: stage to an inactive place, then commit in one step or leave no trace. [`FileInstaller`]
//! is the simplest kind; an A/B partition or an updater's command has the same shape.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::durable;
use crate::image::{OpenedImage, VerifiedSealed};
use crate::layout::Layout;

/// Puts opened images where their ECU runs them from.
pub trait Installer: Send + Sync + Debug {
    /// Prepares an inactive place for the image that `sealed` holds. What an earlier, killed process left there is
    /// discarded.
    ///
    /// # Errors
    /// [`InstallError`]; the running image is untouched.
    fn begin(&self, sealed: &VerifiedSealed) -> Result<Box<dyn Staging>, InstallError>;
}

/// An image on its way to an inactive place. Dropped without a commit, it never becomes active.
pub trait Staging: Send + Debug {
    /// Takes the next bytes of the plaintext. They are authentic, but whether the image is complete and the signed one
    /// is known only at [`Staging::commit`].
    ///
    /// # Errors
    /// [`InstallError`]; the caller aborts.
    fn write(&mut self, plain: &[u8]) -> Result<(), InstallError>;

    /// Makes the staged bytes durable and active, in one step. Having `image` is the proof that they are the signed ones.
    ///
    /// # Errors
    /// [`InstallError`]; the old image is then still active.
    fn commit(self: Box<Self>, image: &OpenedImage) -> Result<(), InstallError>;

    /// Discards what was staged.
    fn abort(self: Box<Self>);
}

/// The installer could not take the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// No room left.
    #[error("no room for {}: free some and try again", path.display())]
    Full {
        /// The file or device.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Any other input/output error.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file or device.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The installer's own reason.
    #[error("the installer refused: {0}")]
    Refused(String),
}

impl InstallError {
    /// Sorts an I/O error at `path`.
    #[must_use]
    pub fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, source },
            _ => Self::Io { path, source },
        }
    }
}

/// Installs an image as a file at the ECU's provisioned path: temporary file beside it, sync, rename, sync directory.
#[derive(Debug, Clone)]
pub struct FileInstaller {
    layout: Layout,
}

impl FileInstaller {
    /// Installs to the paths provisioned in `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self { layout }
    }
}

impl Installer for FileInstaller {
    fn begin(&self, sealed: &VerifiedSealed) -> Result<Box<dyn Staging>, InstallError> {
        let target = self.layout.provisioned(&sealed.ecu().install_path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| InstallError::io(parent, error))?;
        }
        let staging = durable::staging_name(&target);
        let file = durable::create_own(&staging).map_err(|error| InstallError::io(&staging, error))?;
        Ok(Box::new(StagedFile {
            target,
            staging,
            file,
        }))
    }
}

#[derive(Debug)]
struct StagedFile {
    target: PathBuf,
    staging: PathBuf,
    file: File,
}

impl Staging for StagedFile {
    fn write(&mut self, plain: &[u8]) -> Result<(), InstallError> {
        self.file
            .write_all(plain)
            .map_err(|error| InstallError::io(&self.staging, error))
    }

    fn commit(self: Box<Self>, _image: &OpenedImage) -> Result<(), InstallError> {
        let published = self
            .file
            .sync_all()
            .and_then(|()| durable::publish(&self.staging, &self.target));
        if published.is_err() {
            let _ = durable::remove(&self.staging);
        }
        published.map_err(|error| InstallError::io(&self.target, error))
    }

    fn abort(self: Box<Self>) {
        if let Err(error) = durable::remove(&self.staging) {
            tracing::warn!(path = %self.staging.display(), %error, "a staged file could not be removed");
        }
    }
}
