//! Images: profiles, entries for both repositories, pairs of repositories.

use std::collections::BTreeMap;

use sealift_metadata::TargetPath;
use sealift_metadata::trust::{Limits, Resolver, TrustError, TrustedRepository};
use sealift_metadata::uptane::{TrustedTarget, VerifiedTarget, cross_check, directed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Files, NOW, Repo, Searcher, VEHICLE, at};

/// A profile of a sealed image for `hw-a`.
pub(crate) fn sealed_profile() -> Value {
    json!({
        "plain": {"length": 900, "sha256": hex::encode(Sha256::digest("plain"))},
        "header": {"length": 120, "sha256": hex::encode(Sha256::digest("header"))},
        "segments": {"alg": "blake3", "size": 65536, "length": 32, "sha256": hex::encode(Sha256::digest("list"))},
        "protection": "sealed-v1",
        "release_counter": 7,
        "hardware_ids": ["hw-a"],
        "version": "1.2.3",
    })
}

/// The entry of the Image repository.
pub(crate) fn image_entry(profile: &Value) -> Value {
    json!({
        "length": 1000,
        "hashes": {"sha256": hex::encode(Sha256::digest("sealed"))},
        "custom": {"sealift": profile},
    })
}

/// The entry of the Director, for ECUs with their hardware.
pub(crate) fn director_entry(profile: &Value, ecus: &[(&str, &str)]) -> Value {
    let ecus: BTreeMap<&str, Value> = ecus
        .iter()
        .map(|(serial, hardware)| {
            (
                *serial,
                json!({"hardware_id": hardware, "key_box": {"inline": "Ym94"}}),
            )
        })
        .collect();
    let mut entry = image_entry(profile);
    entry["custom"]["director"] = json!({"ecus": ecus});
    entry
}

/// Two repositories that agree about `fw/a.img` for `ECU-1`.
pub(crate) fn agreeing() -> (Repo, Repo) {
    let (mut director, mut image) = (Repo::director(VEHICLE), Repo::new());
    director.put(
        "fw/a.img",
        director_entry(&sealed_profile(), &[("ECU-1", "hw-a")]),
    );
    image.put("fw/a.img", image_entry(&sealed_profile()));
    director.next();
    image.next();
    (director, image)
}

/// Both repositories as the vehicle sees them.
pub(crate) fn both(
    director: &Repo,
    image: &Repo,
) -> Result<(TrustedRepository, TrustedRepository), TrustError> {
    Ok((
        director.vehicle_client().refresh(&director.files)?,
        image.client().refresh(&image.files)?,
    ))
}

/// What a vehicle finds in the Image repository of what its Director directs.
pub(crate) fn listed(
    director: &TrustedRepository,
    image: &TrustedRepository,
    files: &Files,
) -> Result<BTreeMap<TargetPath, VerifiedTarget>, TrustError> {
    let mut resolver = Resolver::new(image.clone(), Limits::IMAGE, at(NOW));
    let mut targets = BTreeMap::new();
    for (path, hardware) in directed(director)? {
        let mut searcher = Searcher {
            hardware,
            ..Searcher::default()
        };
        let found = searcher.found(&mut resolver, |name| files.get(name).cloned(), path.as_str())?;
        if let Some(found) = found {
            targets.insert(path, VerifiedTarget::of(found)?);
        }
    }
    Ok(targets)
}

/// The comparison of a Director with an Image repository that delegates to nobody.
pub(crate) fn compare(
    director: &TrustedRepository,
    image: &TrustedRepository,
) -> Result<Vec<TrustedTarget>, TrustError> {
    cross_check(director, &listed(director, image, &Files::new())?)
}
