//! No room left, at every place that writes much. `ulimit -f` stands in for the disk.

use std::fs;

use sealift_tests::process::Program;
use sealift_tests::rng::image;
use sealift_tests::tree::walk;
use sealift_tests::world::World;

use super::exit;

const LENGTH: usize = 2_000_000;
/// Room for metadata and keys, not for the image.
const ROOM: u64 = 1 << 20;

#[test]
fn sealing_and_opening_leave_nothing_behind() {
    let world = World::new();
    let plain = image("disk", LENGTH);
    let _ = world.image("app.img", &plain);
    let _ = world
        .sealift()
        .args(["key", "generate", "p256", "--unencrypted", "--out", "keys/me.pem"])
        .run()
        .ok();
    let seal = [
        "image",
        "seal",
        "--recipient",
        "keys/me.pub.pem",
        "-o",
        "images/app.sealed",
        "images/app.img",
    ];
    let open = [
        "image",
        "open",
        "--key",
        "keys/me.pem",
        "-o",
        "images/opened.img",
        "images/app.sealed",
    ];
    let limited = || world.surround(Program::binary_with_file_limit("sealift", ROOM));

    let before = walk(&world.path("images"));
    let run = limited().args(seal).run().exits(exit::LOCAL_IO);
    run.complains("cannot seal");
    assert_eq!(walk(&world.path("images")), before, "{run}");

    let _ = world.sealift().args(seal).run().ok();
    let before = walk(&world.path("images"));
    let run = limited().args(open).run().exits(exit::LOCAL_IO);
    assert_eq!(walk(&world.path("images")), before, "{run}");
    let _ = world.sealift().args(open).run().ok();
    assert_eq!(fs::read(world.path("images/opened.img")).unwrap(), plain);
}

/// One byte too few: the limit has a granularity of 512, so the lengths are chosen one above it.
#[test]
fn a_disk_that_fills_at_the_last_byte_leaves_nothing() {
    let world = World::new();
    let length = |name: &str| fs::metadata(world.path(name)).unwrap().len();
    let seal = |output: &str, input: &str| {
        let recipient = ["--recipient", "keys/kek.pub.pem", "-o"];
        [&["image", "seal"][..], &recipient, &[output, input]]
            .concat()
            .join(" ")
    };
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let _ = world.image("a", &image("last", LENGTH));
    let _ = world
        .sealift()
        .args(words(&seal("images/a.sealed", "images/a")))
        .run()
        .ok();
    let surplus = usize::try_from((length("images/a.sealed") - 1) % 512).unwrap();
    let _ = world.image("a", &image("last", LENGTH - surplus));
    let again = seal("images/a.sealed", "images/a") + " --force";
    let _ = world.sealift().args(words(&again)).run().ok();
    let exact = length("images/a.sealed");
    assert_eq!(exact % 512, 1);
    let limited = |room| world.surround(Program::binary_with_file_limit("sealift", room));

    let before = walk(&world.path("images"));
    let to_b = words(&seal("images/b.sealed", "images/a"));
    let run = limited(exact - 1).args(&to_b).run().exits(exit::LOCAL_IO);
    assert_eq!(walk(&world.path("images")), before, "{run}");
    let _ = limited(exact + 511).args(&to_b).run().ok();

    // Opening: plaintext one byte above the granularity.
    let plain = LENGTH / 512 * 512 + 1;
    let _ = world.image("c", &image("last", plain));
    let _ = world
        .sealift()
        .args(words(&seal("images/c.sealed", "images/c")))
        .run()
        .ok();
    let before = walk(&world.path("images"));
    let open = words("image open --key keys/kek.pem -o images/d images/c.sealed");
    let room = u64::try_from(plain).unwrap() - 1;
    let run = limited(room).args(&open).run().exits(exit::LOCAL_IO);
    assert_eq!(walk(&world.path("images")), before, "{run}");
    let _ = limited(room + 512).args(&open).run().ok();
    assert_eq!(length("images/d"), room + 1);
}

