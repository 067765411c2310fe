//! Where the content key comes from when it is not in the image: a key file or a key box.

use std::path::{Path, PathBuf};

use clap::Args;
use sealift_envelope::{
    Binding, ContentKey, Header, KeyBox, KeyFile, MAX_KEY_FILE_LEN, UnwrapError, UnwrapKey,
};
use sealift_metadata::ids::{EcuSerial, RepositoryId, TargetPath, VehicleId};

use super::open::Step;
use super::origin::Origin;
use crate::failure::{Failure, Fault};
use crate::{faults, input};

#[derive(Args, Debug)]
pub(in crate::commands) struct WrappedKeyArgs {
    /// Key file of the image, for a Director's key-encryption key
    #[arg(
        long,
        help_heading = "Keys beside the image",
        value_name = "FILE.keys",
        conflicts_with = "key_box"
    )]
    key_file: Option<PathBuf>,

    /// Key box of one ECU
    #[arg(
        long,
        help_heading = "Keys beside the image",
        value_name = "FILE",
        requires = "vehicle_id",
        requires = "ecu_serial"
    )]
    key_box: Option<PathBuf>,

    /// Repository that the wrapped key is bound to
    #[arg(long, help_heading = "Keys beside the image", value_name = "HEX")]
    repository_id: Option<RepositoryId>,

    /// Target path that the wrapped key is bound to
    #[arg(long, help_heading = "Keys beside the image", value_name = "DIR/NAME")]
    target_path: Option<TargetPath>,

    /// Vehicle that the key box is bound to
    #[arg(long, help_heading = "Keys beside the image", value_name = "ID")]
    vehicle_id: Option<VehicleId>,

    /// ECU that the key box is bound to
    #[arg(long, help_heading = "Keys beside the image", value_name = "SERIAL")]
    ecu_serial: Option<EcuSerial>,
}

impl WrappedKeyArgs {
    /// From the key file or key box that was given, else from the image, else from the repository's key file.
    pub(super) fn content_key(
        &self,
        header: &Header,
        key: &dyn UnwrapKey,
        origin: Option<&Origin>,
    ) -> Result<ContentKey, Step> {
        if let Some(path) = &self.key_file {
            let bytes = read(path).map_err(Step::Ours)?;
            let (repository, target) = self.place(origin).map_err(Step::Ours)?;
            return from_key_file(&bytes, header, key, &repository, &target);
        }
        if let (Some(path), Some(vehicle), Some(ecu)) = (&self.key_box, &self.vehicle_id, &self.ecu_serial) {
            let bytes = read(path).map_err(Step::Ours)?;
            let (repository, target) = self.place(origin).map_err(Step::Ours)?;
            let key_box = KeyBox::parse(&bytes).map_err(|error| {
                Step::Ours(faults::format(format!("{} is no key box", path.display()), error))
            })?;
            same_image(key_box.envelope_digest() == header.envelope_digest())?;
            let binding = Binding::key_box(
                repository.as_str(),
                target.as_str(),
                vehicle.as_str(),
                ecu.as_str(),
            );
            return key_box.open(key, &binding).map_err(Step::Theirs);
        }
        match (
            header.unwrap_with(key, &Binding::in_file()),
            origin.and_then(Origin::key_file),
        ) {
            (Err(UnwrapError::NotARecipient { .. }), Some(bytes)) => {
                let (repository, target) = self.place(origin).map_err(Step::Ours)?;
                from_key_file(bytes, header, key, &repository, &target)
            }
            (Err(UnwrapError::NotARecipient { recipients: 0, .. }), None) => Err(Step::Ours(
                Failure::new(Fault::Key, "the image has no recipients of its own; its keys are kept beside it").next(
                    "add --key-file (the .keys file beside the image) with --repository-id and --target-path, or --key-box",
                ),
            )),
            (result, _) => result.map_err(Step::Theirs),
        }
    }

    fn place(&self, origin: Option<&Origin>) -> Result<(RepositoryId, TargetPath), Failure> {
        if let Some(origin) = origin {
            return Ok((origin.repository_id().clone(), origin.path().clone()));
        }
        match (&self.repository_id, &self.target_path) {
            (Some(repository), Some(target)) => Ok((repository.clone(), target.clone())),
            _ => Err(
                Failure::usage("a wrapped key is bound to a place, and none was given").next(
                    "add --repository-id and --target-path, or --metadata-root, --repository and --target",
                ),
            ),
        }
    }
}

fn from_key_file(
    bytes: &[u8],
    header: &Header,
    key: &dyn UnwrapKey,
    repository: &RepositoryId,
    target: &TargetPath,
) -> Result<ContentKey, Step> {
    let file = KeyFile::parse(bytes)
        .map_err(|error| Step::Ours(faults::format("the key file is refused", error)))?;
    same_image(file.envelope_digest() == header.envelope_digest())?;
    file.unwrap_with(key, &Binding::key_file(repository.as_str(), target.as_str()))
        .map_err(Step::Theirs)
}

fn same_image(same: bool) -> Result<(), Step> {
    if same {
        return Ok(());
    }
    let failure = Failure::refused("the wrapped key belongs to another image")
        .next("give the key file or key box that was made with this image");
    Err(Step::Ours(failure))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    input::read_capped(path, MAX_KEY_FILE_LEN as u64)
}
