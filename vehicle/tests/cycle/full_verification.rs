//! What the Primary asks for and in which order, and that nothing gets round one of the steps.

use sealift_metadata::TargetPath;
use sealift_vehicle::Outcome;

use crate::happy::firmware;
use crate::kit::{CAMERA, Fleet, GATEWAY, Sealing, VEHICLE};

/// A vehicle that has seen one empty set of each repository, and the next set of each with an image for it.
async fn assigned() -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

/// The paths asked for since the last call, each run of ranges once.
fn asked(fleet: &Fleet) -> Vec<String> {
    let mut paths: Vec<String> = fleet
        .server
        .take_log()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    paths.dedup();
    paths
}

/// Every document that a cycle reads, in order, and the code of the refusal when a byte of it is another.
const DOCUMENTS: [(&str, &str); 6] = [
    ("/director/timestamp.json", "signature"),
    ("/director/2.snapshot.json", "mix_and_match"),
    ("/director/2.targets.json", "mix_and_match"),
    ("/repo/timestamp.json", "signature"),
    ("/repo/2.snapshot.json", "mix_and_match"),
    ("/repo/2.targets.json", "mix_and_match"),
];

/// U-5.4.4.2-2, U-5.4.4.2-3, U-5.4.4.2-5, U-5.4.4.2-8, U-5.4.4.2-9, U-5.4.4.2-11, U-5.4.3.3-3, U-5.4.4.2-0: root,
/// timestamp, snapshot and targets of the Director, then of the Image repository, and only then the image, by the
/// name that its hash gives it.
#[tokio::test]
async fn the_steps_come_in_their_order() {
    let fleet = assigned().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let asked = asked(&fleet);
    let (metadata, rest) = asked.split_at(9);
    assert_eq!(
        metadata,
        [
            "/director/manifest",
            "/director/2.root.json",
            "/director/timestamp.json",
            "/director/2.snapshot.json",
            "/director/2.targets.json",
            "/repo/2.root.json",
            "/repo/timestamp.json",
            "/repo/2.snapshot.json",
            "/repo/2.targets.json",
        ]
    );
    let [segments, object, manifest] = rest else {
        panic!("{rest:?}")
    };
    assert!(segments.starts_with("/repo/segments/"), "{segments}");
    assert_eq!(*object, fleet.object("a.img"));
    assert_eq!(manifest, "/director/manifest");
}

/// U-5.4.4.2-3, U-5.4.4.2-5, U-5.4.4.2-9, U-5.4.4.2-11, U-5.4.2-1, U-5.4.3.2-1: whichever document is not what was signed, the
/// cycle ends with it: nothing behind it is asked for, it is reported, and the next good cycle installs.
#[tokio::test]
async fn no_step_is_passed_over() {
    for (path, code) in DOCUMENTS {
        let fleet = assigned().await;
        let good = fleet.server.file(path).unwrap();
        let text = String::from_utf8(good.to_vec()).unwrap();
        let at = text.find("\"sig\":\"").unwrap() + 7;
        let mut bent = good.to_vec();
        bent[at] = if bent[at] == b'0' { b'1' } else { b'0' };
        fleet.server.put(path, bent);

        assert_eq!(fleet.refused().await, code, "{path}");

        let asked = asked(&fleet);
        assert_eq!(asked[asked.len() - 2..], [path, "/director/manifest"], "{path}");
        let reports = fleet.server.reports();
        assert_eq!(reports.last().unwrap()[GATEWAY].attacks_detected, [code]);
        assert_eq!(fleet.installed(GATEWAY), None);
        fleet.server.put(path, good);
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed, "{path}");
    }
}

/// U-5.4.4.2-2, U-5.4.4.2-8, TAP4-2: a next root that the present one does not stand behind ends the cycle as well, though the
/// other repository's is as good a root as any.
#[tokio::test]
async fn the_roots_are_checked_first() {
    for repository in ["director", "repo"] {
        let fleet = assigned().await;
        let path = format!("/{repository}/2.root.json");
        let other = if repository == "repo" { "director" } else { "repo" };
        let foreign = fleet.server.file(&format!("/{other}/1.root.json")).unwrap();
        fleet.server.put(path.as_str(), foreign);

        assert_eq!(fleet.refused().await, "signature", "{repository}");

        let asked = asked(&fleet);
        assert_eq!(asked[asked.len() - 2..], [path.as_str(), "/director/manifest"]);
        assert_eq!(fleet.installed(GATEWAY), None);
        fleet.server.remove(&path);
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    }
}

/// U-5.4.4.2-12, U-5.4.2.3-1: the Primary answers for every image of the Director, so that what is wrong with a Secondary's alone
/// keeps its own out as well.
#[tokio::test]
async fn a_mismatch_on_a_secondarys_image_alone_refuses_all() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    for (path, seed) in [("a.img", 1), ("b.img", 2)] {
        fleet.release(path, &firmware(seed), 1).await;
    }
    fleet.direct(GATEWAY, "a.img", VEHICLE, GATEWAY);
    fleet.direct(CAMERA, "b.img", VEHICLE, CAMERA);
    let camera = TargetPath::new("b.img").unwrap();
    fleet.directed.get_mut(&camera).unwrap().length += 1;
    fleet.publish_director().await;

    assert_eq!(fleet.refused().await, "arbitrary_software");

    assert!(!asked(&fleet).iter().any(|path| path.starts_with("/repo/targets")));
    assert_eq!((fleet.installed(GATEWAY), fleet.installed(CAMERA)), (None, None));
    fleet.directed.get_mut(&camera).unwrap().length -= 1;
    fleet.publish_director().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(CAMERA).unwrap(), firmware(2));
}

/// U-5.4.4.2-10: that the Image repository has nothing new spares its documents and not the comparison.
#[tokio::test]
async fn an_unchanged_image_repository_is_compared_all_the_same() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    for (path, seed) in [("a.img", 1), ("b.img", 2)] {
        fleet.release(path, &firmware(seed), 1).await;
    }
    fleet.assign(GATEWAY, "a.img").await;
    fleet.cycle().await.unwrap();
    fleet.server.take_log();
    fleet.directed.clear();
    fleet.direct(GATEWAY, "b.img", VEHICLE, GATEWAY);
    let path = TargetPath::new("b.img").unwrap();
    fleet.directed.get_mut(&path).unwrap().length += 1;
    fleet.publish_director().await;

    assert_eq!(fleet.refused().await, "arbitrary_software");

    let of_images: Vec<String> = asked(&fleet)
        .into_iter()
        .filter(|path| path.starts_with("/repo/"))
        .collect();
    assert_eq!(of_images, ["/repo/2.root.json", "/repo/timestamp.json"]);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

/// U-5.4.1-4: what the factory put there is a floor before any update was made.
#[tokio::test]
async fn nothing_older_than_the_factorys_documents_is_taken() {
    for (repository, trust) in [("director", "director"), ("repo", "image")] {
        let mut fleet = Fleet::new(Sealing::P256).await;
        let path = format!("/{repository}/timestamp.json");
        let first = fleet.server.file(&path).unwrap();
        fleet.release("a.img", &firmware(1), 1).await;
        fleet.assign(GATEWAY, "a.img").await;
        let repo = if repository == "repo" {
            &fleet.image
        } else {
            &fleet.director
        };
        for (file, bytes) in repo.trust() {
            std::fs::write(fleet.path(&format!("trust/{trust}/{file}")), bytes).unwrap();
        }
        fleet.server.put(path, first);
        assert_eq!(fleet.refused().await, "rollback", "{repository}");
        assert_eq!(fleet.installed(GATEWAY), None);
    }
}
