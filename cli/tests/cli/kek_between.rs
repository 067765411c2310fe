//! Rotating while others write to the store: nothing is lost, and it ends.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sealift_envelope::{KeyFile, KeyId, PrivateKey};
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::{FileSigner, Root};
use serde_json::Value;

use crate::bucket::{Asked, Bucket, URL};
use crate::kek::{add, line, opens, rotate, sums, world};
use crate::kit::{SIGN, World, files, strs};

/// How often the store is looked through, and how often one key file is read, before the command gives up.
const ROUNDS: u64 = 8;
const TRIES: usize = 16;

/// Where key files are listed.
const KEYS: &str = "private/keys/";

/// `kek rotate --remove-old` from `kek.pem` to `new.pem` over a bucket.
fn rotate_over(world: &World, bucket: &Bucket, code: i32) -> Vec<Value> {
    // Another machine, which has not seen what a test takes back.
    let mut variables = bucket.variables();
    let state = world.path("elsewhere").display().to_string();
    variables.push(("SEALIFT_STATE".to_owned(), state));
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let at = ["kek", "rotate", "--repository", URL, "--root", "1.root.json"];
    let keys = ["--old", "kek.pem", "--new", "new.pub.pem", "--remove-old"];
    world.record_with(code, &[&at[..], &keys].concat(), &variables)
}

/// The key file whose name ends so.
fn key_file(world: &World, name: &str) -> PathBuf {
    let end = format!(".{name}.keys");
    let mut found = files(&world.path("repo/private/keys")).into_iter();
    found.find(|path| path.to_string_lossy().ends_with(&end)).unwrap()
}

fn id(world: &World, name: &str) -> KeyId {
    let pem = fs::read_to_string(world.path(name)).unwrap();
    PrivateKey::from_pkcs8_pem(&pem, None).unwrap().public().key_id()
}

fn ids(bytes: &[u8]) -> Vec<KeyId> {
    let file = KeyFile::parse(bytes).unwrap();
    let mut ids: Vec<_> = file.stanzas().iter().map(|stanza| stanza.key_id()).collect();
    ids.sort();
    ids
}

/// One image for two keys: its key file as it is, and as it was with the old key alone.
fn for_two(world: &World) -> (PathBuf, Vec<u8>, Vec<u8>) {
    world.key("p256", "second");
    let two = ["--director", "kek.pub.pem", "--director", "second.pub.pem"];
    add(world, "two.img", 77, &two);
    let path = key_file(world, "two.img");
    let both = fs::read(&path).unwrap();
    let mut one = KeyFile::parse(&both).unwrap();
    one.remove(&id(world, "second.pem"));
    (path, both, one.encode())
}

#[test]
fn what_is_published_meanwhile_is_rotated_too() {
    let world = Arc::new(world());
    let (publisher, mut looks) = (Arc::clone(&world), 0);
    let bucket = Bucket::start(world.path("repo"), move |asked| {
        if matches!(asked, Asked::List(KEYS)) {
            looks += 1;
            if looks == 2 {
                add(&publisher, "late.img", 77, &["--director", "kek.pub.pem"]);
            }
        }
    });
    let record = rotate_over(&world, &bucket, 0);
    assert_eq!(line(&record, "late.img")["outcome"], "rotated");
    sums(&record, &[("rotated", 4), ("unlisted", 0), ("old_left", 0)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], true);
    assert_eq!(opens(&world, "new.pem", "late.img"), Some(0));
}

/// The key file was seen before the list that names it.
#[test]
fn what_is_listed_only_meanwhile_is_rotated_too() {
    let world = world();
    let timestamp = world.path("repo/repo/timestamp.json");
    let before = fs::read(&timestamp).unwrap();
    add(&world, "late.img", 77, &["--director", "kek.pub.pem"]);
    let after = fs::read(&timestamp).unwrap();
    fs::write(&timestamp, before).unwrap();
    let mut looks = 0;
    let bucket = Bucket::start(world.path("repo"), move |asked| {
        if matches!(asked, Asked::List(KEYS)) {
            looks += 1;
            if looks == 2 {
                fs::write(&timestamp, &after).unwrap();
            }
        }
    });
    let record = rotate_over(&world, &bucket, 0);
    assert_eq!(line(&record, "late.img")["outcome"], "rotated");
    sums(&record, &[("rotated", 4), ("unlisted", 0), ("old_left", 0)]);
}

#[test]
fn a_publisher_that_does_not_rest_is_told_and_loses_nothing() {
    let world = Arc::new(world());
    let (publisher, mut looks) = (Arc::clone(&world), 0);
    let bucket = Bucket::start(world.path("repo"), move |asked| {
        if matches!(asked, Asked::List(KEYS)) {
            looks += 1;
            add(
                &publisher,
                &format!("late-{looks}.img"),
                77,
                &["--director", "kek.pub.pem"],
            );
        }
    });
    let record = rotate_over(&world, &bucket, 6);
    sums(
        &record,
        &[("rotated", 3 + ROUNDS), ("unfinished", 1), ("failed", 0)],
    );
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    assert_eq!(opens(&world, "new.pem", "late-1.img"), Some(0));
    assert_eq!(opens(&world, "kek.pem", "late-9.img"), Some(0));
    let again = rotate(&world, 0, &["--remove-old"]);
    sums(
        &again,
        &[("rotated", 1), ("already", 3 + ROUNDS), ("old_left", 0)],
    );
    assert_eq!(opens(&world, "new.pem", "late-9.img"), Some(0));
}

