//! Snapshot: the version of every Targets document (TUF 4.4).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::{Common, FormatError, Role};
use crate::fields::{Fields, wrong};
use crate::timestamp::{MetaFile, parse_meta};

/// The signed part of a Snapshot document.
#[derive(Debug, Clone)]
pub struct Snapshot {
    common: Common,
    meta: BTreeMap<String, MetaFile>,
}

impl Snapshot {
    /// All listed documents by file name (`targets.json`, `ROLE.json`).
    #[must_use]
    pub const fn meta(&self) -> &BTreeMap<String, MetaFile> {
        &self.meta
    }

    /// The top-level Targets document.
    #[must_use]
    pub fn targets(&self) -> &MetaFile {
        // Parsing refuses a snapshot without it.
        &self.meta["targets.json"]
    }
}

impl Role for Snapshot {
    const TYPE: &'static str = "snapshot";

    fn parse(signed: &Value, common: Common) -> Result<Self, FormatError> {
        let meta = parse_meta(&Fields::of(signed, "signed")?)?;
        if !meta.contains_key("targets.json") {
            return Err(wrong("signed.meta", "targets.json is not listed"));
        }
        Ok(Self { common, meta })
    }

    fn common(&self) -> &Common {
        &self.common
    }
}
