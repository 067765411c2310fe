//! Keys of the online roles: which the server may hold, and which it must never.

mod demo;
mod keys;
mod roots;

use crate::config::Config;
use crate::exit::{Code, Failure};
pub use demo::DemoKeys;
pub use keys::HeldKek;
pub use roots::Roots;
use sealift_metadata::authoring::DirectorSigners;
use sealift_metadata::root::RoleName;
use sealift_metadata::{RepositoryId, Root, Signer};
use std::fmt;
use std::sync::Arc;

/// Everything that signs or unwraps here.
pub struct Signing {
    roots: Roots,
    targets: Arc<dyn Signer>,
    snapshot: Arc<dyn Signer>,
    timestamp: Arc<dyn Signer>,
    image: Option<ImageSigners>,
    keks: Vec<HeldKek>,
    held: Vec<(&'static str, [u8; 32])>,
}

/// The two online keys of the Image repository.
#[derive(Debug, Clone)]
pub struct ImageSigners {
    /// Signs snapshots.
    pub snapshot: Arc<dyn Signer>,
    /// Signs timestamps.
    pub timestamp: Arc<dyn Signer>,
}

/// The pinned root of the Image repository.
#[derive(Debug)]
pub struct ImageRoot {
    /// Its id.
    pub id: RepositoryId,
    /// Its bytes.
    pub bytes: Vec<u8>,
    roots: Roots,
}

impl ImageRoot {
    /// Reads the pinned `1.root.json`.
    ///
    /// # Errors
    /// Exit code 64.
    pub fn load(config: &Config) -> Result<Self, Failure> {
        let how = "copy the repository's 1.root.json there over a channel that you trust: it is the pin";
        let roots = Roots::load("repository.root", &config.repository.root, how)?;
        let bytes = roots.version(1).unwrap_or_default().to_vec();
        Ok(Self {
            id: RepositoryId::of_root(&bytes),
            bytes,
            roots,
        })
    }
}

impl Signing {
    /// Loads every configured key, and refuses those that must not be here.
    ///
    /// # Errors
    /// Exit code 64 for a key that cannot be read or is not the Director's, 78 for one that must not be on this machine.
    pub fn load(config: &Config, image_root: &ImageRoot) -> Result<Self, Failure> {
        let demo = if config.demo {
            DemoKeys::Accepted
        } else {
            DemoKeys::Refused
        };
        let director = &config.director;
        let how = "make the Director's root with `sealift director init`";
        let roots = Roots::load("director.root", &director.root, how)?;
        let targets = keys::signer(&director.targets_key, demo)?;
        let snapshot = keys::signer(&director.snapshot_key, demo)?;
        let timestamp = keys::signer(&director.timestamp_key, demo)?;
        let image = match (&config.repository.snapshot_key, &config.repository.timestamp_key) {
            (Some(snapshot), Some(timestamp)) => Some(ImageSigners {
                snapshot: keys::signer(snapshot, demo)?,
                timestamp: keys::signer(timestamp, demo)?,
            }),
            _ => None,
        };
        let keks: Vec<_> = director
            .keks
            .iter()
            .map(|kek| keys::kek(kek, demo))
            .collect::<Result<_, _>>()?;

        let mut held = vec![
            ("director.targets_key", targets.public().identity()),
            ("director.snapshot_key", snapshot.public().identity()),
            ("director.timestamp_key", timestamp.public().identity()),
        ];
        if let Some(image) = &image {
            held.push(("repository.snapshot_key", image.snapshot.public().identity()));
            held.push(("repository.timestamp_key", image.timestamp.public().identity()));
        }
        held.extend(keks.iter().map(|kek| ("director.keks", *kek.key_id().as_bytes())));
        for (field, key) in &held {
            let refused = [
                (
                    "Image repository's root",
                    image_root.roots.ever_listed(RoleName::Root, key),
                ),
                (
                    "Image repository's targets",
                    image_root.roots.ever_listed(RoleName::Targets, key),
                ),
                ("Director's root", roots.ever_listed(RoleName::Root, key)),
            ];
            refuse(field, refused)?;
        }
        let needed = [
            ("director.targets_key", RoleName::Targets, &targets),
            ("director.snapshot_key", RoleName::Snapshot, &snapshot),
            ("director.timestamp_key", RoleName::Timestamp, &timestamp),
        ];
        for (field, role, signer) in needed {
            if !roots.signs_alone(role, signer.public()) {
                let text = format!(
                    "{field}: the Director's newest root, version {}, does not list this key for {} with threshold 1",
                    roots.newest().version(),
                    role.as_str()
                );
                return Err(Failure::new(Code::Config, text));
            }
        }
        Ok(Self {
            roots,
            targets,
            snapshot,
            timestamp,
            image,
            keks,
            held,
        })
    }

    /// Refuses keys that a later root of the Image repository lists for root or targets.
    ///
    /// # Errors
    /// Exit code 78.
    pub fn check_image_root(&self, root: &Root) -> Result<(), Failure> {
        let lists = |role, key: &[u8; 32]| root.keys(role).keys().any(|listed| listed.identity() == *key);
        for (field, key) in &self.held {
            let refused = [
                ("Image repository's root", lists(RoleName::Root, key)),
                ("Image repository's targets", lists(RoleName::Targets, key)),
            ];
            refuse(field, refused)?;
        }
        Ok(())
    }

    /// The Director's roots.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The Director's newest root.
    pub fn root(&self) -> &Root {
        self.roots.newest().role()
    }

    /// Signers of per-vehicle metadata.
    pub fn director(&self) -> DirectorSigners<'_> {
        DirectorSigners {
            targets: &*self.targets,
            snapshot: &*self.snapshot,
            timestamp: &*self.timestamp,
        }
    }

    /// Signers of the Image repository's snapshot and timestamp, if they are here.
    pub fn image(&self) -> Option<&ImageSigners> {
        self.image.as_ref()
    }

    /// Takes the key-encryption keys out, for the broker that will hold them.
    pub(crate) fn take_keks(&mut self) -> Vec<HeldKek> {
        std::mem::take(&mut self.keks)
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("keks", &self.keks.len())
            .finish_non_exhaustive()
    }
}

/// Whoever takes this machine must not be able to say what may be installed.
fn refuse<'a>(field: &str, roles: impl IntoIterator<Item = (&'a str, bool)>) -> Result<(), Failure> {
    match roles.into_iter().find(|(_, listed)| *listed) {
        None => Ok(()),
        Some((role, _)) => {
            let text = format!(
                "{field}: this is a key of the {role} role, which must never be on a server; take it away, and treat it \
                 as exposed"
            );
            Err(Failure::new(Code::Keys, text))
        }
    }
}
