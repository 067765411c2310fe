//! From what is written to what holds: defaults, and checks of single values.

use super::raw::{self, Raw};
use super::{
    Config, ConfigError, Director, Key, KeyPlace, Limits, Log, LogFormat, MinTls, PassphraseSource,
    Repository, TlsListener, duration,
};
use sealift_custody::{KeyUri, UriError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The field of the key-encryption keys.
const KEKS: &str = "director.keks";

impl Config {
    /// Fills in the defaults; relative paths start at `base`.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn resolve(raw: Raw, base: &Path) -> Result<Self, ConfigError> {
        let data_dir = base.join(raw.data_dir.unwrap_or_else(|| PathBuf::from("sealift-data")));
        let under = |default: &str| data_dir.join(default);
        let path = |given: Option<PathBuf>, default: &str| {
            given.map_or_else(|| under(default), |given| base.join(given))
        };
        let vehicles = TlsListener {
            section: "vehicles",
            listen: address("vehicles.listen", raw.vehicles.listen, "0.0.0.0:8443")?,
            certificate: path(raw.vehicles.certificate, "tls/server.pem"),
            key: path(raw.vehicles.key, "tls/server.key.pem"),
            min_tls: min_tls("vehicles.min_tls", raw.vehicles.min_tls.as_deref())?,
        };
        let operators = TlsListener {
            section: "operators",
            listen: address("operators.listen", raw.operators.listen, "127.0.0.1:8444")?,
            certificate: path(raw.operators.certificate, "tls/server.pem"),
            key: path(raw.operators.key, "tls/server.key.pem"),
            min_tls: min_tls("operators.min_tls", raw.operators.min_tls.as_deref())?,
        };
        let public_url = match raw.vehicles.public_url {
            None => None,
            Some(text) => match url::Url::parse(&text) {
                Ok(url) if url.scheme() == "https" => Some(url),
                _ => {
                    return Err(value(
                        "vehicles.public_url",
                        format!("`{text}` is not an https:// URL"),
                    ));
                }
            },
        };
        Ok(Self {
            demo: raw.demo,
            log: log(raw.log)?,
            client_ca: path(raw.vehicles.client_ca, "tls/client-ca.pem"),
            vehicles,
            operators,
            public_url,
            telemetry: address("telemetry.listen", raw.telemetry.listen, "127.0.0.1:9464")?,
            repository: repository(raw.repository, base, &data_dir)?,
            director: director(raw.director, base, &data_dir)?,
            database_url: match raw.database.url {
                Some(url) if url.starts_with("sqlite:") => url,
                Some(url) => {
                    return Err(value(
                        "database.url",
                        format!("`{url}` does not start with sqlite:"),
                    ));
                }
                None => format!("sqlite://{}", under("sealift.db").display()),
            },
            limits: limits(raw.limits)?,
            data_dir,
        })
    }
}

fn repository(raw: raw::RawRepository, base: &Path, data_dir: &Path) -> Result<Repository, ConfigError> {
    let snapshot = passphrase(
        "repository.snapshot",
        base,
        raw.snapshot_passphrase_env,
        raw.snapshot_passphrase_file,
    )?;
    let timestamp = passphrase(
        "repository.timestamp",
        base,
        raw.timestamp_passphrase_env,
        raw.timestamp_passphrase_file,
    )?;
    let key = |field, given: Option<PathBuf>, passphrase| {
        let key = given.map(|name| signing_key(field, &name, base, passphrase));
        key.transpose()
    };
    let (snapshot_key, timestamp_key) = (
        key("repository.snapshot_key", raw.snapshot_key, snapshot)?,
        key("repository.timestamp_key", raw.timestamp_key, timestamp)?,
    );
    if snapshot_key.is_some() != timestamp_key.is_some() {
        return Err(value(
            "repository.snapshot_key",
            "give timestamp_key and snapshot_key, or neither",
        ));
    }
    Ok(Repository {
        url: match raw.url {
            Some(url) => url,
            None => file_url(&data_dir.join("repository"))?,
        },
        root: raw.root.map_or_else(
            || data_dir.join("trust/image/1.root.json"),
            |given| base.join(given),
        ),
        snapshot_key,
        timestamp_key,
        refresh_interval: time("repository.refresh_interval", raw.refresh_interval, "5m")?,
    })
}

fn director(raw: raw::RawDirector, base: &Path, data_dir: &Path) -> Result<Director, ConfigError> {
    let key = |field: &'static str, given: Option<PathBuf>, default: &str, passphrase| match given {
        Some(name) => signing_key(field, &name, base, passphrase),
        None => Ok(Key {
            field,
            place: KeyPlace::File(data_dir.join("director").join(default)),
            passphrase,
        }),
    };
    let targets = passphrase(
        "director.targets",
        base,
        raw.targets_passphrase_env,
        raw.targets_passphrase_file,
    )?;
    let snapshot = passphrase(
        "director.snapshot",
        base,
        raw.snapshot_passphrase_env,
        raw.snapshot_passphrase_file,
    )?;
    let timestamp = passphrase(
        "director.timestamp",
        base,
        raw.timestamp_passphrase_env,
        raw.timestamp_passphrase_file,
    )?;
    let kek = passphrase(
        "director.kek",
        base,
        raw.kek_passphrase_env,
        raw.kek_passphrase_file,
    )?;
    Ok(Director {
        root: raw
            .root
            .map_or_else(|| data_dir.join("director/1.root.json"), |given| base.join(given)),
        targets_key: key(
            "director.targets_key",
            raw.targets_key,
            "director-targets.pem",
            targets,
        )?,
        snapshot_key: key(
            "director.snapshot_key",
            raw.snapshot_key,
            "director-snapshot.pem",
            snapshot,
        )?,
        timestamp_key: key(
            "director.timestamp_key",
            raw.timestamp_key,
            "director-timestamp.pem",
            timestamp,
        )?,
        keks: raw
            .keks
            .unwrap_or_default()
            .into_iter()
            .map(|name| {
                Ok(Key {
                    field: KEKS,
                    place: place(KEKS, &name, base)?,
                    passphrase: kek.clone(),
                })
            })
            .collect::<Result<_, _>>()?,
        metadata_lifetime: time("director.metadata_lifetime", raw.metadata_lifetime, "24h")?,
    })
}

