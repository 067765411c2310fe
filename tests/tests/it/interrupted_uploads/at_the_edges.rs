//! Sources that change, journals that do not add up, disks that fill, publishers that meet.

use super::*;

#[test]
fn a_source_that_changed_meanwhile_is_sealed_with_a_fresh_key() {
    let scene = Scene::new();
    scene.kill_at("killed", &Act::Part(1), 4);
    let before = scene.store.take_log();
    assert_eq!(arrivals(&before).len(), 4);
    let mut bytes = image("interrupted", 4 * PART + 1000);
    bytes[3 * PART] ^= 1;
    fs::write(&scene.image, &bytes).unwrap();
    let run = scene.add().run().ok();
    run.complains("the input changed");
    assert_eq!(resumed_bytes(&run), 0);
    let log = scene.store.log();
    assert_eq!(log.first(), Some(&Act::Abort), "before anything is sent: {log:?}");
    assert_eq!(arrivals(&log), once_each(5));
    scene.published(&bytes);
}

#[test]
fn other_options_begin_anew() {
    let scene = Scene::new();
    scene.kill_at("killed", &Act::Part(1), 4);
    let _ = scene.store.take_log();
    let run = scene.add().args(["--media-type", "x/other"]).run().ok();
    run.complains("other options");
    assert_eq!(scene.store.log().first(), Some(&Act::Abort));
    scene.published(&image("interrupted", 4 * PART + 1000));
}

#[test]
fn another_key_file_under_the_same_name_begins_anew() {
    let scene = Scene::new();
    let at = [
        "--root",
        "keys/1.root.json",
        "--repository",
        scene.world.repository(),
    ];
    let show = scene.world.sealift().args(["--json", "repo", "show"]).args(at);
    let shown = show.run().ok().json();
    let id = shown["repository_id"].as_str().unwrap();
    let seal = scene.world.sealift().args(["--json", "image", "seal"]);
    let seal = seal.args(["--director", "keys/kek.pub.pem", "--target-path", "ecu/big.img"]);
    let seal = seal
        .args(["--repository-id", id, "-o", "big.sealed"])
        .arg(&scene.image);
    let sealed = seal.run().ok().json();
    let plain = sealed["plain"]["sha256"].as_str().unwrap();
    let signing = ["targets", "snapshot", "timestamp"]
        .map(|role| [format!("--{role}-key"), format!("keys/{role}.pem")])
        .concat();
    let add = || {
        let add = scene
            .world
            .sealift()
            .args(["--json", "target", "add"])
            .args(at)
            .args(&signing);
        let add = add.args(["--hardware-id", "hw", "--release-counter", "1", "--version", "1"]);
        let add = add.args(["--path", "ecu/big.img", "--sealed", "--plain-sha256", plain]);
        add.args(["--keys", "big.sealed.keys", "big.sealed"])
    };
    scene.store.rule(|act| {
        if *act == Act::Complete {
            Fate::Refused(403)
        } else {
            Fate::Done
        }
    });
    add().run().fails().complains("run the same command again");
    scene.store.behave();
    // What the journal holds would be published otherwise, whatever the file says by now.
    let keys = scene.world.path("big.sealed.keys");
    let good = fs::read(&keys).unwrap();
    fs::write(&keys, "another").unwrap();
    let run = add().run().fails();
    run.complains("other options");
    fs::write(&keys, good).unwrap();
    let _ = add().run().ok();
    scene.published(&image("interrupted", 4 * PART + 1000));
}

#[test]
fn a_source_that_changes_between_the_passes_is_read_again() {
    let sealed = |scene: &Scene| scene.add();
    changes_between_the_passes(sealed, "it is sealed again with a fresh key");
    let unsealed = |scene: &Scene| {
        let image = &scene.image;
        scene.world.target_add_unsealed("ecu/big.img", "hw", 1, image)
    };
    changes_between_the_passes(unsealed, "it is sent again from its beginning");
}

