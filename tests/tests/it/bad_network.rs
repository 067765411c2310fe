//! A server that is busy, slow to end, cut off or endless; the vehicle waits, gives up, or goes on, and loses nothing.

use http::StatusCode;
use sealift_tests::front::{Asked, Lie};
use sealift_tests::process::Run;
use sealift_tests::rng::image;
use sealift_tests::wire_cut::{Fault, Relay, Way};
use sealift_tests::world::{Vehicle, World};

const TARGET: &str = "ecu/brain/app.img";
/// Exit code of `sealift-vehicle` when there is no usable answer.
const NETWORK: i32 = 11;

fn scene() -> (World, Vehicle, Vec<u8>) {
    let mut world = World::new();
    let bytes = image("network", 500_000);
    let path = world.image("app.img", &bytes);
    let _ = world
        .target_add(TARGET, "hw-brain", 1, &path)
        .args(["--segment-size", "64KiB"])
        .run()
        .ok();
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    world.assign("VIN-1", "BRAIN-1", TARGET);
    (world, vehicle, bytes)
}

/// Answers so for the first `times` requests whose path starts with `prefix`.
fn at_first(times: usize, prefix: &'static str, lie: Lie) -> impl FnMut(&Asked) -> Lie + Send + 'static {
    let mut left = times;
    move |asked| {
        if left > 0 && asked.path.starts_with(prefix) {
            left -= 1;
            return lie.clone();
        }
        Lie::None
    }
}

#[track_caller]
fn delays(run: &Run) -> Vec<u64> {
    let retries = run.events().into_iter().filter(|event| event["event"] == "retry");
    retries.map(|event| event["delay_ms"].as_u64().unwrap()).collect()
}

#[test]
fn retry_after_is_honoured() {
    let (world, vehicle, bytes) = scene();
    let front = world.front_for(&vehicle);
    front.lie(at_first(
        1,
        "/repo/targets/",
        Lie::Busy(StatusCode::SERVICE_UNAVAILABLE, 2),
    ));
    let run = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
    assert!(delays(&run).iter().any(|delay| *delay >= 2000), "{run}");
}

#[test]
fn endless_metadata_are_refused() {
    let (world, vehicle, bytes) = scene();
    let front = world.front_for(&vehicle);
    for name in ["/director/timestamp.json", "/repo/timestamp.json"] {
        front.lie(at_first(
            usize::MAX,
            name,
            Lie::Replace(StatusCode::OK, vec![b' '; 2 << 20]),
        ));
        let run = vehicle.once().exits(10);
        let refused = run
            .events()
            .into_iter()
            .find(|event| event["event"] == "refused")
            .unwrap();
        assert_eq!(refused["code"], "endless_data", "{run}");
    }
    front.behave();
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}

#[test]
fn wrong_answers_to_ranges_are_refused() {
    let (world, vehicle, bytes) = scene();
    let front = world.front_for(&vehicle);
    let wrong = image("wrong", 500_000);
    for lie in [
        Lie::Replace(StatusCode::OK, wrong.clone()),
        Lie::Replace(StatusCode::PARTIAL_CONTENT, wrong),
        Lie::Replace(StatusCode::OK, Vec::new()),
        Lie::From("/repo/timestamp.json".to_owned()),
    ] {
        front.lie(at_first(usize::MAX, "/repo/targets/", lie));
        let run = vehicle.once().fails();
        assert_eq!(vehicle.installed("BRAIN-1"), None, "{run}");
    }
    front.behave();
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}

#[test]
fn no_server_is_a_network_failure() {
    let (mut world, vehicle, bytes) = scene();
    world.kill_server();
    let run = vehicle.once().exits(NETWORK);
    assert!(
        run.stderr().contains("error") || !run.stderr().is_empty(),
        "it says why\n{run}"
    );
    world.start_server();
    world.direct(&vehicle);
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}

#[test]
fn a_server_killed_in_the_middle_of_a_download_is_taken_up_again() {
    let (mut world, vehicle, bytes) = scene();
    let relay = Relay::start(world.vehicles_address());
    vehicle.talk_to(relay.address());
    relay.set(Fault::StallAfter(Way::Down, 300_000));
    let mut run = vehicle.spawn();
    run.wait_until("a verified segment and the stall", |run| {
        (relay.struck() > 0 && run.stdout().contains("\"segment\"")).then_some(())
    });
    world.kill_server();
    run.kill();
    let held = run.stdout().matches("\"event\":\"segment\"").count();
    world.start_server();
    world.direct(&vehicle);
    let run = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
    let resumed = run
        .events()
        .into_iter()
        .find(|event| event["event"] == "resumed")
        .unwrap();
    assert!(resumed["held"].as_u64().unwrap() >= held as u64, "{run}");
}

#[test]
fn a_bit_flipped_under_tls_breaks_the_connection_only() {
    let (world, vehicle, bytes) = scene();
    let relay = Relay::start(world.vehicles_address());
    vehicle.talk_to(relay.address());
    relay.set(Fault::FlipAt(Way::Down, 200_000));
    let run = vehicle.once().ok();
    assert_eq!(relay.struck(), 1);
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
    assert!(!delays(&run).is_empty(), "{run}");
}
