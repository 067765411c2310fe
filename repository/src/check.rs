//! A lint over a whole repository: does the store hold what the metadata promise, how long do they last, and who can read them?

mod delegated;
mod finding;
mod forecast;
mod foreign;

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use jiff::SignedDuration;
use sealift_metadata::companions::Companion;
use sealift_metadata::preflight::{Profile, Room};
use sealift_metadata::root::RoleName;
use sealift_metadata::targets::{TargetFile, TargetPath};
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::{Limits, TrustStore, TrustedRepository};
use sealift_metadata::uptane::{ImageProfile, Protection, Segments};
use sealift_metadata::{Hashes, RoleFile};

pub use finding::{Code, Finding, Report, Severity};
pub use forecast::{Capped, Forecast, RoleState};

use crate::digest::AllHashes;
use crate::error::StoreError;
use crate::path::StorePath;
use crate::paths;
use crate::store::Store;
use crate::walk::{Overlay, WalkError, walk_as_author};

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Names and lengths: one listing, and the segment lists.
    Lengths,
    /// Every byte of every object.
    Bytes,
}

/// How long before an expiry it is reported.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// As a warning.
    pub warn: SignedDuration,
    /// As an error.
    pub fail: SignedDuration,
}

/// What to look for.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// How closely.
    pub depth: Depth,
    /// For Root and Targets, delegated ones too: people have to be found to sign them.
    pub people: Horizon,
    /// For Snapshot and Timestamp: a machine signs them.
    pub machines: Horizon,
    /// A client's cap that fewer versions than this will pass is reported.
    pub versions: u64,
    /// Whose caps and rules count; Sealift's own always do.
    pub clients: Vec<&'static Profile>,
}

impl Default for CheckOptions {
    /// Names and lengths; thirty days and seven, six hours and one; ten versions; no client but Sealift.
    fn default() -> Self {
        let hours = SignedDuration::from_hours;
        Self {
            depth: Depth::Lengths,
            people: Horizon {
                warn: hours(30 * 24),
                fail: hours(7 * 24),
            },
            machines: Horizon {
                warn: hours(6),
                fail: hours(1),
            },
            versions: 10,
            clients: Vec::new(),
        }
    }
}

/// Checks a repository from a pinned root.
///
/// # Errors
/// [`StoreError`] when the store fails; whatever is wrong with the repository is in the report.
pub async fn check(
    store: &Store,
    trust: &TrustStore,
    now: TrustedTime,
    options: CheckOptions,
) -> Result<Report, StoreError> {
    let repository = match walk_as_author(store, &Overlay::default(), trust, now, Limits::IMAGE).await {
        Ok(walked) => walked.repository,
        Err(WalkError::Store { source, .. }) => return Err(source),
        Err(WalkError::Trust(error)) => {
            let detail = format!("{error}: {}", error.fault());
            let finding = Finding {
                code: Code::Untrusted,
                subject: error.document().to_owned(),
                detail,
            };
            return Ok(Report {
                repository: None,
                findings: vec![finding],
                roles: Vec::new(),
                foreign: Vec::new(),
            });
        }
    };
    let mut checker = Checker {
        store,
        options,
        there: BTreeMap::new(),
        named: BTreeSet::new(),
        findings: Vec::new(),
    };
    checker.list().await?;
    let histories = forecast::Histories::of(&checker.there);
    let mut roles = forecast::roles(&repository, &histories);
    roles.extend(checker.delegated(&repository, &histories).await?);
    for role in &roles {
        checker.expiry(role, now);
        checker.caps(role);
    }
    for (path, file) in repository.targets().role().targets() {
        checker.target(path, file).await?;
    }
    checker.strays(&repository);
    let foreign = foreign::judge(store, &repository, &checker.options.clients).await?;
    let mut findings = checker.findings;
    findings.sort_by(|a, b| {
        (b.code.severity(), a.code, &a.subject).cmp(&(a.code.severity(), b.code, &b.subject))
    });
    Ok(Report {
        repository: Some(repository),
        findings,
        roles,
        foreign,
    })
}

