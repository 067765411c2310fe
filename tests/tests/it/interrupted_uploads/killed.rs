//! SIGKILL and SIGINT at every stage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

#[test]
fn killed_at_any_stage_it_goes_on_and_no_part_is_sent_twice() {
    let bytes = image("interrupted", 4 * PART + 1000);
    let part = |number: usize| u64::try_from(number * PART).unwrap();
    let stages = [
        (Act::Create, 0, 0),
        (Act::Part(0), 4, part(4)),
        (Act::Part(2), 4, part(4)),
        (Act::Complete, 5, part(4)),
    ];
    for (held, stored, resumed) in stages {
        let scene = Scene::new();
        scene.kill_at("killed", &held, stored);
        assert!(
            !scene.store.keys().iter().any(|key| key.contains("/targets/")),
            "{held:?}"
        );
        let run = scene.add().run().ok();
        assert!(resumed_bytes(&run) >= resumed, "{held:?}: {run}");
        assert_eq!(arrivals(&scene.store.log()), once_each(5), "{held:?}");
        scene.published(&bytes);
    }
}

#[test]
fn killed_between_upload_and_publication_it_uploads_nothing_again() {
    let bytes = image("interrupted", 4 * PART + 1000);
    let scene = Scene::new();
    // The next thing after the object is the segment list, then the key file, then metadata.
    for name in ["/segments/", "/keys/", "2.targets.json", "timestamp.json"] {
        let wanted = name.to_owned();
        scene.store.rule(move |act| match act {
            Act::Put(key) if key.contains(&wanted) => Fate::Held,
            _ => Fate::Done,
        });
        let mut process = scene.add().spawn(&scene.world.logs(), "killed");
        process.wait_until("the held request", |_| {
            (!scene.store.held().is_empty()).then_some(())
        });
        process.kill();
        scene.store.bury_client();
    }
    let run = scene.add().run().ok();
    assert_eq!(run.json()["upload"]["present"], true, "{run}");
    assert_eq!(arrivals(&scene.store.log()), once_each(5));
    scene.published(&bytes);
}

#[test]
fn an_interruption_says_how_to_go_on_and_the_rest_can_be_dropped() {
    let scene = Scene::new();
    let mut process = scene.hold("interrupted", &Act::Part(1), 4);
    let busy = scene.uploads(&["list"]).ok();
    assert!(busy.text().contains("under way"), "{busy}");
    let pid = process.pid().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(process.wait(), Some(130));
    scene.store.bury_client();
    let said = process.stderr();
    let told: Value = serde_json::from_str(&said).expect(&said);
    let farewell = told["warning"].as_str().expect(&said);
    assert!(farewell.contains("run the same command again"), "{said}");

    let [journal] = scene.journals().try_into().unwrap();
    assert_eq!(
        fs::metadata(&journal).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let folder = fs::metadata(journal.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    let list = scene.uploads(&["list", "--json"]).ok().json();
    let upload = &list["uploads"][0];
    assert_eq!(upload["target"], "ecu/big.img");
    assert!(said.contains(upload["id"].as_str().unwrap()), "{said}");
    assert!(!list.to_string().contains("key"), "no key is shown: {list}");

    let _ = scene.uploads(&["abort", "000000000000"]).exits(5);
    assert_eq!(scene.store.open_uploads(), 1);
    let _ = scene.uploads(&["abort", "--all"]).ok();
    assert_eq!(scene.store.open_uploads(), 0);
    assert_eq!(
        scene.uploads(&["list", "--json"]).ok().json()["uploads"],
        serde_json::json!([])
    );
    assert_eq!(scene.journals(), Vec::<PathBuf>::new());
}

#[test]
fn without_resumption_nothing_is_written_down_or_used() {
    let scene = Scene::new();
    scene.kill_at("killed", &Act::Part(1), 4);
    let journals = scene.journals();
    let run = scene.add().arg("--no-resume").run().ok();
    assert_eq!(resumed_bytes(&run), 0);
    assert_eq!(scene.journals(), journals, "left for whoever wants it");
    assert_eq!(scene.store.open_uploads(), 1);
}
