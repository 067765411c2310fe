//! What was served once under a name is never something else under it.

use std::collections::BTreeMap;

use http::Method;
use jiff::SignedDuration;
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::root::RoleName;
use sealift_metadata::{Document, FileSigner, Root};
use sha2::{Digest, Sha256};

use crate::kit::{TestVehicle, World};

/// T-3.1.1-1, U-5.2.7-3: an image that is replaced under its name stays where its hash puts it, as it was.
#[tokio::test]
async fn a_replaced_image_stays_under_its_hash() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let first = world.publish_plain("fw/a.img", b"first", 1).await;
    let second = world.publish_plain("fw/a.img", b"second", 2).await;
    assert_ne!(first.url(), second.url());
    for image in [&first, &second] {
        assert_eq!(world.get(&vehicle, &image.url()).await.ok().body, image.object);
    }
}

/// T-6.2.1-3: every root that ever was is to be had, byte for byte.
#[tokio::test]
async fn every_root_of_the_image_repository_stays_to_be_had() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let pem = std::fs::read_to_string(world.dir.path().join("image-root.pem")).unwrap();
    let signer = FileSigner::from_pem(&pem, None).unwrap();
    let mut roots = vec![std::fs::read(world.dir.path().join("image-root.json")).unwrap()];
    for _ in 0..3 {
        let newest = Document::<Root>::parse(roots.last().unwrap()).unwrap();
        let expires = newest.expires() + SignedDuration::from_hours(1);
        let root = RootDraft::next(&newest, expires).sign(&[&signer]).await.unwrap();
        world
            .publisher
            .publish_root(&root, &[], world.clock.time())
            .await
            .unwrap();
        world.publish_plain("fw/a.img", &root, newest.version()).await;
        roots.push(root);
    }
    for (version, root) in (1..).zip(&roots) {
        let answer = world
            .get(&vehicle, &format!("/repo/{version}.root.json"))
            .await
            .ok();
        assert_eq!(answer.body, *root, "{version}");
    }
    let newest = Document::<Root>::parse(roots.last().unwrap()).unwrap();
    assert_eq!(
        (newest.version(), newest.role().keys(RoleName::Root).name()),
        (4, "root")
    );
}

/// The documents of a Director for one vehicle, by name, as they were seen over time.
#[derive(Default)]
struct Seen {
    by_name: BTreeMap<String, Vec<u8>>,
    newest: (u64, Vec<u8>),
}

impl Seen {
    /// Fetches what is in force, and looks at it beside all that was fetched before.
    async fn look(&mut self, world: &World, vehicle: &TestVehicle) {
        let bytes = world.get(vehicle, "/director/timestamp.json").await.ok().body;
        let timestamp: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let version = timestamp["signed"]["version"].as_u64().unwrap();
        if bytes != self.newest.1 {
            assert!(version > self.newest.0, "another timestamp has a higher version");
            self.newest = (version, bytes);
        }
        let listed = &timestamp["signed"]["meta"]["snapshot.json"];
        let name = format!("{}.snapshot.json", listed["version"]);
        let snapshot = self.fetch(world, vehicle, &name).await;
        assert_eq!(listed["hashes"]["sha256"], hex::encode(Sha256::digest(&snapshot)));
        let snapshot: serde_json::Value = serde_json::from_slice(&snapshot).unwrap();
        let listed = &snapshot["signed"]["meta"]["targets.json"];
        let name = format!("{}.targets.json", listed["version"]);
        let targets = self.fetch(world, vehicle, &name).await;
        assert_eq!(listed["hashes"]["sha256"], hex::encode(Sha256::digest(&targets)));
    }

    async fn fetch(&mut self, world: &World, vehicle: &TestVehicle, name: &str) -> Vec<u8> {
        let bytes = world.get(vehicle, &format!("/director/{name}")).await.ok().body;
        let before = self.by_name.insert(name.to_owned(), bytes.clone());
        assert!(
            before.is_none_or(|before| before == bytes),
            "{name} is another document now"
        );
        bytes
    }
}

/// T-4.4-3, X-18: a version of a Director's document has one content for as long as it is served, and whatever happens in between;
/// another content has a higher version.
#[tokio::test]
async fn a_version_of_a_directors_document_has_one_content() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_plain("a.img", b"a", 1).await;
    world.publish_sealed("b.img", b"b", 1).await;
    let mut seen = Seen::default();
    seen.look(&world, &vehicle).await;
    for round in 0..3 {
        for target in ["a.img", "b.img", "a.img"] {
            world.assign(&vehicle, 1, target).await.ok();
            seen.look(&world, &vehicle).await;
            // Assigned again, a sealed image gets another key box.
            world.assign(&vehicle, 1, target).await.ok();
            seen.look(&world, &vehicle).await;
        }
        let path = format!("/api/v1/vehicles/v1/ecus/{}/assignment", vehicle.ecus[1].serial);
        world.operator(Method::DELETE, &path, None).await;
        seen.look(&world, &vehicle).await;
        world
            .clock
            .advance(SignedDuration::from_hours([0, 13, 24 * 30][round]));
        seen.look(&world, &vehicle).await;
    }
    let names: Vec<String> = seen.by_name.keys().cloned().collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let answer = world.get(&vehicle, &format!("/director/{name}")).await;
        assert!(
            answer.status == 404 || answer.body == seen.by_name[&name],
            "{name}"
        );
    }
}
