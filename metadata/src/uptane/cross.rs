//! The cross-check: a target is trusted when the Director directs it and the Image repository lists it, in the same words.

use std::collections::{BTreeMap, BTreeSet};

use super::director::{Direction, KeyBoxRef};
use super::profile::ImageProfile;
use crate::ids::{EcuSerial, HardwareId, TargetPath};
use crate::targets::TargetFile;
use crate::trust::{Attack, Fault, Found, TrustError, TrustedRepository};

/// What messages call the Targets of the Image repository, top-level or delegated.
const LISTED: &str = "image targets";
/// What messages call those of the Director.
const DIRECTED: &str = "director targets";

/// A target of a verified Image repository with its profile. Only [`image_target`] and [`VerifiedTarget::of`] make one.
#[derive(Debug, Clone)]
pub struct VerifiedTarget {
    path: TargetPath,
    file: TargetFile,
    sha256: [u8; 32],
    profile: ImageProfile,
}

impl VerifiedTarget {
    /// What a search found, with its profile.
    ///
    /// # Errors
    /// [`TrustError`] if the profile is missing or wrong.
    pub fn of(found: Found) -> Result<Self, TrustError> {
        let (path, file) = found.into_entry();
        Self::new(path, file)
    }

    fn new(path: TargetPath, file: TargetFile) -> Result<Self, TrustError> {
        let malformed = |error| TrustError::format(LISTED, error);
        Ok(Self {
            sha256: *file.object_digest().map_err(malformed)?,
            profile: ImageProfile::of_file(&file).map_err(malformed)?,
            path,
            file,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn path(&self) -> &TargetPath {
        &self.path
    }

    /// Length of the stored bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.file.length
    }

    /// SHA-256 of the stored bytes.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// SHA-512 of the stored bytes, where listed.
    #[must_use]
    pub const fn sha512(&self) -> Option<&[u8; 64]> {
        self.file.hashes.sha512()
    }

    /// The description of the image.
    #[must_use]
    pub const fn profile(&self) -> &ImageProfile {
        &self.profile
    }

    /// The entry as listed, `custom` included.
    #[must_use]
    pub const fn file(&self) -> &TargetFile {
        &self.file
    }
}

/// One ECU that is to install a trusted target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedEcu {
    serial: EcuSerial,
    hardware_id: HardwareId,
    key_box: Option<KeyBoxRef>,
}

impl TrustedEcu {
    /// Its serial.
    #[must_use]
    pub const fn serial(&self) -> &EcuSerial {
        &self.serial
    }

    /// Its hardware.
    #[must_use]
    pub const fn hardware_id(&self) -> &HardwareId {
        &self.hardware_id
    }

    /// Its key box, when the image is sealed.
    #[must_use]
    pub const fn key_box(&self) -> Option<&KeyBoxRef> {
        self.key_box.as_ref()
    }
}

/// A target that both repositories agree about. Only [`cross_check`] makes one.
#[derive(Debug, Clone)]
pub struct TrustedTarget {
    target: VerifiedTarget,
    ecus: Vec<TrustedEcu>,
    url: Option<String>,
}

impl TrustedTarget {
    /// Its name.
    #[must_use]
    pub const fn path(&self) -> &TargetPath {
        self.target.path()
    }

    /// Length of the stored bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.target.length()
    }

    /// SHA-256 of the stored bytes.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        self.target.sha256()
    }

    /// SHA-512 of the stored bytes, where listed. It must be checked too.
    #[must_use]
    pub const fn sha512(&self) -> Option<&[u8; 64]> {
        self.target.sha512()
    }

    /// The description of the image.
    #[must_use]
    pub const fn profile(&self) -> &ImageProfile {
        self.target.profile()
    }

    /// The ECUs that are to install it.
    #[must_use]
    pub fn ecus(&self) -> &[TrustedEcu] {
        &self.ecus
    }

    /// An address that the Director proposes. A hint, never trusted.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// Finds a target in the top-level Targets of a verified Image repository and reads its profile.
///
/// # Errors
/// [`TrustError`] if it is not listed or its profile is missing or wrong.
pub fn image_target(image: &TrustedRepository, path: &TargetPath) -> Result<VerifiedTarget, TrustError> {
    let file = image.target(path).ok_or_else(|| unknown(path))?;
    VerifiedTarget::new(path.clone(), file.clone())
}

/// What a Director directs, each with the hardware of all ECUs that are to install it: what a
/// [`Resolver`](crate::trust::Resolver) has to look for in the Image repository before the [`cross_check`].
///
/// # Errors
/// [`TrustError`] if the Director does not say for whom a target is.
pub fn directed(
    director: &TrustedRepository,
) -> Result<BTreeMap<TargetPath, BTreeSet<HardwareId>>, TrustError> {
    let targets = director.targets().role().targets();
    let hardware = |file: &TargetFile| {
        let direction = Direction::of(file).map_err(|error| TrustError::format(DIRECTED, error))?;
        Ok(direction.ecus.into_values().map(|ecu| ecu.hardware_id).collect())
    };
    targets
        .iter()
        .map(|(path, file)| Ok((path.clone(), hardware(file)?)))
        .collect()
}

/// Compares every target of the Director with what was found of it in the Image repository (Uptane 5.4.4.2, step 10).
///
/// # Errors
/// [`TrustError`] on the first target that was not found under the same name, has not the same length, the same hashes and the
/// same `custom.sealift`, or that an ECU's hardware does not fit.
pub fn cross_check(
    director: &TrustedRepository,
    image: &BTreeMap<TargetPath, VerifiedTarget>,
) -> Result<Vec<TrustedTarget>, TrustError> {
    director
        .targets()
        .role()
        .targets()
        .iter()
        .map(|(path, directed)| {
            let found = image.get(path).filter(|found| found.path() == path);
            check_one(directed, found.ok_or_else(|| unknown(path))?)
        })
        .collect()
}

fn check_one(directed: &TargetFile, target: &VerifiedTarget) -> Result<TrustedTarget, TrustError> {
    let name = DIRECTED;
    let differs = |field| {
        TrustError::new(
            name,
            Attack::ArbitrarySoftware,
            Fault::Disagreement {
                path: target.path().to_string(),
                field,
            },
        )
    };
    if directed.length != target.length() {
        return Err(differs("length"));
    }
    if directed.hashes != target.file().hashes {
        return Err(differs("hashes"));
    }
    let object = |file: &TargetFile| {
        file.custom
            .as_ref()
            .and_then(|custom| custom.get(ImageProfile::FIELD))
            .cloned()
    };
    if object(directed) != object(target.file()) {
        return Err(differs("custom.sealift"));
    }
    let direction = Direction::of(directed).map_err(|e| TrustError::format(name, e))?;
    let mut ecus = Vec::new();
    for (serial, ecu) in direction.ecus {
        if !target.profile().hardware_ids.contains(&ecu.hardware_id) {
            let fault = Fault::Hardware {
                serial: serial.into(),
                found: ecu.hardware_id.into(),
            };
            return Err(TrustError::new(name, Attack::WrongHardware, fault));
        }
        ecus.push(TrustedEcu {
            serial,
            hardware_id: ecu.hardware_id,
            key_box: ecu.key_box,
        });
    }
    Ok(TrustedTarget {
        target: target.clone(),
        ecus,
        url: direction.url,
    })
}

fn unknown(path: &TargetPath) -> TrustError {
    TrustError::new(
        LISTED,
        Attack::ArbitrarySoftware,
        Fault::UnknownTarget(path.to_string()),
    )
}
