//! From an input to an object in the store, whatever comes in between: a process that died, a source that changed, a store
//! that forgot.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_envelope::{KeyFile, SealPlan};
use sealift_metadata::ids::TargetPath;
use sealift_repository::{Store, UploadRecord};

use super::object::{Described, Form, Prepared, SendError, Sent, Spool};
use super::uploads::drop_upload;
use crate::World;
use crate::failure::{Failure, Fault};
use crate::input::{Input, Stream};
use crate::journal::{Head, Id, Journal, Journals, Plan, Source, Taken, VERSION};
use crate::sealing::SealOptions;
use crate::signals::Farewell;

/// How often a source that changed is sealed again with a fresh key, before the user is told.
const FRESH_KEYS: u32 = 2;
/// How often an upload that the store forgot is begun anew.
const UPLOADS: u32 = 3;
const FORGOTTEN: &str = "the store has forgotten the interrupted upload";

/// Makes the form of an object, with a fresh key where it is sealed here; a file is needed for what is sealed already.
pub(super) type MakeForm<'a> =
    dyn Fn(&mut World, Option<&File>) -> Result<(Form, Option<KeyFile>), Failure> + 'a;

/// One object to be sent.
pub(super) struct Sending<'a> {
    pub(super) store: &'a Store,
    pub(super) repository: &'a str,
    pub(super) path: &'a TargetPath,
    /// Where the bytes come from; `-` is a pipe.
    pub(super) input: PathBuf,
    /// Everything on the command line that decides about the bytes, digested.
    pub(super) options: String,
    pub(super) segments: &'a SealOptions,
    pub(super) spool: &'a Path,
    pub(super) form: &'a MakeForm<'a>,
    /// Where to write things down; `None` when nothing is to be resumed.
    pub(super) journals: Option<Journals>,
}

/// The object is in the store, not yet listed.
pub(super) struct Done {
    pub(super) described: Described,
    pub(super) key_file: Option<Vec<u8>>,
    pub(super) sent: Sent,
    /// To be removed when the target is listed.
    pub(super) journal: Option<Journal>,
}

/// An object that is ready to be sent.
struct Ready {
    prepared: Prepared,
    key_file: Option<Vec<u8>>,
    journal: Option<Journal>,
    /// A spool that no journal knows goes when this goes.
    _spool: Option<Spool>,
}

