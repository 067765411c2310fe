//! What an operator token may do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One permission of a bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scope {
    /// Read vehicles and their Director metadata.
    #[serde(rename = "vehicles:read")]
    VehiclesRead,
    /// Register and revoke vehicles.
    #[serde(rename = "vehicles:write")]
    VehiclesWrite,
    /// Assign images to ECUs and take assignments back.
    #[serde(rename = "assignments:write")]
    AssignmentsWrite,
    /// Have snapshot and timestamp of the Image repository signed anew.
    #[serde(rename = "repository:refresh")]
    RepositoryRefresh,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 4] = [
        Self::VehiclesRead,
        Self::VehiclesWrite,
        Self::AssignmentsWrite,
        Self::RepositoryRefresh,
    ];

    /// The name on the wire and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::VehiclesRead => "vehicles:read",
            Self::VehiclesWrite => "vehicles:write",
            Self::AssignmentsWrite => "assignments:write",
            Self::RepositoryRefresh => "repository:refresh",
        }
    }

    /// The scope called `name`, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back_and_match_json() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Some(scope));
            assert_eq!(
                serde_json::to_string(&scope).unwrap(),
                format!("\"{}\"", scope.name())
            );
        }
        assert_eq!(Scope::parse("vehicles:*"), None);
    }
}
