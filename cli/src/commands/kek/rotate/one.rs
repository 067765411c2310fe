//! One key file: read, proven, wrapped anew, replaced if nobody else changed it.

use std::sync::Arc;

use sealift_envelope::{
    Binding, ContentKey, Digest, Header, KeyFile, KeyId, MAX_HEADER_LEN, MAX_KEY_FILE_LEN, UnwrapError,
    UnwrapKey, wrap,
};
use sealift_repository::{Store, StorePath, Written};

use super::survey::{Entry, Image, Subject};
use super::{Mode, OldKey, Plan};
use crate::failure::{Failure, Fault};
use crate::faults;
use crate::store::Connection;

/// How often a key file that others change at the same time is read again.
const MAX_TRIES: usize = 16;

/// What became of one key file.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) key_file: StorePath,
    /// Its target; none for a file that no list names.
    pub(super) target: Option<String>,
    /// The version of Targets that names it, where that is not the current one.
    pub(super) older: Option<u64>,
    pub(super) result: Result<Done, Failure>,
    /// Whether the file has a wrap for the old key now; nothing where that cannot be known.
    pub(super) old_left: Option<bool>,
    /// Whether the image itself has the old key among its recipients, which nothing can change.
    pub(super) in_file: bool,
    /// The keys that the file had wraps for when it was read.
    pub(super) keys: Vec<KeyId>,
}

/// How it ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Written (or with `--dry-run`: would be), digests of the file before and after.
    Changed { before: [u8; 32], after: [u8; 32] },
    /// Nothing to do: the new key was tried and opens.
    Proven,
    /// Nothing to do: there is a wrap for the new key, which was not tried.
    Present,
    /// It has wraps for other keys only.
    OtherKek,
    /// It has no wraps: the image was published for no Director.
    NoKek,
    /// No list names it, so its content key cannot be proven; left alone.
    Unlisted,
}

/// The work on each file.
pub(super) struct Rotation<'a> {
    plan: Arc<Plan>,
    store: &'a Store,
    repository_id: String,
}

/// What a look at a key file demands.
enum Step {
    Rest(Done),
    Replace(Vec<u8>),
}

impl<'a> Rotation<'a> {
    pub(super) fn new(plan: Arc<Plan>, connection: &'a Connection) -> Self {
        Self {
            plan,
            store: connection.store(),
            repository_id: connection.repository_id().as_str().to_owned(),
        }
    }

    /// Does one file. Failures are part of the outcome: one file's do not stop the others.
    pub(super) async fn one(&self, subject: Subject) -> Outcome {
        let Subject { key_file, entry } = subject;
        let mut outcome = Outcome {
            key_file,
            target: None,
            older: None,
            result: Ok(Done::Unlisted),
            old_left: None,
            in_file: false,
            keys: Vec::new(),
        };
        match entry {
            Entry::Nowhere => {
                if let Err(failure) = self.read(&mut outcome).await {
                    outcome.result = Err(failure);
                }
            }
            Entry::Bad { path, failure } => {
                outcome.target = Some(path.to_string());
                // Whether the old key is left can be said all the same.
                let _ = self.read(&mut outcome).await;
                outcome.result = Err(failure);
            }
            Entry::Signed { image, older } => {
                outcome.target = Some(image.path.to_string());
                outcome.older = older;
                outcome.result = self.signed(image, &mut outcome).await;
            }
        }
        outcome
    }

