//! A disk without room.

use sealift_vehicle::image::{OpenedImage, VerifiedSealed};
use sealift_vehicle::installer::InstallError;
use sealift_vehicle::{FileInstaller, Installer, Staging};

/// An installer whose disk is full after some bytes.
#[derive(Debug)]
pub(crate) struct FullDisk {
    pub(crate) inner: FileInstaller,
    pub(crate) room: u64,
}

#[derive(Debug)]
struct FullStaging {
    inner: Box<dyn Staging>,
    room: u64,
}

impl Installer for FullDisk {
    fn begin(&self, sealed: &VerifiedSealed) -> Result<Box<dyn Staging>, InstallError> {
        Ok(Box::new(FullStaging {
            inner: self.inner.begin(sealed)?,
            room: self.room,
        }))
    }
}

impl Staging for FullStaging {
    fn write(&mut self, plain: &[u8]) -> Result<(), InstallError> {
        let length = u64::try_from(plain.len()).unwrap();
        let full = || InstallError::io("staging".as_ref(), std::io::ErrorKind::StorageFull.into());
        self.room = self.room.checked_sub(length).ok_or_else(full)?;
        self.inner.write(plain)
    }

    fn commit(self: Box<Self>, image: &OpenedImage) -> Result<(), InstallError> {
        self.inner.commit(image)
    }

    fn abort(self: Box<Self>) {
        self.inner.abort();
    }
}
