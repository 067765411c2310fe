//! The pipelines of `docs/operating/ci`, line by line: without a person, again, twice at once, killed, and for show.

mod pipeline;
mod project;

use sealift_tests::rng::image;
use serde_json::Value;

use self::pipeline::{FILES, lines, script_variables};
use self::project::{Checkout, Project, TARGET, VARIABLES};

/// What a published pipeline run says: of publishing, and of verifying.
fn published(checkout: &Checkout<'_>) -> [Value; 2] {
    let run = checkout.publish("").run().ok();
    let found: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&run.text())
        .into_iter::<Value>()
        .collect();
    found.unwrap().try_into().unwrap()
}

#[test]
fn a_release_needs_no_person_and_can_be_repeated() {
    for file in FILES {
        let project = Project::new(file);
        let bytes = image("brake", 200_000);
        let first = project.checkout("first", &bytes);
        first.build();
        let [added, verified] = published(&first);
        assert_eq!(added["changed"], true, "{file}");
        assert_eq!(
            (&verified["image"], &verified["problems"]),
            (&"plain-file".into(), &Value::Array(Vec::new()))
        );
        assert_eq!(verified["companions"][0]["signature"], "verified");
        assert_eq!(verified["companions"][1]["form"], "SPDX 2.3");
        project.verify();
        let before = project.tree();

        // The job alone, with what the build left; and the whole pipeline on another machine.
        assert_eq!(published(&first)[0]["changed"], false);
        let second = project.checkout("second", &bytes);
        second.build();
        let [again, _] = published(&second);
        assert_eq!(
            (&again["changed"], &again["object"]),
            (&false.into(), &added["object"])
        );
        assert_eq!(project.tree(), before, "{file}: nothing is written");
        assert!(
            project.leftover_keys().is_empty(),
            "{:?}",
            project.leftover_keys()
        );
    }
}

#[test]
fn a_rehearsal_writes_nothing() {
    for file in FILES {
        let project = Project::new(file);
        let checkout = project.checkout("first", &image("brake", 200_000));
        checkout.build();
        let before = project.tree();
        let run = checkout.publish("--dry-run").run().ok();
        assert_eq!(
            (&run.json()["changed"], &run.json()["dry_run"]),
            (&true.into(), &true.into())
        );
        assert_eq!(project.tree(), before, "{file}");
    }
}

#[test]
fn two_at_once_publish_once() {
    let project = Project::new(FILES[0]);
    let bytes = image("brake", 200_000);
    let runners = ["first", "second"].map(|name| project.checkout(name, &bytes));
    for runner in &runners {
        runner.build();
    }
    let mut running = runners
        .each_ref()
        .map(|runner| runner.publish("").spawn(&project.logs(), &runner.name));
    let [one, other] = running.each_mut().map(|job| {
        assert_eq!(job.wait(), Some(0), "{}", job.log());
        let said = job.stdout();
        let added = serde_json::Deserializer::from_str(&said)
            .into_iter::<Value>()
            .next();
        added.unwrap().unwrap()
    });
    assert_ne!(one["changed"], other["changed"], "one of them published");
    assert_eq!(one["object"], other["object"], "the other found it");
    let listed = &project.targets()["targets"][TARGET]["hashes"]["sha256"];
    assert_eq!(listed, &one["sha256"]);
    project.verify();
}

/// Killed while it writes the object, and while it writes a companion: the kernel kills whoever writes past the limit.
#[test]
fn a_killed_job_is_run_again() {
    for (object, bill) in [(300_000, 1_000), (10_000, 300_000)] {
        let project = Project::new(FILES[0]);
        let bytes = image("brake", object);
        let checkout = project.checkout("first", &bytes);
        checkout.set_bill(bill);
        checkout.build();
        let killed = checkout.publish_limited(128 * 1024).run();
        assert_eq!(killed.code(), Some(128 + 25), "by SIGXFSZ\n{killed}");
        assert!(project.targets()["targets"].get(TARGET).is_none());
        project.verify();

        assert_eq!(published(&checkout)[0]["changed"], true);
        project.verify();
    }
}

#[test]
fn provenance_of_another_image_or_builder_is_refused() {
    let project = Project::new(FILES[0]);
    let ours = project.checkout("ours", &image("brake", 200_000));
    ours.build();
    let before = project.tree();
    let provenance = ours.path("brake.provenance.json");
    let genuine = std::fs::read(&provenance).unwrap();

    let theirs = project.checkout("theirs", &image("horn", 200_000));
    theirs.build();
    std::fs::copy(theirs.path("brake.provenance.json"), &provenance).unwrap();
    ours.publish("")
        .run()
        .exits(3)
        .complains("it is of another image");

    let stranger = ours.build_as("keys/targets.pem");
    assert_ne!(stranger, genuine);
    ours.publish("")
        .run()
        .exits(3)
        .complains("no --builder-key has signed it");
    assert_eq!(project.tree(), before, "nothing was sent");

    std::fs::write(&provenance, genuine).unwrap();
    assert_eq!(published(&ours)[0]["changed"], true);
}

/// Of an older release that is run again, nothing comes back.
#[test]
fn an_older_release_stays_replaced() {
    let project = Project::new(FILES[0]);
    let old = project.checkout("old", &image("old", 10_000));
    old.build();
    let _ = published(&old);
    let new = project.checkout("new", &image("new", 10_000)).release("8");
    new.build();
    assert_eq!(published(&new)[0]["changed"], true);
    let before = project.tree();
    old.publish("").run().exits(6).complains("does not rise above 8");
    assert_eq!(project.tree(), before);
}

/// Everything that the scripts read is set in both files, and nothing that others can write gets into a command line.
#[test]
fn every_variable_is_written_down() {
    for file in FILES {
        let text = pipeline::text(file);
        for variable in script_variables(file) {
            assert!(VARIABLES.contains(&variable.as_str()), "{variable}");
            assert!(
                text.contains(&format!("{variable}:")) || text.contains(&format!("{variable},")),
                "{file}: {variable}"
            );
        }
        assert_eq!(lines(file).len(), 3, "{file}");
        assert!(lines(file).iter().all(|line| !line.contains("${{")), "{file}");
    }
}
