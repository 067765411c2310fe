//! A vehicle that is killed while it downloads goes on where it was, and fetches no verified segment again.

use std::sync::{Arc, Mutex};

use sealift_tests::front::{Asked, Exchange, Front, Lie};
use sealift_tests::process::Daemon;
use sealift_tests::rng::image;
use sealift_tests::world::{Vehicle, World};
use serde_json::Value;

const SEGMENT: u64 = 64 * 1024;
const LENGTH: usize = 20 * 64 * 1024 + 777;
const TARGET: &str = "ecu/brain/app.img";

struct Scene {
    world: World,
    vehicle: Vehicle,
    front: Front,
    bytes: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let bytes = image("resume", LENGTH);
        let path = world.image("app.img", &bytes);
        let _ = world
            .target_add(TARGET, "hw-brain", 1, &path)
            .args(["--segment-size", "64KiB"])
            .run()
            .ok();
        world.start_server();
        let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
        world.assign("VIN-1", "BRAIN-1", TARGET);
        let front = world.front_for(&vehicle);
        Self {
            world,
            vehicle,
            front,
            bytes,
        }
    }

    /// Lets `budget` bytes of the target through, then holds the rest back, kills the vehicle and tells which
    /// segments it had verified.
    fn killed_after(&self, budget: u64) -> Vec<u64> {
        self.front.lie(allow(budget, Lie::HangAfter));
        let mut run = self.vehicle.spawn();
        let whole = budget / SEGMENT;
        run.wait_until("the download to come to a halt", |run| {
            let asked = self.front.log().iter().any(|exchange| is_target(&exchange.asked));
            (asked && segments(run).len() as u64 >= whole).then_some(())
        });
        run.kill();
        segments(&run)
    }

    /// One honest cycle to the end; gives what was asked of the server.
    fn finish(&self) -> Vec<Exchange> {
        self.front.behave();
        let _ = self.front.take_log();
        let run = self.vehicle.once().ok();
        assert_eq!(
            self.vehicle.installed("BRAIN-1").as_deref(),
            Some(self.bytes.as_slice()),
            "{run}"
        );
        assert_eq!(self.world.ecu("VIN-1", "BRAIN-1")["installed"]["path"], TARGET);
        self.front.take_log()
    }
}

fn is_target(asked: &Asked) -> bool {
    asked.path.starts_with("/repo/targets/")
}

/// Lets so many bytes of targets through over all requests, then answers with `lie`.
fn allow(budget: u64, lie: fn(usize) -> Lie) -> impl FnMut(&Asked) -> Lie + Send + 'static {
    let left = Arc::new(Mutex::new(budget));
    move |asked| {
        if !is_target(asked) {
            return Lie::None;
        }
        let mut left = left.lock().unwrap();
        let length = match asked.bytes() {
            Some((first, Some(last))) => last - first + 1,
            _ => u64::MAX,
        };
        if length <= *left {
            *left -= length;
            return Lie::None;
        }
        lie(usize::try_from(std::mem::take(&mut *left)).unwrap())
    }
}

/// The segments that a run said it verified.
fn segments(run: &Daemon) -> Vec<u64> {
    let text = run.stdout();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let events = whole
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "segment")
        .map(|event| event["index"].as_u64().unwrap())
        .collect()
}

/// No request asks for a byte of a verified segment.
fn assert_none_again(verified: &[u64], log: &[Exchange]) {
    for exchange in log.iter().filter(|exchange| is_target(&exchange.asked)) {
        let (first, last) = exchange.asked.bytes().unwrap_or((0, None));
        let last = last.unwrap_or(u64::MAX);
        for index in verified {
            let (start, end) = (index * SEGMENT, (index + 1) * SEGMENT - 1);
            assert!(
                last < start || end < first,
                "segment {index} was verified, yet {:?}",
                exchange.asked
            );
        }
    }
}

#[test]
fn no_verified_segment_is_fetched_again() {
    let scene = Scene::new();
    let verified = scene.killed_after(5 * SEGMENT + 1000);
    assert_eq!(verified, [0, 1, 2, 3, 4]);
    assert_none_again(&verified, &scene.finish());
}

#[test]
fn a_vehicle_killed_again_and_again_arrives() {
    let scene = Scene::new();
    let mut verified = Vec::new();
    for budget in [0, 1, SEGMENT, 3 * SEGMENT - 1, 6 * SEGMENT + 12] {
        let _ = scene.front.take_log();
        let newly = scene.killed_after(budget);
        assert_none_again(&verified, &scene.front.take_log());
        verified.extend(newly);
    }
    assert_eq!(
        verified,
        (0..verified.len() as u64).collect::<Vec<_>>(),
        "in order, none twice"
    );
    assert!(verified.len() >= 9, "{verified:?}");
    assert_none_again(&verified, &scene.finish());
}

#[test]
fn a_cut_connection_is_taken_up_in_the_same_cycle() {
    let scene = Scene::new();
    let mut cut = allow(7 * SEGMENT + 5, Lie::CutAfter);
    let mut done = false;
    scene.front.lie(move |asked| {
        let lie = if done { Lie::None } else { cut(asked) };
        done |= matches!(lie, Lie::CutAfter(_));
        lie
    });
    let run = scene.vehicle.once().ok();
    assert_eq!(
        scene.vehicle.installed("BRAIN-1").as_deref(),
        Some(scene.bytes.as_slice()),
        "{run}"
    );
    let fetched = run
        .events()
        .iter()
        .filter(|event| event["event"] == "segment")
        .count();
    assert_eq!(fetched, 21, "no segment is verified twice\n{run}");
    assert!(
        run.events().iter().any(|event| event["event"] == "retry"),
        "{run}"
    );
}

#[test]
fn a_damaged_part_file_is_not_installed() {
    let scene = Scene::new();
    let verified = scene.killed_after(5 * SEGMENT + 1000);
    assert_eq!(verified.len(), 5);
    let part = std::fs::read_dir(scene.vehicle.path("state/download")).unwrap();
    let part = part
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "part"));
    sealift_tests::tree::flip(&part.unwrap(), SEGMENT + 17);
    scene.front.behave();
    // Whether the damage is found at once or by the flat hash in the end, a second cycle at most brings the image.
    let run = scene.vehicle.once();
    if run.code() != Some(0) {
        assert_eq!(scene.vehicle.installed("BRAIN-1"), None, "{run}");
        let _ = scene.vehicle.once().ok();
    }
    assert_eq!(
        scene.vehicle.installed("BRAIN-1").as_deref(),
        Some(scene.bytes.as_slice())
    );
}