impl Sending<'_> {
    pub(super) async fn run(mut self, world: &mut World, input: Input) -> Result<Done, Failure> {
        let found = self.found(world).await;
        match input {
            Input::File(file, length) => self.file(world, found, Arc::new(file), length).await,
            Input::Stream(stream) => self.pipe(world, found, stream).await,
        }
    }

    /// The journal of an interrupted upload with the same options. Nothing about journals stops a publication.
    async fn found(&mut self, world: &World) -> Option<Journal> {
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
                world.note("another upload of this target is under way on this machine; this one will not be resumable");
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

    async fn file(
        &self,
        world: &mut World,
        mut found: Option<Journal>,
        file: Arc<File>,
        length: u64,
    ) -> Result<Done, Failure> {
        let mut fresh_keys = 0;
        loop {
            let resumed = match found.take() {
                Some(journal) => self.again(world, journal, &file, length).await?,
                None => None,
            };
            let attempt = match resumed {
                Some(ready) => self.send(world, ready).await,
                None => match self.fresh(world, &file).await {
                    Ok(ready) => self.send(world, ready).await,
                    Err(failure) => Err(SendError::Failed(failure)),
                },
            };
            let why = match attempt {
                Err(SendError::Failed(failure))
                    if failure.fault() == Fault::Conflict && fresh_keys < FRESH_KEYS =>
                {
                    failure.to_string()
                }
                Err(SendError::Gone) if fresh_keys < FRESH_KEYS => FORGOTTEN.to_owned(),
                other => return other.map_err(SendError::into_failure),
            };
            fresh_keys += 1;
            world.note(format!("{why}; sealing it again with a fresh key"));
        }
    }

    /// Pass one of a file that was under way: with the recorded plan it must come to the recorded digests before any byte
    /// leaves. `None` when the file is another one by now.
    async fn again(
        &self,
        world: &mut World,
        journal: Journal,
        file: &Arc<File>,
        length: u64,
    ) -> Result<Option<Ready>, Failure> {
        let form = match &journal.head.plan {
            Some(plan) if journal.head.plain.length == length => {
                let (alg, size) = (self.segments.segment_alg(), self.segments.segment_size());
                let plain = journal.head.plain.into();
                let plan = plan
                    .parts()
                    .and_then(|(key, header)| SealPlan::resume(key, header, plain, alg, size).ok());
                plan.map(|plan| Form::Sealed(Box::new(plan)))
            }
            None if matches!(journal.head.source, Source::File(_)) => match (self.form)(world, Some(file))? {
                (Form::Sealed(_), _) => None,
                (form, _) => Some(form),
            },
            _ => None,
        };
        let prepared = match form {
            Some(form) => match Prepared::hash(world, form, file, length_of(file, length)).await {
                Ok(prepared) => Some(prepared),
                Err(failure) if failure.fault() == Fault::Conflict => None,
                Err(failure) => return Err(failure),
            },
            None => None,
        };
        match prepared {
            Some(prepared) if journal.head.object == prepared.described.object.into() => Ok(Some(Ready {
                prepared,
                key_file: journal.head.key_bytes().flatten(),
                journal: Some(journal),
                _spool: None,
            })),
            _ => {
                world.note(
                    "the input changed since its upload was interrupted; it is sealed again with a fresh key",
                );
                self.drop_journal(world, journal).await;
                Ok(None)
            }
        }
    }

    async fn fresh(&self, world: &mut World, file: &Arc<File>) -> Result<Ready, Failure> {
        let length = length_of(file, 0);
        let (form, key_file) = (self.form)(world, Some(file))?;
        let plan = match &form {
            Form::Sealed(plan) => Some(Plan::new(plan.content_key(), plan.header())),
            _ => None,
        };
        let prepared = Prepared::hash(world, form, file, length).await?;
        let key_file = key_file.map(|file| file.encode());
        let journal = self.write_down(
            world,
            &prepared.described,
            Source::File(self.input.clone()),
            plan,
            &key_file,
        );
        Ok(Ready {
            prepared,
            key_file,
            journal,
            _spool: None,
        })
    }

    /// A pipe is always spooled, since only its bytes tell whether they are those of the interrupted upload.
    async fn pipe(&self, world: &mut World, found: Option<Journal>, stream: Stream) -> Result<Done, Failure> {
        let (form, key_file) = (self.form)(world, None)?;
        let (prepared, spool) = Prepared::spool(world, form, stream, self.spool).await?;
        if let Some(journal) = found {
            match self.old_spool(world, &journal, &prepared.described).await {
                Some(prepared) => {
                    let ready = Ready {
                        prepared,
                        key_file: journal.head.key_bytes().flatten(),
                        journal: Some(journal),
                        _spool: Some(spool),
                    };
                    return self.send(world, ready).await.map_err(SendError::into_failure);
                }
                None => {
                    world.note("the interrupted upload of this target was of other bytes; it is dropped");
                    self.drop_journal(world, journal).await;
                }
            }
        }
        let key_file = key_file.map(|file| file.encode());
        let journal = self.write_down(
            world,
            &prepared.described,
            Source::Spool(spool.path()),
            None,
            &key_file,
        );
        let spool = match journal {
            Some(_) => spool.keep().map(|()| None)?,
            None => Some(spool),
        };
        let ready = Ready {
            prepared,
            key_file,
            journal,
            _spool: spool,
        };
        self.send(world, ready).await.map_err(SendError::into_failure)
    }

    /// The spool of an interrupted upload, if the pipe gave the same bytes again and it is still what it was.
    async fn old_spool(&self, world: &World, journal: &Journal, now: &Described) -> Option<Prepared> {
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
    fn write_down(
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
        journals.create(&self.id(), head).unwrap_or_else(|failure| {
            world.warn(format!("{failure}; the upload will not be resumable"));
            None
        })
    }

    /// `Gone` when the store forgets what is sealed while it is sent: the file may be another one by now, and the parts
    /// that were sent are compared with nothing any more, so that the key must not be used again.
    async fn send(&self, world: &World, ready: Ready) -> Result<Done, SendError> {
        let Ready {
            prepared,
            key_file,
            mut journal,
            _spool,
        } = ready;
        let _farewell = journal
            .as_ref()
            .map(|journal| Farewell::new(format!("interrupted; {}", next(journal))));
        let mut earlier = journal.as_ref().and_then(|journal| journal.earlier.clone());
        for upload in 1..=UPLOADS {
            let record = journal
                .as_ref()
                .map(|journal| journal.lines() as Arc<dyn UploadRecord>);
            match prepared
                .upload(world, self.store, self.path, record, earlier.take())
                .await
            {
                Ok(sent) => {
                    return Ok(Done {
                        described: prepared.described,
                        key_file,
                        sent,
                        journal,
                    });
                }
                Err(SendError::Gone) if prepared.seals() => break,
                Err(SendError::Gone) if upload < UPLOADS => {
                    world.note(format!("{FORGOTTEN}; sending from the beginning"));
                }
                Err(SendError::Gone) => break,
                Err(SendError::Failed(failure)) => {
                    return Err(SendError::Failed(match journal.take() {
                        Some(journal) if failure.fault() == Fault::Conflict || !journal.is_resumable() => {
                            self.drop_journal(world, journal).await;
                            failure
                        }
                        Some(journal) => failure.next(next(&journal)),
                        None => failure,
                    }));
                }
            }
        }
        if let Some(journal) = journal.filter(|_| prepared.seals()) {
            self.drop_journal(world, journal).await;
        }
        Err(SendError::Gone)
    }

    /// Removes what is in the store, and the journal.
    pub(super) async fn drop_journal(&self, world: &World, journal: Journal) {
        if let Err(failure) = drop_upload(self.store, &journal).await {
            world.warn(format!(
                "{failure}; the bucket's rule for incomplete uploads will remove its parts"
            ));
        }
        if let Err(failure) = journal.remove() {
            world.warn(failure.to_string());
        }
    }

    fn id(&self) -> Id {
        Id::new(&self.store.address(), self.repository, self.path.as_str())
    }
}

/// What to do about a journal that stays.
fn next(journal: &Journal) -> String {
    let id = journal.id().as_str();
    format!(
        "run the same command again to go on where it ended, or drop what was sent with `sealift target uploads abort {id}`"
    )
}

fn length_of(file: &File, otherwise: u64) -> u64 {
    file.metadata().map_or(otherwise, |metadata| metadata.len())
}
