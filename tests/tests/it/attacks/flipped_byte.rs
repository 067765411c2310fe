//! A byte of the sealed object is changed on the server.

use sealift_tests::tree::flip;

use super::{REFUSED, TARGET, code, one_vehicle, reported};

#[test]
fn a_flipped_byte_is_refused_where_it_arrives_and_reported() {
    let (world, vehicle, bytes) = one_vehicle();
    let object = world.tree().object(TARGET);
    let place = 3 * 64 * 1024 + 5;
    flip(&object, place);

    let run = vehicle.once().exits(REFUSED);
    assert_eq!(code(&run), "bad_mirror", "{run}");
    assert_eq!(reported(&run), ["bad_mirror"], "{run}");
    assert_eq!(world.ecu("VIN-1", "BRAIN-1")["attacks"][0], "bad_mirror");
    assert_eq!(vehicle.installed("BRAIN-1"), None);
    let verified = run
        .events()
        .iter()
        .filter(|event| event["event"] == "segment")
        .count();
    assert_eq!(verified, 3, "the segments before it are kept\n{run}");

    flip(&object, place);
    let run = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
    let again = run
        .events()
        .iter()
        .filter(|event| event["event"] == "segment")
        .count();
    assert_eq!(again, 2, "only what was not verified is fetched\n{run}");
}

#[test]
fn every_part_of_the_object_is_guarded() {
    let (world, vehicle, bytes) = one_vehicle();
    let object = world.tree().object(TARGET);
    let length = std::fs::metadata(&object).unwrap().len();
    for place in [0, 9, 20, 100, length / 2, length - 1] {
        flip(&object, place);
        let run = vehicle.once().exits(REFUSED);
        assert_eq!(vehicle.installed("BRAIN-1"), None, "byte {place}\n{run}");
        flip(&object, place);
    }
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}
