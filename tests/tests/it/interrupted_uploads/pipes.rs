//! A pipe cannot be read twice: its sealed spool is what an interrupted upload goes on with.

use super::*;

/// The command with a pipe for its input; the shell lets the test kill `sealift` itself.
fn piped(scene: &Scene, file: &str) -> Program {
    let add = scene
        .world
        .target_add("ecu/big.img", "hw", 1, "-".as_ref())
        .args(["--json", "--spool"])
        .arg(scene.world.path("logs"));
    add.reading(&scene.world.path("images").join(file))
}

fn spools(scene: &Scene) -> usize {
    let entries = fs::read_dir(scene.world.logs()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("sealift-spool-")).count()
}

fn killed() -> Scene {
    let scene = Scene::new();
    scene.store.rule(|act| {
        if *act == Act::Part(1) {
            Fate::Held
        } else {
            Fate::Done
        }
    });
    let mut process = piped(&scene, "big.img").spawn(&scene.world.logs(), "killed");
    process.wait_until("the held part", |_| {
        (!scene.store.held().is_empty() && scene.stored_lines() == 4).then_some(())
    });
    process.kill();
    scene.store.drop_held();
    scene.store.behave();
    assert_eq!(spools(&scene), 1);
    let [journal] = scene.journals().try_into().unwrap();
    let text = fs::read_to_string(journal).unwrap();
    assert!(text.contains("\"plan\":null"), "a spool needs no key: {text}");
    scene
}

#[test]
fn the_same_pipe_again_goes_on_with_the_old_spool() {
    let scene = killed();
    let run = piped(&scene, "big.img").run().ok();
    assert!(resumed_bytes(&run) > 0, "{run}");
    assert_eq!(arrivals(&scene.store.log()), once_each(5));
    scene.published(&image("interrupted", 4 * PART + 1000));
    assert_eq!(spools(&scene), 0);
}

#[test]
fn another_pipe_drops_the_old_spool() {
    let scene = killed();
    let bytes = image("another", 3 * PART);
    let _ = scene.world.image("other.img", &bytes);
    let run = piped(&scene, "other.img").run().ok();
    assert_eq!(resumed_bytes(&run), 0, "{run}");
    scene.published(&bytes);
    assert_eq!(spools(&scene), 0);
}

#[test]
fn dropping_an_upload_drops_its_spool() {
    let scene = killed();
    let _ = scene.uploads(&["abort", "--all"]).ok();
    assert_eq!((spools(&scene), scene.store.open_uploads()), (0, 0));
}

#[test]
fn a_spool_that_does_not_fit_ends_the_command_and_leaves_nothing() {
    let scene = Scene::new();
    let add = scene
        .world
        .target_add("ecu/big.img", "hw", 1, "-".as_ref())
        .arg("--spool")
        .arg(scene.world.path("logs"));
    let add = add.limited_to(1 << 20).input(image("interrupted", 4 * PART));
    let run = add.run().exits(74);
    run.complains("cannot seal");
    assert_eq!(spools(&scene), 0);
    assert_eq!(scene.store.log(), []);
}
