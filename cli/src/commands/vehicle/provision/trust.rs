//! The two metadata sets that a vehicle starts from, fetched through the operator API and fully verified here.

use std::collections::BTreeMap;
use std::path::Path;

use sealift_metadata::Root;
use sealift_metadata::document::Document;
use sealift_metadata::ids::{EcuSerial, HardwareId, VehicleId};
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::{Limits, Refresh, RepositoryKind, Response, Step, TrustStore};
use sealift_wire::paths;

use crate::api::Api;
use crate::failure::Failure;
use crate::{World, demo, faults, input};

/// A first root from a trusted place.
#[derive(Debug)]
pub(super) struct Anchor(Vec<u8>);

/// A verified metadata set: what each role's file holds, byte for byte.
#[derive(Debug)]
pub(super) struct Trusted {
    files: BTreeMap<&'static str, Vec<u8>>,
    targets_version: u64,
}

impl Anchor {
    /// Reads a root of version 1, the one that names the repository.
    pub(super) fn read(world: &World, path: &Path) -> Result<Self, Failure> {
        let bytes = input::read_capped(path, Limits::IMAGE.root)?;
        let root = Document::<Root>::parse(&bytes).map_err(|error| {
            Failure::refused(format!("{} is no root document", path.display())).because(error)
        })?;
        if root.version() != 1 {
            return Err(
                Failure::refused(format!("{} is root version {}", path.display(), root.version()))
                    .next("give the first root, 1.root.json: it names the repository"),
            );
        }
        demo::refuse_root(world, path, root.role())?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Trusted {
    /// Walks the Image repository.
    pub(super) async fn image(api: &Api, anchor: &Anchor, now: TrustedTime) -> Result<Self, Failure> {
        let path = |name: &str| paths::repo_metadata(name);
        walk(api, anchor, RepositoryKind::Image, Limits::IMAGE, now, path).await
    }

    /// Walks the Director's metadata of one vehicle.
    pub(super) async fn director(
        api: &Api,
        anchor: &Anchor,
        vehicle: &VehicleId,
        ecus: BTreeMap<EcuSerial, HardwareId>,
        now: TrustedTime,
    ) -> Result<Self, Failure> {
        let kind = RepositoryKind::Director {
            vehicle_id: vehicle.clone(),
            ecus,
        };
        let path = |name: &str| match name
            .strip_suffix(".root.json")
            .and_then(|number| number.parse().ok())
        {
            Some(number) => paths::director_root(number),
            None => paths::vehicle_director_metadata(vehicle.as_str(), name),
        };
        walk(api, anchor, kind, Limits::DIRECTOR, now, path).await
    }

    /// `root.json`, `timestamp.json`, … and their bytes.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    pub(super) fn targets_version(&self) -> u64 {
        self.targets_version
    }
}

async fn walk(
    api: &Api,
    anchor: &Anchor,
    kind: RepositoryKind,
    limits: Limits,
    now: TrustedTime,
    path: impl Fn(&str) -> String,
) -> Result<Trusted, Failure> {
    let stored = TrustStore {
        root: anchor.0.clone(),
        timestamp: None,
        snapshot: None,
        targets: None,
    };
    let mut files = BTreeMap::from([("root.json", anchor.0.clone())]);
    let refused = faults::trust;
    let mut refresh = Refresh::start(stored, kind, limits, now).map_err(refused)?;
    loop {
        match refresh.step().map_err(refused)? {
            Step::Fetch(request) => {
                let bytes = api.get_bytes(&path(&request.name), request.max_bytes).await?;
                refresh.supply(bytes.map_or(Response::NotFound, Response::Found));
            }
            Step::Store { name, bytes } => {
                files.insert(name, bytes);
            }
            Step::Remove { name } => {
                files.remove(name);
            }
            Step::Done(trusted) => {
                return Ok(Trusted {
                    files,
                    targets_version: trusted.targets().version(),
                });
            }
        }
    }
}
