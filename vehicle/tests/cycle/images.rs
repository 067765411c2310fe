//! Images that are not the signed ones, key boxes of others, protection that is not what it should be.

use sealift_metadata::uptane::{FileDigest, ImageProfile, KeyBoxRef, Protection};
use sealift_metadata::{Hashes, TargetPath};
use sealift_vehicle::Outcome;
use sha2::{Digest, Sha256, Sha512};

use crate::happy::firmware;
use crate::kit::{CAMERA, Fleet, GATEWAY, Sealing, Trick, VEHICLE, profile};

async fn released() -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet
}

/// Whatever was refused, the right assignment installs in the next cycle.
async fn recovers(fleet: &mut Fleet) {
    assert_eq!(fleet.installed(GATEWAY), None);
    assert!(
        !fleet.left_overs().iter().any(|name| name.ends_with(".staging")),
        "{:?}",
        fleet.left_overs()
    );
    fleet.server.clear_tricks();
    fleet.release("good.img", &firmware(7), 9).await;
    fleet.assign(GATEWAY, "good.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(7));
    assert_eq!(fleet.left_overs(), [""; 0]);
}

fn reported(fleet: &Fleet) -> Vec<String> {
    fleet.server.reports().last().unwrap()[GATEWAY]
        .attacks_detected
        .clone()
}

#[tokio::test]
async fn a_flipped_byte_is_refused_on_arrival_and_its_neighbours_are_kept() {
    let mut fleet = released().await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
        .server
        .trick("/repo/targets", 1, Trick::Flip(3 * 65_536 + 5));
    assert_eq!(fleet.refused().await, "bad_mirror");
    assert_eq!(reported(&fleet), ["bad_mirror"]);
    fleet.server.take_log();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let range = fleet
        .server
        .take_log()
        .into_iter()
        .find_map(|(_, range)| range)
        .unwrap();
    assert_eq!(range.start, 3 * 65_536, "only what is missing is asked for");
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn a_flipped_byte_without_segment_list_is_caught_by_the_gate() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release_plain("map.dat", &firmware(3), 1).await;
    fleet.assign(GATEWAY, "map.dat").await;
    fleet.server.trick("/repo/targets", 1, Trick::Flip(77));
    assert_eq!(fleet.refused().await, "arbitrary_software");
    assert_eq!(fleet.left_overs(), [""; 0]);
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn a_key_box_of_another_vehicle_or_ecu_does_not_open() {
    for (vehicle, serial) in [("VIN-0002", GATEWAY), (VEHICLE, CAMERA)] {
        let mut fleet = released().await;
        fleet.direct(GATEWAY, "a.img", vehicle, serial);
        fleet.publish_director().await;
        assert_eq!(fleet.refused().await, "decrypt_failed");
        assert_eq!(reported(&fleet), ["decrypt_failed"]);
        recovers(&mut fleet).await;
    }
}

#[tokio::test]
async fn a_key_box_of_another_image_is_refused() {
    let mut fleet = released().await;
    fleet.release("b.img", &firmware(2), 1).await;
    let other = fleet
        .key_box(&TargetPath::new("b.img").unwrap(), VEHICLE, GATEWAY)
        .unwrap();
    fleet.direct_with(GATEWAY, "a.img", Some(KeyBoxRef::Inline(other)));
    fleet.publish_director().await;
    assert_eq!(fleet.refused().await, "decrypt_failed");
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn a_missing_key_box_is_refused_before_the_download() {
    let mut fleet = released().await;
    fleet.direct_with(GATEWAY, "a.img", None);
    fleet.publish_director().await;
    fleet.server.take_log();
    assert_eq!(fleet.refused().await, "decrypt_failed");
    assert!(
        fleet
            .server
            .take_log()
            .iter()
            .all(|(path, _)| !path.starts_with("/repo/targets"))
    );
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn a_key_box_of_its_own_is_fetched_and_checked() {
    let mut fleet = released().await;
    let bytes = fleet
        .key_box(&TargetPath::new("a.img").unwrap(), VEHICLE, GATEWAY)
        .unwrap();
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let digest = FileDigest {
        length: bytes.len() as u64,
        sha256,
    };
    let path = format!("keyboxes/{}", hex::encode(sha256));
    fleet.direct_with(
        GATEWAY,
        "a.img",
        Some(KeyBoxRef::File {
            path: path.clone(),
            digest,
        }),
    );
    fleet.publish_director().await;
    let mut wrong = bytes.clone();
    wrong[20] ^= 1;
    fleet.server.put(format!("/director/{path}"), wrong);
    assert_eq!(fleet.refused().await, "bad_mirror");
    fleet.server.put(format!("/director/{path}"), bytes);
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

async fn with_profile(change: impl FnOnce(&mut ImageProfile)) -> Fleet {
    let mut fleet = released().await;
    let path = TargetPath::new("a.img").unwrap();
    let mut profile = ImageProfile::parse(&fleet.listed[&path].custom.as_ref().unwrap()["sealift"]).unwrap();
    change(&mut profile);
    fleet.listed.get_mut(&path).unwrap().custom.as_mut().unwrap()["sealift"] = profile.to_value();
    fleet.publish_image().await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

#[tokio::test]
async fn a_plaintext_that_is_not_the_signed_one_never_becomes_active() {
    let mut fleet = with_profile(|profile| profile.plain.sha256[0] ^= 1).await;
    assert_eq!(fleet.refused().await, "arbitrary_software");
    recovers(&mut fleet).await;
    let mut fleet = with_profile(|profile| profile.plain.length += 1).await;
    assert_eq!(fleet.refused().await, "arbitrary_software");
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn a_header_that_is_not_the_signed_one_is_not_even_read() {
    let mut fleet = with_profile(|profile| profile.header.as_mut().unwrap().sha256[0] ^= 1).await;
    assert_eq!(fleet.refused().await, "arbitrary_software");
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn sealed_bytes_under_none_and_plain_bytes_under_sealed_are_refused() {
    let mut fleet = with_profile(|profile| {
        profile.protection = Protection::None;
        profile.header = None;
    })
    .await;
    assert_eq!(fleet.refused().await, "encryption_downgrade");
    recovers(&mut fleet).await;

    let mut fleet = released().await;
    let sealed = fleet.listed[&TargetPath::new("a.img").unwrap()].clone();
    let claimed = ImageProfile::parse(&sealed.custom.unwrap()["sealift"]).unwrap();
    let plain = firmware(4);
    let digest = FileDigest {
        length: plain.len() as u64,
        sha256: Sha256::digest(&plain).into(),
    };
    let segments = fleet.segments_of(&plain);
    fleet
        .list("b.img", plain, profile(digest, claimed.header, Some(segments), 1))
        .await;
    let key_box = fleet
        .key_box(&TargetPath::new("a.img").unwrap(), VEHICLE, GATEWAY)
        .unwrap();
    fleet.direct_with(GATEWAY, "b.img", Some(KeyBoxRef::Inline(key_box)));
    fleet.publish_director().await;
    assert_eq!(fleet.refused().await, "encryption_downgrade");
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn an_ecu_that_requires_sealing_refuses_unsealed_images() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release_plain("map.dat", &firmware(3), 1).await;
    fleet.assign(CAMERA, "map.dat").await;
    assert_eq!(fleet.refused().await, "encryption_downgrade");
    assert_eq!(
        fleet.server.reports().last().unwrap()[CAMERA].attacks_detected,
        ["encryption_downgrade"]
    );
    assert_eq!(fleet.installed(CAMERA), None);
    recovers(&mut fleet).await;
}

#[tokio::test]
async fn one_refused_image_keeps_the_whole_set_out() {
    let mut fleet = released().await;
    fleet.release("b.img", &firmware(2), 1).await;
    fleet.direct(GATEWAY, "a.img", VEHICLE, GATEWAY);
    fleet.direct(CAMERA, "b.img", VEHICLE, CAMERA);
    fleet.publish_director().await;
    fleet.server.trick(&fleet.object("b.img"), 1, Trick::Flip(70_000));
    assert_eq!(fleet.refused().await, "bad_mirror");
    assert_eq!(fleet.installed(GATEWAY), None);
    assert_eq!(fleet.installed(CAMERA), None);
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(CAMERA).unwrap(), firmware(2));
}

#[tokio::test]
async fn every_listed_hash_is_checked() {
    let path = TargetPath::new("a.img").unwrap();
    let mut fleet = released().await;
    let right = Sha512::digest(fleet.server.file(&fleet.object("a.img")).unwrap()).into();
    let mut wrong: [u8; 64] = right;
    wrong[0] ^= 1;
    for (sha512, installs) in [(wrong, false), (right, true)] {
        let file = fleet.listed.get_mut(&path).unwrap();
        file.hashes = Hashes::new(file.hashes.sha256().copied(), Some(sha512)).unwrap();
        fleet.publish_image().await;
        fleet.assign(GATEWAY, "a.img").await;
        if installs {
            assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
        } else {
            assert_eq!(fleet.refused().await, "arbitrary_software");
            assert_eq!(fleet.installed(GATEWAY), None);
        }
    }
}

#[tokio::test]
async fn an_object_or_segment_list_that_is_gone_is_reported() {
    for prefix in ["/repo/targets/", "/repo/segments/"] {
        let mut fleet = released().await;
        fleet.assign(GATEWAY, "a.img").await;
        fleet.server.trick(prefix, 1, Trick::Status(404, None));
        assert_eq!(fleet.refused().await, "unreachable");
        recovers(&mut fleet).await;
    }
}

#[tokio::test]
async fn a_segment_list_that_is_not_the_signed_one_is_refused() {
    let mut fleet = released().await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet.server.trick("/repo/segments/", 1, Trick::Flip(40));
    assert_eq!(fleet.refused().await, "bad_mirror");
    recovers(&mut fleet).await;
}
