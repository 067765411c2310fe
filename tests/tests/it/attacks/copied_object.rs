//! A supplier publishes another supplier's sealed object under a path of his own and asks the Director for its key.

use std::fs;

use sealift_tests::forge::{Forger, InForce};
use sealift_tests::tree::store_name;

use super::{TARGET, one_vehicle};

const COPY: &str = "mallory/stolen.img";

#[test]
fn the_director_does_not_open_a_copy_under_another_path() {
    let (world, vehicle, _) = one_vehicle();
    let tree = world.tree();
    let entry = tree.target(TARGET);
    let hash = entry["hashes"]["sha256"].as_str().unwrap();
    let object = tree.served().join("targets").join(store_name(COPY, hash));
    let keys = tree
        .private()
        .join("keys")
        .join(format!("{}.keys", store_name(COPY, hash)));
    for (from, to) in [(tree.object(TARGET), object), (tree.key_file(TARGET), keys)] {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
    let forger = Forger::new(
        &world.path("keys/targets.pem"),
        &world.path("keys/snapshot.pem"),
        &world.path("keys/timestamp.pem"),
    );
    let now = InForce::read(|name| fs::read(tree.served().join(name)).unwrap());
    let forged = world.block_on(forger.next(now, |targets| targets["targets"][COPY] = entry.clone()));
    for (name, bytes) in &forged.files {
        fs::write(tree.served().join(name), bytes).unwrap();
    }
    assert_eq!(tree.target(COPY), entry, "the copy is signed and in force");

    let before = world.ecu("VIN-1", "BRAIN-1")["assignment"].clone();
    let assign = ["vehicle", "assign", "VIN-1", "--ecu", "BRAIN-1", "--target", COPY];
    let run = world.operator(&assign).run().fails();
    assert!(run.stderr().contains("error:"), "{run}");
    assert_eq!(
        world.ecu("VIN-1", "BRAIN-1")["assignment"],
        before,
        "the decision is unchanged"
    );
    let _ = vehicle.once().ok();
    assert_eq!(
        world.ecu("VIN-1", "BRAIN-1")["installed"]["path"],
        TARGET,
        "the honest image still arrives"
    );
}
