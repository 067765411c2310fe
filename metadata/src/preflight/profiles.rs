//! The clients: which rules each has, what becomes of it, how long its documents may be.

use super::Effect::{Ignores, NotFound, Refuses, Slow, Widens};
use super::rules::{aktualizr, delegations, form, keys, ours, targets};
use super::{Caps, Documents, Effect, Found, Rule};
use crate::trust::Limits;

/// A client as it was run.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// Which version was looked at.
    pub version: &'static str,
    /// How long its documents may be.
    pub caps: Caps,
    /// Its rules.
    pub rules: &'static [(&'static Rule, Effect)],
}

impl Profile {
    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// What this client would stumble over, in the order of its rules.
    #[must_use]
    pub fn judge(&self, documents: &Documents) -> Vec<Found> {
        let found = self.rules.iter().flat_map(|(rule, effect)| {
            let subjects = (rule.find)(documents).into_iter();
            subjects.map(|subject| Found {
                client: self.name,
                rule,
                effect: *effect,
                subject,
            })
        });
        found.collect()
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Profile {}

/// As python-tuf has them, and those who followed it.
const USUAL: Caps = Caps {
    root: 512_000,
    timestamp: 16_384,
    snapshot: 2_000_000,
    targets: 5_000_000,
    listed_length_holds: true,
    // After 256 it goes on with the Root that it has, and with the next ones in its next refresh.
    root_updates: None,
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// All of them.
pub static PROFILES: &[Profile] = &[
    Profile {
        name: "sealift",
        version: env!("CARGO_PKG_VERSION"),
        caps: Caps {
            root: Limits::IMAGE.root,
            timestamp: Limits::IMAGE.timestamp,
            snapshot: Limits::IMAGE.snapshot,
            targets: Limits::IMAGE.targets,
            listed_length_holds: false,
            root_updates: None,
        },
        rules: &[
            (&ours::READER, Refuses),
            (&ours::CASE_TWINS, NotFound),
            (&keys::SCHEME, Ignores),
        ],
    },
    Profile {
        name: "tuf",
        version: "specification 1.0.34",
        // The specification leaves lengths to the client.
        caps: Caps {
            root: Caps::NONE,
            timestamp: Caps::NONE,
            snapshot: Caps::NONE,
            targets: Caps::NONE,
            ..USUAL
        },
        rules: &[
            (&form::TYPE, Refuses),
            (&form::SPEC_VERSION, Refuses),
            (&form::EXPIRES, Refuses),
            (&form::FLOATS, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&form::CONSISTENT_SNAPSHOT, Refuses),
            (&keys::KEY_ID, Refuses),
            (&delegations::TERMINATING, Refuses),
            (&targets::NAME_IN_URL, NotFound),
        ],
    },
    Profile {
        name: "python-tuf",
        version: "7.0",
        caps: USUAL,
        rules: &[
            (&form::TYPE, Refuses),
            (&form::SPEC_VERSION, Refuses),
            (&form::EXPIRES, Refuses),
            (&form::FLOATS, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&form::CONSISTENT_SNAPSHOT, Refuses),
            (&form::ROOT_ROLES, Refuses),
            (&keys::SCHEME_UNKNOWN, Refuses),
            (&keys::HEX_POINT, Ignores),
            (&delegations::TERMINATING, Refuses),
            (&delegations::NAME_WITH_SLASH, NotFound),
            (&targets::NAME_IN_URL, NotFound),
        ],
    },
    Profile {
        name: "tuf-js",
        version: "5",
        caps: USUAL,
        rules: &[
            (&form::TYPE, Refuses),
            (&form::SPEC_VERSION, Refuses),
            (&form::FLOATS, Refuses),
            (&form::BIG_INTEGERS, Refuses),
            (&form::UTF16_ORDER, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&form::CONSISTENT_SNAPSHOT, Refuses),
            (&targets::HASH_NAMES, Refuses),
            (&delegations::TERMINATING, Refuses),
            (&delegations::NAME_WITH_SLASH, NotFound),
            (&targets::NAME_IN_URL, NotFound),
        ],
    },
    Profile {
        name: "go-tuf",
        version: "2",
        caps: USUAL,
        rules: &[
            (&form::TYPE, Refuses),
            (&form::FLOATS, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&form::CONSISTENT_SNAPSHOT, Refuses),
            (&keys::SCHEME_UNKNOWN, Refuses),
            (&keys::HEX_POINT, Ignores),
            (&targets::HASH_NAMES, Refuses),
            (&delegations::HASH_PREFIXES, NotFound),
            (&delegations::NAME_WITH_SLASH, NotFound),
            (&targets::NAME_IN_URL, NotFound),
        ],
    },
    Profile {
        name: "sigstore-tuf",
        version: "0.15.1",
        caps: Caps {
            listed_length_holds: false,
            root_updates: Some(31),
            ..USUAL
        },
        rules: &[
            (&form::TYPE, Refuses),
            (&form::SPEC_VERSION, Refuses),
            (&form::FLOATS, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&form::CONSISTENT_SNAPSHOT, Refuses),
            (&keys::SCHEME, Ignores),
            (&keys::HEX_POINT, Ignores),
            (&delegations::SUCCINCT, NotFound),
            (&delegations::NAME_WITH_SLASH, NotFound),
            (&targets::LENGTH_50_MB, NotFound),
            (&targets::NAME_IN_URL, NotFound),
        ],
    },
    Profile {
        name: "tough",
        version: "0.24.0",
        caps: Caps {
            root: MIB,
            timestamp: MIB,
            snapshot: MIB,
            targets: 10 * MIB,
            listed_length_holds: true,
            root_updates: Some(1024),
        },
        rules: &[
            (&form::TYPE, Refuses),
            (&form::EXPIRES_REWRITTEN, Refuses),
            (&form::FLOATS, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&form::CONSISTENT_SNAPSHOT, Refuses),
            (&form::ROOT_ROLES, Refuses),
            (&form::OLPC_FORM, Refuses),
            (&keys::KEY_ID, Refuses),
            (&keys::SCHEME, Refuses),
            (&targets::SHA256, Refuses),
            (&targets::CUSTOM, Refuses),
            (&delegations::TERMINATING, Refuses),
            (&delegations::FIELDS, Refuses),
            (&delegations::SUCCINCT, Refuses),
            (&delegations::ABSENT, Refuses),
            (&delegations::DIAMOND, Refuses),
            (&delegations::UNLISTED, NotFound),
            (&delegations::NAME_WITH_SLASH, Refuses),
            (&targets::NAME_IN_FOLDER, NotFound),
            (&targets::NAME_IN_URL, NotFound),
            (&delegations::STAR, Widens),
            (&delegations::BRACES, Widens),
            (&delegations::MANY, Slow),
        ],
    },
    Profile {
        name: "aktualizr",
        version: "e5118a7 (2025-10-07)",
        caps: Caps {
            root: 64 * KIB,
            timestamp: 64 * KIB,
            // As long as the Timestamp says, and it must say it.
            snapshot: Caps::NONE,
            targets: 8 * MIB,
            listed_length_holds: false,
            root_updates: None,
        },
        rules: &[
            (&aktualizr::DIALECT, Refuses),
            (&aktualizr::UNVERSIONED, Refuses),
            (&form::EXPIRES, Refuses),
            (&form::DUPLICATE_SIGNATURES, Refuses),
            (&aktualizr::KEY_TYPES, Refuses),
            (&keys::PKCS1, Refuses),
            (&aktualizr::VERSIONS, Refuses),
            (&aktualizr::ASCII, Refuses),
            (&aktualizr::TIMESTAMP_META, Refuses),
            (&aktualizr::HARDWARE_IDS, NotFound),
            (&delegations::HASH_PREFIXES, NotFound),
            (&delegations::NAME_PLAIN, NotFound),
            (&delegations::STAR, Widens),
        ],
    },
];
