//! Signed metadata as the witness of where an image comes from.

use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{Digest, Header, Opened};
use sealift_metadata::ids::{RepositoryId, TargetPath};
use sealift_metadata::uptane::VerifiedTarget;
use sealift_repository::RepositoryUrl;

use super::open::not_signed;
use crate::World;
use crate::failure::Failure;
use crate::store::{self, Connection};

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
}

impl OriginArgs {
    /// Walks the whole trust chain; `None` when no witness was named.
    pub(super) fn verify(&self, world: &World) -> Result<Option<Origin>, Failure> {
        let (Some(root), Some(url), Some(path)) = (&self.metadata_root, &self.repository, &self.target)
        else {
            return Ok(None);
        };
        let origin = crate::commands::block_on(async {
            let connection = Connection::open(world, url, Some(root)).await?;
            let trusted = connection.walk(world).await?;
            let target = store::image_target(&trusted, path)?;
            let key_file = connection.key_file(path, target.sha256()).await?;
            Ok::<_, Failure>(Origin {
                repository_id: connection.repository_id().clone(),
                target,
                key_file,
            })
        })?;
        Ok(Some(origin))
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

    pub(super) fn check_whole(&self, opened: &Opened) -> Result<(), Failure> {
        let Digest { length, sha256 } = opened.sealed;
        if length != self.target.length() || &sha256 != self.target.sha256() {
            return Err(not_signed("the sealed bytes are not the signed ones".to_owned()));
        }
        let plain = &self.target.profile().plain;
        if plain.length != opened.plain.length || plain.sha256 != opened.plain.sha256 {
            return Err(not_signed("the plaintext is not the signed one".to_owned()));
        }
        Ok(())
    }
}