/// The key file is the larger one here: the image has no byte and the key file room for many Directors.
#[test]
fn a_disk_that_fills_with_the_files_beside_leaves_nothing() {
    let world = World::new();
    let _ = world.image("a", &[]);
    let mut words: Vec<String> = [
        "image",
        "seal",
        "-o",
        "images/a.sealed",
        "images/a",
        "--target-path",
        "a",
    ]
    .map(str::to_owned)
    .into();
    words.extend(["--repository-id".to_owned(), "ab".repeat(32)]);
    for number in 0..5 {
        let name = format!("keys/director-{number}.pem");
        let _ = world
            .sealift()
            .args(["kek", "create", "--unencrypted", "--out", &name])
            .run()
            .ok();
        words.extend(["--director".to_owned(), format!("keys/director-{number}.pub.pem")]);
    }
    let before = walk(&world.path("images"));
    let limited = world.surround(Program::binary_with_file_limit("sealift", 512));
    let run = limited.args(&words).run().exits(exit::LOCAL_IO);
    run.complains("a.sealed.keys");
    assert_eq!(walk(&world.path("images")), before, "{run}");
    let _ = world.sealift().args(&words).run().ok();
    assert!(world.path("images/a.sealed.keys").metadata().unwrap().len() > 512);
}

/// A pipe is spooled, sealed, before it is uploaded: the spool is what fills the disk.
#[test]
fn a_spool_without_room_publishes_nothing() {
    let world = World::new();
    let before = walk(&world.path("store"));
    let spool = world.path("spool");
    fs::create_dir(&spool).unwrap();
    let add = world.target_add("ecu/piped.img", "hw", 1, "-".as_ref());
    let add = add.arg("--spool").arg(&spool).limited_to(ROOM);
    let run = add.input(image("disk", LENGTH)).run().exits(exit::LOCAL_IO);
    assert_eq!(walk(&world.path("store")), before, "{run}");
    assert_eq!(walk(&spool), Vec::<std::path::PathBuf>::new(), "{run}");
}

#[test]
fn a_full_pipe_end_is_a_local_failure() {
    let world = World::new();
    let _ = world.image("app.img", &image("disk", LENGTH));
    let script = "\"$0\" image seal --recipient keys/kek.pub.pem -o - images/app.img > /dev/full";
    let program = Program::new("sh", "/bin/sh")
        .args(["-c", script])
        .arg(sealift_tests::bins::binary("sealift"));
    let run = world.surround(program).run().exits(exit::LOCAL_IO);
    run.complains("error: ");
}

#[test]
fn publishing_leaves_the_old_repository() {
    let world = World::new();
    let small = world.image("small.img", &image("small", 1000));
    world.publish("ecu/small.img", "hw", 1, &small);
    let big = world.image("big.img", &image("disk", LENGTH));
    let targets = world.tree().targets();
    let before = walk(&world.path("store"));

    let arguments = world.target_add("ecu/big.img", "hw", 1, &big);
    let run = arguments.limited_to(ROOM).run();
    assert!(
        [Some(exit::LOCAL_IO), Some(exit::UNAVAILABLE)].contains(&run.code()),
        "{run}"
    );
    assert_eq!(world.tree().targets(), targets, "{run}");
    assert_eq!(walk(&world.path("store")), before, "no half object\n{run}");
    world.publish("ecu/big.img", "hw", 1, &big);
    assert_eq!(
        world.tree().target("ecu/small.img"),
        targets["targets"]["ecu/small.img"]
    );
}

#[test]
fn a_vehicle_keeps_what_it_verified() {
    let mut world = World::new();
    let bytes = image("disk", LENGTH);
    let path = world.image("app.img", &bytes);
    let _ = world
        .target_add("ecu/app.img", "hw", 1, &path)
        .args(["--segment-size", "64KiB"])
        .run()
        .ok();
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    world.assign("VIN-1", "BRAIN-1", "ecu/app.img");
    // Exit code of `sealift-vehicle` for a failure on its own machine.
    let run = vehicle.program_with_file_limit(ROOM).run().exits(12);
    assert_eq!(vehicle.installed("BRAIN-1"), None, "{run}");
    let held = run
        .events()
        .iter()
        .filter(|event| event["event"] == "segment")
        .count();
    let run = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
    let resumed = run.events().into_iter().find(|event| event["event"] == "resumed");
    assert_eq!(
        resumed.map(|event| event["held"].clone()),
        (held > 0).then(|| held.into()),
        "{run}"
    );
}
