//! The bytes of an image against its signed entry.

use std::io::Read;
use std::path::Path;

use futures::TryStreamExt;
use sealift_metadata::uptane::VerifiedTarget;
use sealift_repository::{Store, paths};
use sha2::{Digest, Sha256, Sha512};

use crate::failure::Failure;
use crate::input::Input;
use crate::progress::Progress;
use crate::{World, faults};

/// Bytes of a local file that are read at once.
const BLOCK: usize = 1 << 18;

/// What was looked at and found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookedAt {
    /// The object in the store.
    Object,
    /// A file that is the object.
    SealedFile,
    /// A file that is the image before it was sealed.
    PlainFile,
}

impl LookedAt {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::SealedFile => "sealed-file",
            Self::PlainFile => "plain-file",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Object => "the object in the store is the signed one",
            Self::SealedFile => "the file is the signed object",
            Self::PlainFile => "the file is the signed image, before it was sealed",
        }
    }
}

/// Reads every byte; `Err` inside says what is wrong with them.
pub(super) async fn look(
    world: &World,
    store: &Store,
    target: &VerifiedTarget,
    file: Option<&Path>,
) -> Result<Result<LookedAt, String>, Failure> {
    match file {
        Some(path) => Ok(in_file(world, target, path)?),
        None => in_store(world, store, target).await,
    }
}

async fn in_store(
    world: &World,
    store: &Store,
    target: &VerifiedTarget,
) -> Result<Result<LookedAt, String>, Failure> {
    let path = paths::target(target.path(), target.sha256()).map_err(faults::store)?;
    let Some(object) = store.open(&path).await.map_err(faults::store)? else {
        return Ok(Err(format!("{path} is missing")));
    };
    if object.size() != target.length() {
        let (found, signed) = (object.size(), target.length());
        return Ok(Err(format!("{path} has {found} bytes instead of {signed}")));
    }
    let progress = Progress::bytes(world, "reading", Some(object.size()));
    let mut whole = Whole::default();
    let mut pieces = object.stream(0..object.size()).map_err(faults::store)?;
    while let Some(piece) = pieces.try_next().await.map_err(faults::store)? {
        whole.update(&piece);
        progress.set(whole.length);
    }
    Ok(match whole.finish().is_object_of(target) {
        true => Ok(LookedAt::Object),
        false => Err(format!("the bytes of {path} are not the signed ones")),
    })
}

fn in_file(world: &World, target: &VerifiedTarget, path: &Path) -> Result<Result<LookedAt, String>, Failure> {
    let mut input = Input::open(path)?;
    let progress = Progress::bytes(world, "reading", input.length());
    let mut whole = Whole::default();
    let mut block = vec![0; BLOCK];
    loop {
        let count = match input.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::file("read", path, error)),
        };
        whole.update(block.get(..count).unwrap_or_default());
        progress.set(whole.length);
    }
    let digests = whole.finish();
    let plain = &target.profile().plain;
    Ok(if digests.is_object_of(target) {
        Ok(LookedAt::SealedFile)
    } else if digests.length == plain.length && digests.sha256 == plain.sha256 {
        Ok(LookedAt::PlainFile)
    } else {
        Err(format!(
            "{} is neither the signed object nor the image before it was sealed",
            path.display()
        ))
    })
}

#[derive(Default)]
struct Whole {
    length: u64,
    sha256: Sha256,
    sha512: Sha512,
}

struct Digests {
    length: u64,
    sha256: [u8; 32],
    sha512: [u8; 64],
}

impl Whole {
    fn update(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
        self.sha256.update(bytes);
        self.sha512.update(bytes);
    }

    fn finish(self) -> Digests {
        Digests {
            length: self.length,
            sha256: self.sha256.finalize().into(),
            sha512: self.sha512.finalize().into(),
        }
    }
}

impl Digests {
    /// Length and every hash that is listed.
    fn is_object_of(&self, target: &VerifiedTarget) -> bool {
        self.length == target.length()
            && &self.sha256 == target.sha256()
            && target.sha512().is_none_or(|sha512| &self.sha512 == sha512)
    }
}
