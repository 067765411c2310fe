//! What is written down for a later run, and going on from what an earlier one wrote down.

use std::fs::File;
use std::sync::Arc;

use sealift_envelope::InterruptedPlan;

use super::super::object::{Described, Form, Prepared};
use super::super::uploads::{drop_upload, forget};
use super::{Ready, Sending, length_of};
use crate::World;
use crate::failure::{Failure, Fault};
use crate::journal::{Head, Id, Journal, Plan, Source, Taken, VERSION};

const BUSY: &str =
    "another upload of this target is under way on this machine; this one will not be resumable";

impl Sending<'_> {
    fn id(&self) -> Id {
        Id::new(&self.store.address(), self.repository, self.path.as_str())
    }

    /// The journal of an interrupted upload with the same options. Nothing about journals stops a publication.
    pub(super) async fn found(&mut self, world: &World) -> Option<Journal> {
        let journals = self.journals.as_ref()?;
        let taken = match journals.take(&self.id()) {
            Ok(taken) => taken,
            Err(failure) => {
                world.warn(format!("{failure}; the upload will not be resumable"));
                self.journals = None;
                return None;
            }
        };
        match taken {
            Taken::Nothing => None,
            Taken::Busy => {
                world.note(BUSY);
                self.journals = None;
                None
            }
            Taken::Damaged(damaged) => {
                let path = damaged.path().display();
                world.warn(format!("{path} is damaged and counts as none"));
                if let Err(failure) = damaged.remove() {
                    world.warn(failure.to_string());
                    self.journals = None;
                }
                None
            }
            Taken::Found(journal) if journal.head.options == self.options => Some(journal),
            Taken::Found(journal) => {
                world.note("an interrupted upload of this target had other options; it is dropped");
                self.drop_journal(world, journal).await;
                None
            }
        }
    }

    /// Pass one of a file that was under way: with the recorded plan it must come to the recorded digests before any byte
    /// leaves. `None` when the file is another one by now.
    pub(super) async fn again(
        &self,
        world: &mut World,
        journal: Journal,
        file: &Arc<File>,
        length: u64,
    ) -> Result<Option<Ready>, Failure> {
        let now = length_of(file, length);
        let hashed = match &journal.head.plan {
            Some(plan) if journal.head.plain.length == length => {
                match self.interrupted(plan, &journal.head) {
                    Some(plan) => Some(Prepared::prove(world, plan, file, now).await),
                    None => None,
                }
            }
            None if matches!(journal.head.source, Source::File(_)) => match (self.form)(world, Some(file))? {
                (Form::Sealed(_), _) => None,
                (form, _) => Some(Prepared::hash(world, form, file, now).await),
            },
            _ => None,
        };
        let prepared = match hashed.transpose() {
            Err(failure) if failure.fault() == Fault::Conflict => None,
            hashed => hashed?,
        };
        match prepared {
            Some(prepared) if journal.head.object == prepared.described.object.into() => Ok(Some(Ready {
                prepared,
                key_file: journal.head.key_bytes().flatten(),
                journal: Some(journal),
                _spool: None,
            })),
            _ => {
                let why = "the input changed since its upload was interrupted";
                world.note(format!("{why}; {}", self.anew()));
                self.drop_journal(world, journal).await;
                Ok(None)
            }
        }
    }

    fn interrupted(&self, plan: &Plan, head: &Head) -> Option<InterruptedPlan> {
        let (key, header) = plan.parts()?;
        let (alg, size) = (self.segments.segment_alg(), self.segments.segment_size());
        InterruptedPlan::new(key, header, head.plain.into(), alg, size).ok()
    }

    /// The spool of an interrupted upload, if the pipe gave the same bytes again and it is still what it was.
    pub(super) async fn old_spool(
        &self,
        world: &World,
        journal: &Journal,
        now: &Described,
    ) -> Option<Prepared> {
        let head = &journal.head;
        let Source::Spool(path) = &head.source else {
            return None;
        };
        if head.plain != now.plain.into() {
            return None;
        }
        let file = File::open(path).ok()?;
        let options = self.segments.clone();
        let form = match head.header {
            Some(header) => Form::Presealed {
                options,
                plain: head.plain.into(),
                header: header.into(),
            },
            None => Form::Plain(options),
        };
        let prepared = Prepared::hash(world, form, &Arc::new(file), head.object.length)
            .await
            .ok()?;
        (head.object == prepared.described.object.into()).then_some(prepared)
    }

    /// Begins a journal. Failing that, the upload goes on without.
    pub(super) fn write_down(
        &self,
        world: &World,
        described: &Described,
        source: Source,
        plan: Option<Plan>,
        key_file: &Option<Vec<u8>>,
    ) -> Option<Journal> {
        let journals = self.journals.as_ref()?;
        let head = Head {
            version: VERSION,
            began: world.now(),
            store: self.store.address(),
            repository: self.repository.to_owned(),
            target: self.path.to_string(),
            source,
            options: self.options.clone(),
            object: described.object.into(),
            plain: described.plain.into(),
            header: described.header.map(Into::into),
            plan,
            key_file: key_file.as_ref().map(hex::encode),
        };
        match journals.create(&self.id(), head) {
            Ok(Some(journal)) => Some(journal),
            Ok(None) => {
                world.note(BUSY);
                None
            }
            Err(failure) => {
                world.warn(format!("{failure}; the upload will not be resumable"));
                None
            }
        }
    }

    /// Removes what is in the store, and the journal.
    pub(super) async fn drop_journal(&self, world: &World, journal: Journal) {
        if let Err(failure) = drop_upload(self.store, &journal).await {
            world.warn(format!(
                "{failure}; the bucket's rule for incomplete uploads will remove its parts"
            ));
        }
        forget(world, Some(journal));
    }
}
