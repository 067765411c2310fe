//! A path inside a repository, valid on every kind of store.

use std::fmt;

use crate::error::StoreError;

/// Longest path, in bytes: the longest target path, a hash, a suffix and the prefix of the layout.
const MAX_PATH_BYTES: usize = 1280;

/// A relative path of an object: parts of `[A-Za-z0-9._-]` joined by `/`, none of them empty, `.` or `..`.
///
/// The character set is the intersection of what URLs, S3 keys and file systems leave alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePath(String);

impl StorePath {
    /// Parses a path.
    ///
    /// # Errors
    /// [`StoreError::BadPath`] for anything outside the character set, empty, too long, or climbing.
    pub fn parse(name: &str) -> Result<Self, StoreError> {
        let good_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if name.len() <= MAX_PATH_BYTES && name.split('/').all(good_part) {
            Ok(Self(name.to_owned()))
        } else {
            Err(StoreError::BadPath {
                name: name.chars().take(MAX_PATH_BYTES).collect(),
            })
        }
    }

    /// A path that this crate's own layout spells.
    pub(crate) fn from_layout(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// The path as text, parts joined by `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path lies below the folder `folder` (whole parts are compared).
    #[must_use]
    pub fn is_below(&self, folder: &Self) -> bool {
        self.0
            .strip_prefix(folder.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The path with its leading `folder/` taken off.
    #[must_use]
    pub fn below(&self, folder: &Self) -> Option<&str> {
        self.0.strip_prefix(folder.as_str())?.strip_prefix('/')
    }
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_parse() {
        for good in [
            "repo/1.root.json",
            "repo/targets/a/b-c_d.img",
            "x",
            "private/staging/..a",
        ] {
            assert_eq!(StorePath::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(MAX_PATH_BYTES + 1);
        for bad in [
            "",
            "/x",
            "x/",
            "a//b",
            "a/../b",
            "./a",
            "a b",
            "a\\b",
            "a%2fb",
            "\u{e9}",
            long.as_str(),
        ] {
            assert!(StorePath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn below_compares_whole_parts() {
        let folder = StorePath::parse("repo/targets").unwrap();
        assert_eq!(
            StorePath::parse("repo/targets/a/b").unwrap().below(&folder),
            Some("a/b")
        );
        assert!(!StorePath::parse("repo/targets2/a").unwrap().is_below(&folder));
        assert!(!folder.is_below(&folder));
    }
}