    async fn signed(&self, image: Image, outcome: &mut Outcome) -> Result<Done, Failure> {
        let mut header = None;
        for _ in 0..MAX_TRIES {
            let (file, stored) = self.read(outcome).await?;
            let header: &Arc<Header> = match &header {
                Some(header) => header,
                None => header.insert(Arc::new(self.header(&image).await?)),
            };
            outcome.in_file = has(header.stanzas(), &self.plan.old_id);
            if header.envelope_digest() != file.envelope_digest() {
                return Err(
                    Failure::refused(format!("{} belongs to another image", outcome.key_file))
                        .next("restore it from a backup; it was not changed"),
                );
            }
            let (plan, header) = (Arc::clone(&self.plan), Arc::clone(header));
            let binding = Binding::key_file(&self.repository_id, image.path.as_str());
            // Unwrapping may take milliseconds (RSA) or wait for a token or a key service.
            let work = tokio::task::spawn_blocking(move || plan.step(file, &header, &binding));
            let step = work
                .await
                .map_err(|error| Failure::new(Fault::Other, "a thread ended early").because(error))?;
            let bytes = match step? {
                Step::Rest(done) => return Ok(done),
                Step::Replace(bytes) => bytes,
            };
            let changed = Done::Changed {
                before: Digest::of(&stored.bytes).sha256,
                after: Digest::of(&bytes).sha256,
            };
            if self.plan.mode == Mode::DryRun {
                return Ok(changed);
            }
            let written = self
                .store
                .replace_exact(&outcome.key_file, bytes, &stored.version)
                .await;
            match written.map_err(faults::store)? {
                Written::Ours(_) => {
                    outcome.old_left = Some(self.plan.old_key == OldKey::Stays);
                    return Ok(changed);
                }
                Written::Theirs => {} // Read again: their change is kept.
            }
        }
        Err(
            Failure::new(Fault::Conflict, format!("{} keeps changing", outcome.key_file))
                .next("find out who else writes it, then run the command again"),
        )
    }

    async fn read(
        &self,
        outcome: &mut Outcome,
    ) -> Result<(KeyFile, sealift_repository::backend::Stored), Failure> {
        let path = &outcome.key_file;
        outcome.old_left = None;
        let read = self.store.read(path, MAX_KEY_FILE_LEN as u64).await;
        let Some(stored) = read.map_err(faults::store)? else {
            outcome.old_left = Some(false);
            return Err(Failure::new(
                Fault::NotFound,
                format!("{path} is missing: no Director can open the image"),
            )
            .next(
                "restore it from a backup and keep the old key until it is rotated; or seal the image again",
            ));
        };
        let file = KeyFile::parse(&stored.bytes).map_err(|error| {
            faults::format(format!("{path} is refused"), error).next("restore it from a backup")
        })?;
        outcome.old_left = Some(has(file.stanzas(), &self.plan.old_id));
        outcome.keys = file.stanzas().iter().map(|stanza| stanza.key_id()).collect();
        Ok((file, stored))
    }

    /// The header of the image, if it is the one that was signed.
    async fn header(&self, image: &Image) -> Result<Header, Failure> {
        let Image { path, object, header } = image;
        if header.length > MAX_HEADER_LEN as u64 {
            return Err(Failure::refused(format!("the header of {path} is too long")));
        }
        let bytes = self.store.get_range(object, 0..header.length).await;
        let bytes = bytes.map_err(|error| {
            let failure = faults::store(error);
            failure.next("check the object with `sealift repo verify --deep`; its keys were not changed")
        })?;
        if Digest::of(&bytes).sha256 != header.sha256 {
            return Err(
                Failure::refused(format!("the header of {path} is not the signed one"))
                    .next("check the repository with `sealift repo verify --deep`"),
            );
        }
        let (header, _) = Header::parse(&bytes)
            .map_err(|error| faults::format(format!("the header of {path} is refused"), error))?;
        Ok(header)
    }
}

