//! Trusted metadata in a directory, as received.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sealift_metadata::TrustedTime;
use sealift_metadata::trust::{
    Found, Limits, Refresh, RepositoryKind, Request, Resolver, Response, SearchStep, Step, TrustStore,
};

use super::Failure;
use super::web::Web;

pub(super) struct Metadata(PathBuf);

impl Metadata {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn init(&self, root: &Path) -> Result<(), Failure> {
        fs::create_dir_all(&self.0)?;
        self.store("root.json", &fs::read(root)?)
    }

    /// TUF 5.2 to 5.6.
    pub(super) async fn refresh(&self, web: &Web, now: TrustedTime) -> Result<Resolver, Failure> {
        let stored = TrustStore {
            root: self
                .recall("root.json")?
                .ok_or("no root is trusted yet: run init")?,
            timestamp: self.recall("timestamp.json")?,
            snapshot: self.recall("snapshot.json")?,
            targets: self.recall("targets.json")?,
        };
        let limits = Limits::IMAGE;
        let mut refresh = Refresh::start(stored, RepositoryKind::Plain, limits, now)?;
        loop {
            match refresh.step()? {
                Step::Fetch(request) => refresh.supply(fetch(web, &request).await?),
                Step::Store { name, bytes } => self.store(name, &bytes)?,
                Step::Remove { name } => self.remove(name)?,
                Step::Done(repository) => return Ok(Resolver::new(*repository, limits, now)),
            }
        }
    }

    /// TUF 5.6.7.
    pub(super) async fn find(
        &self,
        web: &Web,
        resolver: &mut Resolver,
        name: &str,
    ) -> Result<Found, Failure> {
        resolver.search(name, &BTreeSet::new());
        loop {
            match resolver.step()? {
                SearchStep::Recall(file) => {
                    let stored = self.recall(&file.stored())?;
                    resolver.supply(stored.map_or(Response::NotFound, Response::Found));
                }
                SearchStep::Fetch(request) => resolver.supply(fetch(web, &request).await?),
                SearchStep::Store { file, bytes } => self.store(&file.stored(), &bytes)?,
                SearchStep::Found(found) => return Ok(*found),
                SearchStep::NotFound => return Err(format!("there is no target {name:?}").into()),
            }
        }
    }

    fn recall(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        replace(&self.0.join(name), bytes)
    }

    fn remove(&self, name: &str) -> Result<(), Failure> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

async fn fetch(web: &Web, request: &Request) -> Result<Response, Failure> {
    let bytes = web.get(&request.name, request.max_bytes).await?;
    Ok(bytes.map_or(Response::NotFound, Response::Found))
}

/// Whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().ok_or("a file has a folder")?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}