#[test]
fn a_key_file_that_keeps_changing_is_named_and_left_to_the_other() {
    let world = world();
    let (path, both, one) = for_two(&world);
    let writes = Arc::new(AtomicUsize::new(0));
    let (count, other, states) = (Arc::clone(&writes), path.clone(), [one.clone(), both.clone()]);
    let bucket = Bucket::start(world.path("repo"), move |asked| {
        if matches!(asked, Asked::Write(name) if name.ends_with(".two.img.keys")) {
            let number = count.fetch_add(1, Ordering::SeqCst);
            fs::write(&other, &states[number % 2]).unwrap();
        }
    });
    let record = rotate_over(&world, &bucket, 6);
    let failure = &line(&record, "two.img")["failure"];
    assert_eq!(failure["fault"], "conflict");
    assert!(
        failure["what"].as_str().unwrap().contains("keeps changing"),
        "{failure}"
    );
    sums(&record, &[("rotated", 3), ("failed", 1), ("old_left", 1)]);
    assert_eq!(record.last().unwrap()["old_may_be_destroyed"], false);
    assert_eq!(writes.load(Ordering::SeqCst), TRIES);
    assert!([one, both].contains(&fs::read(path).unwrap()));
    assert_eq!(opens(&world, "kek.pem", "two.img"), Some(0));
}

#[test]
fn what_another_added_meanwhile_is_kept() {
    let world = world();
    let (path, both, one) = for_two(&world);
    fs::write(&path, one).unwrap();
    let (other, mut both) = (path.clone(), Some(both));
    let bucket = Bucket::start(world.path("repo"), move |asked| {
        if matches!(asked, Asked::Write(name) if name.ends_with(".two.img.keys"))
            && let Some(bytes) = both.take()
        {
            fs::write(&other, bytes).unwrap();
        }
    });
    sums(
        &rotate_over(&world, &bucket, 0),
        &[("rotated", 4), ("old_left", 0)],
    );
    let mut expected = [id(&world, "new.pem"), id(&world, "second.pem")];
    expected.sort();
    assert_eq!(ids(&fs::read(path).unwrap()), expected);
}

/// Publishes a second root with the same keys.
fn second_root(world: &World) {
    let first = Document::<Root>::parse(&world.read("1.root.json")).unwrap();
    let pem = fs::read_to_string(world.path("root.pem")).unwrap();
    let signer = FileSigner::from_pem(&pem, None).unwrap();
    let draft = RootDraft::next(&first, first.expires());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    world.write("2.root.json", runtime.block_on(draft.sign(&[&signer])).unwrap());
    let url = world.url();
    let publish = ["repo", "publish", "--new-root", "2.root.json"];
    let at = ["--repository", &url, "--root", "1.root.json"];
    world.ok(&[&publish[..], &at, &SIGN].concat());
}

/// The list of another repository, whose keys are another's; gives its root.
fn foreign_list(world: &World) -> Vec<u8> {
    world.key("ed25519", "foreign");
    let foreign = format!("file://{}", world.path("foreign").display());
    let keys = ["root", "targets", "snapshot", "timestamp"]
        .map(|role| [format!("--{role}-key"), "foreign.pem".to_owned()])
        .concat();
    let init = [
        "repo",
        "init",
        "--repository",
        &foreign,
        "--root-out",
        "foreign.json",
    ];
    world.ok(&[&init[..], &strs(&keys)].concat());
    world.write("image", [7; 100]);
    let signing = &strs(&keys)[2..];
    let add = [
        "target",
        "add",
        "--repository",
        &foreign,
        "--root",
        "foreign.json",
    ];
    let what = [
        "--path",
        "foreign.img",
        "--hardware-id",
        "hw",
        "--release-counter",
        "1",
    ];
    let more = ["--version", "1", "--director", "kek.pub.pem", "image"];
    world.ok(&[&add[..], &what, signing, &more].concat());
    for folder in ["repo/targets", "private/keys"] {
        for path in files(&world.path("foreign").join(folder)) {
            let name = path.strip_prefix(world.path("foreign")).unwrap();
            fs::copy(&path, world.path("repo").join(name)).unwrap();
        }
    }
    let list = world.path("foreign/repo/2.targets.json");
    fs::copy(list, world.path("repo/repo/77.targets.json")).unwrap();
    world.read("foreign.json")
}

/// Whoever keeps the store can offer another first root once the pinned one was compared. What its keys signed names nothing.
#[test]
fn a_first_root_that_is_swapped_afterwards_speaks_for_nobody() {
    let world = world();
    second_root(&world);
    let foreign = foreign_list(&world);
    let (first, mut reads) = (world.path("repo/repo/1.root.json"), 0);
    let swapped = Arc::new(Mutex::new(false));
    let done = Arc::clone(&swapped);
    let bucket = Bucket::start(world.path("repo"), move |asked| {
        if matches!(asked, Asked::Read("repo/1.root.json")) {
            reads += 1;
            if reads == 2 {
                fs::write(&first, &foreign).unwrap();
                *done.lock().unwrap() = true;
            }
        }
    });
    let record = rotate_over(&world, &bucket, 6);
    assert!(*swapped.lock().unwrap(), "the first root was read once only");
    sums(
        &record,
        &[("rotated", 3), ("failed", 0), ("unlisted", 1), ("old_left", 1)],
    );
    let stray = record.iter().find(|line| line["outcome"] == "unlisted").unwrap();
    assert!(
        stray["key_file"].as_str().unwrap().ends_with(".foreign.img.keys"),
        "{stray}"
    );
}