fn changes_between_the_passes(add: impl Fn(&Scene) -> Program, said: &str) {
    // Long enough that its end is still to be read while the first parts wait.
    let mut bytes = image("interrupted", 2 * PART);
    bytes.resize(10 * PART, 7);
    let scene = Scene::with_image(&bytes);
    scene.store.rule(|act| {
        if matches!(act, Act::Part(_)) {
            Fate::Held
        } else {
            Fate::Done
        }
    });
    let mut process = add(&scene).spawn(&scene.world.logs(), "changing");
    process.wait_until("three held parts", |_| {
        (scene.store.held().len() == 3).then_some(())
    });
    bytes[10 * PART - 1] ^= 1;
    fs::write(&scene.image, &bytes).unwrap();
    scene.store.behave();
    assert_eq!(process.wait(), Some(0), "{}", process.log());
    let said = format!("the input changed while it was read; {said}");
    assert!(process.stderr().contains(&said), "{}", process.log());
    let log = scene.store.log();
    assert_eq!(log.iter().filter(|act| **act == Act::Create).count(), 2);
    assert_eq!(log.iter().filter(|act| **act == Act::Complete).count(), 1);
    scene.published(&bytes);
}

#[test]
fn a_journal_that_does_not_add_up_counts_as_none() {
    let bytes = image("interrupted", 4 * PART + 1000);
    let scene = Scene::new();
    scene.kill_at("killed", &Act::Part(1), 4);
    let [journal] = scene.journals().try_into().unwrap();
    fs::write(&journal, "{\"version\":1}\n").unwrap();
    scene.store.forget_uploads();
    let run = scene.add().run().ok();
    run.complains("damaged");
    assert_eq!(resumed_bytes(&run), 0);
    scene.published(&bytes);
}

#[test]
fn a_journal_cut_in_a_line_still_counts_up_to_there() {
    let bytes = image("interrupted", 4 * PART + 1000);
    let scene = Scene::new();
    scene.kill_at("killed", &Act::Part(1), 4);
    let [journal] = scene.journals().try_into().unwrap();
    let text = fs::read_to_string(&journal).unwrap();
    let last = text.rfind("{\"stored\"").unwrap();
    fs::write(&journal, &text[..last + 20]).unwrap();
    let run = scene.add().run().ok();
    // The part whose line was cut is sent once more, the same bytes.
    let arrivals = arrivals(&scene.store.log());
    assert_eq!(arrivals.values().sum::<usize>(), 6, "{arrivals:?}");
    assert!(resumed_bytes(&run) > 0);
    scene.published(&bytes);
}

#[test]
fn a_disk_without_room_for_the_journal_does_not_stop_the_upload() {
    let bytes = image("interrupted", 4 * PART + 1000);
    // Room for the head and some lines; then for nothing at all.
    for (room, said) in [(2048, "not resumable any more"), (512, "will not be resumable")] {
        let scene = Scene::new();
        let run = scene.add().limited_to(room).run().ok();
        run.complains(said);
        scene.published(&bytes);
    }
}

#[test]
fn a_key_whose_parts_could_not_be_written_down_is_not_used_again() {
    let bytes = image("interrupted", 4 * PART + 1000);
    let scene = Scene::new();
    scene.store.rule(|act| {
        if *act == Act::Complete {
            Fate::Refused(403)
        } else {
            Fate::Done
        }
    });
    let run = scene.add().limited_to(2048).run().fails();
    run.complains("not resumable");
    assert_eq!(scene.journals(), Vec::<PathBuf>::new());
    assert_eq!(scene.store.open_uploads(), 0);
    scene.store.behave();
    let _ = scene.store.take_log();
    let run = scene.add().run().ok();
    assert_eq!(resumed_bytes(&run), 0);
    assert_eq!(arrivals(&scene.store.log()), once_each(5));
    scene.published(&bytes);
}

