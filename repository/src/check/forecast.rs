//! How long what is published will last: until a document expires, until it is longer than a client reads.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp as Instant};
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
    pub role: RoleName,
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
    /// The role.
    pub role: RoleName,
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
    /// What is left until it expires; negative where it has.
    #[must_use]
    pub fn left(&self, now: TrustedTime) -> SignedDuration {
        self.expires.duration_since(now.instant())
    }

    /// What is left below the caps that a client has for this role.
    pub fn forecasts<'a>(&'a self, client: &'static Profile) -> impl Iterator<Item = Forecast> + use<'a> {
        let forecast = move |of, is, cap, growth| Forecast {
            client: client.name,
            role: self.role,
            of,
            is,
            cap,
            room: Room::below(cap, is, growth),
        };
        let bytes = client.caps.of(self.role, self.length_listed);
        let bytes = bytes.map(|cap| forecast(Capped::Bytes, self.bytes, cap, self.growth));
        let updates = client.caps.root_updates.filter(|_| self.role == RoleName::Root);
        // Each new Root is one more.
        let each = Growth {
            bytes: 1,
            versions: 1,
        };
        let updates = updates.map(|cap| forecast(Capped::Updates, self.version.saturating_sub(1), cap, each));
        bytes.into_iter().chain(updates)
    }
}

/// The four roles, from what was walked and the lengths of what is stored.
pub(super) fn roles(repository: &TrustedRepository, there: &BTreeMap<StorePath, u64>) -> Vec<RoleState> {
    let snapshot = repository.timestamp().role().snapshot().length.is_some();
    let targets = repository.snapshot().role().targets().length.is_some();
    vec![
        state(repository.root(), RoleName::Root, false, there),
        state(repository.targets(), RoleName::Targets, targets, there),
        state(repository.snapshot(), RoleName::Snapshot, snapshot, there),
        state(repository.timestamp(), RoleName::Timestamp, false, there),
    ]
}

fn state<R: Role>(
    document: &Document<R>,
    role: RoleName,
    length_listed: bool,
    there: &BTreeMap<StorePath, u64>,
) -> RoleState {
    let bytes = document.bytes().len() as u64;
    let version = document.version();
    let public = paths::public_folder();
    let earlier = there.iter().filter_map(|(path, size)| {
        let (number, name) = path.below(&public)?.strip_suffix(".json")?.split_once('.')?;
        let number: u64 = number.parse().ok().filter(|number| *number < version)?;
        (name == role.as_str()).then_some((number, *size))
    });
    let growth = earlier.min().map_or(Growth::default(), |(first, size)| Growth {
        bytes: i64::try_from(i128::from(bytes) - i128::from(size)).unwrap_or(i64::MAX),
        versions: version - first,
    });
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
