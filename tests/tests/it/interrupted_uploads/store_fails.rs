//! A store that answers 500 and 503, forgets uploads, or answers into the void.

use super::*;

/// Applies `fate` to the first `count` requests that `wanted` picks.
fn at_first(scene: &Scene, count: usize, fate: Fate, wanted: impl Fn(&Act) -> bool + Send + 'static) {
    let mut left = count;
    scene.store.rule(move |act| {
        if left > 0 && wanted(act) {
            left -= 1;
            return fate;
        }
        Fate::Done
    });
}

#[test]
fn a_store_that_stumbles_is_asked_again() {
    let scene = Scene::new();
    let mut number = 0;
    scene.store.rule(move |act| {
        number += 1;
        match act {
            Act::Other => Fate::Done,
            _ if number % 3 == 0 => Fate::Refused(503),
            _ if number % 5 == 0 => Fate::Refused(500),
            _ => Fate::Done,
        }
    });
    let _ = scene.add().run().ok();
    scene.published(&image("interrupted", 4 * PART + 1000));
}

#[test]
fn a_store_that_stays_down_ends_the_command_and_the_next_goes_on() {
    let scene = Scene::new();
    scene.store.rule(|act| {
        if *act == Act::Part(3) {
            Fate::Refused(403)
        } else {
            Fate::Done
        }
    });
    let run = scene.add().run().fails();
    run.complains("run the same command again");
    assert_eq!(scene.journals().len(), 1);
    scene.store.behave();
    let run = scene.add().run().ok();
    assert!(resumed_bytes(&run) > 0, "{run}");
    scene.published(&image("interrupted", 4 * PART + 1000));
}

#[test]
fn an_upload_that_the_store_forgot_begins_anew() {
    for held in [Act::Part(1), Act::Complete] {
        let scene = Scene::new();
        scene.kill_at("killed", &held, if held == Act::Complete { 5 } else { 4 });
        let [journal] = scene.journals().try_into().unwrap();
        let before = fs::read_to_string(journal).unwrap();
        scene.store.forget_uploads();
        let _ = scene.store.take_log();
        let run = scene.add().run().ok();
        run.complains("forgotten");
        run.complains("fresh key");
        let object = run.json()["sha256"].as_str().unwrap().to_owned();
        assert!(
            !before.contains(&object),
            "sealed with the key of the parts that were sent"
        );
        let log = scene.store.log();
        assert_eq!(
            log.iter().filter(|act| **act == Act::Create).count(),
            1,
            "{log:?}"
        );
        assert_eq!(arrivals(&log), once_each(5));
        scene.published(&image("interrupted", 4 * PART + 1000));
    }
}

#[test]
fn a_lost_answer_is_no_failure() {
    for lost in [Act::Complete, Act::Part(2)] {
        let scene = Scene::new();
        let wanted = lost.clone();
        at_first(&scene, 1, Fate::AnswerLost, move |act| *act == wanted);
        let _ = scene.add().run().ok();
        let completed = scene
            .store
            .log()
            .iter()
            .filter(|act| **act == Act::Complete)
            .count();
        assert_eq!(completed, 1, "{lost:?}");
        scene.published(&image("interrupted", 4 * PART + 1000));
    }
}

#[test]
fn an_upload_that_the_store_forgets_under_way_goes_on_with_a_fresh_key() {
    let scene = Scene::new();
    let mut process = scene.hold("forgotten", &Act::Part(1), 4);
    // The same length, so that only the bytes tell.
    let mut bytes = image("interrupted", 4 * PART + 1000);
    bytes[3 * PART] ^= 1;
    fs::write(&scene.image, &bytes).unwrap();
    scene.store.forget_uploads();
    scene.store.behave();
    assert_eq!(process.wait(), Some(0), "{}", process.log());
    assert!(process.stderr().contains("forgotten"), "{}", process.log());
    let log = scene.store.log();
    let creates = log.iter().filter(|act| **act == Act::Create).count();
    assert_eq!(creates, 2, "no second upload with the first key: {log:?}");
    scene.published(&bytes);
}

#[test]
fn what_is_not_sealed_here_is_sent_three_times_at_most() {
    let scene = Scene::new();
    scene.store.rule(forgetful);
    let add = || {
        let image = &scene.image;
        scene.world.target_add_unsealed("ecu/big.img", "hw", 1, image)
    };
    let run = add().run().exits(7);
    run.complains("the store has forgotten the upload; it is sent again from its beginning");
    run.complains("check the bucket's rule");
    assert!(!run.stderr().contains("key"), "nothing is sealed: {run}");
    let thrice = (0..5).map(|part| (part, 3)).collect();
    assert_eq!(arrivals(&scene.store.take_log()), thrice);
    assert_eq!(scene.journals(), Vec::<PathBuf>::new());

    let mut left = 1;
    scene.store.rule(move |act| match act {
        Act::Complete if left > 0 => {
            left -= 1;
            Fate::Refused(404)
        }
        _ => Fate::Done,
    });
    let _ = add().run().ok();
    let twice = (0..5).map(|part| (part, 2)).collect();
    assert_eq!(arrivals(&scene.store.log()), twice);
}

#[test]
fn publishers_that_were_faster_every_time_leave_the_way_to_go_on() {
    let bytes = image("interrupted", 2 * PART);
    let scene = Scene::with_image(&bytes);
    scene.store.rule(|act| match act {
        Act::Put(key) if key.ends_with("timestamp.json") => Fate::Refused(412),
        _ => Fate::Done,
    });
    scene.add().run().exits(6).complains("try again");
    assert_eq!(scene.journals().len(), 1);
    scene.store.behave();
    let run = scene.add().run().ok();
    assert_eq!(run.json()["upload"]["present"], true, "{run}");
    scene.published(&bytes);
}

#[test]
fn only_a_key_file_that_is_in_the_way_asks_for_another_key() {
    for (folder, goes_on) in [("/segments/", true), ("/keys/", false)] {
        let scene = Scene::with_image(&image("interrupted", 2 * PART));
        scene.store.rule(move |act| match act {
            Act::Put(key) if key.contains(folder) => Fate::Refused(412),
            _ => Fate::Done,
        });
        scene.add().run().exits(6).complains("run the command again");
        assert_eq!(scene.journals().len(), usize::from(goes_on), "{folder}");
        scene.store.behave();
        let run = scene.add().run().ok();
        assert_eq!(run.json()["upload"]["present"], goes_on, "{folder}");
        assert_eq!(scene.journals(), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_small_object_that_did_not_arrive_leaves_a_sound_journal() {
    let bytes = image("interrupted", PART / 5);
    let scene = Scene::with_image(&bytes);
    scene.store.rule(|act| match act {
        Act::Put(key) if key.contains("/targets/") => Fate::Refused(403),
        _ => Fate::Done,
    });
    let _ = scene.add().run().fails();
    assert_eq!(scene.journals().len(), 1);
    let list = scene.uploads(&["list", "--json"]).ok().json();
    assert_eq!(list["uploads"][0]["state"], "interrupted", "{list}");
    scene.store.behave();
    let _ = scene.add().run().ok();
    scene.published(&bytes);
}
