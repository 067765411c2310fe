//! Four attacks on a pending update, each of which must be refused, and the update that succeeds afterwards.

use std::fs;
use std::path::PathBuf;

use super::fleet::Vehicle;
use super::site::Site;
use crate::failure::Failure;

/// Puts a file back as it was when dropped.
#[derive(Debug)]
pub(super) struct Tampered {
    path: PathBuf,
    original: Vec<u8>,
}

impl Tampered {
    /// Replaces the content of `path` by what `change` makes of it.
    fn with(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> Result<Self, Failure> {
        let original =
            fs::read(&path).map_err(|error| Failure::at(format!("cannot read {}", path.display()), error))?;
        let mut changed = original.clone();
        change(&mut changed);
        fs::write(&path, changed)
            .map_err(|error| Failure::at(format!("cannot write {}", path.display()), error))?;
        Ok(Self { path, original })
    }

    /// One flipped bit in the middle of a stored object.
    pub(super) fn flip(object: PathBuf) -> Result<Self, Failure> {
        Self::with(object, |bytes| {
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
        })
    }

    /// An older copy in place of the current file.
    pub(super) fn replay(path: PathBuf, old: Vec<u8>) -> Result<Self, Failure> {
        Self::with(path, |bytes| *bytes = old)
    }

    /// The sealing key of another vehicle in place of this one's: whatever the Director sends is then a key box for
    /// somebody else.
    pub(super) fn sealing_key(
        site: &Site,
        victim: &Vehicle,
        thief: &Vehicle,
        ecu: &str,
    ) -> Result<Self, Failure> {
        let key = |vehicle: &Vehicle| site.root.join(vehicle.id).join(format!("keys/{ecu}.sealing.pem"));
        let foreign = fs::read(key(thief))
            .map_err(|error| Failure::at("cannot read the other vehicle's key", error))?;
        Self::with(key(victim), |bytes| *bytes = foreign)
    }
}

impl Drop for Tampered {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.original) {
            eprintln!("cannot put {} back: {error}", self.path.display());
        }
    }
}
