//! Targets: images by name (TUF 4.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::delegation::{Delegations, check_none};
use crate::document::{Common, FormatError, Role};
use crate::fields::{Fields, wrong};
use crate::hashes::Hashes;
pub use crate::ids::TargetPath;

/// Most targets in one document.
pub const MAX_TARGETS: usize = 131_072;

/// One image: length and hashes of its stored bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    /// Length, bytes.
    pub length: u64,
    /// Hashes.
    pub hashes: Hashes,
    /// The `custom` object, where there is one.
    pub custom: Option<Value>,
}

impl TargetFile {
    /// The SHA-256 that the stored object is named by. TUF does without, Sealift's repositories do not.
    ///
    /// # Errors
    /// [`FormatError`] if only SHA-512 is listed.
    pub fn object_digest(&self) -> Result<&[u8; 32], FormatError> {
        self.hashes
            .sha256()
            .ok_or_else(|| wrong("hashes.sha256", "the field is missing; objects are named by it"))
    }

    /// Writes the entry as TUF does.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut entry = json!({"length": self.length, "hashes": self.hashes.to_value()});
        if let Some(custom) = &self.custom {
            entry["custom"] = custom.clone();
        }
        entry
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        let custom = match fields.optional("custom") {
            None => None,
            Some(custom @ Value::Object(_)) => Some(custom.clone()),
            Some(_) => return Err(wrong(fields.at("custom"), "an object is expected")),
        };
        Ok(Self {
            length: fields.unsigned("length")?,
            hashes: Hashes::parse(&fields.object("hashes")?)?,
            custom,
        })
    }
}

/// The signed part of a Targets document, top-level or delegated.
#[derive(Debug, Clone)]
pub struct Targets {
    common: Common,
    targets: BTreeMap<TargetPath, TargetFile>,
    delegations: Option<Arc<Delegations>>,
    custom: Option<Value>,
}

impl Targets {
    /// All targets by path.
    #[must_use]
    pub const fn targets(&self) -> &BTreeMap<TargetPath, TargetFile> {
        &self.targets
    }

    /// One target.
    #[must_use]
    pub fn target(&self, path: &TargetPath) -> Option<&TargetFile> {
        self.targets.get(path)
    }

    /// The delegations, where the field is present.
    #[must_use]
    pub fn delegations(&self) -> Option<&Delegations> {
        self.delegations.as_deref()
    }

    /// The same, to keep while other documents are read.
    pub(crate) fn shared_delegations(&self) -> Option<&Arc<Delegations>> {
        self.delegations.as_ref()
    }

    /// `signed.custom`.
    #[must_use]
    pub const fn custom(&self) -> Option<&Value> {
        self.custom.as_ref()
    }
}

impl Role for Targets {
    const TYPE: &'static str = "targets";

    fn parse(signed: &Value, common: Common) -> Result<Self, FormatError> {
        let fields = Fields::of(signed, "signed")?;
        let object = fields.object("targets")?;
        if object.len() > MAX_TARGETS {
            return Err(wrong("signed.targets", "more targets are listed than are read"));
        }
        let mut targets = BTreeMap::new();
        for (path, value) in object.iter() {
            let at = object.at(&path.chars().take(80).collect::<String>());
            let path = TargetPath::new(path.as_str()).map_err(|source| FormatError::Name {
                at: at.clone(),
                source,
            })?;
            targets.insert(path, TargetFile::parse(&Fields::of(value, at)?)?);
        }
        let custom = match fields.optional("custom") {
            None => None,
            Some(custom @ Value::Object(_)) => Some(custom.clone()),
            Some(_) => return Err(wrong("signed.custom", "an object is expected")),
        };
        let delegations = match fields.optional("delegations") {
            None => {
                check_none(custom.as_ref())?;
                None
            }
            Some(value) => {
                let fields = Fields::of(value, "signed.delegations")?;
                Some(Arc::new(Delegations::parse(&fields, custom.as_ref())?))
            }
        };
        Ok(Self {
            common,
            targets,
            delegations,
            custom,
        })
    }

    fn common(&self) -> &Common {
        &self.common
    }
}
