//! `sealift kek rotate`: wrap every content key for a new key-encryption key, and take the old one's wraps out.
//!
//! The store is the journal: what is done already is found in it and passed over, so the command can be killed anywhere and
//! run again, and two of them at once do no harm. `survey` says which key files there are and which signed entry each
//! belongs to, `one` does one of them, `tally` counts and says what is left.

mod older;
mod one;
mod survey;
mod tally;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures::StreamExt;
use futures::stream;
use sealift_envelope::{KeyId, RecipientKey, UnwrapKey};

use self::one::Rotation;
use self::survey::Subject;
use self::tally::Tally;
use crate::failure::Failure;
use crate::passphrase::Unlock;
use crate::progress::Progress;
use crate::store::RepositoryArgs;
use crate::world::SystemRng;
use crate::{World, keys};

/// How often the store is looked through again for what was published meanwhile.
const MAX_ROUNDS: usize = 8;

/// Any private key, wherever it lives; unwrapping blocks, so it is done on threads.
type Opener = Arc<dyn UnwrapKey + Send + Sync>;

#[derive(Args, Debug)]
#[command(after_help = "\
May be killed at any time and run again, also by two people at once: the store itself is the journal, and a key file \
that somebody else changed meanwhile is read again, never overwritten. No signed byte and no object changes.

Without --remove-old the old key keeps opening everything: give every Director the new key beside the old one, then run \
again with --remove-old. The exit code is 0 only if nothing was left undone; with --remove-old that means: no key file \
is left that has the old key. Whether it may be destroyed is said apart, in old_may_be_destroyed: only if every image that \
had it is proven to open with the new key. Without --check-new that is believed of what this run wraps itself, so give it.")]
pub(in crate::commands) struct Rotate {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Private key-encryption key that opens the key files now: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or
    /// awskms:…)
    #[arg(
        long,
        value_name = "KEK.pem|URI",
        required_unless_present = "remove",
        requires = "new"
    )]
    old: Option<PathBuf>,

    /// Public key-encryption key that shall open them
    #[arg(
        long,
        value_name = "NEW-PUB.pem",
        required_unless_present = "remove",
        requires = "old"
    )]
    new: Option<PathBuf>,

    /// Remove what is wrapped for the old key, so that it can be destroyed
    #[arg(long, requires = "old")]
    remove_old: bool,

    /// Remove what is wrapped for the key with this id, without its private half; only where --check-new opens
    #[arg(long, value_name = "KEYID", value_parser = key_id, conflicts_with_all = ["old", "new", "remove_old"], requires = "check_new")]
    remove: Option<KeyId>,

    /// Private half of the key that shall remain: what is wrapped for it already is opened, not believed
    #[arg(long, value_name = "NEW.pem|URI")]
    check_new: Option<PathBuf>,

    /// Key files of neither key are in order: the repository has several key-encryption keys
    #[arg(long)]
    allow_other_kek: bool,

    /// Key files that are under way at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,

    /// Do everything but the writing; with --remove-old also say what would be left of the old key, and why
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    unlock: Unlock,
}

/// Whether the wraps of the old key stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OldKey {
    Stays,
    Goes,
}

/// Whether changes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Write,
    DryRun,
}

/// What is to become of every key file.
struct Plan {
    old_id: KeyId,
    /// Absent where a key is removed of which only the id is known.
    old: Option<Opener>,
    new_id: KeyId,
    /// Absent where nothing is to be wrapped.
    new: Option<RecipientKey>,
    check_new: Option<Opener>,
    old_key: OldKey,
    mode: Mode,
    rng: SystemRng,
}

impl Rotate {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let plan = Arc::new(self.plan(world)?);
        let connection = self.repository.connect_pinned(world).await?;
        let mut tally = Tally::new(&plan, self.allow_other_kek);
        tally.begin(world, &connection)?;
        let rotation = Rotation::new(Arc::clone(&plan), &connection);
        let mut seen = BTreeSet::new();
        // What is published while this runs may be for the old key still: look again until nothing is new.
        for round in 1.. {
            let survey = survey::new_since(world, &connection, &mut seen).await?;
            if survey.named.is_empty() {
                // Only now: what no list named before may have been listed since.
                self.round(world, &rotation, survey.strays, &mut tally).await?;
                break;
            }
            if round > MAX_ROUNDS {
                tally.unfinished(survey.named.len() + survey.strays.len());
                break;
            }
            self.round(world, &rotation, survey.named, &mut tally).await?;
        }
        tally.end(world)
    }

    async fn round(
        &self,
        world: &World,
        rotation: &Rotation<'_>,
        subjects: Vec<Subject>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let progress = Progress::items(world, "rotating", subjects.len());
        let mut outcomes = stream::iter(subjects)
            .map(|subject| rotation.one(subject))
            .buffer_unordered(self.jobs.into());
        while let Some(outcome) = outcomes.next().await {
            tally.take(world, outcome)?;
            progress.advance();
        }
        Ok(())
    }

    fn plan(&self, world: &mut World) -> Result<Plan, Failure> {
        let open = |world: &World, path: &Option<PathBuf>| -> Result<Option<Opener>, Failure> {
            let key = path.as_deref().map(|path| self.opener(world, path));
            key.transpose()
        };
        let (old, check_new) = (open(world, &self.old)?, open(world, &self.check_new)?);
        let new = self.new.as_deref().map(|path| keys::recipient(world, path));
        let new = new.transpose()?;
        let old_id = self.remove.or_else(|| old.as_ref().map(|key| key.key_id()));
        let check_id = check_new.as_ref().map(|key| key.key_id());
        let new_id = new.as_ref().map(RecipientKey::key_id).or(check_id);
        // The parser has seen to it that there is one of each.
        let missing = || Failure::usage("give --old and --new, or --remove and --check-new");
        let (old_id, new_id) = (old_id.ok_or_else(missing)?, new_id.ok_or_else(missing)?);
        if old_id == new_id {
            return Err(Failure::usage("the old and the new key are the same"));
        }
        if check_id.is_some_and(|id| id != new_id) {
            return Err(Failure::usage("--check-new is not the private half of --new"));
        }
        let goes = self.remove_old || self.remove.is_some();
        Ok(Plan {
            old_id,
            old,
            new_id,
            new,
            check_new,
            old_key: if goes { OldKey::Goes } else { OldKey::Stays },
            mode: if self.dry_run { Mode::DryRun } else { Mode::Write },
            rng: *world.rng(),
        })
    }

    fn opener(&self, world: &World, path: &Path) -> Result<Opener, Failure> {
        Ok(Arc::from(keys::opener(world, path, &self.unlock)?))
    }
}

fn key_id(text: &str) -> Result<KeyId, &'static str> {
    let form = "the id of a key is 64 hexadecimal digits, all of them; `sealift kek list` shows those of a repository";
    text.parse().map_err(|_| form)
}
