//! Descriptions of images.

use sealift_metadata::HardwareId;
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, Segments};

/// Hardware of every ECU and image here.
pub(crate) const HARDWARE: &str = "hw-a";

/// A profile with everything a test does not care about.
pub(crate) fn profile(
    plain: FileDigest,
    header: Option<FileDigest>,
    segments: Option<Segments>,
    release_counter: u64,
) -> ImageProfile {
    ImageProfile {
        plain,
        header,
        segments,
        protection: if header.is_some() {
            Protection::SealedV1
        } else {
            Protection::None
        },
        release_counter,
        hardware_ids: [HardwareId::new(HARDWARE).unwrap()].into(),
        version: format!("1.{release_counter}"),
    }
}
