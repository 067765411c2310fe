//! What the file of a role is called: in a Snapshot, in a request, in a directory. Nothing else spells these names.

use std::fmt::Write as _;

use crate::ids::DelegatedName;
use crate::root::RoleName;

/// The document of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleFile {
    /// One of the four.
    Top(RoleName),
    /// A Targets document that another one delegates to.
    Delegated(DelegatedName),
}

impl RoleFile {
    /// Its line in a Snapshot: `a/b.json`.
    #[must_use]
    pub fn listed(&self) -> String {
        format!("{}.json", self.role())
    }

    /// Its file in a directory: `a%2Fb.json`. One segment that cannot leave the directory; two roles never share it.
    #[must_use]
    pub fn stored(&self) -> String {
        format!("{}.json", percent_encoded(self.role()))
    }

    /// The last segment of its URL, encoded already: `3.a%2Fb.json`, or `a%2Fb.json` where versions are not in names.
    #[must_use]
    pub fn requested(&self, version: Option<u64>) -> String {
        match version {
            Some(version) => format!("{version}.{}", self.stored()),
            None => self.stored(),
        }
    }

    fn role(&self) -> &str {
        match self {
            Self::Top(role) => role.as_str(),
            Self::Delegated(name) => name.as_str(),
        }
    }
}

/// All but the unreserved characters of RFC 3986 as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
