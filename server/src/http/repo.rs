//! `/repo/…`: what the Image repository holds, byte for byte. Nothing under `private/` has a name here.

use super::App;
use super::download::{self, Caching, Labels};
use super::refusal::Refusal;
use crate::stage::StageError;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Method};
use sealift_repository::{StoreError, StorePath, paths};
use sealift_wire::{ProblemKind, media};
use sha2::{Digest, Sha256};

/// Largest metadata file that is served; clients refuse larger ones.
const MAX_METADATA_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/repo/{name}", get(metadata))
        .route("/repo/targets/{*path}", get(target))
        .route("/repo/segments/{sha256}", get(segments))
        .route("/repo/companions/{sha256}", get(companion))
}

async fn metadata(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caching = match MetadataName::parse(&name) {
        Some(MetadataName::Timestamp) => Caching::Revalidate,
        Some(MetadataName::Versioned) => Caching::Immutable,
        None => return Err(Refusal::new(ProblemKind::NotFound)),
    };
    let path = paths::metadata(&name).map_err(|_| Refusal::new(ProblemKind::NotFound))?;
    let found = app
        .store()
        .read(&path, MAX_METADATA_BYTES)
        .await
        .map_err(StageError::from)?;
    let Some(found) = found else {
        return Err(Refusal::new(ProblemKind::NotFound));
    };
    let labels = Labels {
        etag: content_tag(&found.bytes),
        media: media::JSON,
        caching,
    };
    download::bytes(found.bytes, &labels, &method, &headers)
}

async fn target(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let missing = || Refusal::new(ProblemKind::NotFound);
    let file = name.rsplit_once('/').map_or(name.as_str(), |(_, file)| file);
    let (hash, rest) = file.split_once('.').ok_or_else(missing)?;
    if !is_sha256(hash) || rest.is_empty() {
        return Err(missing());
    }
    let path = StorePath::parse(&format!("{}/targets/{name}", paths::PUBLIC)).map_err(|_| missing())?;
    let labels = Labels {
        etag: format!("\"{hash}\""),
        media: media::OCTETS,
        caching: Caching::Immutable,
    };
    download::object(app.store(), &path, labels, &method, &headers).await
}

async fn segments(
    State(app): State<App>,
    Path(hash): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    by_content(&app, paths::segments, &hash, &method, &headers).await
}

async fn companion(
    State(app): State<App>,
    Path(hash): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    by_content(&app, paths::companion, &hash, &method, &headers).await
}

/// An object whose whole name is its SHA-256.
async fn by_content(
    app: &App,
    place: fn(&[u8; 32]) -> Result<StorePath, StoreError>,
    hash: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let missing = || Refusal::new(ProblemKind::NotFound);
    let mut sha256 = [0; 32];
    if !is_sha256(hash) || hex::decode_to_slice(hash, &mut sha256).is_err() {
        return Err(missing());
    }
    let path = place(&sha256).map_err(|_| missing())?;
    let labels = Labels {
        etag: format!("\"{hash}\""),
        media: media::OCTETS,
        caching: Caching::Immutable,
    };
    download::object(app.store(), &path, labels, method, headers).await
}

/// The two kinds of metadata names under consistent snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataName {
    /// `timestamp.json`
    Timestamp,
    /// `N.role.json`
    Versioned,
}

impl MetadataName {
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name == "timestamp.json" {
            return Some(Self::Timestamp);
        }
        let (version, role) = name.strip_suffix(".json")?.split_once('.')?;
        let number = !version.is_empty()
            && version.len() <= 16
            && !version.starts_with('0')
            && version.bytes().all(|byte| byte.is_ascii_digit());
        let role = !role.is_empty()
            && role
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        (number && role).then_some(Self::Versioned)
    }
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A strong tag made from the bytes.
pub(super) fn content_tag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_names() {
        assert_eq!(
            MetadataName::parse("timestamp.json"),
            Some(MetadataName::Timestamp)
        );
        for name in ["1.root.json", "29387465.snapshot.json", "3.supplier-a.json"] {
            assert_eq!(MetadataName::parse(name), Some(MetadataName::Versioned), "{name}");
        }
        for name in [
            "root.json",
            "0.root.json",
            "01.root.json",
            "1.json",
            "1..json.x",
            "1.root.json.tmp",
            "",
            "a.root.json",
        ] {
            assert_eq!(MetadataName::parse(name), None, "{name}");
        }
    }
}
