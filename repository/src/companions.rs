//! Companions of targets in the store: put there before the target is listed, and read back against its signed entry.

use bytes::Bytes;
use sealift_metadata::companions::Companion;
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::paths;
use crate::store::Store;
use crate::upload::{Content, UploadError, upload_bytes};

/// What the store holds in the place of a companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The bytes that the entry pins.
    Signed(Bytes),
    /// Other bytes.
    Other,
    /// Nothing.
    Nothing,
}

/// Brings the bytes of a companion in under the name of their content. One that is there already is left as it is.
///
/// # Errors
/// [`UploadError`] as for any object.
pub async fn put(store: &Store, bytes: &[u8]) -> Result<Content, UploadError> {
    let path = paths::companion(&Sha256::digest(bytes).into()).map_err(|source| UploadError::Store {
        path: "a companion".to_owned(),
        source,
    })?;
    upload_bytes(store, path, bytes).await
}

/// Reads a companion; no more than its signed length.
///
/// # Errors
/// [`StoreError`] when the store fails.
pub async fn get(store: &Store, companion: &Companion) -> Result<Found, StoreError> {
    let path = paths::companion(&companion.sha256)?;
    let bytes = match store.read(&path, companion.length).await {
        Ok(Some(stored)) => stored.bytes,
        Ok(None) => return Ok(Found::Nothing),
        Err(StoreError::TooLarge { .. }) => return Ok(Found::Other),
        Err(error) => return Err(error),
    };
    let signed = u64::try_from(bytes.len()).is_ok_and(|length| length == companion.length)
        && Sha256::digest(&bytes).as_slice() == companion.sha256;
    Ok(if signed {
        Found::Signed(bytes)
    } else {
        Found::Other
    })
}