struct Checker<'a> {
    store: &'a Store,
    options: CheckOptions,
    /// Everything in the store, with its length.
    there: BTreeMap<StorePath, u64>,
    /// What the targets name.
    named: BTreeSet<StorePath>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn find(&mut self, code: Code, subject: impl ToString, detail: impl Into<String>) {
        self.findings.push(Finding {
            code,
            subject: subject.to_string(),
            detail: detail.into(),
        });
    }

    fn expiry(&mut self, state: &RoleState, now: TrustedTime) {
        let horizon = match &state.role {
            RoleFile::Top(RoleName::Snapshot | RoleName::Timestamp) => self.options.machines,
            RoleFile::Top(_) | RoleFile::Delegated(_) => self.options.people,
        };
        let (version, expires, left) = (state.version, state.expires, state.left(now));
        if now.is_past(expires) {
            let detail = format!("version {version} expired at {expires}");
            self.find(Code::Expired, state.name(), detail);
        } else if left < horizon.warn.max(horizon.fail) {
            let code = match left < horizon.fail {
                true => Code::ExpiresTooSoon,
                false => Code::ExpiresSoon,
            };
            self.find(
                code,
                state.name(),
                format!("version {version} expires at {expires}"),
            );
        }
    }

    /// Sealift's caps, and those of the clients that count.
    fn caps(&mut self, state: &RoleState) {
        let ours = Profile::named("sealift");
        let others = self.options.clients.clone();
        let others = others.into_iter().filter(|client| Some(*client) != ours);
        for client in ours.into_iter().chain(others) {
            for forecast in state.forecasts(client) {
                let code = match forecast.room {
                    Room::Passed => Code::CapPassed,
                    room if room.is_below(self.options.versions) => Code::CapNear,
                    _ => continue,
                };
                self.find(code, state.name(), forecast.to_string());
            }
        }
    }

    async fn list(&mut self) -> Result<(), StoreError> {
        for folder in [
            paths::public_folder(),
            paths::keys_folder(),
            paths::staging_folder(),
        ] {
            let mut entries = self.store.list(&folder);
            while let Some(entry) = entries.try_next().await? {
                self.there.insert(entry.path, entry.size);
            }
        }
        Ok(())
    }

    async fn target(&mut self, path: &TargetPath, file: &TargetFile) -> Result<(), StoreError> {
        let sha256 = match file.object_digest() {
            Ok(sha256) => sha256,
            Err(error) => {
                self.find(Code::BadProfile, path, error.to_string());
                return Ok(());
            }
        };
        let object = paths::target(path, sha256)?;
        self.object(&object, file.length, file.hashes).await?;
        match Companion::of_file(file) {
            Ok(list) => {
                for companion in list {
                    let at = paths::companion(&companion.sha256)?;
                    self.object(&at, companion.length, companion.sha256.into())
                        .await?;
                }
            }
            Err(error) => self.find(Code::BadProfile, path, error.to_string()),
        }
        let profile = match ImageProfile::of_file(file) {
            Ok(profile) => profile,
            Err(error) => {
                self.find(Code::BadProfile, path, error.to_string());
                return Ok(());
            }
        };
        if let Some(segments) = profile.segments {
            self.segments(segments).await?;
        }
        let key_file = paths::key_file(path, sha256)?;
        if profile.protection == Protection::SealedV1 && !self.there.contains_key(&key_file) {
            self.find(
                Code::NoKeyFile,
                path,
                format!("{key_file} is not there; no Director can open this image"),
            );
        }
        self.named.insert(key_file);
        Ok(())
    }

    /// An object is there, has its length, and if every byte is to be looked at, every listed hash.
    async fn object(&mut self, path: &StorePath, length: u64, listed: Hashes) -> Result<(), StoreError> {
        self.named.insert(path.clone());
        match self.there.get(path) {
            None => self.find(Code::MissingObject, path, format!("{length} bytes are promised")),
            Some(size) if *size != length => {
                let detail = format!("{size} bytes instead of {length}");
                self.find(Code::WrongLength, path, detail);
            }
            Some(_) if self.options.depth == Depth::Bytes && !self.fits(path, listed).await? => {
                self.find(Code::WrongBytes, path, "not the bytes whose hashes are listed");
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Whether what is stored has every listed hash.
    async fn fits(&self, path: &StorePath, listed: Hashes) -> Result<bool, StoreError> {
        let Some(object) = self.store.open(path).await? else {
            return Ok(false);
        };
        let mut pieces = object.stream(0..object.size())?;
        let mut hashes = AllHashes::new(listed);
        while let Some(piece) = pieces.try_next().await? {
            hashes.update(&piece);
        }
        Ok(hashes.fit())
    }

    async fn segments(&mut self, segments: Segments) -> Result<(), StoreError> {
        let list = paths::segments(&segments.sha256)?;
        self.named.insert(list.clone());
        if self.there.get(&list) != Some(&segments.length) {
            let detail = format!("not there in the announced length, {} bytes", segments.length);
            self.find(Code::BadSegments, &list, detail);
        } else if !self.fits(&list, segments.sha256.into()).await? {
            self.find(Code::WrongBytes, &list, "not the bytes that its name says");
        }
        Ok(())
    }

    /// What is there and named by nothing.
    fn strays(&mut self, repository: &TrustedRepository) {
        let root = repository.root().version();
        for version in 1..=root {
            let name = format!("{version}.root.json");
            if !paths::metadata(&name).is_ok_and(|path| self.there.contains_key(&path)) {
                self.find(
                    Code::MissingRoot,
                    name,
                    "clients that know older roots only cannot follow",
                );
            }
        }
        let current = BTreeMap::from([
            ("root", root),
            ("snapshot", repository.snapshot().version()),
            ("targets", repository.targets().version()),
        ]);
        let public = paths::public_folder();
        let mut strays = Vec::new();
        for (path, size) in &self.there {
            let code = match path.below(&public) {
                None if path.is_below(&paths::staging_folder()) => Some(Code::Staging),
                Some(name) if !name.contains('/') => is_leftover(name, &current).then_some(Code::Leftover),
                _ => (!self.named.contains(path)).then_some(Code::Unreferenced),
            };
            strays.extend(code.map(|code| (code, path.clone(), format!("{size} bytes"))));
        }
        for (code, path, detail) in strays {
            self.find(code, path, detail);
        }
    }
}

/// Whether a metadata file is newer than what is current, or none at all. Older versions are history.
fn is_leftover(name: &str, current: &BTreeMap<&str, u64>) -> bool {
    if name == paths::TIMESTAMP {
        return false;
    }
    let Some((version, role)) = name.strip_suffix(".json").and_then(|name| name.split_once('.')) else {
        return true;
    };
    match (version.parse::<u64>(), current.get(role)) {
        (Ok(version), Some(current)) => version > *current,
        // A delegated role: its versions are listed in the snapshot, not here.
        (Ok(_), None) => false,
        (Err(_), _) => true,
    }
}
