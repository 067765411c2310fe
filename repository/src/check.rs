//! A lint over a whole repository: does the store hold what the metadata promise, and how long do they last?

mod finding;

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use jiff::SignedDuration;
use sealift_metadata::companions::Companion;
use sealift_metadata::document::{Document, Role};
use sealift_metadata::targets::{TargetFile, TargetPath};
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::{Limits, TrustStore, TrustedRepository};
use sealift_metadata::uptane::{ImageProfile, Protection, Segments};
use sha2::{Digest, Sha256};

pub use finding::{Code, Finding, Report, Severity};

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

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct CheckOptions {
    /// How closely.
    pub depth: Depth,
    /// Root and Targets that expire within this time are reported; people have to be found to sign them.
    pub expires_within: SignedDuration,
}

impl Default for CheckOptions {
    /// Names and lengths; thirty days.
    fn default() -> Self {
        Self {
            depth: Depth::Lengths,
            expires_within: SignedDuration::from_hours(30 * 24),
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
    checker.expiries(&repository, now);
    checker.list().await?;
    for (path, file) in repository.targets().role().targets() {
        checker.target(path, file).await?;
    }
    checker.strays(&repository);
    let mut findings = checker.findings;
    findings.sort_by(|a, b| {
        (b.code.severity(), a.code, &a.subject).cmp(&(a.code.severity(), b.code, &b.subject))
    });
    Ok(Report {
        repository: Some(repository),
        findings,
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

    fn expiries(&mut self, repository: &TrustedRepository, now: TrustedTime) {
        let window = self.options.expires_within;
        self.expiry(repository.root(), now, window);
        self.expiry(repository.targets(), now, window);
        self.expiry(repository.snapshot(), now, SignedDuration::ZERO);
        self.expiry(repository.timestamp(), now, SignedDuration::ZERO);
    }

    fn expiry<R: Role>(&mut self, document: &Document<R>, now: TrustedTime, window: SignedDuration) {
        let expires = document.expires();
        if now.is_past(expires) {
            self.find(
                Code::Expired,
                R::TYPE,
                format!("version {} expired at {expires}", document.version()),
            );
        } else if expires.duration_since(now.instant()) < window {
            self.find(
                Code::ExpiresSoon,
                R::TYPE,
                format!("version {} expires at {expires}", document.version()),
            );
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
        self.object(&object, file.length, sha256).await?;
        match Companion::of_file(file) {
            Ok(list) => {
                for companion in list {
                    let at = paths::companion(&companion.sha256)?;
                    self.object(&at, companion.length, &companion.sha256).await?;
                }
            }
            Err(error) => self.find(Code::BadProfile, path, error.to_string()),
        }
        let Some(profile) = file
            .custom
            .as_ref()
            .and_then(|custom| custom.get(ImageProfile::FIELD))
        else {
            self.find(
                Code::BadProfile,
                path,
                "no description of the image; vehicles will not take it",
            );
            return Ok(());
        };
        let profile = match ImageProfile::parse(profile) {
            Ok(profile) => profile,
            Err(error) => {
                self.find(Code::BadProfile, path, error.to_string());
                return Ok(());
            }
        };
        if let Some(segments) = profile.segments {
            self.segments(path, file, segments).await?;
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

    /// An object is there, has its length, and if every byte is to be looked at, its digest.
    async fn object(&mut self, path: &StorePath, length: u64, sha256: &[u8; 32]) -> Result<(), StoreError> {
        self.named.insert(path.clone());
        match self.there.get(path) {
            None => self.find(Code::MissingObject, path, format!("{length} bytes are promised")),
            Some(size) if *size != length => {
                let detail = format!("{size} bytes instead of {length}");
                self.find(Code::WrongLength, path, detail);
            }
            Some(_) if self.options.depth == Depth::Bytes && self.digest(path).await? != Some(*sha256) => {
                self.find(Code::WrongBytes, path, "not the bytes that its name says");
            }
            Some(_) => {}
        }
        Ok(())
    }

    async fn digest(&self, path: &StorePath) -> Result<Option<[u8; 32]>, StoreError> {
        let Some(object) = self.store.open(path).await? else {
            return Ok(None);
        };
        let mut pieces = object.stream(0..object.size())?;
        let mut digest = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            digest.update(&piece);
        }
        Ok(Some(digest.finalize().into()))
    }

    async fn segments(
        &mut self,
        path: &TargetPath,
        file: &TargetFile,
        segments: Segments,
    ) -> Result<(), StoreError> {
        let list = paths::segments(&segments.sha256)?;
        self.named.insert(list.clone());
        if !segments.covers(file.length) {
            self.find(
                Code::BadSegments,
                path,
                "the list announced does not cover the object",
            );
        } else if self.there.get(&list) != Some(&segments.length) {
            self.find(
                Code::BadSegments,
                path,
                format!("{list} is not there in the announced length"),
            );
        } else if self.digest(&list).await? != Some(segments.sha256) {
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
