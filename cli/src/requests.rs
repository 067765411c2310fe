//! Signing requests as commands use them: read, checked from the reader's own root, told, written.

mod told;

use std::path::{Path, PathBuf};

use clap::Args;
use sealift_metadata::authoring::Gathered;
use sealift_metadata::request::{Checked, MAX_REQUEST, Request, RequestError};
use sealift_metadata::trust::Limits;

pub(crate) use told::{State, word};

use crate::failure::{Failure, Fault};
use crate::outfile::{self, Overwrite, Secrecy};
use crate::{World, demo, input};

/// The root that a request is judged by.
#[derive(Args, Debug)]
pub(crate) struct PinArgs {
    /// A root of the repository from a source you trust, any version; none for a request that founds a repository
    #[arg(long, value_name = "ROOT.json", env = "SEALIFT_ROOT", hide_env_values = true)]
    root: Option<PathBuf>,
}

impl PinArgs {
    /// The root, where one was given.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.root
            .as_ref()
            .map(|path| input::read_capped(path, Limits::IMAGE.root))
            .transpose()
    }
}

/// Reads a request; nothing in it is believed yet.
pub(crate) fn read(path: &Path) -> Result<Request, Failure> {
    parse(path, &read_bytes(path)?)
}

/// The bytes of what is, or should be, a request.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    input::read_capped(path, MAX_REQUEST as u64)
}

/// Reads a request from the bytes of a file.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Request, Failure> {
    Request::parse(bytes).map_err(|error| {
        Failure::refused(format!("{} is no signing request", path.display()))
            .because(error)
            .next("give a file that `sealift root` or `sealift draft` wrote")
    })
}

/// Checks a request from the root that its reader trusts.
pub(crate) fn check<'a>(
    world: &World,
    request: &'a Request,
    pin: Option<&[u8]>,
) -> Result<Checked<'a>, Failure> {
    let checked = request.check(pin, world.trusted_time()).map_err(failed)?;
    let changes = checked.difference().roles;
    let added = changes
        .iter()
        .flat_map(|change| &change.added)
        .map(|keyid| keyid.as_str());
    demo::refuse(world, Path::new("a key that the request adds"), added)?;
    if request.basis().roots.is_empty() {
        world.warn(
            "this request founds a repository, and no root vouches for it: compare its digest with the other signers by another way",
        );
    }
    Ok(checked)
}

/// A request that is not to be signed.
pub(crate) fn failed(error: RequestError) -> Failure {
    let (fault, next) = match &error {
        RequestError::PinMissing => (
            Fault::Usage,
            "give --root ROOT.json from a source that you trust, not from the sender of the request",
        ),
        RequestError::NotYours => (
            Fault::Usage,
            "leave out --root (and SEALIFT_ROOT) if a new repository is really meant",
        ),
        RequestError::OldRoots { .. } | RequestError::Version { .. } | RequestError::NotListed { .. } => (
            Fault::Conflict,
            "have it rebased with `sealift draft rebase`, or made again",
        ),
        RequestError::Expired { .. } | RequestError::NotRebasable => {
            (Fault::Conflict, "have the request made again")
        }
        RequestError::OtherDraft => (Fault::Refused, "sign the draft that is to be published"),
        RequestError::Draft(_) => (Fault::Refused, "change what the error names and try again"),
        _ => (Fault::Refused, "do not sign it; ask its sender over another way"),
    };
    Failure::new(fault, "the request is refused")
        .because(error)
        .next(next)
}

/// Writes a request.
pub(crate) fn write(path: &Path, request: &Request, overwrite: Overwrite) -> Result<(), Failure> {
    outfile::write(path, &request.to_vec(), Secrecy::Public, overwrite)
}

/// Fails while signatures are missing.
pub(crate) fn complete(gathered: &Gathered) -> Result<(), Failure> {
    if gathered.missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<String> = gathered.missing.iter().map(told::missing).collect();
    let what = format!("signatures are missing: {}", missing.join("; "));
    Err(Failure::new(Fault::Incomplete, what).next(
        "have holders of the keys named run `sealift draft sign`, gather their files with `sealift draft merge`",
    ))
}