#[test]
fn two_publishers_of_the_same_bytes_meet() {
    let bytes = image("interrupted", 2 * PART);
    let scene = Scene::with_image(&bytes);
    scene.store.rule(|act| {
        if *act == Act::Complete {
            Fate::Held
        } else {
            Fate::Done
        }
    });
    let publisher = |name: &str| {
        let add = scene
            .world
            .target_add_unsealed("ecu/big.img", "hw", 1, &scene.image);
        let add = add.env("SEALIFT_STATE", scene.world.path(name));
        add.spawn(&scene.world.logs(), name)
    };
    let mut both = [publisher("one"), publisher("two")];
    for process in &mut both {
        process.wait_until("both at their ends", |_| {
            (scene.store.held().len() == 2).then_some(())
        });
    }
    scene.store.behave();
    let mut codes = both.each_mut().map(Daemon::wait);
    codes.sort_unstable();
    assert_eq!(
        codes,
        [Some(0), Some(0)],
        "what the other listed is just what was asked for"
    );
    for name in ["one", "two"] {
        let journals = fs::read_dir(scene.world.path(name).join("uploads")).unwrap();
        assert_eq!(journals.count(), 0, "there is nothing to go on with: {name}");
    }
    scene.published(&bytes);
}

#[test]
fn two_pipelines_with_the_same_release_publish_it_once() {
    let scene = Scene::with_image(&image("interrupted", 2 * PART));
    scene.store.rule(|act| match act {
        Act::Complete => Fate::Held,
        _ => Fate::Done,
    });
    let pipeline = |name: &str| {
        let add = scene.add().env("SEALIFT_STATE", scene.world.path(name));
        add.spawn(&scene.world.logs(), name)
    };
    let mut both = [pipeline("one"), pipeline("two")];
    for process in &mut both {
        process.wait_until("both at their ends", |_| {
            (scene.store.held().len() == 2).then_some(())
        });
    }
    scene.store.behave();
    let outcomes = both.each_mut().map(|process| {
        assert_eq!(process.wait(), Some(0), "{}", process.stderr());
        let told: Value = serde_json::from_str(&process.stdout()).unwrap();
        (told["changed"].as_bool().unwrap(), told["object"].clone())
    });
    assert_eq!(outcomes[0].1, outcomes[1].1, "both name what is listed");
    assert_ne!(outcomes[0].0, outcomes[1].0, "one of them published it");
    let at = [
        "--root",
        "keys/1.root.json",
        "--repository",
        scene.world.repository(),
    ];
    let verify = ["repo", "verify", "--deep"];
    let _ = scene.world.sealift().args(verify).args(at).run().ok();
}

#[test]
fn a_journal_that_outlived_its_publication_goes_with_the_next_run() {
    let scene = Scene::new();
    scene.kill_at("killed", &Act::Part(1), 4);
    let [journal] = scene.journals().try_into().unwrap();
    let kept = fs::read(&journal).unwrap();
    let first = scene.add().run().ok().json();
    assert_eq!(first["changed"], true);
    // As if that process had died before it could forget.
    fs::write(&journal, kept).unwrap();
    let _ = scene.store.take_log();
    let again = scene.add().run().ok().json();
    assert_eq!(
        (&again["changed"], &again["object"]),
        (&Value::from(false), &first["object"])
    );
    assert_eq!(scene.store.take_log(), [], "nothing is sent");
    scene.published(&image("interrupted", 4 * PART + 1000));
}

#[test]
fn damage_of_the_right_length_is_repaired_by_publishing_again() {
    let bytes = image("interrupted", 2 * PART);
    let scene = Scene::with_image(&bytes);
    let add = |counter| {
        let add = scene
            .world
            .target_add_unsealed("ecu/big.img", "hw", counter, &scene.image);
        add.args(["--replace", "--json"]).run().ok().json()
    };
    assert_eq!(add(1)["upload"]["present"], false);
    let key = scene
        .store
        .keys()
        .into_iter()
        .find(|key| key.contains("/targets/"))
        .unwrap();
    assert_eq!(add(2)["upload"]["present"], true);
    scene.store.damage(&key, 12_345);
    assert_eq!(add(3)["upload"]["present"], false);
    scene.published(&bytes);
}
