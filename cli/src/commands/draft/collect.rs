//! Requests that grow by one change at a time: `--draft` of `target add` and `target remove`.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use sealift_metadata::Targets;
use sealift_metadata::document::Document;
use sealift_metadata::request::{Basis, Request, RequestError, SigningRole, TargetOperation};
use sealift_repository::TargetMap;

use crate::World;
use crate::failure::Failure;
use crate::outfile::Overwrite;
use crate::requests::{self, State};
use crate::store::Connection;

/// A request in a file, or the place for one.
#[derive(Debug)]
pub(in crate::commands) struct Collected {
    path: PathBuf,
    request: Option<Request>,
}

impl Collected {
    /// Reads the request, if it is there.
    pub(in crate::commands) fn read(path: &Path) -> Result<Self, Failure> {
        let there = path
            .try_exists()
            .map_err(|error| Failure::file("examine", path, error))?;
        let request = there.then(|| requests::read(path)).transpose()?;
        if let Some(request) = &request
            && *request.role() != SigningRole::Targets
        {
            let what = format!("{} is a request for the role {}", path.display(), request.role());
            return Err(Failure::usage(what).next("name another file"));
        }
        Ok(Self {
            path: path.to_owned(),
            request,
        })
    }

    /// Adds a change, made from the list as the request leaves it, on top of what is current in the repository.
    pub(in crate::commands) async fn with(
        self,
        world: &World,
        connection: &Connection,
        lifetime: SignedDuration,
        change: impl FnOnce(&TargetMap) -> Result<TargetOperation, Failure>,
    ) -> Result<State, Failure> {
        let trusted = connection.walk_to_sign(world).await?;
        let basis = Basis {
            roots: connection.roots().await?,
            base: Some(trusted.targets().bytes().to_vec()),
            ..Basis::default()
        };
        let mut operations = Vec::new();
        let mut note = "";
        if let Some(request) = &self.request {
            requests::check(world, request, Some(connection.first_root()))?;
            let before = request.operations().ok_or(RequestError::NotRebasable);
            operations.extend_from_slice(before.map_err(requests::failed)?);
            note = request.note();
            if request.is_signed() {
                world.warn("the request had signatures; they are gone, since it says something else now");
            }
        }
        let expires = world.now() + lifetime;
        let make = |operations: &[TargetOperation]| {
            let made = Request::change(SigningRole::Targets, basis.clone(), operations.to_vec(), expires);
            made.map_err(requests::failed)
        };
        let so_far = make(&operations)?;
        let list = Document::<Targets>::parse(&so_far.document())
            .map_err(|error| Failure::refused("the draft cannot be read").because(error))?;
        operations.push(change(list.role().targets())?);
        let request = make(&operations)?.with_note(note);
        let checked = requests::check(world, &request, Some(connection.first_root()))?;
        let gathered = checked.gather(&[]).map_err(requests::failed)?;
        requests::write(&self.path, &request, Overwrite::always())?;
        Ok(State::of(&request, &checked, &gathered))
    }
}
