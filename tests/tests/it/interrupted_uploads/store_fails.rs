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
        scene.store.forget_uploads();
        let _ = scene.store.take_log();
        let run = scene.add().run().ok();
        run.complains("forgotten");
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
