//! Small objects that signed metadata name by hash: segment lists and key boxes.

use sealift_envelope::{SegmentAlg, SegmentList, SegmentSize};
use sealift_metadata::uptane::{FileDigest, KeyBoxRef, Protection, SegmentAlgorithm, TrustedTarget};
use sealift_wire::paths;
use sha2::{Digest, Sha256};

use crate::error::{Attack, CycleError, Refusal};
use crate::select::Selected;
use crate::transport::{Found, Transport};

/// The segment list of `target`, compared with its signed digest; `None` if none is signed.
pub(crate) async fn segment_list(
    transport: &Transport<'_>,
    target: &TrustedTarget,
) -> Result<Option<SegmentList>, CycleError> {
    let Some(signed) = target.profile().segments else {
        return Ok(None);
    };
    let what = format!("segment list of {}", target.path());
    let alg = match signed.alg {
        SegmentAlgorithm::Blake3 => SegmentAlg::Blake3,
        SegmentAlgorithm::Sha256 => SegmentAlg::Sha256,
    };
    let digest = FileDigest {
        length: signed.length,
        sha256: signed.sha256,
    };
    let bytes = fetch(
        transport,
        &paths::repo_segments(&hex::encode(signed.sha256)),
        digest,
        &what,
    )
    .await?;
    let unusable = |error| Refusal::new(Attack::Malformed, what.clone()).because(error);
    let size = SegmentSize::new(signed.size).map_err(unusable)?;
    Ok(Some(
        SegmentList::parse(&bytes, alg, size, target.length()).map_err(unusable)?,
    ))
}

/// The key box of `selected`; `None` if its image is not sealed. It is opened only when the image is complete.
pub(crate) async fn key_box(
    transport: &Transport<'_>,
    selected: &Selected,
) -> Result<Option<Vec<u8>>, CycleError> {
    if selected.target().profile().protection == Protection::None {
        return Ok(None);
    }
    let what = format!(
        "key box of ECU {} for {}",
        selected.ecu().serial,
        selected.target().path()
    );
    match selected.key_box() {
        Some(KeyBoxRef::Inline(bytes)) => Ok(Some(bytes.clone())),
        // The hash names the object; the path is the Director's wording for the same.
        Some(KeyBoxRef::File { digest, .. }) => {
            let path = paths::director_key_box(&hex::encode(digest.sha256));
            Ok(Some(fetch(transport, &path, *digest, &what).await?))
        }
        None => {
            let refusal = Refusal::new(Attack::DecryptFailed, format!("{what}: the Director gave none"));
            Err(refusal.for_ecu(selected.ecu().serial.as_str()).into())
        }
    }
}

async fn fetch(
    transport: &Transport<'_>,
    path: &str,
    signed: FileDigest,
    what: &str,
) -> Result<Vec<u8>, CycleError> {
    let bytes = match transport.get(path, signed.length).await? {
        Found::Bytes(bytes) => bytes,
        Found::NotFound => {
            return Err(Refusal::new(Attack::Unreachable, format!("{what}: the server has none")).into());
        }
    };
    let fits = u64::try_from(bytes.len()) == Ok(signed.length);
    if !fits || <[u8; 32]>::from(Sha256::digest(&bytes)) != signed.sha256 {
        return Err(Refusal::new(Attack::BadMirror, format!("{what}: not the signed bytes")).into());
    }
    Ok(bytes)
}
