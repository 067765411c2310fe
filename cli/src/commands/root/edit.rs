//! `sealift root edit`, `rotate` and `revoke`: requests for the next root.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::document::Document;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::trust::Limits;
use sealift_repository::RepositoryUrl;

use super::make::Files;
use super::roles::{Changes, ForRole, digits, exchange, failed, key, keyid, threshold};
use crate::failure::{Failure, Fault};
use crate::store::Connection;
use crate::{World, input};

#[derive(Args, Debug)]
#[command(after_help = "\
Without any change only version and expiry are new. The request has to be signed by enough keys of the last root and of the \
new one.")]
pub(in crate::commands) struct Edit {
    #[command(flatten)]
    last: Last,

    #[command(flatten)]
    more: More,

    /// Take a key out of a role; may be given several times
    #[arg(long, value_name = "ROLE=KEYID", value_parser = keyid)]
    remove: Vec<ForRole<String>>,

    #[command(flatten)]
    files: Files,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Where Targets keys change, the list of targets has to be signed by old and new keys before the new root can be published: \
by people with --targets-output, else by `sealift root publish --targets-key`.")]
pub(in crate::commands) struct Rotate {
    /// Role, id of the key that goes, and public key that comes in its place
    #[arg(value_name = "ROLE=KEYID:KEY.pub.pem", required = true, value_parser = exchange)]
    exchange: Vec<ForRole<(String, PathBuf)>>,

    #[command(flatten)]
    last: Last,

    #[command(flatten)]
    files: Files,
}

#[derive(Args, Debug)]
#[command(after_help = "\
A role that could not reach its threshold any more is refused: give it another key with --add, or a lower --threshold.")]
pub(in crate::commands) struct Revoke {
    /// Id of the key that nothing signed by is to be believed any more, or its first 8 digits
    #[arg(value_name = "KEYID", value_parser = digits)]
    key: String,

    #[command(flatten)]
    last: Last,

    #[command(flatten)]
    more: More,

    #[command(flatten)]
    files: Files,
}

/// Where the roots until now come from.
#[derive(Args, Debug)]
struct Last {
    /// Repository: file:///absolute/folder or s3://bucket/prefix
    #[arg(long, value_name = "URL", env = "SEALIFT_REPOSITORY", hide_env_values = true, value_parser = RepositoryUrl::parse, required_unless_present = "from")]
    repository: Option<RepositoryUrl>,

    /// Every root until now, the first one first, instead of a repository: for a Director's root, and without a network
    #[arg(long, value_name = "N.root.json")]
    from: Vec<PathBuf>,

    /// The repository's first root (1.root.json) from a source you trust
    #[arg(
        long,
        value_name = "ROOT.json",
        env = "SEALIFT_ROOT",
        hide_env_values = true,
        required = true
    )]
    root: PathBuf,
}

/// What a role gets.
#[derive(Args, Debug)]
struct More {
    /// Public key to add to a role; may be given several times
    #[arg(long, value_name = "ROLE=KEY.pub.pem", value_parser = key)]
    add: Vec<ForRole<PathBuf>>,

    /// How many keys of a role must sign
    #[arg(long, value_name = "ROLE=N", value_parser = threshold)]
    threshold: Vec<ForRole<u32>>,
}

impl Edit {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let changes = Changes {
            add: self.more.add,
            remove: self.remove,
            threshold: self.more.threshold,
        };
        self.last.next(world, &self.files, |_| Ok(changes)).await
    }
}

impl Rotate {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let mut changes = Changes::default();
        for ForRole {
            role,
            value: (old, new),
        } in self.exchange
        {
            changes.remove.push(ForRole { role, value: old });
            changes.add.push(ForRole { role, value: new });
        }
        self.last.next(world, &self.files, |_| Ok(changes)).await
    }
}

impl Revoke {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let (key, more) = (self.key, self.more);
        let changes = |root: &Root| {
            let has = |role: &RoleName| {
                let mut keyids = root.keys(*role).keyids();
                keyids.any(|keyid| keyid.as_str().starts_with(&key))
            };
            let roles: Vec<RoleName> = RoleName::ALL.into_iter().filter(has).collect();
            if roles.is_empty() {
                return Err(Failure::new(Fault::NotFound, format!("no role has a key {key}"))
                    .next("see `sealift repo show` for the keys of each role"));
            }
            let remove = roles.into_iter().map(|role| ForRole {
                role,
                value: key.clone(),
            });
            Ok(Changes {
                add: more.add,
                remove: remove.collect(),
                threshold: more.threshold,
            })
        };
        self.last.next(world, &self.files, changes).await
    }
}

impl Last {
    /// Makes the requests for the next root.
    async fn next(
        &self,
        world: &World,
        files: &Files,
        changes: impl FnOnce(&Root) -> Result<Changes, Failure>,
    ) -> Result<(), Failure> {
        files.refuse_existing()?;
        let pin = input::read_capped(&self.root, Limits::IMAGE.root)?;
        let (roots, targets) = self.read(world).await?;
        let newest = roots.last().map_or(pin.as_slice(), Vec::as_slice);
        let newest = Document::<Root>::parse(newest)
            .map_err(|error| Failure::refused("the last root cannot be read").because(error))?;
        let mut draft = RootDraft::next(&newest, files.expires(world));
        changes(newest.role())?.apply(world, Some(newest.role()), &mut draft)?;
        let draft = draft.finish().map_err(failed)?;
        let next = Document::<Root>::parse(&draft.unsigned())
            .map_err(|error| Failure::refused("the root cannot be made").because(error))?;
        if let Some(current) = &targets
            && current.check(next.role().keys(RoleName::Targets)).is_err()
            && !files.with_targets()
        {
            world.note("the list of targets has to be signed by old and new keys: have people do it with --targets-output, or give both keys to `sealift root publish --targets-key`");
        }
        let base = targets.map(|targets| targets.bytes().to_vec());
        files.write(world, &draft, &roots, base, Some(&pin))
    }

    /// All roots, and the Targets that are current.
    async fn read(
        &self,
        world: &World,
    ) -> Result<(Vec<Vec<u8>>, Option<Document<sealift_metadata::Targets>>), Failure> {
        match &self.repository {
            Some(url) if self.from.is_empty() => {
                let connection = Connection::open(world, url, Some(&self.root)).await?;
                let trusted = connection.walk_to_sign(world).await?;
                Ok((connection.roots().await?, Some((**trusted.targets()).clone())))
            }
            _ => {
                let read = |path: &PathBuf| input::read_capped(path, Limits::IMAGE.root);
                Ok((self.from.iter().map(read).collect::<Result<_, _>>()?, None))
            }
        }
    }
}
