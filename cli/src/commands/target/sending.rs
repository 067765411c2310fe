//! From an input to an object in the store, whatever comes in between: a process that died, a source that changed, a store
//! that forgot.

mod resuming;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_envelope::KeyFile;
use sealift_metadata::ids::TargetPath;
use sealift_repository::{Store, UploadRecord};

use super::object::{Described, Form, Prepared, SendError, Sent, Spool};
use crate::World;
use crate::failure::Failure;
use crate::input::{Input, Stream};
use crate::journal::{Journal, Journals, Plan, Source};
use crate::sealing::SealOptions;
use crate::signals::Farewell;

/// How often a file that changed, or whose key is spent because the store forgot its upload, is begun anew, before the user
/// is told.
const ANEW: u32 = 2;
/// How often finished bytes are sent to a store that forgets.
const UPLOADS: u32 = 3;
const CHANGED: &str = "the input changed while it was read";
const FORGOTTEN: &str = "the store has forgotten the upload";

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
    /// Whether they are sealed here.
    pub(super) seals: bool,
    /// Everything on the command line that decides about the bytes, digested.
    pub(super) options: String,
    pub(super) segments: &'a SealOptions,
    pub(super) spool: &'a Path,
    pub(super) form: &'a MakeForm<'a>,
    /// Whether what it turned out to be may be sent at all.
    pub(super) suits: &'a dyn Fn(&Described) -> Result<(), Failure>,
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

    async fn file(
        &self,
        world: &mut World,
        mut found: Option<Journal>,
        file: Arc<File>,
        length: u64,
    ) -> Result<Done, Failure> {
        let mut anew = 0;
        loop {
            let resumed = match found.take() {
                Some(journal) => self.again(world, journal, &file, length).await?,
                None => None,
            };
            let ready = match resumed {
                Some(ready) => Ok(ready),
                None => self.fresh(world, &file).await,
            };
            let attempt = match ready {
                Ok(ready) => self.send(world, ready).await,
                Err(error) => Err(error),
            };
            let why = match attempt {
                Err(SendError::Changed(_)) if anew < ANEW => CHANGED,
                Err(SendError::Gone) if anew < ANEW && self.seals => FORGOTTEN,
                other => return other.map_err(SendError::into_failure),
            };
            anew += 1;
            world.note(format!("{why}; {}", self.anew()));
        }
    }

    /// What is done with a file that is begun anew.
    fn anew(&self) -> &'static str {
        if self.seals {
            "it is sealed again with a fresh key"
        } else {
            "it is sent again from its beginning"
        }
    }

    async fn fresh(&self, world: &mut World, file: &Arc<File>) -> Result<Ready, SendError> {
        let length = length_of(file, 0);
        let (form, key_file) = (self.form)(world, Some(file)).map_err(SendError::Failed)?;
        let plan = match &form {
            Form::Sealed(plan) => Some(Plan::new(plan.content_key(), plan.header())),
            Form::Plain(_) | Form::Presealed { .. } => None,
        };
        let prepared = Prepared::hash(world, form, file, length)
            .await
            .map_err(SendError::from_source)?;
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

    /// Sends an object. A journal outlives only what running the command again can mend.
    async fn send(&self, world: &World, ready: Ready) -> Result<Done, SendError> {
        let Ready {
            prepared,
            key_file,
            journal,
            _spool,
        } = ready;
        if let Err(failure) = (self.suits)(&prepared.described) {
            if let Some(journal) = journal {
                self.drop_journal(world, journal).await;
            }
            return Err(SendError::Failed(failure));
        }
        let _farewell = journal
            .as_ref()
            .map(|journal| Farewell::new(format!("interrupted; {}", next(journal))));
        let error = match self.transfer(world, &prepared, journal.as_ref()).await {
            Ok(sent) => {
                return Ok(Done {
                    described: prepared.described,
                    key_file,
                    sent,
                    journal,
                });
            }
            Err(error) => error,
        };
        match (error, journal) {
            (SendError::Failed(failure), Some(journal)) if journal.is_resumable() => {
                Err(SendError::Failed(failure.next(next(&journal))))
            }
            (error, Some(journal)) => {
                self.drop_journal(world, journal).await;
                Err(error)
            }
            (error, None) => Err(error),
        }
    }

    /// `Gone` at once when the store forgets what is sealed while it is sent: the file may be another one by now, and the
    /// parts that were sent are compared with nothing any more, so that the key must not be used again.
    async fn transfer(
        &self,
        world: &World,
        prepared: &Prepared,
        journal: Option<&Journal>,
    ) -> Result<Sent, SendError> {
        let mut earlier = journal.and_then(|journal| journal.earlier.clone());
        let mut uploads = 1;
        loop {
            let record = journal.map(|journal| journal.lines() as Arc<dyn UploadRecord>);
            let sent = prepared.upload(world, self.store, self.path, record, earlier.take());
            match sent.await {
                Err(SendError::Gone) if uploads < UPLOADS && !prepared.seals() => {}
                ended => return ended,
            }
            uploads += 1;
            world.note(format!("{FORGOTTEN}; it is sent again from its beginning"));
        }
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
