//! A Director whose key-encryption key is in a PKCS#11 token: SoftHSM.

use std::fs;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use sealift_tests::rng::image;
use sealift_tests::world::World;

use crate::softhsm::{self, MODULE, PIN};

const URI: &str = "pkcs11:token=Director;object=kek?pin-source=env:TOKEN_PIN";
const TARGET: &str = "ecu/brain/app.img";

/// True in the child, whose token holds a P-256 key.
fn inside(test: &str) -> bool {
    let inside = softhsm::inside(&format!("held_keys::{test}"));
    if inside {
        make_key();
    }
    inside
}

fn make_key() {
    let module = Pkcs11::new(MODULE).unwrap();
    module
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .unwrap();
    let slots = module.get_slots_with_initialized_token().unwrap();
    let session = module.open_rw_session(slots[0]).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let name = [
        Attribute::Label("kek".into()),
        Attribute::Id(vec![1]),
        Attribute::Token(true),
    ];
    let p256 = vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let public = [&name[..], &[Attribute::EcParams(p256)]].concat();
    let private = [&name[..], &[Attribute::Derive(true), Attribute::Sensitive(true)]].concat();
    session
        .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
        .unwrap();
}

/// A world whose Director has no private key in any file.
fn world() -> World {
    let mut world = World::new();
    fs::remove_file(world.path("keys/kek.pem")).unwrap();
    let show = ["key", "show", URI, "--force", "-o", "keys/kek.pub.pem"];
    let _ = world.sealift().args(show).run().ok();
    world.name_key("keys/kek.pem", URI);
    world
}

#[test]
fn an_image_goes_the_whole_way_with_the_key_in_a_token() {
    if !inside("an_image_goes_the_whole_way_with_the_key_in_a_token") {
        return;
    }
    let mut world = world();
    let bytes = image("held", 250_000);
    world.publish(TARGET, "hw-brain", 1, &world.image("app.img", &bytes));
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
    world.assign("VIN-1", "BRAIN-1", TARGET);
    let _ = vehicle.once().ok();
    assert_eq!(vehicle.installed("BRAIN-1"), Some(bytes));
}

/// Out of the token into a file, with nothing sealed again; and into the token's way of opening before that.
#[test]
fn a_key_in_a_token_is_rotated_like_any_other() {
    if !inside("a_key_in_a_token_is_rotated_like_any_other") {
        return;
    }
    let world = world();
    let bytes = image("held", 100_000);
    world.publish(TARGET, "hw-brain", 1, &world.image("app.img", &bytes));
    let origin = [
        "--metadata-root",
        "keys/1.root.json",
        "--repository",
        world.repository(),
        "--target",
        TARGET,
    ];
    let opened = |key: &str| {
        let object = world.tree().object(TARGET);
        let args = ["image", "open", "--force", "-o", "images/back.img", "--key", key];
        let program = world.sealift().args(args).args(origin).arg(object);
        let run = program.run();
        (run, fs::read(world.path("images/back.img")).ok())
    };
    let (run, back) = opened(URI);
    assert_eq!(back, Some(bytes.clone()), "{run}");

    let create = ["kek", "create", "--unencrypted", "--out", "keys/kek-2.pem"];
    let _ = world.sealift().args(create).run().ok();
    let _ = world
        .kek_rotate(URI, "keys/kek-2.pub.pem")
        .arg("--remove-old")
        .run()
        .ok();
    fs::remove_file(world.path("images/back.img")).unwrap();
    assert_eq!(opened(URI).1, None);
    assert_eq!(opened("keys/kek-2.pem").1, Some(bytes));
}

/// A server that could not unwrap does not start, and says why; the PIN stands in no message.
#[test]
fn a_server_without_its_token_does_not_start() {
    if !inside("a_server_without_its_token_does_not_start") {
        return;
    }
    for (uri, code, says) in [
        (
            "pkcs11:token=Dirctor;object=kek?pin-source=env:TOKEN_PIN",
            64,
            "`Director`",
        ),
        ("pkcs11:token=Director;object=kek", 64, "pin-source"),
        ("pkcs11:token=Director?pin-value=71077345", 64, "director.keks"),
    ] {
        let mut world = World::new();
        world.name_key("keys/kek.pem", uri);
        fs::write(world.path("server.toml"), world.server_config()).unwrap();
        let server = world.surround(sealift_tests::process::Program::binary("sealift-server"));
        let run = server.args(["--config", "server.toml"]).run().exits(code);
        let text = run.to_string();
        assert!(text.contains(says), "{text}");
        assert!(!text.contains(PIN), "{text}");
    }
}
