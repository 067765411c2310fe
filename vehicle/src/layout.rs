//! Names inside the vehicle's directory. Nothing else in the crate builds a path.

use std::path::{Path, PathBuf};

/// The directory that `sealift vehicle provision` writes and this program lives in.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
}

/// Which of the two repositories a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repository {
    /// Decides what each ECU installs; metadata are per vehicle.
    Director,
    /// Lists what may be installed at all; the same for the whole fleet.
    Image,
}

impl Repository {
    /// "director" or "image": directory under `trust/`, and name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Director => "director",
            Self::Image => "image",
        }
    }

    /// First segment of its metadata URLs.
    #[must_use]
    pub fn url_prefix(self) -> &'static str {
        match self {
            Self::Director => "director",
            Self::Image => "repo",
        }
    }
}

impl Layout {
    /// The layout under `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The provisioned configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir.join("vehicle.toml")
    }

    /// A file that the configuration names, relative to the directory (an absolute path stays).
    #[must_use]
    pub fn provisioned(&self, path: &Path) -> PathBuf {
        self.dir.join(path)
    }

    /// CA certificates that the server's certificate must chain to.
    #[must_use]
    pub fn tls_ca(&self) -> PathBuf {
        self.dir.join("tls/ca.pem")
    }

    /// The vehicle's client certificate (chain).
    #[must_use]
    pub fn tls_certificate(&self) -> PathBuf {
        self.dir.join("tls/client.pem")
    }

    /// Private key of the client certificate.
    #[must_use]
    pub fn tls_key(&self) -> PathBuf {
        self.dir.join("tls/client.key.pem")
    }

    /// Trusted metadata of one role, exactly as received.
    #[must_use]
    pub fn trust(&self, repository: Repository, file: &str) -> PathBuf {
        self.dir.join("trust").join(repository.name()).join(file)
    }

    /// Directory of the delegated Targets that are kept to spare fetching them, apart from the four: a role may have any name.
    #[must_use]
    pub fn delegated(&self) -> PathBuf {
        self.trust(Repository::Image, "delegated")
    }

    /// Held locked by the running process.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.dir.join("state/lock")
    }

    /// Monotonic memory of one ECU; no metadata rule ever removes it.
    #[must_use]
    pub fn ecu_state(&self, serial: &str) -> PathBuf {
        self.dir.join("state/ecu").join(format!("{serial}.json"))
    }

    /// Directory of unfinished downloads.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.dir.join("state/download")
    }

    /// Sealed bytes of an unfinished download, named by their signed SHA-256.
    #[must_use]
    pub fn download_part(&self, sha256: &[u8; 32]) -> PathBuf {
        self.downloads().join(format!("{}.part", hex::encode(sha256)))
    }

    /// Journal of that download.
    #[must_use]
    pub fn download_journal(&self, sha256: &[u8; 32]) -> PathBuf {
        self.downloads().join(format!("{}.journal", hex::encode(sha256)))
    }
}
