//! Names that are compared: vehicles, ECUs, hardware, repositories, target paths, delegated roles.
//!
//! All but the last are plain ASCII so that no two spellings of one name exist, whatever the language of the other side; role
//! names are taken from other TUF repositories as they come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::role_file::percent_encoded;
use crate::root::RoleName;

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {rule}")]
pub struct NameError {
    kind: &'static str,
    rule: &'static str,
    text: String,
}

impl NameError {
    fn new(kind: &'static str, rule: &'static str, text: &str) -> Self {
        Self {
            kind,
            rule,
            text: text.chars().take(80).collect(),
        }
    }

    pub(crate) fn key_id(text: &str) -> Self {
        Self::new("key id", "use 64 lower-case hexadecimal digits", text)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and keeps it.
            ///
            /// # Errors
            /// [`NameError`] when `text` breaks the rule of this kind of name.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(NameError::new($kind, $rule, &text)) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = NameError;
            fn try_from(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && text.bytes().any(|b| b != b'.')
}

fn is_hex64(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

name!(
    /// A vehicle, unique in the fleet. 1 to 64 characters of `[A-Za-z0-9._-]`, not only dots.
    VehicleId,
    "vehicle id",
    "use 1 to 64 characters of A-Z a-z 0-9 . _ -, not only dots",
    is_id
);
name!(
    /// An ECU, unique in the fleet. 1 to 64 characters of `[A-Za-z0-9._-]`, not only dots.
    EcuSerial,
    "ECU serial",
    "use 1 to 64 characters of A-Z a-z 0-9 . _ -, not only dots",
    is_id
);
name!(
    /// A kind of ECU hardware. 1 to 64 characters of `[A-Za-z0-9._-]`, not only dots.
    HardwareId,
    "hardware id",
    "use 1 to 64 characters of A-Z a-z 0-9 . _ -, not only dots",
    is_id
);
name!(
    /// A repository: lower-case hex SHA-256 of the bytes of its `1.root.json`.
    RepositoryId,
    "repository id",
    "use 64 lower-case hexadecimal digits",
    is_hex64
);
name!(
    /// Name of a target: segments of 1 to 180 characters of `[A-Za-z0-9._-]` joined by `/`, at most 1024 in all, no segment of
    /// dots only. 180, because `HASH.file` has to fit into the 255 bytes of a file name.
    TargetPath,
    "target path",
    "use segments of A-Z a-z 0-9 . _ - joined by single slashes, at most 180 a segment and 1024 in all, no . or .. segment",
    is_target_path
);

name!(
    /// A Targets role that another one delegates to: 1 to 128 characters, none of them a control character, and not one of the
    /// four top-level roles. It stands in URLs and file names with all but `A-Z a-z 0-9 . _ - ~` percent-encoded, and takes at
    /// most 220 bytes there, because `VERSION.ROLE.json` has to fit into the 255 bytes of a file name.
    DelegatedName,
    "role name",
    "use 1 to 128 characters, no control characters, at most 220 bytes once percent-encoded, not a top-level role",
    is_delegated
);

fn is_delegated(text: &str) -> bool {
    (1..=128).contains(&text.chars().count())
        && percent_encoded(text).len() <= 220
        && !text.chars().any(char::is_control)
        && RoleName::ALL.iter().all(|role| role.as_str() != text)
}

fn is_target_path(text: &str) -> bool {
    (1..=1024).contains(&text.len())
        && text.split('/').all(|segment| {
            !segment.is_empty()
                && segment.len() <= 180
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
                && segment.bytes().any(|b| b != b'.')
        })
}

impl RepositoryId {
    /// The id of the repository whose first root has these bytes.
    #[must_use]
    pub fn of_root(first_root: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(first_root)))
    }
}

impl TargetPath {
    /// Name of the stored object, `dir/HASH.file` (Uptane 5.2.7), from the SHA-256 of its bytes.
    #[must_use]
    pub fn store_name(&self, sha256: &[u8; 32]) -> String {
        let digest = hex::encode(sha256);
        match self.0.rsplit_once('/') {
            Some((dir, file)) => format!("{dir}/{digest}.{file}"),
            None => format!("{digest}.{}", self.0),
        }
    }
}