fn signing_key(
    field: &'static str,
    name: &Path,
    base: &Path,
    passphrase: Option<PassphraseSource>,
) -> Result<Key, ConfigError> {
    let place = place(field, name, base)?;
    if matches!(place, KeyPlace::Elsewhere(_)) && passphrase.is_some() {
        return Err(value(
            field,
            "is held elsewhere and has no passphrase; a token's PIN comes from `pin-source` in the URI",
        ));
    }
    Ok(Key {
        field,
        place,
        passphrase,
    })
}

/// A file, `env:NAME`, or the URI of a key that is held elsewhere.
fn place(field: &str, name: &Path, base: &Path) -> Result<KeyPlace, ConfigError> {
    let Some(text) = name.to_str() else {
        return Ok(KeyPlace::File(base.join(name)));
    };
    if let Some(variable) = text.strip_prefix("env:") {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        return match !variable.is_empty() && variable.bytes().all(plain) {
            true => Ok(KeyPlace::Env(variable.to_owned())),
            false => Err(value(field, "`env:` is not followed by the name of a variable")),
        };
    }
    if !KeyUri::is_one(text) {
        return Ok(KeyPlace::File(base.join(name)));
    }
    text.parse()
        .map(|uri| KeyPlace::Elsewhere(Box::new(uri)))
        .map_err(|error: UriError| value(field, error.to_string()))
}

fn limits(raw: raw::RawLimits) -> Result<Limits, ConfigError> {
    let positive = |field: &str, given: Option<usize>, default| match given.unwrap_or(default) {
        0 => Err(value(field, "must be at least 1")),
        number => Ok(number),
    };
    let rate = |field: &str, given: Option<u32>, default| match given.unwrap_or(default) {
        0 => Err(value(field, "must be at least 1")),
        number => Ok(number),
    };
    Ok(Limits {
        max_connections: positive("limits.max_connections", raw.max_connections, 4096)?,
        max_requests_in_flight: positive("limits.max_requests_in_flight", raw.max_requests_in_flight, 1024)?,
        vehicle_requests_per_minute: rate(
            "limits.vehicle_requests_per_minute",
            raw.vehicle_requests_per_minute,
            240,
        )?,
        operator_requests_per_minute: rate(
            "limits.operator_requests_per_minute",
            raw.operator_requests_per_minute,
            6000,
        )?,
        handshake_timeout: time("limits.handshake_timeout", raw.handshake_timeout, "10s")?,
        header_timeout: time("limits.header_timeout", raw.header_timeout, "20s")?,
        body_timeout: time("limits.body_timeout", raw.body_timeout, "30s")?,
        stall_timeout: time("limits.stall_timeout", raw.stall_timeout, "60s")?,
        drain_timeout: time("limits.drain_timeout", raw.drain_timeout, "30s")?,
    })
}

fn log(raw: raw::RawLog) -> Result<Log, ConfigError> {
    let format = match raw.format.as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => return Err(value("log.format", format!("`{other}` is neither text nor json"))),
    };
    Ok(Log {
        format,
        filter: raw.filter.unwrap_or_else(|| "info".to_owned()),
    })
}

fn address(field: &str, given: Option<String>, default: &str) -> Result<SocketAddr, ConfigError> {
    let text = given.as_deref().unwrap_or(default);
    text.parse().map_err(|_| {
        value(
            field,
            format!("`{text}` is not ADDRESS:PORT such as 127.0.0.1:8443"),
        )
    })
}

fn min_tls(field: &str, given: Option<&str>) -> Result<MinTls, ConfigError> {
    match given {
        None | Some("1.3") => Ok(MinTls::V1_3),
        Some("1.2") => Ok(MinTls::V1_2),
        Some(other) => Err(value(field, format!("`{other}` is neither 1.3 nor 1.2"))),
    }
}

fn time(field: &str, given: Option<String>, default: &str) -> Result<Duration, ConfigError> {
    let text = given.as_deref().unwrap_or(default);
    duration::parse(text).map_err(|reason| value(field, format!("`{text}` {reason}")))
}

fn passphrase(
    field: &str,
    base: &Path,
    env: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<PassphraseSource>, ConfigError> {
    match (env, file) {
        (None, None) => Ok(None),
        (Some(name), None) => Ok(Some(PassphraseSource::Env(name))),
        (None, Some(path)) => Ok(Some(PassphraseSource::File(base.join(path)))),
        (Some(_), Some(_)) => Err(value(
            format!("{field}_passphrase_env"),
            "give the variable or the file, not both",
        )),
    }
}

fn file_url(path: &Path) -> Result<String, ConfigError> {
    let absolute = std::path::absolute(path)
        .map_err(|error| value("data_dir", format!("has no absolute path: {error}")))?;
    url::Url::from_file_path(&absolute)
        .map(String::from)
        .map_err(|()| {
            value(
                "data_dir",
                format!("{} cannot be written as a file:// URL", absolute.display()),
            )
        })
}

fn value(field: impl Into<String>, reason: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        field: field.into(),
        reason: reason.into(),
    }
}
