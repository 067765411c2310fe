//! Attacks on metadata and on what ECUs remember (uptane.md section 2): code, report, and recovery.

use std::fs;

use jiff::ToSpan;
use sealift_metadata::{HardwareId, TargetPath};
use sealift_vehicle::Outcome;

use crate::happy::firmware;
use crate::kit::{CAMERA, Fleet, GATEWAY, Sealing, Trick};

async fn assigned(counter: u64) -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), counter).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

fn reported(fleet: &Fleet) -> Vec<String> {
    fleet.server.reports().last().unwrap()[GATEWAY]
        .attacks_detected
        .clone()
}

#[tokio::test]
async fn an_image_with_a_lower_release_counter_is_refused_even_without_metadata_cache() {
    let mut fleet = assigned(5).await;
    fleet.cycle().await.unwrap();
    fleet.release("old.img", &firmware(2), 4).await;
    fleet.assign(GATEWAY, "old.img").await;
    assert_eq!(fleet.refused().await, "rollback_image");
    assert_eq!(reported(&fleet), ["rollback_image"]);
    for repository in ["director", "image"] {
        for role in ["timestamp", "snapshot", "targets"] {
            fs::remove_file(fleet.path(&format!("trust/{repository}/{role}.json"))).unwrap();
        }
    }
    assert_eq!(fleet.refused().await, "rollback_image");
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    fleet.release("same.img", &firmware(3), 5).await;
    fleet.assign(GATEWAY, "same.img").await;
    assert_eq!(
        fleet.cycle().await.unwrap(),
        Outcome::Installed,
        "an equal counter is fine"
    );
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(3));
}

#[tokio::test]
async fn older_metadata_of_either_repository_are_rollback() {
    for repository in ["director", "repo"] {
        let mut fleet = assigned(1).await;
        let timestamp = format!("/{repository}/timestamp.json");
        let old = fleet.server.file(&timestamp).unwrap();
        fleet.cycle().await.unwrap();
        fleet.release("b.img", &firmware(2), 2).await;
        fleet.assign(GATEWAY, "b.img").await;
        let newest = fleet.server.file(&timestamp).unwrap();
        fleet.cycle().await.unwrap();
        fleet.release("c.img", &firmware(3), 3).await;
        fleet.assign(GATEWAY, "c.img").await;
        let good = fleet.server.file(&timestamp).unwrap();
        fleet.server.put(timestamp.clone(), old);
        assert_eq!(fleet.refused().await, "rollback");
        assert_eq!(reported(&fleet), ["rollback"]);
        // The newest set that is trusted may be served again; it holds nothing new.
        fleet.server.put(timestamp.clone(), newest);
        match fleet.cycle().await {
            Ok(outcome) => assert_eq!((outcome, repository), (Outcome::UpToDate, "director")),
            Err(error) => assert_eq!((error.attack(), repository), (Some("arbitrary_software"), "repo")),
        }
        assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(2));
        fleet.server.put(timestamp, good);
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
        assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(3));
    }
}

