use sealift_tests::tree::walk;
use sealift_tests::world::World;

#[test]
fn an_image_goes_the_whole_way() {
    let mut world = World::new();
    super::both_kinds_of_ecu(&mut world);
}

#[test]
fn nothing_of_the_plaintext_reaches_the_store() {
    let world = World::new();
    let marker = b"this sentence is the plaintext and must stay on the engineer's disk";
    let image = world.image("marked.img", &marker.repeat(40_000));
    world.publish("ecu/brain/app.img", "hw-brain", 1, &image);
    for path in walk(&world.path("store")) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(marker.len()).any(|window| window == marker),
            "{}",
            path.display()
        );
    }
}

#[test]
fn an_update_replaces_the_installed_image() {
    let mut world = World::new();
    let (old, new) = (vec![1; 200_000], vec![2; 300_000]);
    world.publish(
        "ecu/brain/app-1.img",
        "hw-brain",
        1,
        &world.image("old.img", &old),
    );
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app-1.img");
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(old));

    world.publish(
        "ecu/brain/app-2.img",
        "hw-brain",
        2,
        &world.image("new.img", &new),
    );
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app-2.img");
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(new));
    assert_eq!(world.ecu("VIN-1", "BRAIN-1")["installed"]["release_counter"], 2);
}

#[test]
fn the_server_forgets_nothing_when_it_is_killed() {
    let mut world = World::new();
    let bytes = vec![3; 100_000];
    world.publish(
        "ecu/brain/app.img",
        "hw-brain",
        1,
        &world.image("app.img", &bytes),
    );
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    world.assign("VIN-1", "BRAIN-1", "ecu/brain/app.img");
    world.kill_server();
    world.start_server();
    world.direct(&vehicle);
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
    assert_eq!(
        world.stop_server(),
        Some(0),
        "SIGTERM ends the server in good order"
    );
}
