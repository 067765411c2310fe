//! How long what is published will last: until a document expires, until it is longer than a client reads.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp as Instant};
use sealift_metadata::RoleFile;
use sealift_metadata::document::{Document, Role};
use sealift_metadata::preflight::{Growth, Profile, Room};
use sealift_metadata::root::RoleName;
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::TrustedRepository;

use crate::path::StorePath;
use crate::paths;

/// One role's document as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleState {
    /// The role.
    pub role: RoleFile,
    /// Version of its document.
    pub version: u64,
    /// When that expires.
    pub expires: Instant,
    /// Its length in bytes.
    pub bytes: u64,
    /// How it came to that length, over the versions that the store still has.
    pub growth: Growth,
    /// Whether the document that names it lists its length.
    pub length_listed: bool,
}

/// What is left below one cap of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The client.
    pub client: &'static str,
    /// What is capped.
    pub of: Capped,
    /// How much of it there is.
    pub is: u64,
    /// The cap.
    pub cap: u64,
    /// What is left.
    pub room: Room,
}

/// What a client caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capped {
    /// The length of a document, in bytes.
    Bytes,
    /// The Roots after the first one that have to be followed at once.
    Updates,
}

impl RoleState {
    /// The role's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.role {
            RoleFile::Top(role) => role.as_str(),
            RoleFile::Delegated(name) => name.as_str(),
        }
    }

    /// What is left until it expires; negative where it has.
    #[must_use]
    pub fn left(&self, now: TrustedTime) -> SignedDuration {
        self.expires.duration_since(now.instant())
    }

    /// What is left below the caps that a client has for this role.
    pub fn forecasts<'a>(&'a self, client: &'static Profile) -> impl Iterator<Item = Forecast> + use<'a> {
        let forecast = move |of, is, cap, growth| Forecast {
            client: client.name,
            of,
            is,
            cap,
            room: Room::below(cap, is, growth),
        };
        let top = match self.role {
            RoleFile::Top(role) => role,
            RoleFile::Delegated(_) => RoleName::Targets,
        };
        let bytes = client.caps.of(top, self.length_listed);
        let bytes = bytes.map(|cap| forecast(Capped::Bytes, self.bytes, cap, self.growth));
        let updates = client.caps.root_updates.filter(|_| top == RoleName::Root);
        // Each new Root is one more.
        let each = Growth {
            bytes: 1,
            versions: 1,
        };
        let updates = updates.map(|cap| forecast(Capped::Updates, self.version.saturating_sub(1), cap, each));
        bytes.into_iter().chain(updates)
    }
}

/// The lengths of all versions in the store, by role file.
#[derive(Debug)]
pub(super) struct Histories(BTreeMap<String, BTreeMap<u64, u64>>);

impl Histories {
    pub(super) fn of(there: &BTreeMap<StorePath, u64>) -> Self {
        let public = paths::public_folder();
        let mut histories = BTreeMap::<String, BTreeMap<u64, u64>>::new();
        for (path, size) in there {
            let name = path.below(&public).and_then(|name| name.split_once('.'));
            let Some((Ok(version), file)) = name.map(|(version, file)| (version.parse(), file)) else {
                continue;
            };
            histories
                .entry(file.to_owned())
                .or_default()
                .insert(version, *size);
        }
        Self(histories)
    }

    /// How a document came to `bytes`, from the oldest version in the store.
    fn growth(&self, role: &RoleFile, version: u64, bytes: u64) -> Growth {
        let oldest = self.0.get(&role.stored()).and_then(BTreeMap::first_key_value);
        let oldest = oldest.filter(|(oldest, _)| **oldest < version);
        oldest.map_or(Growth::default(), |(oldest, size)| Growth {
            bytes: i64::try_from(i128::from(bytes) - i128::from(*size)).unwrap_or(i64::MAX),
            versions: version - oldest,
        })
    }
}

/// The four roles.
pub(super) fn roles(repository: &TrustedRepository, histories: &Histories) -> Vec<RoleState> {
    let snapshot = repository.timestamp().role().snapshot().length.is_some();
    let targets = repository.snapshot().role().targets().length.is_some();
    let top = RoleFile::Top;
    vec![
        state(repository.root(), top(RoleName::Root), false, histories),
        state(repository.targets(), top(RoleName::Targets), targets, histories),
        state(
            repository.snapshot(),
            top(RoleName::Snapshot),
            snapshot,
            histories,
        ),
        state(repository.timestamp(), top(RoleName::Timestamp), false, histories),
    ]
}

pub(super) fn state<R: Role>(
    document: &Document<R>,
    role: RoleFile,
    length_listed: bool,
    histories: &Histories,
) -> RoleState {
    let bytes = document.bytes().len() as u64;
    let version = document.version();
    let growth = histories.growth(&role, version, bytes);
    RoleState {
        role,
        version,
        expires: document.expires(),
        bytes,
        growth,
        length_listed,
    }
}

impl fmt::Display for Forecast {
    /// `60000 of at most 65536 bytes for aktualizr; room for 12 more versions`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, is, cap, .. } = self;
        let of = match self.of {
            Capped::Bytes => "bytes",
            Capped::Updates => "roots after the first",
        };
        write!(f, "{is} of at most {cap} {of} for {client}; ")?;
        match self.room {
            Room::Passed => f.write_str("the cap is passed"),
            Room::Versions(1) => f.write_str("room for one more version"),
            Room::Versions(versions) => write!(f, "room for {versions} more versions"),
            Room::Endless => f.write_str("it does not grow"),
        }
    }
}
