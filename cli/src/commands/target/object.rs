//! The bytes of a new target: hashed once to learn their name, then written into the store under it.
//!
//! A file is read twice and sealed to the same bytes both times; the store name is the digest of the first pass, and the
//! upload is abandoned when the second pass comes to another. A pipe is sealed into a spool on the local disk instead.

mod copy;
mod hash;

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_envelope::{Digest, InterruptedPlan, SealError, SealPlan, Sealed, SegmentList};
use sealift_metadata::ids::TargetPath;
use sealift_repository::{Content, Earlier, ObjectUpload, Store, Upload, UploadError, UploadRecord, paths};
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use self::copy::{Beginning, copy, copy_all};
pub(super) use self::hash::digest;
use super::builders::Image;
use crate::failure::{Failure, Fault};
use crate::input::Stream;
use crate::journal::SPOOL_PREFIX;
use crate::progress::Progress;
use crate::sealing::SealOptions;
use crate::signals::{self, Unfinished};
use crate::{World, faults};

/// How bytes become an object.
pub(super) enum Form {
    /// Sealed by this plan.
    Sealed(Arc<SealPlan>),
    /// As they are, with segment digests of this kind.
    Plain(SealOptions),
    /// As they are, because they are sealed already.
    Presealed {
        /// Kind and size of the segments.
        options: SealOptions,
        /// The plaintext, as whoever sealed it says.
        plain: Digest,
        /// The header that the input begins with.
        header: Digest,
    },
}

/// What the object turned out to be.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) object: Digest,
    pub(super) plain: Digest,
    pub(super) header: Option<Digest>,
    pub(super) segments: SegmentList,
}

impl Described {
    /// What provenance of it may be about.
    pub(super) fn image(&self) -> Image<'_> {
        Image {
            plain: &self.plain.sha256,
            object: &self.object.sha256,
        }
    }
}

impl Form {
    /// SHA-256 of the plaintext, where it is known before sealing.
    pub(super) fn plain(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Presealed { plain, .. } => Some(&plain.sha256),
            Self::Sealed(_) | Self::Plain(_) => None,
        }
    }

    fn run(
        &self,
        reader: impl Read,
        writer: impl Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Described, Failure> {
        match self {
            Self::Sealed(plan) => seal(plan, reader, writer, progress),
            Self::Plain(options) => copy(reader, writer, options, Beginning::Plain, progress),
            Self::Presealed {
                options,
                plain,
                header,
            } => {
                let described = copy(reader, writer, options, Beginning::Header(*header), progress)?;
                Ok(Described {
                    plain: *plain,
                    header: Some(*header),
                    ..described
                })
            }
        }
    }
}

fn seal(
    plan: &SealPlan,
    reader: impl Read,
    writer: impl Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Described, Failure> {
    let sealed = plan.run(reader, writer, progress);
    sealed.map(Described::from).map_err(unsealed)
}

fn unsealed(error: SealError) -> Failure {
    faults::seal("cannot seal the image", error)
}

impl From<Sealed> for Described {
    fn from(sealed: Sealed) -> Self {
        Self {
            object: sealed.sealed,
            plain: sealed.plain,
            header: Some(sealed.header),
            segments: sealed.segments,
        }
    }
}

/// An object whose name is known and whose bytes can be produced, as often as need be.
pub(super) struct Prepared {
    pub(super) described: Described,
    file: Arc<File>,
    /// Bytes of the file, for the progress.
    length: u64,
    /// What seals the file once more; without it the object is the file.
    plan: Option<Arc<SealPlan>>,
}

/// A finished object in a file of our own.
pub(super) struct Spool {
    file: NamedTempFile,
    unfinished: Unfinished,
}

impl Spool {
    pub(super) fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    /// From now on a journal knows the file and removes it; until then, its end is ours.
    pub(super) fn keep(self) -> Result<(), Failure> {
        drop(self.unfinished);
        let kept = self.file.keep();
        kept.map(drop)
            .map_err(|error| Failure::io("cannot keep the spool", error.error))
    }
}

/// What sending came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Bytes that an earlier process had sent.
    pub(super) resumed_bytes: u64,
    /// Nothing was sent: the object was there.
    pub(super) present: bool,
}

/// Why sending ended.
pub(super) enum SendError {
    /// The store has forgotten the upload.
    Gone,
    /// The source gives other bytes than before.
    Changed(Failure),
    /// Another reason.
    Failed(Failure),
}

impl SendError {
    /// Reading or sealing the source failed.
    pub(super) fn from_source(failure: Failure) -> Self {
        match failure.fault() {
            Fault::Conflict => Self::Changed(failure),
            _ => Self::Failed(failure),
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::Changed(failure) | Self::Failed(failure) => failure,
            Self::Gone => {
                let what = "the store forgets every upload before it is complete";
                Failure::new(Fault::Unavailable, what).next("check the bucket's rule for incomplete uploads")
            }
        }
    }
}

impl Prepared {
    /// The hash pass over a file, from its beginning.
    pub(super) async fn hash(
        world: &World,
        form: Form,
        file: &Arc<File>,
        length: u64,
    ) -> Result<Self, Failure> {
        Self::first_pass(world, file, length, move |file, progress| {
            let described = form.run(file, io::sink(), progress)?;
            Ok(match form {
                Form::Sealed(plan) => (described, Some(plan)),
                Form::Plain(_) | Form::Presealed { .. } => (described, None),
            })
        })
        .await
    }

