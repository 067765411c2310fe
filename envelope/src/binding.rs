//! What a wrapped content key is bound to (§5.1).

use crate::cbor;
use crate::digest::EnvelopeDigest;
use crate::keys::KeyId;
use crate::stanza::Wrap;

/// Where a stanza lives. A stanza taken from one place does not open in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// In the header of the sealed image itself.
    InFile,
    /// In the detached key file of an image in a repository.
    KeyFile,
    /// In a key box for one ECU of one vehicle.
    KeyBox,
}

impl Purpose {
    /// The name in the info string.
    pub fn name(self) -> &'static str {
        match self {
            Self::InFile => "in-file",
            Self::KeyFile => "key-file",
            Self::KeyBox => "key-box",
        }
    }
}

/// What the unwrapping side must know, word for word, for a stanza to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    purpose: Purpose,
    target_path: Option<String>,
    repository_id: Option<String>,
    vehicle_id: Option<String>,
    ecu_serial: Option<String>,
}

impl Binding {
    /// For a recipient in the header: bound to the sealing and the key only.
    pub fn in_file() -> Self {
        Self {
            purpose: Purpose::InFile,
            target_path: None,
            repository_id: None,
            vehicle_id: None,
            ecu_serial: None,
        }
    }

    /// For a recipient in a key file: bound to the repository and the signed target path as well.
    pub fn key_file(repository_id: impl Into<String>, target_path: impl Into<String>) -> Self {
        Self {
            purpose: Purpose::KeyFile,
            target_path: Some(target_path.into()),
            repository_id: Some(repository_id.into()),
            vehicle_id: None,
            ecu_serial: None,
        }
    }

    /// For a key box: bound to vehicle and ECU too.
    pub fn key_box(
        repository_id: impl Into<String>,
        target_path: impl Into<String>,
        vehicle_id: impl Into<String>,
        ecu_serial: impl Into<String>,
    ) -> Self {
        Self {
            purpose: Purpose::KeyBox,
            target_path: Some(target_path.into()),
            repository_id: Some(repository_id.into()),
            vehicle_id: Some(vehicle_id.into()),
            ecu_serial: Some(ecu_serial.into()),
        }
    }

    /// The purpose.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// `"sealift.v1/"` ‖ purpose ‖ 0x00 ‖ CBOR [wrap, key id, envelope digest, path, repository, vehicle, ECU] (§5.1)
    pub fn info(&self, wrap: Wrap, key: &KeyId, digest: &EnvelopeDigest) -> Vec<u8> {
        let mut info = format!("sealift.v1/{}\0", self.purpose.name()).into_bytes();
        info.extend(cbor::encode(|e| {
            e.array(7)?
                .u64(wrap.code())?
                .bytes(key.as_bytes())?
                .bytes(digest.as_bytes())?;
            for field in [
                &self.target_path,
                &self.repository_id,
                &self.vehicle_id,
                &self.ecu_serial,
            ] {
                match field {
                    Some(text) => e.str(text)?,
                    None => e.null()?,
                };
            }
            Ok(())
        }));
        info
    }
}
