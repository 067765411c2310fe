//! Targets: fetched by digest, kept under their encoded name.

use std::fs;
use std::path::Path;

use sealift_metadata::trust::Found;
use url::form_urlencoded;

use super::Failure;
use super::metadata::replace;
use super::web::Web;

/// Longest target that is held in memory, bytes: the suite's are small.
const MAX_TARGET: u64 = 64 << 20;

/// Fetches a target and keeps it, unless the very bytes are there.
pub(super) async fn download(
    web: &Web,
    found: &Found,
    versioned: bool,
    folder: &Path,
) -> Result<(), Failure> {
    let (path, entry) = (found.path().as_str(), found.file());
    let kept = folder.join(form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>());
    let is_it = |bytes: &[u8]| {
        u64::try_from(bytes.len()).is_ok_and(|length| length == entry.length) && entry.hashes.are_of(bytes)
    };
    if fs::read(&kept).is_ok_and(|bytes| is_it(&bytes)) {
        return Ok(());
    }
    let (directory, name) = path
        .rsplit_once('/')
        .map_or(("", path), |(directory, name)| (directory, name));
    let digest = entry
        .hashes
        .sha256()
        .map(hex::encode)
        .or_else(|| entry.hashes.sha512().map(hex::encode))
        .ok_or("a target has a digest")?;
    let mut segments: Vec<String> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .map(encode)
        .collect();
    segments.push(match versioned {
        true => format!("{digest}.{}", encode(name)),
        false => encode(name),
    });
    if entry.length > MAX_TARGET {
        return Err(format!(
            "{path} has {} bytes, which this client does not hold",
            entry.length
        )
        .into());
    }
    let bytes = web.get(&segments.join("/"), entry.length).await?;
    let bytes = bytes.ok_or_else(|| format!("{path} is not there"))?;
    if !is_it(&bytes) {
        return Err(format!("{path} is not what was signed").into());
    }
    replace(&kept, &bytes)
}

/// A segment of a URL.
fn encode(segment: &str) -> String {
    form_urlencoded::byte_serialize(segment.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
