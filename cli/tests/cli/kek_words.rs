//! Rotating key-encryption keys: what is said before anything is removed.

use std::fs;

use crate::kek::{key_files, rotate, run, sums, world};
use crate::kit::World;

/// The text of `kek rotate --remove-old --dry-run`: stdout and stderr.
fn preview(world: &World, code: i32) -> String {
    let url = world.url();
    let at = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
    let keys = ["--old", "kek.pem", "--new", "new.pub.pem"];
    let output = world.run(&[&at[..], &keys, &["--remove-old", "--dry-run"]].concat());
    assert_eq!(output.status.code(), Some(code));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_dry_run_says_what_a_removal_would_leave() {
    let world = world();
    let stray = world.path(&format!("repo/private/keys/{}.e.img.keys", "ab".repeat(32)));
    let first = key_files(&world).swap_remove(0).1;
    fs::write(&stray, first).unwrap();
    let before = key_files(&world);
    let record = rotate(&world, 6, &["--remove-old", "--dry-run"]);
    sums(&record, &[("old_removed", 3), ("old_left", 4)]);
    let because = record.last().unwrap()["old_needed_because"].as_array().unwrap();
    let [because] = because.as_slice() else {
        panic!("{because:?}")
    };
    assert!(
        because.as_str().unwrap().starts_with("1 key files keep it"),
        "{because}"
    );
    let text = preview(&world, 6);
    for part in [
        "old key would go from",
        "Without --dry-run the old key would have to be kept:\n- 1 key files keep it",
        "not every key file would be rotated: 1 that no list names",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(key_files(&world) == before);

    fs::remove_file(stray).unwrap();
    let record = rotate(&world, 0, &["--remove-old", "--dry-run"]);
    sums(&record, &[("old_removed", 3), ("old_left", 3)]);
    let last = record.last().unwrap();
    assert_eq!(last["old_needed_because"], serde_json::json!([]));
    assert_eq!(last["old_may_be_destroyed"], false);
    let text = preview(&world, 0);
    assert!(text.contains("it could be destroyed"), "{text}");
    // And so it comes.
    let record = rotate(&world, 0, &["--remove-old"]);
    sums(&record, &[("old_removed", 3), ("old_left", 0)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], true);
}

#[test]
fn without_a_removal_the_old_key_is_needed_where_it_is() {
    let world = world();
    for dry in [&["--dry-run"][..], &[]] {
        let record = rotate(&world, 0, dry);
        sums(&record, &[("old_removed", 0), ("old_left", 3)]);
        let because = &record.last().unwrap()["old_needed_because"][0];
        assert!(because.as_str().unwrap().contains("--remove-old"), "{because}");
    }
}

#[test]
fn half_an_id_is_answered_with_how_ids_look() {
    let world = world();
    let url = world.url();
    let at = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
    let shown = world.json(&["key", "show", "kek.pub.pem"]);
    let id = shown["recipient_key_id"].as_str().unwrap();
    for bad in [&id[..12], &format!("{id}ab"), &id.replace(|_: char| true, "x")] {
        let message = world.fails(
            2,
            &[&at[..], &["--remove", bad, "--check-new", "new.pem"]].concat(),
        );
        for part in ["64 hexadecimal digits", "sealift kek list"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

/// It may have been removed by a run before, so it is no failure; but mistyped it must not pass for done.
#[test]
fn an_id_that_no_key_file_has_is_answered_with_those_that_are_there() {
    let world = world();
    world.key("p256", "stranger");
    rotate(&world, 0, &[]);
    let url = world.url();
    let remove = |name: &str| {
        let shown = world.json(&["key", "show", name]);
        let id = shown["recipient_key_id"].as_str().unwrap().to_owned();
        let at = ["kek", "rotate", "--repository", &url, "--root", "1.root.json"];
        let output = world.run(&[&at[..], &["--remove", &id, "--check-new", "new.pem"]].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        (id, stderr)
    };
    let (id, said) = remove("stranger.pub.pem");
    assert!(said.contains(&format!("no key file has the key {id}")), "{said}");
    let (kek, said_of_kek) = remove("kek.pub.pem");
    assert!(said.contains(&format!("{kek} (3 key files)")), "{said}");
    assert_eq!(said_of_kek, "");
    let (_, again) = remove("kek.pub.pem");
    assert!(again.contains("has been removed already"), "{again}");
    let record = run(&world, 0, &["--remove", &kek, "--check-new", "new.pem"]);
    sums(&record, &[("old_removed", 0), ("proven", 3)]);
}

/// What a record says, the document explains, and nothing else.
#[test]
fn the_fields_of_a_summary_are_those_that_are_documented() {
    let document = include_str!("../../../docs/operating/key-rotation.md");
    let table = document.split("| field of the summary | |").nth(1).unwrap();
    let rows = table.lines().skip(2).map_while(|row| row.strip_prefix("| "));
    let names = rows.flat_map(|row| row.split(" | ").next().unwrap().split(", "));
    let mut documented: Vec<_> = names.map(|name| name.trim_matches('`').to_owned()).collect();
    // These are as they were given.
    documented.extend(["event", "old", "new", "dry_run"].map(str::to_owned));
    let record = rotate(&world(), 0, &[]);
    let mut said: Vec<_> = record
        .last()
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    documented.sort();
    said.sort();
    assert_eq!(documented, said);
}
