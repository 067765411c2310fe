//! The commands that publish.

use std::path::Path;

use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::{FileSigner, Signer};
use sealift_tests::process::Program;
use sealift_tests::rng::image;
use sealift_tests::world::World;

use super::judge::State;
use super::{Copy, Scene};

/// One of them, with what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Init,
    Add,
    Replace,
    Remove,
    List,
    Resign,
    Refresh,
    Root,
}

/// Makes the files that they take: a list without `b.img`, and a second root with another Timestamp key.
pub(super) fn prepare(world: &World, tree: &Path) {
    std::fs::copy(tree.join("repo/2.targets.json"), world.path("list.json")).unwrap();
    let _ = world
        .sealift()
        .args(["key", "generate", "ed25519", "--unencrypted"])
        .args(["--out", "keys/timestamp-2.pem"])
        .run()
        .ok();
    let root = std::fs::read(tree.join("repo/1.root.json")).unwrap();
    let root = Document::<Root>::parse(&root).unwrap();
    let mut draft = RootDraft::next(&root, root.expires());
    let timestamp = signer(world, "timestamp-2").public().clone();
    draft.set_role(RoleName::Timestamp, &[timestamp], 1).unwrap();
    let root_key = signer(world, "root");
    let signed = world.block_on(draft.finish().unwrap().sign_some(&[&root_key]));
    std::fs::write(world.path("2.root.json"), signed.unwrap()).unwrap();
    let _ = world.image("new.img", &image("new", 20_000));
}

/// One of the world's keys.
pub(super) fn signer(world: &World, name: &str) -> FileSigner {
    let pem = std::fs::read_to_string(world.path(&format!("keys/{name}.pem"))).unwrap();
    FileSigner::from_pem(&pem, None).unwrap()
}

impl Command {
    pub(super) const ALL: [Self; 8] = [
        Self::Init,
        Self::Add,
        Self::Replace,
        Self::Remove,
        Self::List,
        Self::Resign,
        Self::Refresh,
        Self::Root,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Init => "repo init",
            Self::Add => "target add",
            Self::Replace => "target add --replace",
            Self::Remove => "target remove",
            Self::List => "repo publish --targets",
            Self::Resign => "repo publish --resign",
            Self::Refresh => "repo refresh",
            Self::Root => "repo publish --new-root",
        }
    }

    pub(super) fn program(self, scene: &Scene, copy: &Copy) -> Program {
        let world = &scene.world;
        let new = world.path("images/new.img");
        match self {
            Self::Init => {
                // In another place of the same bucket.
                let url = format!("{}-new", world.repository());
                world.repo_init(&copy.text("1.root.json"), &url).arg("--force")
            }
            Self::Add => world.target_add("new.img", "hw", 1, &new),
            Self::Replace => world.target_add("a.img", "hw", 2, &new).arg("--replace"),
            Self::Remove => world.target_remove("b.img"),
            Self::List => world.publishing(&["repo", "publish", "--targets", "list.json"]),
            Self::Resign => world.publishing(&["repo", "publish", "--resign"]),
            Self::Refresh => world.refresh(),
            Self::Root => world
                .publishing(&["repo", "publish", "--new-root", "2.root.json"])
                .args(["--timestamp-key", "keys/timestamp-2.pem"]),
        }
    }

    /// The folder of the bucket that it publishes into.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Init => "repository-new",
            _ => super::PREFIX,
        }
    }

    /// The root that clients hold.
    pub(super) fn pinned(self, scene: &Scene, copy: &Copy) -> Vec<u8> {
        let path = match self {
            Self::Init => copy.text("1.root.json").into(),
            _ => scene.world.path("keys/1.root.json"),
        };
        std::fs::read(path).unwrap()
    }

    pub(super) fn is_done(self, before: &State, after: &State) -> bool {
        let now = |name: &str| after.listed.get(name);
        match self {
            Self::Init => after.listed.is_empty(),
            Self::Add => now("new.img").is_some(),
            Self::Replace => now("a.img").is_some_and(|new| Some(new) != before.listed.get("a.img")),
            Self::Remove | Self::List => now("b.img").is_none() && now("a.img").is_some(),
            Self::Resign => after.targets > before.targets,
            Self::Refresh => after.timestamp > before.timestamp,
            Self::Root => after.root == 2,
        }
    }
}
