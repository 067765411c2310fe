//! Finds in the Image repository what the Director directs, also where suppliers list it (Uptane 5.4.4.7): drives the metadata
//! crate's search, and keeps what it read of their roles for the next cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::{fs, io};

use sealift_metadata::trust::{Found, Limits, Resolver, Response, SearchStep, TrustError, TrustedRepository};
use sealift_metadata::uptane::{VerifiedTarget, directed};
use sealift_metadata::{HardwareId, TargetPath, TrustedTime};

use crate::durable;
use crate::error::{CycleError, LocalError, Refusal};
use crate::events::Event;
use crate::layout::{Layout, Repository};
use crate::refresh::{fetch, recall};
use crate::transport::Transport;

/// What the Image repository lists of the Director's targets. One that it lists nowhere is left out, for the cross-check to
/// refuse; if it cannot be told whether it does, the cycle ends here.
pub(crate) async fn find_directed(
    transport: &Transport<'_>,
    layout: &Layout,
    director: &TrustedRepository,
    image: TrustedRepository,
    now: TrustedTime,
) -> Result<BTreeMap<TargetPath, VerifiedTarget>, CycleError> {
    let wanted = directed(director)
        .map_err(|error| Refusal::new(error.attack(), "targets of the director").because(error))?;
    let mut search = Search {
        transport,
        layout,
        resolver: Resolver::new(image, Limits::IMAGE, now),
        kept: BTreeSet::new(),
    };
    let mut listed = BTreeMap::new();
    for (path, hardware) in wanted {
        if let Some(found) = search.find(&path, &hardware).await? {
            let target = VerifiedTarget::of(found).map_err(|error| refused(&path, error))?;
            listed.insert(path, target);
        }
    }
    search.forget_others()?;
    Ok(listed)
}

struct Search<'a> {
    transport: &'a Transport<'a>,
    layout: &'a Layout,
    resolver: Resolver,
    /// Names of the files that served this cycle.
    kept: BTreeSet<OsString>,
}

impl Search<'_> {
    async fn find(
        &mut self,
        path: &TargetPath,
        hardware: &BTreeSet<HardwareId>,
    ) -> Result<Option<Found>, CycleError> {
        self.resolver.search(path.as_str(), hardware);
        loop {
            match self.resolver.step().map_err(|error| refused(path, error))? {
                SearchStep::Recall(file) => {
                    let name = file.stored();
                    let stored = recall(&self.layout.delegated().join(&name), Limits::IMAGE.delegated)?;
                    self.kept.insert(name.into());
                    self.resolver
                        .supply(stored.map_or(Response::NotFound, Response::Found));
                }
                SearchStep::Fetch(request) => {
                    let answer = fetch(self.transport, Repository::Image, &request).await?;
                    self.resolver.supply(answer);
                }
                SearchStep::Store { file, bytes } => {
                    let path = self.layout.delegated().join(file.stored());
                    durable::replace(&path, &bytes).map_err(|error| LocalError::io(&path, error))?;
                    self.transport
                        .emit(Event::MetadataStored {
                            repository: Repository::Image.name(),
                            file: format!("delegated/{}", file.stored()),
                        })
                        .await;
                }
                SearchStep::Found(found) => return Ok(Some(*found)),
                SearchStep::NotFound => return Ok(None),
            }
        }
    }

    /// Removes what this cycle had no use for. Without this, roles that were renamed or revoked would fill the disk.
    fn forget_others(&self) -> Result<(), LocalError> {
        let dir = self.layout.delegated();
        let failed = |error| LocalError::io(&dir, error);
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if !self.kept.contains(&entry.file_name()) {
                durable::remove(&entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn refused(path: &TargetPath, error: TrustError) -> CycleError {
    let detail = format!("{path}: what the image repository says of it");
    Refusal::new(error.attack(), detail).because(error).into()
}
