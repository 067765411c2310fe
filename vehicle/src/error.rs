//! Why a cycle ended without success, by who is at fault. A failed cycle never spoils the next one.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use sealift_metadata::trust::Attack;

/// A cycle that did not end in "up to date" or "installed".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CycleError {
    /// What was offered was refused. The code is on record and goes into the next report.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server could not be reached or could not answer.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The server answered, and will not serve this vehicle or take its report.
    #[error("the server refused {what} with status {status}: {detail}")]
    Rejected {
        /// Which request.
        what: String,
        /// HTTP status.
        status: u16,
        /// The server's own words, shortened.
        detail: String,
    },
    /// Local state, keys or provisioning cannot be used.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The installer could not take the image; the old one still runs.
    #[error("ECU {ecu}: the image was not installed; the previous one is untouched")]
    Install {
        /// The ECU.
        ecu: String,
        /// Why.
        #[source]
        source: crate::installer::InstallError,
    },
}

/// Bytes or metadata that failed a check.
#[derive(Debug, thiserror::Error)]
#[error("refused ({code}): {detail}")]
pub struct Refusal {
    /// The attack that the failed check points to.
    pub code: Attack,
    /// The ECU concerned; `None` if it is the vehicle as a whole.
    pub ecu: Option<String>,
    /// What was refused and where it came from.
    pub detail: String,
    /// The failed check.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// No usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct NetworkError {
    /// What was asked for.
    pub what: String,
    /// What happened instead.
    pub problem: String,
    /// Do not come back earlier than this.
    pub retry_after: Option<Duration>,
    /// The failure below, if there is one.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// Something on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Provisioning file.
    #[error(transparent)]
    Provision(#[from] crate::provision::ProvisionError),
    /// Memory of an ECU.
    #[error(transparent)]
    EcuState(#[from] crate::ecu_state::EcuStateError),
    /// A key file cannot be read or is no key.
    #[error("{} cannot be used as {what}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A published demonstration key outside `--demo`.
    #[error("{} is a demonstration key, which everyone has: provision real keys, or pass --demo", path.display())]
    DemoKey {
        /// The file.
        path: PathBuf,
    },
    /// The trust store is incomplete.
    #[error("{} is missing: nothing is trusted on first use; provision again", .0.display())]
    TrustMissing(PathBuf),
    /// The stored root is not what it was.
    #[error("{} is damaged: provision it again", path.display())]
    TrustDamaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No room left.
    #[error("the disk is full: {} could not be written; what was verified is kept", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Any other input/output error.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A signature could not be made.
    #[error("cannot sign the report of {ecu}")]
    Sign {
        /// The ECU.
        ecu: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file that was verified when it was written reads differently now.
    #[error("{} changed on disk after it was verified: check the storage; the download starts again", .0.display())]
    StorageChanged(PathBuf),
}

impl LocalError {
    /// Sorts an I/O error at `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path, source }
            }
            _ => Self::Io { path, source },
        }
    }
}

impl Refusal {
    /// A refusal about the vehicle as a whole.
    pub(crate) fn new(code: Attack, detail: impl Into<String>) -> Self {
        Self {
            code,
            ecu: None,
            detail: detail.into(),
            source: None,
        }
    }

    /// Names the ECU that it is about.
    pub(crate) fn for_ecu(mut self, serial: &str) -> Self {
        self.ecu = Some(serial.to_owned());
        self
    }

    /// Adds the failed check.
    pub(crate) fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

impl CycleError {
    /// Process exit status (see `--help`).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 10,
            Self::Network(_) => 11,
            Self::Local(_) => 12,
            Self::Rejected { .. } => 14,
            Self::Install { .. } => 15,
        }
    }

    /// Short name, as in the event `cycle_finished`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Network(_) => "network",
            Self::Local(_) => "local",
            Self::Rejected { .. } => "rejected",
            Self::Install { .. } => "install_failed",
        }
    }

    /// The attack code, if something was refused.
    #[must_use]
    pub fn attack(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code.code()),
            _ => None,
        }
    }

    /// Earliest time for another try that the server asked for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Network(error) => error.retry_after,
            _ => None,
        }
    }
}
