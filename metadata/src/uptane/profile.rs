//! The demarcated object `custom.sealift`: what both repositories must say in the same words about one image.

mod fit;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::HardwareId;

/// Longest sealed header, bytes: the cap of the sealed-image format.
const MAX_HEADER: u64 = 64 * 1024;
/// Longest segment list, bytes.
const MAX_SEGMENT_LIST: u64 = 8 * 1024 * 1024;
/// Most hardware ids of one image.
const MAX_HARDWARE_IDS: usize = 256;

/// Length and SHA-256 of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    /// Length, bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl FileDigest {
    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        fields.only(&["length", "sha256"])?;
        Ok(Self {
            length: fields.unsigned("length")?,
            sha256: fields.digest("sha256")?,
        })
    }

    fn to_value(self) -> Value {
        json!({"length": self.length, "sha256": hex::encode(self.sha256)})
    }
}

/// How the stored bytes are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// A sealed image, version 1.
    SealedV1,
    /// Not at all.
    None,
}

impl Protection {
    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SealedV1 => "sealed-v1",
            Self::None => "none",
        }
    }
}

/// The hash function of a segment list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentAlgorithm {
    /// BLAKE3.
    Blake3,
    /// SHA-256.
    Sha256,
}

impl SegmentAlgorithm {
    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
        }
    }
}

/// The list of segment digests beside the stored object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// Hash function.
    pub alg: SegmentAlgorithm,
    /// Bytes of one segment: a power of two from 64 KiB to 64 MiB.
    pub size: u64,
    /// Length of the list, bytes; a multiple of 32.
    pub length: u64,
    /// SHA-256 of the list.
    pub sha256: [u8; 32],
}

/// The description of one image, equal in both repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageProfile {
    /// Length and SHA-256 of the image as it is installed.
    pub plain: FileDigest,
    /// Length and SHA-256 of everything before chunk 0 of the sealed image.
    pub header: Option<FileDigest>,
    /// The segment list.
    pub segments: Option<Segments>,
    /// How the stored bytes are protected.
    pub protection: Protection,
    /// Rises with every release that must not be undone.
    pub release_counter: u64,
    /// The hardware that the image is for; at least one.
    pub hardware_ids: BTreeSet<HardwareId>,
    /// A version for people, at most 128 bytes.
    pub version: String,
}

impl ImageProfile {
    /// The name of the object inside `custom`.
    pub const FIELD: &'static str = "sealift";

    /// Reads the object strictly: unknown fields are refused, because both sides have to understand all of it.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is wrong.
    pub fn parse(value: &Value) -> Result<Self, FormatError> {
        let fields = Fields::of(value, "custom.sealift")?;
        fields.only(&[
            "plain",
            "header",
            "segments",
            "protection",
            "release_counter",
            "hardware_ids",
            "version",
        ])?;
        let profile = Self {
            plain: FileDigest::parse(&fields.object("plain")?)?,
            header: match present(&fields, "header") {
                Some(_) => Some(FileDigest::parse(&fields.object("header")?)?),
                None => None,
            },
            segments: match present(&fields, "segments") {
                Some(_) => Some(Segments::parse(&fields.object("segments")?)?),
                None => None,
            },
            protection: match fields.string("protection")? {
                "sealed-v1" => Protection::SealedV1,
                "none" => Protection::None,
                _ => return Err(wrong(fields.at("protection"), "sealed-v1 or none is expected")),
            },
            release_counter: fields.unsigned("release_counter")?,
            hardware_ids: fields.names("hardware_ids", MAX_HARDWARE_IDS)?,
            version: fields.string("version")?.to_owned(),
        };
        profile.check()?;
        Ok(profile)
    }

    /// The rules between fields.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that breaks one.
    pub fn check(&self) -> Result<(), FormatError> {
        match (self.protection, self.header, self.segments) {
            (Protection::SealedV1, Some(_), Some(_)) => {}
            (Protection::SealedV1, ..) => {
                return Err(wrong(
                    "custom.sealift.header",
                    "a sealed image needs header and segments",
                ));
            }
            (Protection::None, None, _) => {}
            (Protection::None, Some(_), _) => {
                return Err(wrong(
                    "custom.sealift.header",
                    "an image that is not sealed has no header",
                ));
            }
        }
        if self
            .header
            .is_some_and(|header| header.length == 0 || header.length > MAX_HEADER)
        {
            return Err(wrong(
                "custom.sealift.header.length",
                "1 byte to 64 KiB are expected",
            ));
        }
        if self.segments.is_some_and(|segments| !segments.is_sound()) {
            return Err(wrong(
                "custom.sealift.segments",
                "a size that is a power of two from 64 KiB to 64 MiB and a length that is a multiple of 32 up to 8 MiB are expected",
            ));
        }
        if self.hardware_ids.is_empty() || self.hardware_ids.len() > MAX_HARDWARE_IDS {
            return Err(wrong(
                "custom.sealift.hardware_ids",
                "1 to 256 hardware ids are expected",
            ));
        }
        if self.version.is_empty() || self.version.len() > 128 || self.version.chars().any(char::is_control) {
            return Err(wrong(
                "custom.sealift.version",
                "1 to 128 bytes without control characters are expected",
            ));
        }
        if self.release_counter > crate::fields::MAX_VERSION {
            return Err(wrong(
                "custom.sealift.release_counter",
                "at most 2^53-1 is expected",
            ));
        }
        Ok(())
    }

    /// Writes the object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "plain": self.plain.to_value(),
            "header": self.header.map(FileDigest::to_value),
            "segments": self.segments.map(Segments::to_value),
            "protection": self.protection.as_str(),
            "release_counter": self.release_counter,
            "hardware_ids": self.hardware_ids.iter().map(HardwareId::as_str).collect::<Vec<_>>(),
            "version": self.version,
        })
    }
}

impl Segments {
    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        fields.only(&["alg", "size", "length", "sha256"])?;
        Ok(Self {
            alg: match fields.string("alg")? {
                "blake3" => SegmentAlgorithm::Blake3,
                "sha256" => SegmentAlgorithm::Sha256,
                _ => return Err(wrong(fields.at("alg"), "blake3 or sha256 is expected")),
            },
            size: fields.unsigned("size")?,
            length: fields.unsigned("length")?,
            sha256: fields.digest("sha256")?,
        })
    }

    fn to_value(self) -> Value {
        json!({"alg": self.alg.as_str(), "size": self.size, "length": self.length, "sha256": hex::encode(self.sha256)})
    }

    const fn is_sound(&self) -> bool {
        self.size.is_power_of_two()
            && self.size >= 64 * 1024
            && self.size <= 64 * 1024 * 1024
            && self.length.is_multiple_of(32)
            && self.length <= MAX_SEGMENT_LIST
    }

    /// Whether the list has exactly one digest for each segment of an object of `length` bytes.
    #[must_use]
    pub const fn covers(&self, length: u64) -> bool {
        self.is_sound() && self.length / 32 == length.div_ceil(self.size)
    }
}

fn present<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a Value> {
    fields.optional(name).filter(|value| !value.is_null())
}
