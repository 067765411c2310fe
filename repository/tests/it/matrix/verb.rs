//! What can be done to a repository.

use std::collections::BTreeMap;

use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::time::TrustedTime;
use sealift_repository::{ChangeError, Due, Operation, Resign, Store, TargetMap};
use sha2::{Digest, Sha256};

use super::look::Seen;
use crate::kit::people::signed_targets;
use crate::kit::{World, key, later, memory, target_file};

/// Targets by path, each with the SHA-256 of its bytes.
pub(super) type Listed = BTreeMap<String, String>;
/// Why something was not done.
pub(super) type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// Every image of every story; their bytes are in the store before it begins.
pub(super) const IMAGES: [(&str, &[u8]); 6] = [
    ("a.img", b"a"),
    ("a.img", b"a again"),
    ("b.img", b"b"),
    ("c.img", b"c"),
    NEXT,
    LAST,
];
pub(super) const NEXT: (&str, &[u8]) = ("next.img", b"next");
pub(super) const LAST: (&str, &[u8]) = ("last.img", b"last");

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Init,
    Add,
    Replace,
    Remove,
    List,
    Signed,
    Resign,
    Refresh,
    RenewRoot,
    RotateKeys,
}

impl Verb {
    pub(super) const ALL: [Self; 10] = [
        Self::Init,
        Self::Add,
        Self::Replace,
        Self::Remove,
        Self::List,
        Self::Signed,
        Self::Resign,
        Self::Refresh,
        Self::RenewRoot,
        Self::RotateKeys,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::List => "publish a list",
            Self::Signed => "publish a signed list",
            Self::Resign => "resign",
            Self::Refresh => "refresh",
            Self::RenewRoot => "root, same keys",
            Self::RotateKeys => "root, new keys",
        }
    }

    /// The repository before it.
    pub(super) async fn world(self) -> World {
        let mut world = World::lasting(memory()).await;
        for (path, bytes) in IMAGES {
            world.target(path, bytes).await;
        }
        if self == Self::Init {
            return world;
        }
        world.init_in(&world.store).await.unwrap();
        add(&world, &world.store, ("a.img", b"a"), later(0))
            .await
            .unwrap();
        if self == Self::RotateKeys {
            world.signers.targets.push(key(12));
            world.signers.snapshot.push(key(13));
            world.signers.timestamp.push(key(14));
        }
        world
    }

    /// Does it, seeing the store through `store`.
    pub(super) async fn run(self, world: &World, store: &Store, now: TrustedTime) -> Result<(), Refusal> {
        let mut publisher = world.publisher_in(store);
        match self {
            Self::Init => {
                world.init_in(store).await?;
                return Ok(());
            }
            Self::Add => return add(world, store, ("b.img", b"b"), now).await,
            Self::Replace => {
                let (path, file) = target_file("a.img", b"a again");
                publisher
                    .publish(&vec![Operation::Replace { path, file }], now)
                    .await
            }
            Self::Remove => {
                let (path, _) = target_file("a.img", b"a");
                publisher.publish(&vec![Operation::Remove { path }], now).await
            }
            Self::List => {
                let list = TargetMap::from([target_file("c.img", b"c")]);
                let change = |targets: &mut TargetMap| {
                    targets.clone_from(&list);
                    Ok::<(), ChangeError>(())
                };
                publisher.publish(&change, now).await
            }
            Self::Signed => {
                let mut publisher = world.without_targets_key().publisher_in(store);
                publisher.publish_signed(&[draft(world).await], now).await
            }
            Self::Resign => publisher.publish(&Resign, now).await,
            Self::Refresh => publisher.refresh(Due::Now, now).await,
            Self::RenewRoot => {
                publisher
                    .publish_root(&second_root(world, &[]).await, &[], now)
                    .await
            }
            Self::RotateKeys => {
                let roles = [
                    (RoleName::Targets, 12),
                    (RoleName::Snapshot, 13),
                    (RoleName::Timestamp, 14),
                ];
                publisher
                    .publish_root(&second_root(world, &roles).await, &[], now)
                    .await
            }
        }?;
        Ok(())
    }

    /// What is listed once it is done, and stays so when it is done again.
    pub(super) fn applied(self, listed: &Listed) -> Listed {
        let mut listed = listed.clone();
        match self {
            Self::Add | Self::Signed => listed.extend([line(("b.img", b"b"))]),
            Self::Replace => listed.extend([line(("a.img", b"a again"))]),
            Self::Remove => drop(listed.remove("a.img")),
            Self::List => return Listed::from([line(("c.img", b"c"))]),
            Self::Init | Self::Resign | Self::Refresh | Self::RenewRoot | Self::RotateKeys => {}
        }
        listed
    }

    /// Whether it is done, told from the versions where the list does not tell.
    pub(super) fn is_done(self, before: Option<&Seen>, after: &Seen) -> bool {
        let Some(before) = before else { return true };
        match self {
            Self::Resign => after.targets > before.targets,
            Self::Refresh => after.snapshot > before.snapshot && after.timestamp > before.timestamp,
            Self::RenewRoot | Self::RotateKeys => after.root == before.root + 1,
            Self::Init | Self::Add | Self::Replace | Self::Remove | Self::List | Self::Signed => {
                self.applied(&after.listed) == after.listed
            }
        }
    }
}

/// The Targets after the first that lists anything, with `b.img`, as people signed them who saw that one.
async fn draft(world: &World) -> Vec<u8> {
    let base = world.file("2.targets.json").await.unwrap();
    let base = Document::parse(&base).unwrap();
    let (path, file) = target_file("b.img", b"b");
    let add = [Operation::Add { path, file }];
    signed_targets(Some(&base), &add, &[2], "2126-06-01T00:00:00Z").await
}

/// Publishes one image.
pub(super) async fn add(
    world: &World,
    store: &Store,
    (path, bytes): (&str, &[u8]),
    now: TrustedTime,
) -> Result<(), Refusal> {
    let (path, file) = target_file(path, bytes);
    let change = vec![Operation::Add { path, file }];
    world.publisher_in(store).publish(&change, now).await?;
    Ok(())
}

/// The line of one image.
pub(super) fn line((path, bytes): (&str, &[u8])) -> (String, String) {
    (path.to_owned(), hex::encode(Sha256::digest(bytes)))
}

/// Root 2, with new keys for some roles.
async fn second_root(world: &World, roles: &[(RoleName, u8)]) -> Vec<u8> {
    let first = Document::<Root>::parse(&world.root).unwrap();
    let mut draft = RootDraft::next(&first, "2127-01-01T00:00:00Z".parse().unwrap());
    for (role, n) in roles {
        draft.set_role(*role, &[key(*n).public().clone()], 1).unwrap();
    }
    let draft = draft.finish().unwrap();
    draft.sign_some(&[key(1).as_ref()]).await.unwrap()
}
