//! The configuration as it is written: every field optional, none unknown.

use serde::Deserialize;
use std::path::PathBuf;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    /// Directory under which every default lies. Default `sealift-data`.
    pub data_dir: Option<PathBuf>,
    /// Accept the public demonstration keys. Default false.
    pub demo: bool,
    /// Logs.
    pub log: RawLog,
    /// The vehicles' listener.
    pub vehicles: RawVehicles,
    /// The operators' listener.
    pub operators: RawOperators,
    /// Health and metrics.
    pub telemetry: RawTelemetry,
    /// The Image repository.
    pub repository: RawRepository,
    /// The Director.
    pub director: RawDirector,
    /// The inventory.
    pub database: RawDatabase,
    /// Caps and deadlines.
    pub limits: RawLimits,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// `text` or `json`.
    pub format: Option<String>,
    /// Filter directives such as `info,sealift_server=debug`.
    pub filter: Option<String>,
}

/// `[vehicles]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawVehicles {
    /// Address and port; port 0 lets the system choose.
    pub listen: Option<String>,
    /// Certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM, unencrypted.
    pub key: Option<PathBuf>,
    /// CAs of client certificates, PEM.
    pub client_ca: Option<PathBuf>,
    /// Base of the URLs that vehicles see.
    pub public_url: Option<String>,
    /// Oldest TLS version: `1.3` or `1.2`.
    pub min_tls: Option<String>,
}

/// `[operators]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawOperators {
    /// Address and port.
    pub listen: Option<String>,
    /// Certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM, unencrypted.
    pub key: Option<PathBuf>,
    /// Oldest TLS version: `1.3` or `1.2`.
    pub min_tls: Option<String>,
}

/// `[telemetry]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTelemetry {
    /// Address and port.
    pub listen: Option<String>,
}

/// `[repository]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRepository {
    /// `file:///…` or `s3://bucket/prefix`.
    pub url: Option<String>,
    /// The pinned `1.root.json`, kept outside the store.
    pub root: Option<PathBuf>,
    /// Signs snapshots; without it the server does not refresh. Each key here is a PEM file, `env:NAME`, or the URI of a key
    /// that is held elsewhere.
    pub snapshot_key: Option<PathBuf>,
    /// Name of the environment variable with its passphrase.
    #[serde(alias = "snapshot_key_passphrase_env")]
    pub snapshot_passphrase_env: Option<String>,
    /// File with its passphrase.
    #[serde(alias = "snapshot_key_passphrase_file")]
    pub snapshot_passphrase_file: Option<PathBuf>,
    /// Signs timestamps.
    pub timestamp_key: Option<PathBuf>,
    /// Name of the environment variable with its passphrase.
    #[serde(alias = "timestamp_key_passphrase_env")]
    pub timestamp_passphrase_env: Option<String>,
    /// File with its passphrase.
    #[serde(alias = "timestamp_key_passphrase_file")]
    pub timestamp_passphrase_file: Option<PathBuf>,
    /// How often to look whether a refresh is due.
    pub refresh_interval: Option<String>,
}

/// `[director]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDirector {
    /// The Director's `1.root.json`; later roots lie beside it.
    pub root: Option<PathBuf>,
    /// Signs per-vehicle targets.
    pub targets_key: Option<PathBuf>,
    /// Name of the environment variable with its passphrase.
    #[serde(alias = "targets_key_passphrase_env")]
    pub targets_passphrase_env: Option<String>,
    /// File with its passphrase.
    #[serde(alias = "targets_key_passphrase_file")]
    pub targets_passphrase_file: Option<PathBuf>,
    /// Signs per-vehicle snapshots.
    pub snapshot_key: Option<PathBuf>,
    /// Name of the environment variable with its passphrase.
    #[serde(alias = "snapshot_key_passphrase_env")]
    pub snapshot_passphrase_env: Option<String>,
    /// File with its passphrase.
    #[serde(alias = "snapshot_key_passphrase_file")]
    pub snapshot_passphrase_file: Option<PathBuf>,
    /// Signs per-vehicle timestamps.
    pub timestamp_key: Option<PathBuf>,
    /// Name of the environment variable with its passphrase.
    #[serde(alias = "timestamp_key_passphrase_env")]
    pub timestamp_passphrase_env: Option<String>,
    /// File with its passphrase.
    #[serde(alias = "timestamp_key_passphrase_file")]
    pub timestamp_passphrase_file: Option<PathBuf>,
    /// Private key-encryption keys.
    pub keks: Option<Vec<PathBuf>>,
    /// Name of the environment variable with their passphrase.
    #[serde(alias = "keks_passphrase_env")]
    pub kek_passphrase_env: Option<String>,
    /// File with their passphrase.
    #[serde(alias = "keks_passphrase_file")]
    pub kek_passphrase_file: Option<PathBuf>,
    /// How long signed metadata live, such as `24h` or `7d`.
    pub metadata_lifetime: Option<String>,
}

/// `[database]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDatabase {
    /// `sqlite:///…/sealift.db`.
    pub url: Option<String>,
}

/// `[limits]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// Connections per listener.
    pub max_connections: Option<usize>,
    /// Requests being answered per listener; more get 503.
    pub max_requests_in_flight: Option<usize>,
    /// Metadata and manifest requests of one vehicle a minute; more get 429.
    pub vehicle_requests_per_minute: Option<u32>,
    /// Requests of one operator token a minute; more get 429.
    pub operator_requests_per_minute: Option<u32>,
    /// Deadline of the TLS handshake.
    pub handshake_timeout: Option<String>,
    /// Deadline of a request's header, idle connections included.
    pub header_timeout: Option<String>,
    /// Deadline of a request's body.
    pub body_timeout: Option<String>,
    /// How long a reader may take nothing before it is cut off.
    pub stall_timeout: Option<String>,
    /// How long a shutdown waits for answers under way.
    pub drain_timeout: Option<String>,
}
