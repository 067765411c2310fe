//! A server that is down, busy, slow, endless or lying about ranges.

use std::time::Duration;

use sealift_vehicle::{CycleError, Event, Outcome};

use crate::happy::firmware;
use crate::kit::{Fleet, GATEWAY, Sealing, Trick};

async fn assigned() -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

async fn succeeds_now(fleet: &Fleet) {
    fleet.server.clear_tricks();
    assert_eq!(
        fleet.installed(GATEWAY),
        None,
        "nothing is installed by a failed cycle"
    );
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn busy_with_retry_after_is_waited_for() {
    let fleet = assigned().await;
    fleet
        .server
        .trick("/director/timestamp.json", 1, Trick::Status(503, Some("7")));
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert!(fleet.world.slept()[0] >= Duration::from_secs(7));
}

#[tokio::test]
async fn a_long_retry_after_ends_the_cycle_and_is_passed_on() {
    let fleet = assigned().await;
    fleet
        .server
        .trick("/director/timestamp.json", 1, Trick::Status(503, Some("3600")));
    let error = fleet.cycle().await.unwrap_err();
    assert_eq!(error.exit_code(), 11);
    assert!(error.retry_after().unwrap() >= Duration::from_secs(3600));
    assert!(fleet.world.slept().is_empty());
    succeeds_now(&fleet).await;
}

#[tokio::test]
async fn waits_grow_and_end() {
    let fleet = assigned().await;
    fleet.server.trick("/director/manifest", u32::MAX, Trick::Down);
    let error = fleet.cycle().await.unwrap_err();
    assert_eq!(error.exit_code(), 11);
    let slept = fleet.world.slept();
    assert_eq!(slept.len(), 4, "five attempts");
    assert!(slept.windows(2).all(|pair| pair[0] < pair[1]), "{slept:?}");
    succeeds_now(&fleet).await;
}

/// U-5.4.4.3-2, X-6b: of all answers only 404 says that there is no newer root.
#[tokio::test]
async fn a_server_error_is_not_taken_for_the_end_of_the_roots() {
    let fleet = assigned().await;
    fleet
        .server
        .trick("/director/2.root.json", u32::MAX, Trick::Status(500, None));
    assert_eq!(fleet.cycle().await.unwrap_err().exit_code(), 11);
    fleet.server.clear_tricks();
    for status in [301, 403, 410] {
        fleet
            .server
            .trick("/director/2.root.json", 1, Trick::Status(status, None));
        let error = fleet.cycle().await.unwrap_err();
        assert!(
            matches!(error, CycleError::Rejected { status: found, .. } if found == status),
            "{error}"
        );
        assert_eq!(error.exit_code(), 14);
    }
    succeeds_now(&fleet).await;
}

/// T-5.3-W, T-5.7-2, U-5.4.3.3-6, U-5.4.4.3-2, U-5.4.4.4-1, U-5.4.4.5-1, U-5.4.4.6-1: every document and object of
/// both repositories, from a server that never stops.
#[tokio::test]
async fn endless_bodies_are_cut_off_at_the_cap() {
    let fleet = assigned().await;
    let director =
        ["2.root", "timestamp", "2.snapshot", "2.targets"].map(|role| format!("/director/{role}.json"));
    let image = ["timestamp", "2.snapshot", "2.targets"].map(|role| format!("/repo/{role}.json"));
    let objects = ["/repo/segments/", "/repo/targets/"].map(str::to_owned);
    for path in director.into_iter().chain(image).chain(objects) {
        // A missing file has no body to be endless: serve something.
        fleet.server.put("/director/2.root.json", vec![0; 100]);
        if !path.ends_with("root.json") {
            fleet.server.remove("/director/2.root.json");
        }
        fleet.server.trick(&path, 1, Trick::Endless);
        assert_eq!(fleet.refused().await, "endless_data", "{path}");
        fleet.server.remove("/director/2.root.json");
        fleet.server.clear_tricks();
    }
    let attacks = fleet.server.reports().last().unwrap()[GATEWAY]
        .attacks_detected
        .clone();
    assert_eq!(attacks, ["endless_data"]);
    succeeds_now(&fleet).await;
    assert!(
        fleet.server.reports().last().unwrap()[GATEWAY]
            .attacks_detected
            .is_empty(),
        "reported once"
    );
}

/// U-5.4-3: a document and an image that stop coming.
#[tokio::test]
async fn dripping_bodies_are_slow_retrieval() {
    for path in ["/director/timestamp.json", "/repo/targets"] {
        let fleet = assigned().await;
        fleet.server.trick(path, 1, Trick::Drip);
        assert_eq!(fleet.refused().await, "slow_retrieval", "{path}");
        succeeds_now(&fleet).await;
    }
}

#[tokio::test]
async fn a_content_range_that_is_not_ours_is_refused() {
    for lie in [
        "bytes 1-65536/329338",
        "bytes 0-9999999/9999999",
        "bytes 0-10/*",
        "nonsense",
        "bytes 65536-131071/328970",
    ] {
        let fleet = assigned().await;
        fleet.server.trick("/repo/targets", 1, Trick::ContentRange(lie));
        assert_eq!(fleet.refused().await, "bad_mirror", "{lie}");
        assert!(
            !fleet
                .recorder
                .take()
                .iter()
                .any(|event| matches!(event, Event::Segment { .. }))
        );
        succeeds_now(&fleet).await;
    }
}

#[tokio::test]
async fn the_whole_object_instead_of_a_range_is_used() {
    let fleet = assigned().await;
    fleet.server.trick("/repo/targets", u32::MAX, Trick::Whole);
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn the_whole_object_after_half_a_download_fills_the_gaps() {
    let fleet = assigned().await;
    fleet.server.trick("/repo/targets", 1, Trick::Cut(200_000));
    fleet.server.trick("/repo/targets", 1, Trick::Whole);
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let segments = fleet
        .recorder
        .take()
        .into_iter()
        .filter(|event| matches!(event, Event::Segment { .. }))
        .count();
    assert_eq!(segments, 6, "held segments are not written again");
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

/// T-5.7-2, U-5.4.3.4-6: a byte less and a byte more.
#[tokio::test]
async fn an_object_of_another_length_is_refused() {
    let mut fleet = assigned().await;
    let object = fleet.object("a.img");
    let bytes = fleet.server.file(&object).unwrap();
    // Shorter: the stated total differs. Longer: the same.
    for other in [
        bytes.slice(..bytes.len() - 1),
        [bytes.as_ref(), b"x"].concat().into(),
    ] {
        fleet.server.put(object.clone(), other);
        assert_eq!(fleet.refused().await, "bad_mirror");
        assert_eq!(fleet.installed(GATEWAY), None);
    }
    fleet.server.trick(&object, 1, Trick::Status(416, None));
    assert_eq!(fleet.refused().await, "bad_mirror");
    fleet.server.put(object, bytes);
    fleet.publish_director().await;
    succeeds_now(&fleet).await;
}

/// T-5.3-W: nothing is unpacked, so nothing can grow.
#[tokio::test]
async fn compressed_answers_are_refused() {
    let fleet = assigned().await;
    fleet
        .server
        .trick("/director/timestamp.json", 1, Trick::Compressed);
    assert_eq!(fleet.refused().await, "bad_mirror");
    succeeds_now(&fleet).await;
}

/// U-5.4.2.1-1: no metadata without a manifest that was taken.
#[tokio::test]
async fn a_manifest_that_is_refused_ends_the_cycle_before_metadata() {
    let fleet = assigned().await;
    fleet
        .server
        .trick("/director/manifest", 1, Trick::Status(403, None));
    let error = fleet.cycle().await.unwrap_err();
    assert_eq!(error.exit_code(), 14);
    assert!(error.to_string().contains("as told"), "{error}");
    assert_eq!(fleet.server.take_log().len(), 1);
    succeeds_now(&fleet).await;
}

#[tokio::test]
async fn a_host_that_keeps_failing_is_left_alone_for_a_while() {
    let fleet = assigned().await;
    let vehicle = fleet.open();
    fleet.server.trick("/", u32::MAX, Trick::Down);
    for _ in 0..3 {
        assert_eq!(fleet.cycle_of(&vehicle).await.unwrap_err().exit_code(), 11);
    }
    assert_eq!(
        fleet.server.take_log().len(),
        8,
        "eight failures open the circuit"
    );
    let error = fleet.cycle_of(&vehicle).await.unwrap_err();
    assert!(fleet.server.take_log().is_empty());
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(100), "{wait:?}");
    fleet.server.clear_tricks();
    sealift_vehicle::World::sleep(&fleet.world, wait).await;
    assert_eq!(fleet.cycle_of(&vehicle).await.unwrap(), Outcome::Installed);
}

/// T-1.5.2-1: three cycles without an answer are in the first report that gets through.
#[tokio::test]
async fn a_vehicle_that_was_cut_off_says_so_when_it_is_back() {
    let fleet = assigned().await;
    for _ in 0..4 {
        fleet.server.trick("/", u32::MAX, Trick::Down);
        assert_eq!(fleet.cycle().await.unwrap_err().exit_code(), 11);
        fleet.server.clear_tricks();
    }
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let codes: Vec<_> = fleet
        .server
        .reports()
        .iter()
        .map(|reports| reports[GATEWAY].attacks_detected.clone())
        .collect();
    assert_eq!(codes, [vec!["unreachable".to_owned()], vec![]]);
}