#[tokio::test]
async fn expired_metadata_are_freeze_and_fresh_ones_recover() {
    let mut fleet = assigned(1).await;
    let late = Fleet::now() + (24 * 8).hours();
    fleet.world.set_now(late);
    assert_eq!(fleet.refused().await, "freeze");
    assert_eq!(reported(&fleet), ["freeze"]);
    assert_eq!(fleet.installed(GATEWAY), None);
    let expires = late + 24.hours();
    fleet.publish_image_until(expires).await;
    fleet.publish_director_until(expires).await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

#[tokio::test]
async fn a_clock_behind_the_floor_means_no_update_only_a_report() {
    let fleet = assigned(1).await;
    fleet.world.set_now(Fleet::now() - 48.hours());
    assert_eq!(fleet.refused().await, "time");
    let log: Vec<String> = fleet
        .server
        .take_log()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(log, ["/director/manifest", "/director/manifest"]);
    assert_eq!(reported(&fleet), ["time"]);
    let latest = fleet.server.reports().last().unwrap()[GATEWAY].latest_time;
    assert_eq!(latest, Fleet::now() - 24.hours(), "the floor, not the clock");
    fleet.world.set_now(Fleet::now());
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    fleet.world.set_now(Fleet::now() - 1.hours());
    assert_eq!(
        fleet.refused().await,
        "time",
        "the floor rose with the last good cycle"
    );
}

#[tokio::test]
async fn a_clock_far_ahead_does_not_raise_the_floor() {
    let fleet = assigned(1).await;
    fleet.world.set_now(Fleet::now() + (24 * 365 * 5).hours());
    assert_eq!(fleet.refused().await, "freeze");
    fleet.world.set_now(Fleet::now());
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

#[tokio::test]
async fn metadata_of_another_vehicle_are_refused_even_if_empty() {
    let mut fleet = assigned(1).await;
    fleet.directed.clear();
    fleet.named_vehicle = "VIN-0002".to_owned();
    fleet.publish_director().await;
    assert_eq!(fleet.refused().await, "replay_other_vehicle");
    fleet.named_vehicle = crate::kit::VEHICLE.to_owned();
    fleet.assign(GATEWAY, "a.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

#[tokio::test]
async fn repositories_that_disagree_install_nothing() {
    let path = TargetPath::new("a.img").unwrap();
    for field in ["length", "sha256", "custom", "absent"] {
        let mut fleet = assigned(1).await;
        let listed = fleet.listed[&path].clone();
        let file = fleet.listed.get_mut(&path).unwrap();
        match field {
            "length" => file.length += 1,
            "sha256" => file.hashes = [0; 32].into(),
            "custom" => file.custom.as_mut().unwrap()["sealift"]["release_counter"] = 2.into(),
            _ => {
                fleet.listed.remove(&path);
            }
        }
        fleet.publish_image().await;
        let code = fleet.refused().await;
        assert_eq!(code, "arbitrary_software", "{field}");
        assert_eq!(reported(&fleet), ["arbitrary_software"]);
        assert_eq!(fleet.installed(GATEWAY), None);
        assert!(
            fleet
                .server
                .take_log()
                .iter()
                .all(|(path, _)| !path.starts_with("/repo/targets"))
        );
        fleet.listed.insert(path.clone(), listed);
        fleet.publish_image().await;
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    }
}

#[tokio::test]
async fn an_image_for_other_hardware_is_refused() {
    let mut fleet = assigned(1).await;
    let path = TargetPath::new("a.img").unwrap();
    let custom = fleet.listed.get_mut(&path).unwrap().custom.as_mut().unwrap();
    custom["sealift"]["hardware_ids"] = serde_json::json!([HardwareId::new("hw-b").unwrap().as_str()]);
    fleet.publish_image().await;
    fleet.assign(GATEWAY, "a.img").await;
    assert_eq!(fleet.refused().await, "wrong_hardware");
    assert_eq!(fleet.installed(GATEWAY), None);
}

#[tokio::test]
async fn an_ecu_of_no_ones_or_twice_is_refused() {
    let mut fleet = assigned(1).await;
    fleet.direct_with("stranger", "a.img", None);
    fleet.publish_director().await;
    assert_eq!(fleet.refused().await, "bad_ecu_id");
    fleet.release("b.img", &firmware(2), 1).await;
    fleet.direct(GATEWAY, "a.img", crate::kit::VEHICLE, GATEWAY);
    fleet.direct(GATEWAY, "b.img", crate::kit::VEHICLE, GATEWAY);
    fleet.publish_director().await;
    assert_eq!(fleet.refused().await, "bad_ecu_id");
    assert_eq!(fleet.installed(GATEWAY), None);
    fleet.assign(GATEWAY, "a.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(CAMERA), None);
}

#[tokio::test]
async fn metadata_signed_by_others_are_refused_and_never_stored() {
    let mut fleet = assigned(1).await;
    let good = fleet.server.file("/director/timestamp.json").unwrap();
    let before = fs::read(fleet.path("trust/director/timestamp.json")).unwrap();
    let image = fleet.server.file("/repo/timestamp.json").unwrap();
    fleet.server.put("/director/timestamp.json", image);
    assert_eq!(fleet.refused().await, "signature");
    assert_eq!(
        fs::read(fleet.path("trust/director/timestamp.json")).unwrap(),
        before
    );
    fleet.server.put("/director/timestamp.json", good);
    fleet.publish_director().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

#[tokio::test]
async fn an_attack_that_could_not_be_reported_is_in_the_next_report_that_can() {
    let mut fleet = assigned(1).await;
    fleet.named_vehicle = "VIN-0002".to_owned();
    fleet.publish_director().await;
    // The first manifest passes, the one after the refusal does not.
    fleet.server.trick("/director/manifest", 1, Trick::Good);
    fleet.server.trick("/director/manifest", u32::MAX, Trick::Down);
    assert_eq!(fleet.refused().await, "replay_other_vehicle");
    assert_eq!(fleet.server.reports().len(), 1);
    fleet.server.clear_tricks();
    fleet.named_vehicle = crate::kit::VEHICLE.to_owned();
    fleet.assign(GATEWAY, "a.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let codes: Vec<_> = fleet
        .server
        .reports()
        .iter()
        .map(|reports| reports[GATEWAY].attacks_detected.clone())
        .collect();
    assert_eq!(codes, [vec![], vec!["replay_other_vehicle".to_owned()], vec![]]);
}
