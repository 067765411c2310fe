//! The bytes of a new target: hashed once to learn their name, then written into the store under it.
//!
//! A file is read twice and sealed to the same bytes both times; the store name is the digest of the first pass, and the
//! upload is abandoned when the second pass comes to another. A pipe is sealed into a spool on the local disk instead.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use sealift_envelope::{Digest, MAX_HEADER_LEN, SealPlan, SegmentAlg, SegmentHasher, SegmentList};
use sealift_metadata::ids::TargetPath;
use sealift_repository::{Content, ObjectUpload, Store, Upload, UploadError, paths};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::failure::{Failure, Fault};
use crate::input::Input;
use crate::progress::Progress;
use crate::sealing::SealOptions;
use crate::{World, faults};

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;
/// What a sealed image begins with; unprotected bytes must not.
const SEALED_MAGIC: &[u8; 8] = b"SEALIFT\0";

/// How bytes become an object.
pub(super) enum Form {
    /// Sealed by this plan.
    Sealed(Box<SealPlan>),
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

/// What the bytes may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// Anything but the magic of a sealed image.
    Plain,
    /// The header that was looked at before, still.
    Header(Digest),
}

impl Beginning {
    /// How many first bytes must be kept to tell.
    fn length(self) -> usize {
        match self {
            Self::Plain => SEALED_MAGIC.len(),
            Self::Header(header) => {
                usize::try_from(header.length).map_or(MAX_HEADER_LEN, |n| n.min(MAX_HEADER_LEN))
            }
        }
    }
}

/// What the object turned out to be.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) object: Digest,
    pub(super) plain: Digest,
    pub(super) header: Option<Digest>,
    pub(super) segments: SegmentList,
}

/// An object whose name is known and whose bytes can be produced.
pub(super) struct Prepared {
    pub(super) described: Described,
    form: Form,
    source: Source,
}

enum Source {
    /// Read again and sealed again.
    File(File, u64),
    /// The finished object in a temporary file without a name.
    Spool(File),
}

