//! Configuration: a TOML file, or none and everything under one data directory.

mod duration;
mod passphrase;
mod raw;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use passphrase::variable;
pub use raw::Raw;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// A configuration in which every default is filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// Directory of everything that the server writes.
    pub data_dir: PathBuf,
    /// Whether the public demonstration keys are accepted.
    pub demo: bool,
    /// Logs.
    pub log: Log,
    /// The vehicles' listener.
    pub vehicles: TlsListener,
    /// CAs of vehicles' certificates.
    pub client_ca: PathBuf,
    /// Base of the URLs that vehicles see; never taken from a `Host` header.
    pub public_url: Option<url::Url>,
    /// The operators' listener.
    pub operators: TlsListener,
    /// Health and metrics, plain HTTP.
    pub telemetry: SocketAddr,
    /// The Image repository.
    pub repository: Repository,
    /// The Director.
    pub director: Director,
    /// URL of the inventory.
    pub database_url: String,
    /// Caps and deadlines.
    pub limits: Limits,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// One JSON object a line, or text.
    pub format: LogFormat,
    /// Filter directives.
    pub filter: String,
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// An HTTPS listener.
#[derive(Debug, Clone)]
pub struct TlsListener {
    /// Section of the file, for messages.
    pub section: &'static str,
    /// Address; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Oldest TLS version.
    pub min_tls: MinTls,
}

/// Oldest TLS version of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinTls {
    /// RFC 8446 only.
    V1_3,
    /// RFC 5246 too.
    V1_2,
}

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name of the field, for messages.
    pub field: &'static str,
    /// Where it is.
    pub place: KeyPlace,
    /// Where its passphrase is, if it is in PEM form and has one.
    pub passphrase: Option<PassphraseSource>,
}

/// Where a private key is. Shown as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a PEM file.
    File(PathBuf),
    /// In PEM form in this environment variable.
    Env(String),
    /// In a token or a key service.
    Elsewhere(Box<sealift_custody::KeyUri>),
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Elsewhere(uri) => uri.fmt(f),
        }
    }
}

/// Where a passphrase is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseSource {
    /// In this environment variable.
    Env(String),
    /// In this file; one line end at its end is not part of it.
    File(PathBuf),
}

/// The Image repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Store URL.
    pub url: String,
    /// Pinned `1.root.json`.
    pub root: PathBuf,
    /// Snapshot key, if the server refreshes.
    pub snapshot_key: Option<Key>,
    /// Timestamp key, if the server refreshes.
    pub timestamp_key: Option<Key>,
    /// How often to look whether a refresh is due.
    pub refresh_interval: Duration,
}

/// The Director.
#[derive(Debug, Clone)]
pub struct Director {
    /// `1.root.json`; `2.root.json` … lie beside it.
    pub root: PathBuf,
    /// Signs targets.
    pub targets_key: Key,
    /// Signs snapshots.
    pub snapshot_key: Key,
    /// Signs timestamps.
    pub timestamp_key: Key,
    /// Private key-encryption keys.
    pub keks: Vec<Key>,
    /// How long signed metadata live.
    pub metadata_lifetime: Duration,
}

/// Caps and deadlines.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections per listener.
    pub max_connections: usize,
    /// Requests being answered per listener.
    pub max_requests_in_flight: usize,
    /// Metadata and manifest requests of one vehicle a minute.
    pub vehicle_requests_per_minute: u32,
    /// Requests of one operator token a minute.
    pub operator_requests_per_minute: u32,
    /// Deadline of the TLS handshake.
    pub handshake_timeout: Duration,
    /// Deadline of a request's header.
    pub header_timeout: Duration,
    /// Deadline of a request's body.
    pub body_timeout: Duration,
    /// How long a reader may take nothing.
    pub stall_timeout: Duration,
    /// How long a shutdown waits.
    pub drain_timeout: Duration,
}

/// The operator's mistake; exit code 64.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}; give an existing file to --config")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or a field that does not belong.
    #[error("the configuration {path} has a mistake")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and field.
        source: Box<toml::de::Error>,
    },
    /// A value that cannot be used.
    #[error("configuration field `{field}`: {reason}")]
    Value {
        /// Dotted name.
        field: String,
        /// Why not, and what would do.
        reason: String,
    },
}

impl Config {
    /// Reads `path`, or takes the defaults. Relative paths are relative to the file's directory.
    ///
    /// # Errors
    /// [`ConfigError`]; each names the file or the field.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::resolve(Raw::default(), Path::new(""));
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let raw = Self::parse(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        Self::resolve(raw, path.parent().unwrap_or(Path::new("")))
    }

    /// The file's content, before defaults.
    ///
    /// # Errors
    /// Where and what the mistake is; an unknown field is named.
    pub fn parse(text: &str) -> Result<Raw, toml::de::Error> {
        toml::from_str(text)
    }
}
