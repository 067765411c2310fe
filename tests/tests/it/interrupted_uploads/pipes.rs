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
    spool_paths(scene).len()
}

fn spool_paths(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.world.logs()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().contains("/sealift-spool-"))
        .collect()
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
    scene.store.bury_client();
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
fn a_spool_is_sent_three_times_at_most() {
    let scene = Scene::new();
    scene.store.rule(forgetful);
    let run = piped(&scene, "big.img").run().exits(7);
    run.complains("the store has forgotten the upload; it is sent again from its beginning");
    assert!(!run.stderr().contains("fresh key"), "{run}");
    let thrice = (0..5).map(|part| (part, 3)).collect();
    assert_eq!(arrivals(&scene.store.log()), thrice);
    assert_eq!((scene.journals().len(), spools(&scene)), (0, 0));
}

#[test]
fn a_spool_that_cannot_be_removed_does_not_undo_the_publication() {
    let scene = Scene::new();
    scene.store.rule(|act| {
        if *act == Act::Complete {
            Fate::Held
        } else {
            Fate::Done
        }
    });
    let mut process = piped(&scene, "big.img").spawn(&scene.world.logs(), "stuck");
    process.wait_until("the held request", |_| {
        (!scene.store.held().is_empty()).then_some(())
    });
    let [spool] = spool_paths(&scene).try_into().unwrap();
    fs::remove_file(&spool).unwrap();
    fs::create_dir(&spool).unwrap();
    scene.store.behave();
    assert_eq!(process.wait(), Some(0), "{}", process.log());
    assert!(
        process
            .stderr()
            .contains(r#"{"warning":"cannot remove the spool"#),
        "{}",
        process.log()
    );
    assert!(process.stdout().contains("\"versions\""), "{}", process.log());
    fs::remove_dir(&spool).unwrap();
    let _ = scene.uploads(&["abort", "--all", "--forget"]).ok();
    scene.published(&image("interrupted", 4 * PART + 1000));
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