    /// The same, by a plan that was interrupted.
    pub(super) async fn prove(
        world: &World,
        plan: InterruptedPlan,
        file: &Arc<File>,
        length: u64,
    ) -> Result<Self, Failure> {
        Self::first_pass(world, file, length, move |file, progress| {
            let (plan, sealed) = plan.prove(file, progress).map_err(unsealed)?;
            Ok((sealed.into(), Some(Arc::new(plan))))
        })
        .await
    }

    async fn first_pass<P>(world: &World, file: &Arc<File>, length: u64, pass: P) -> Result<Self, Failure>
    where
        P: FnOnce(&File, &mut dyn FnMut(u64)) -> Result<(Described, Option<Arc<SealPlan>>), Failure>
            + Send
            + 'static,
    {
        let progress = Progress::bytes(world, "hashing", Some(length));
        let file = Arc::clone(file);
        blocking(move || {
            rewind(&file)?;
            let (described, plan) = pass(&file, &mut |done| progress.set(done))?;
            Ok(Self {
                described,
                file,
                length,
                plan,
            })
        })
        .await
    }

    /// The spooling of a pipe.
    pub(super) async fn spool(
        world: &World,
        form: Form,
        mut stream: Stream,
        folder: &Path,
    ) -> Result<(Self, Spool), Failure> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(SPOOL_PREFIX);
        let (file, unfinished) = signals::temporary(|| builder.tempfile_in(folder))
            .map_err(|error| Failure::file("make a spool file in", folder, error))?;
        let progress = Progress::bytes(world, "spooling", None);
        blocking(move || {
            let described = form.run(&mut stream, file.as_file(), &mut |done| progress.set(done))?;
            let again = file
                .as_file()
                .sync_all()
                .and_then(|()| file.as_file().try_clone())
                .map_err(|error| Failure::io("cannot write the spool", error))?;
            let prepared = Self {
                length: described.object.length,
                described,
                file: Arc::new(again),
                plan: None,
            };
            Ok((prepared, Spool { file, unfinished }))
        })
        .await
    }

    /// Whether every upload seals again.
    pub(super) fn seals(&self) -> bool {
        self.plan.is_some()
    }

    /// Writes the object into the store, under its name, whole or not at all.
    pub(super) async fn upload(
        &self,
        world: &World,
        store: &Store,
        path: &TargetPath,
        record: Option<Arc<dyn UploadRecord>>,
        earlier: Option<Earlier>,
    ) -> Result<Sent, SendError> {
        let content = Content {
            length: self.described.object.length,
            sha256: self.described.object.sha256,
        };
        let store_path =
            paths::target(path, &content.sha256).map_err(|error| SendError::Failed(faults::store(error)))?;
        let begun = ObjectUpload::begin_recorded(store, store_path, content, record, earlier).await;
        let upload = match begun.map_err(send_error)? {
            Upload::Present => {
                return Ok(Sent {
                    resumed_bytes: 0,
                    present: true,
                });
            }
            Upload::Needed(upload) => upload,
        };
        let held = upload.held_parts().saturating_mul(upload.part_bytes());
        let resumed_bytes = u64::try_from(held).map_or(content.length, |held| held.min(content.length));
        if resumed_bytes > 0 {
            let (held, whole) = (resumed_bytes >> 20, content.length.div_ceil(1 << 20));
            world.note(format!(
                "resuming: {held} of {whole} MiB are in the store already"
            ));
        }
        let verb = if resumed_bytes == 0 {
            "uploading"
        } else {
            "resuming"
        };
        let progress = Progress::bytes(world, verb, Some(self.length));
        let mut writer = upload.into_writer(Handle::current());
        let file = Arc::clone(&self.file);
        let plan = self.plan.clone();
        let written = blocking(move || {
            let mut set = |done| progress.set(done);
            let second = rewind(&file).and_then(|()| match plan {
                Some(plan) => seal(&plan, &*file, &mut writer, &mut set).map(drop),
                // The upload hashes what it is given.
                None => copy_all(&mut &*file, &mut writer, &mut set)
                    .map_err(|error| Failure::io("cannot read the object again", error)),
            });
            Ok((writer, second))
        })
        .await;
        let (writer, second) = written.map_err(SendError::Failed)?;
        let (upload, broken) = writer.into_inner();
        match (broken, second) {
            (Some(error), _) => Err(send_error(error)),
            // Length and digest are compared here: another second pass is abandoned, and nothing becomes visible.
            (None, Ok(())) => upload.finish().await.map_err(send_error).map(|()| Sent {
                resumed_bytes,
                present: false,
            }),
            (None, Err(failure)) => {
                let error = SendError::from_source(failure);
                if matches!(error, SendError::Changed(_)) {
                    // The first failure is the one to tell; parts that cannot be removed now expire in the store.
                    let _: Result<(), UploadError> = upload.abort().await;
                }
                Err(error)
            }
        }
    }
}

fn send_error(error: UploadError) -> SendError {
    match error {
        UploadError::Gone { .. } => SendError::Gone,
        UploadError::Mismatch { .. } | UploadError::Changed { .. } => {
            SendError::Changed(faults::upload(error))
        }
        error => SendError::Failed(faults::upload(error)),
    }
}

fn rewind(mut file: &File) -> Result<(), Failure> {
    file.rewind()
        .map_err(|error| Failure::io("cannot read the input from its beginning", error))
}

/// Runs work that reads, seals or waits on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(Fault::Other, "the sealing thread failed").because(error))?
}
