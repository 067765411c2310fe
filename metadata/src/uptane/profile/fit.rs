//! The rules between the description of an image and the entry that carries it.

use super::ImageProfile;
use crate::document::FormatError;
use crate::fields::wrong;
use crate::targets::TargetFile;

impl ImageProfile {
    /// The description in an entry that vehicles can use: it fits the object's length, and the object has a SHA-256.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is missing or wrong.
    pub fn of_file(file: &TargetFile) -> Result<Self, FormatError> {
        file.object_digest()?;
        let value = file.custom.as_ref().and_then(|custom| custom.get(Self::FIELD));
        let profile = Self::parse(value.ok_or_else(|| wrong("custom.sealift", "the field is missing"))?)?;
        if profile
            .segments
            .is_some_and(|segments| !segments.covers(file.length))
        {
            return Err(wrong(
                "custom.sealift.segments.length",
                "one digest for each segment of the object is expected",
            ));
        }
        if profile.header.is_some_and(|header| header.length > file.length) {
            return Err(wrong(
                "custom.sealift.header.length",
                "a header that fits into the object is expected",
            ));
        }
        Ok(profile)
    }
}
