//! `target add` into an object store, ended in the middle and run again.

mod at_the_edges;
mod killed;
mod pipes;
mod store_fails;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use sealift_tests::process::{Daemon, Program, Run};
use sealift_tests::rng::image;
use sealift_tests::s3::environment;
use sealift_tests::stand_in::{Act, BUCKET, Fate, StandIn};
use sealift_tests::world::World;
use serde_json::Value;
use tempfile::TempDir;

/// Length of a part.
const PART: usize = 5 << 20;

/// A repository on the stand-in, and an image of five parts, the last one short.
struct Scene {
    store: StandIn,
    world: World,
    image: PathBuf,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self::with_image(&image("interrupted", 4 * PART + 1000))
    }

    fn with_image(bytes: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        let store = StandIn::start(folder.path());
        let world = World::on_store(
            &format!("s3://{BUCKET}/repository"),
            &environment(store.address()),
        );
        let image = world.image("big.img", bytes);
        let _ = store.take_log();
        Self {
            store,
            world,
            image,
            _folder: folder,
        }
    }

    fn add(&self) -> Program {
        self.world
            .target_add("ecu/big.img", "hw", 1, &self.image)
            .arg("--json")
    }

    /// Starts, waits until `held` is held and so many parts are written down as stored, and ends it with SIGKILL.
    fn kill_at(&self, label: &str, held: &Act, stored: usize) {
        let mut process = self.hold(label, held, stored);
        process.kill();
        self.store.bury_client();
    }

    fn hold(&self, label: &str, held: &Act, stored: usize) -> Daemon {
        let wanted = held.clone();
        self.store
            .rule(move |act| if *act == wanted { Fate::Held } else { Fate::Done });
        let mut process = self.add().spawn(&self.world.logs(), label);
        process.wait_until("the held request", |_| {
            (!self.store.held().is_empty() && self.stored_lines() == stored).then_some(())
        });
        process
    }

    fn journals(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.world.path("state/uploads"));
        entries.map_or_else(
            |_| Vec::new(),
            |entries| entries.map(|entry| entry.unwrap().path()).collect(),
        )
    }

    fn stored_lines(&self) -> usize {
        let journals = self.journals().into_iter();
        let texts = journals.filter_map(|path| fs::read_to_string(path).ok());
        texts.map(|text| text.matches("{\"stored\"").count()).sum()
    }

    fn uploads(&self, words: &[&str]) -> Run {
        self.world.sealift().args(["target", "uploads"]).args(words).run()
    }

    /// The repository is whole and lists the image, which opens to `bytes`; nothing is left over anywhere.
    fn published(&self, bytes: &[u8]) {
        let at = [
            "--root",
            "keys/1.root.json",
            "--repository",
            self.world.repository(),
        ];
        let _ = self
            .world
            .sealift()
            .args(["repo", "verify", "--deep"])
            .args(at)
            .run()
            .ok();
        let list = self
            .world
            .sealift()
            .args(["--json", "target", "list"])
            .args(at)
            .run()
            .ok()
            .json();
        let plain = &list["targets"][0]["sealift"]["plain"]["sha256"];
        let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
        assert_eq!(*plain, hex::encode(digest), "{list}");
        assert_eq!(self.store.open_uploads(), 0);
        assert_eq!(self.journals(), Vec::<PathBuf>::new());
        let objects = self
            .store
            .keys()
            .into_iter()
            .filter(|key| key.contains("/targets/"));
        assert_eq!(objects.count(), 1, "{:?}", self.store.keys());
    }
}

/// A store that has forgotten every upload when it is to be completed.
fn forgetful(act: &Act) -> Fate {
    match act {
        Act::Complete => Fate::Refused(404),
        _ => Fate::Done,
    }
}

/// How often each part arrived.
fn arrivals(log: &[Act]) -> BTreeMap<u32, usize> {
    let mut arrivals = BTreeMap::new();
    for act in log {
        if let Act::Part(part) = act {
            *arrivals.entry(*part).or_default() += 1;
        }
    }
    arrivals
}

fn once_each(parts: u32) -> BTreeMap<u32, usize> {
    (0..parts).map(|part| (part, 1)).collect()
}

fn resumed_bytes(run: &Run) -> u64 {
    let json: Value = run.json();
    json["upload"]["resumed_bytes"].as_u64().unwrap()
}
