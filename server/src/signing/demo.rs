//! Keys that everybody has: the public demonstration keys.

use crate::exit::{Code, Failure};

const IDS: &str = include_str!("../../../keys-example/ids.txt");

/// Whether demonstration keys pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoKeys {
    /// `demo = true`
    Accepted,
    /// Otherwise.
    Refused,
}

impl DemoKeys {
    /// Accepted when this is a demonstration.
    pub fn when(demonstration: bool) -> Self {
        if demonstration {
            Self::Accepted
        } else {
            Self::Refused
        }
    }

    /// Refuses a key by any of its ids (lower hex: TUF key id, SHA-256 of its SPKI).
    ///
    /// # Errors
    /// Exit code 78, with the field.
    pub fn check(self, field: &str, ids: &[&str]) -> Result<(), Failure> {
        if self.passes(ids) {
            return Ok(());
        }
        let text = format!(
            "{field}: this is a public demonstration key, which protects nothing; make your own with \
             `sealift key generate`, or set `demo = true` for a demonstration"
        );
        Err(Failure::new(Code::Keys, text))
    }

    /// Whether a key with these ids may be used.
    pub fn passes(self, ids: &[&str]) -> bool {
        self == Self::Accepted || !ids.iter().any(|id| is_demo(id))
    }
}

fn is_demo(id: &str) -> bool {
    IDS.lines()
        .filter(|line| !line.starts_with('#'))
        .any(|line| line.split_whitespace().next() == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_keys_are_refused_unless_it_is_a_demonstration() {
        let listed = IDS.lines().find(|line| !line.starts_with('#')).unwrap();
        let id = listed.split_whitespace().next().unwrap();
        assert_eq!(
            DemoKeys::Refused
                .check("director.keks", &[id])
                .unwrap_err()
                .code(),
            Code::Keys
        );
        assert!(DemoKeys::Accepted.check("director.keks", &[id]).is_ok());
        assert!(DemoKeys::Refused.passes(&[&"0".repeat(64), "#"]));
    }
}