impl Form {
    fn run(
        &self,
        reader: impl Read,
        writer: impl Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Described, Failure> {
        match self {
            Self::Sealed(plan) => {
                let sealed = plan
                    .run(reader, writer, progress)
                    .map_err(|error| faults::seal("cannot seal the image", error))?;
                Ok(Described {
                    object: sealed.sealed,
                    plain: sealed.plain,
                    header: Some(sealed.header),
                    segments: sealed.segments,
                })
            }
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

impl Prepared {
    /// The hash pass over a file, or the spooling of a pipe.
    pub(super) async fn new(world: &World, form: Form, input: Input, spool: &Path) -> Result<Self, Failure> {
        match input {
            Input::File(mut file, length) => {
                let progress = Progress::bytes(world, "hashing", Some(length));
                blocking(move || {
                    let described = form.run(&mut file, io::sink(), &mut |done| progress.set(done))?;
                    Ok(Self {
                        described,
                        form,
                        source: Source::File(file, length),
                    })
                })
                .await
            }
            Input::Stream(mut stream) => {
                let mut file = tempfile::tempfile_in(spool)
                    .map_err(|error| Failure::file("make a spool file in", spool, error))?;
                let progress = Progress::bytes(world, "spooling", None);
                blocking(move || {
                    let described = form.run(&mut stream, &mut file, &mut |done| progress.set(done))?;
                    Ok(Self {
                        described,
                        form,
                        source: Source::Spool(file),
                    })
                })
                .await
            }
        }
    }

    /// Writes the object into the store, under its name, whole or not at all.
    pub(super) async fn upload(
        self,
        world: &World,
        store: &Store,
        path: &TargetPath,
    ) -> Result<Described, Failure> {
        let Self {
            described,
            form,
            source,
        } = self;
        let content = Content {
            length: described.object.length,
            sha256: described.object.sha256,
        };
        let store_path = paths::target(path, &content.sha256).map_err(faults::store)?;
        let upload = match ObjectUpload::begin(store, store_path, content)
            .await
            .map_err(faults::upload)?
        {
            Upload::Present => return Ok(described),
            Upload::Needed(upload) => upload,
        };
        let mut writer = upload.into_writer(Handle::current());
        let total = match &source {
            Source::File(_, length) => *length,
            Source::Spool(_) => content.length,
        };
        let progress = Progress::bytes(world, "uploading", Some(total));
        let (writer, second) = blocking(move || {
            let mut set = |done| progress.set(done);
            let second = match source {
                Source::File(mut file, _) => file
                    .rewind()
                    .map_err(|error| Failure::io("cannot read the input a second time", error))
                    .and_then(|()| form.run(&mut file, &mut writer, &mut set)),
                Source::Spool(mut file) => file
                    .rewind()
                    .and_then(|()| copy_all(&mut file, &mut writer, &mut set))
                    .map(|()| described)
                    .map_err(|error| Failure::io("cannot upload the spooled object", error)),
            };
            Ok((writer, second))
        })
        .await?;
        let (upload, refused) = writer.into_inner();
        match second {
            // Length and digest are compared here: another second pass is abandoned, and nothing becomes visible.
            Ok(described) => upload.finish().await.map(|()| described).map_err(faults::upload),
            Err(failure) => {
                let failure = refused.map_or(failure, faults::upload);
                // The first failure is the one to tell; parts that cannot be removed now expire in the store.
                let _: Result<(), UploadError> = upload.abort().await;
                Err(failure)
            }
        }
    }
}

/// Runs work that reads, seals or waits on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(Fault::Other, "the sealing thread failed").because(error))?
}

fn copy_all(
    reader: &mut impl Read,
    writer: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut done = 0_u64;
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            return Ok(());
        };
        writer.write_all(piece)?;
        done = done.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        progress(done);
    }
}

/// Counts and hashes what goes by.
struct Hashing<W> {
    inner: W,
    sha256: sha2::Sha256,
    segments: SegmentHasher,
    length: u64,
    start: Vec<u8>,
    beginning: Beginning,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use sha2::Digest as _;
        let missing = self
            .beginning
            .length()
            .saturating_sub(self.start.len())
            .min(bytes.len());
        self.start.extend(bytes.iter().take(missing));
        if self.beginning == Beginning::Plain && self.start == SEALED_MAGIC {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the input is sealed already",
            ));
        }
        self.inner.write_all(bytes)?;
        self.sha256.update(bytes);
        self.segments.push(bytes).map_err(io::Error::other)?;
        self.length = self
            .length
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn copy(
    mut reader: impl Read,
    writer: impl Write,
    options: &SealOptions,
    beginning: Beginning,
    progress: &mut dyn FnMut(u64),
) -> Result<Described, Failure> {
    use sha2::Digest as _;
    let alg: SegmentAlg = options.segment_alg();
    let segments = SegmentHasher::new(alg, options.segment_size());
    let sha256 = sha2::Sha256::new();
    let mut hashing = Hashing {
        inner: writer,
        sha256,
        segments,
        length: 0,
        start: Vec::new(),
        beginning,
    };
    copy_all(&mut reader, &mut hashing, progress).map_err(|error| {
        if error.kind() == io::ErrorKind::InvalidData {
            return Failure::refused("the input is a sealed image, and --protection none was asked for")
                .next("give the plain image; vehicles refuse sealed bytes that are signed as unprotected");
        }
        Failure::io("cannot copy the image", error)
    })?;
    if let Beginning::Header(header) = beginning
        && Digest::of(&hashing.start) != header
    {
        return Err(
            Failure::new(Fault::Conflict, "the image changed while it was being read")
                .next("run the command again when nobody writes to the file"),
        );
    }
    let object = Digest {
        length: hashing.length,
        sha256: hashing.sha256.finalize().into(),
    };
    let segments = hashing.segments.finish().map_err(|error| {
        faults::format(
            "the image has too many segments; choose a larger --segment-size",
            error,
        )
    })?;
    Ok(Described {
        object,
        plain: object,
        header: None,
        segments,
    })
}
