//! Signed metadata as the witness of where an image comes from.

use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{Digest, Header, Opened, SegmentAlg, SegmentList, SegmentSize};
use sealift_metadata::Hashes;
use sealift_metadata::ids::{RepositoryId, TargetPath};
use sealift_metadata::uptane::VerifiedTarget;
use sealift_repository::{AllHashes, RepositoryUrl, paths};

use super::open::not_signed;
use crate::failure::Failure;
use crate::store::{self, Connection};
use crate::{World, faults};

#[derive(Args, Debug)]
pub(in crate::commands) struct OriginArgs {
    /// The repository's first root (1.root.json), from a source you trust
    #[arg(
        long,
        help_heading = "Origin",
        value_name = "ROOT.json",
        requires = "repository",
        requires = "target"
    )]
    metadata_root: Option<PathBuf>,

    /// Repository whose metadata vouches for the image
    #[arg(long, help_heading = "Origin", value_name = "URL", value_parser = RepositoryUrl::parse, requires = "metadata_root")]
    repository: Option<RepositoryUrl>,

    /// Target path of the image in that repository
    #[arg(
        long,
        help_heading = "Origin",
        value_name = "DIR/NAME",
        requires = "metadata_root"
    )]
    target: Option<TargetPath>,
}

/// What the repository's keys signed about one image.
#[derive(Debug)]
pub(super) struct Origin {
    repository_id: RepositoryId,
    target: VerifiedTarget,
    key_file: Option<Vec<u8>>,
    segments: Option<SegmentList>,
}

impl OriginArgs {
    /// Walks the whole trust chain; `None` when no witness was named. A part of the image can be checked only against the
    /// signed list of segments, which is fetched when `ranged`.
    pub(super) fn verify(&self, world: &World, ranged: bool) -> Result<Option<Origin>, Failure> {
        let (Some(root), Some(url), Some(path)) = (&self.metadata_root, &self.repository, &self.target)
        else {
            return Ok(None);
        };
        let origin = crate::commands::block_on(async {
            let connection = Connection::open(world, url, Some(root)).await?;
            let trusted = connection.walk(world).await?;
            let target = store::image_target(&trusted, path)?;
            let key_file = connection.key_file(path, target.sha256()).await?;
            let segments = match ranged {
                true => Some(segments(&connection, &target).await?),
                false => None,
            };
            Ok::<_, Failure>(Origin {
                repository_id: connection.repository_id().clone(),
                target,
                key_file,
                segments,
            })
        })?;
        Ok(Some(origin))
    }
}

/// The list of segments that the target's signed description names.
async fn segments(connection: &Connection, target: &VerifiedTarget) -> Result<SegmentList, Failure> {
    let unusable = || {
        not_signed(format!(
            "the segment list of {} is not the signed one",
            target.path()
        ))
    };
    let signed = target.profile().segments.ok_or_else(unusable)?;
    let path = paths::segments(&signed.sha256).map_err(faults::store)?;
    let stored = connection.store().read(&path, signed.length).await;
    let stored = stored.map_err(faults::store)?.ok_or_else(unusable)?;
    let alg = SegmentAlg::from_name(signed.alg.as_str()).ok_or_else(unusable)?;
    let size = SegmentSize::new(signed.size).map_err(|error| unusable().because(error))?;
    let list = SegmentList::parse(&stored.bytes, alg, size, target.length())
        .map_err(|error| unusable().because(error))?;
    match list.digest().sha256 == signed.sha256 {
        true => Ok(list),
        false => Err(unusable()),
    }
}

impl Origin {
    pub(super) fn repository_id(&self) -> &RepositoryId {
        &self.repository_id
    }

    pub(super) fn path(&self) -> &TargetPath {
        self.target.path()
    }

    /// The repository's key file of this image, where there is one.
    pub(super) fn key_file(&self) -> Option<&[u8]> {
        self.key_file.as_deref()
    }

    /// The signed list of segments, where it was asked for.
    pub(super) fn segments(&self) -> Option<&SegmentList> {
        self.segments.as_ref()
    }

    pub(super) fn check_length(&self, length: u64) -> Result<(), Failure> {
        if length == self.target.length() {
            return Ok(());
        }
        Err(not_signed(format!(
            "the file has {length} bytes, the signed length is {}",
            self.target.length()
        )))
    }

    /// The header decides which key opens the image, so it is compared before anything in it is used.
    pub(super) fn check_header(&self, header: &Header) -> Result<(), Failure> {
        let found = header.digest();
        match &self.target.profile().header {
            Some(signed) if signed.length == found.length && signed.sha256 == found.sha256 => Ok(()),
            Some(_) => Err(not_signed("the image's header is not the signed one".to_owned())),
            None => Err(not_signed(format!(
                "{} is signed as an image without protection",
                self.path()
            ))),
        }
    }

    /// What is to be seen of the sealed bytes while they are opened: opening itself computes their SHA-256 only.
    pub(super) fn witness<R>(origin: Option<&Self>, inner: R) -> Witnessed<R> {
        let beside = origin.and_then(|origin| Hashes::new(None, origin.target.sha512().copied()));
        Witnessed {
            inner,
            beside: beside.map(AllHashes::new),
        }
    }

    pub(super) fn check_whole<R>(&self, opened: &Opened, sealed: Witnessed<R>) -> Result<(), Failure> {
        let Digest { length, sha256 } = opened.sealed;
        let beside = sealed.beside.is_none_or(AllHashes::fit);
        if length != self.target.length() || &sha256 != self.target.sha256() || !beside {
            return Err(not_signed("the sealed bytes are not the signed ones".to_owned()));
        }
        let plain = &self.target.profile().plain;
        if plain.length != opened.plain.length || plain.sha256 != opened.plain.sha256 {
            return Err(not_signed("the plaintext is not the signed one".to_owned()));
        }
        Ok(())
    }
}

/// Sealed bytes on their way into opening.
#[derive(Debug)]
pub(super) struct Witnessed<R> {
    inner: R,
    beside: Option<AllHashes>,
}

impl<R: Read> Read for Witnessed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(hashes) = &mut self.beside {
            hashes.update(buffer.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}