impl Plan {
    /// What is to be done with `file`, whose image has `header`.
    fn step(&self, mut file: KeyFile, header: &Header, binding: &Binding) -> Result<Step, Failure> {
        let (has_old, has_new) = (
            has(file.stanzas(), &self.old_id),
            has(file.stanzas(), &self.new_id),
        );
        match (has_old, has_new) {
            _ if file.stanzas().is_empty() && header.stanzas().is_empty() => {
                return Err(Failure::refused(
                    "nobody can open this image: nothing is wrapped in its key file nor inside of it",
                )
                .next(
                    "restore the key file from a backup and keep the old key until it is rotated; or seal the image again",
                ));
            }
            _ if file.stanzas().is_empty() => return Ok(Step::Rest(Done::NoKek)),
            (false, false) => return Ok(Step::Rest(Done::OtherKek)),
            _ => {}
        }
        let opens = match &self.check_new {
            Some(key) if has_new => Some(content_key(&file, header, &**key, binding)),
            _ => None,
        };
        let proven = match opens {
            Some(Ok(_)) => true,
            // With the old key at hand what does not open is made afresh below.
            // A key that cannot be asked, for whatever reason, has not said that it does not open.
            Some(Err(closed)) if !has_old || self.old.is_none() || closed.unasked => {
                return Err(closed.into());
            }
            _ => false,
        };
        match (has_old, self.old_key) {
            (false, _) | (true, OldKey::Stays) if proven => return Ok(Step::Rest(Done::Proven)),
            (false, _) => return Ok(Step::Rest(Done::Present)),
            (true, OldKey::Goes) if proven => {
                file.remove(&self.old_id);
                return Ok(Step::Replace(file.encode()));
            }
            (true, _) => {}
        }
        let (Some(old), Some(new)) = (&self.old, &self.new) else {
            return Err(Failure::new(
                Fault::Key,
                "the key that shall remain does not open this image: nothing was removed",
            )
            .next("wrap it for that key first: `sealift kek rotate --old … --new …`"));
        };
        let key = content_key(&file, header, &**old, binding)?;
        if has_new && self.old_key == OldKey::Stays && self.check_new.is_none() {
            return Ok(Step::Rest(Done::Present));
        }
        // Before the old way in goes, the new one is made afresh from the proven key, not believed.
        file.remove(&self.new_id);
        if self.old_key == OldKey::Goes {
            file.remove(&self.old_id);
        }
        let mut rng = self.rng;
        let stanza = wrap(&key, new, &file.envelope_digest(), binding, &mut rng)
            .map_err(|error| faults::seal("cannot wrap for the new key", error))?;
        file.add(stanza)
            .map_err(|error| faults::format("the key file has no room for another key", error))?;
        if let Some(check) = &self.check_new {
            content_key(&file, header, &**check, binding).map_err(Closed::afresh)?;
        }
        Ok(Step::Replace(file.encode()))
    }
}

/// An image does not open.
struct Closed {
    failure: Failure,
    /// The key could not be asked.
    unasked: bool,
}

impl Closed {
    /// With what was wrapped just now.
    fn afresh(self) -> Failure {
        if self.unasked {
            return self.failure;
        }
        let what =
            "what was wrapped for the new key just now does not open with --check-new: nothing was changed";
        Failure::new(Fault::Key, what)
            .next("try the new key with `sealift key show`, and give its own public half as --new")
    }
}

impl From<Failure> for Closed {
    fn from(failure: Failure) -> Self {
        let unasked = false;
        Self { failure, unasked }
    }
}

impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        closed.failure
    }
}

/// The content key that `opener` has, proven by the commitment in the header that the repository's keys signed.
fn content_key(
    file: &KeyFile,
    header: &Header,
    opener: &dyn UnwrapKey,
    binding: &Binding,
) -> Result<ContentKey, Closed> {
    let id = opener.key_id();
    let key = file.unwrap_with(opener, binding).map_err(|error| match error {
        UnwrapError::Unavailable(_) => Closed {
            failure: faults::unwrap(format!("the key {id} cannot be used now"), error),
            unasked: true,
        },
        _ => faults::unwrap(format!("what is wrapped for {id} does not open"), error)
            .next("restore the key file from a backup, or seal the image again")
            .into(),
    })?;
    header
        .check_key(&key)
        .map_err(|error| faults::open("the content key is not the one that the header commits to", error))?;
    Ok(key)
}

fn has(stanzas: &[sealift_envelope::Stanza], id: &KeyId) -> bool {
    stanzas.iter().any(|stanza| stanza.key_id() == *id)
}
