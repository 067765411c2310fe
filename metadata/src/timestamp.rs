//! Timestamp: which Snapshot is current (TUF 4.6).

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::document::{Common, FormatError, Role};
use crate::fields::{Fields, wrong};
use crate::hashes::Hashes;

/// What one document says about another: its version, and length and hashes where given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaFile {
    /// Version of the described document.
    pub version: u64,
    /// Its length in bytes.
    pub length: Option<u64>,
    /// Its hashes.
    pub hashes: Option<Hashes>,
}

impl MetaFile {
    /// The description of `bytes` at `version`, with length and SHA-256.
    #[must_use]
    pub fn of(version: u64, bytes: &[u8]) -> Self {
        Self {
            version,
            length: u64::try_from(bytes.len()).ok(),
            hashes: Some(<[u8; 32]>::from(Sha256::digest(bytes)).into()),
        }
    }

    /// Whether `bytes` have the length and every hash given here. The version is not looked at.
    #[must_use]
    pub fn describes(&self, bytes: &[u8]) -> bool {
        self.length
            .is_none_or(|length| u64::try_from(bytes.len()) == Ok(length))
            && self.hashes.is_none_or(|hashes| hashes.are_of(bytes))
    }

    /// Writes the description as TUF does.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut map = serde_json::Map::new();
        map.insert("version".into(), self.version.into());
        if let Some(length) = self.length {
            map.insert("length".into(), length.into());
        }
        if let Some(hashes) = self.hashes {
            map.insert("hashes".into(), hashes.to_value());
        }
        map.into()
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        let mut file = Self {
            version: fields.version("version")?,
            length: None,
            hashes: None,
        };
        if fields.optional("length").is_some() {
            file.length = Some(fields.version("length")?);
        }
        if fields.optional("hashes").is_some() {
            file.hashes = Some(Hashes::parse(&fields.object("hashes")?)?);
        }
        Ok(file)
    }
}

/// Most documents that one Snapshot may list.
pub(crate) const MAX_META: usize = 65_536;

/// Reads `meta`.
pub(crate) fn parse_meta(fields: &Fields<'_>) -> Result<BTreeMap<String, MetaFile>, FormatError> {
    let object = fields.object("meta")?;
    if object.len() > MAX_META {
        return Err(wrong(
            fields.at("meta"),
            "more documents are listed than are read",
        ));
    }
    let mut meta = BTreeMap::new();
    for (name, value) in object.iter() {
        let at = object.at(&name.chars().take(70).collect::<String>());
        if name.len() > 256 || !name.ends_with(".json") {
            return Err(wrong(
                at,
                "a name ending in .json of at most 256 bytes is expected",
            ));
        }
        meta.insert(name.clone(), MetaFile::parse(&Fields::of(value, at)?)?);
    }
    Ok(meta)
}

/// The signed part of a Timestamp document.
#[derive(Debug, Clone)]
pub struct Timestamp {
    common: Common,
    snapshot: MetaFile,
}

impl Timestamp {
    /// The current Snapshot.
    #[must_use]
    pub const fn snapshot(&self) -> &MetaFile {
        &self.snapshot
    }
}

impl Role for Timestamp {
    const TYPE: &'static str = "timestamp";

    fn parse(signed: &Value, common: Common) -> Result<Self, FormatError> {
        let meta = parse_meta(&Fields::of(signed, "signed")?)?;
        let mut entries = meta.into_iter();
        match (entries.next(), entries.next()) {
            (Some((name, snapshot)), None) if name == "snapshot.json" => Ok(Self { common, snapshot }),
            _ => Err(wrong("signed.meta", "exactly snapshot.json is expected")),
        }
    }

    fn common(&self) -> &Common {
        &self.common
    }
}
