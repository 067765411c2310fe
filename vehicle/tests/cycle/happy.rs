//! Cycles that go well: order of the Standard, both key types, nothing fetched or signed without need.

use sealift_vehicle::{Event, Outcome};

use crate::kit::{CAMERA, Fleet, GATEWAY, Sealing};

/// Some bytes, five segments and a bit of them.
pub(crate) fn firmware(seed: u8) -> Vec<u8> {
    (0..5 * 65_536 + 1_234_u32)
        .map(|at| seed.wrapping_add((at / 7 % 251) as u8))
        .collect()
}

fn names(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| {
        serde_json::to_value(event).unwrap()["event"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    events.iter().map(name).collect()
}

/// U-5.4-1, U-5.4.2-1, U-5.4.2.1-1, U-5.4.3-1, U-5.4.3.6-1: report, time, metadata, image, install, report, and
/// nothing before its turn.
#[tokio::test]
async fn installs_and_reports_in_the_order_of_the_standard() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("gateway/app.img", &firmware(1), 3).await;
    fleet.assign(GATEWAY, "gateway/app.img").await;

    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);

    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    assert_eq!(fleet.left_overs(), [""; 0]);
    let mut seen = names(&fleet.recorder.take());
    seen.dedup();
    let expected = [
        "cycle_started",
        "manifest_sent",
        "time_trusted",
        "metadata_stored",
        "metadata_verified",
        "metadata_stored",
        "metadata_verified",
        "target_selected",
        "range",
        "segment",
        "sealed_verified",
        "opened",
        "installed",
        "manifest_sent",
        "cycle_finished",
    ];
    assert_eq!(seen, expected);
    let log: Vec<String> = fleet
        .server
        .take_log()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(log.first().map(String::as_str), Some("/director/manifest"));
    assert!(log[1].ends_with("/2.root.json") && log[1].starts_with("/director/"));

    let reports = fleet.server.reports();
    let installed = reports.last().unwrap()[GATEWAY].installed.clone().unwrap();
    assert_eq!(installed.path.as_str(), "gateway/app.img");
    assert_eq!(installed.length, firmware(1).len() as u64);
    assert_eq!(installed.release_counter, 3);
    assert_eq!(reports[0][GATEWAY].installed, None);
    assert_eq!(reports.last().unwrap()[CAMERA].installed, None);
    assert_eq!(reports.last().unwrap()[GATEWAY].latest_time, Fleet::now());
}

#[tokio::test]
async fn opens_boxes_for_rsa_keys() {
    opens_boxes_for(Sealing::Rsa).await;
}

#[tokio::test]
async fn opens_boxes_for_x_wing_keys() {
    opens_boxes_for(Sealing::XWing).await;
}

async fn opens_boxes_for(sealing: Sealing) {
    let mut fleet = Fleet::new(sealing).await;
    fleet.release("camera/app.img", &firmware(2), 1).await;
    fleet.assign(CAMERA, "camera/app.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(CAMERA).unwrap(), firmware(2));
}

/// U-5.4.4.2-4, U-5.4.4.2-6: where nothing is new the Director is asked twice and the Image repository not at all.
#[tokio::test]
async fn an_up_to_date_vehicle_asks_for_little_and_nothing_of_the_image_repository() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet.cycle().await.unwrap();
    fleet.server.take_log();

    assert_eq!(fleet.cycle().await.unwrap(), Outcome::UpToDate);

    let log: Vec<String> = fleet
        .server
        .take_log()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        log,
        [
            "/director/manifest",
            "/director/2.root.json",
            "/director/timestamp.json"
        ]
    );
}

/// U-5.4.2.4-1, U-5.4.2.7-1: the Primary fetches and verifies for every ECU, and each gets its own.
#[tokio::test]
async fn two_ecus_get_their_own_images_in_one_cycle() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.release("b.img", &firmware(2), 1).await;
    fleet.direct(GATEWAY, "a.img", crate::kit::VEHICLE, GATEWAY);
    fleet.direct(CAMERA, "b.img", crate::kit::VEHICLE, CAMERA);
    fleet.publish_director().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    assert_eq!(fleet.installed(CAMERA).unwrap(), firmware(2));
}

#[tokio::test]
async fn empty_and_one_byte_images_install() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    for (counter, plain) in [(1, &b""[..]), (2, &b"x"[..])] {
        let path = format!("tiny-{counter}.img");
        fleet.release(&path, plain, counter).await;
        fleet.assign(GATEWAY, &path).await;
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
        assert_eq!(fleet.installed(GATEWAY).unwrap(), plain);
    }
}

#[tokio::test]
async fn an_unsealed_image_installs_where_sealing_is_not_required() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release_plain("map.dat", &firmware(9), 1).await;
    fleet.assign(GATEWAY, "map.dat").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(9));
}

#[tokio::test]
async fn a_resealed_image_reflashes_nobody() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet.cycle().await.unwrap();
    let before = fleet.listed.clone();
    fleet.release("a.img", &firmware(1), 1).await;
    assert_ne!(before, fleet.listed, "other bytes on the store");
    fleet.assign(GATEWAY, "a.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::UpToDate);
}

#[tokio::test]
async fn an_update_after_an_update_replaces_the_image() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    for counter in 1..4_u8 {
        let path = format!("v{counter}.img");
        fleet.release(&path, &firmware(counter), counter.into()).await;
        fleet.assign(GATEWAY, &path).await;
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
        assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(counter));
    }
    assert_eq!(fleet.left_overs(), [""; 0]);
}
