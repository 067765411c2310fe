//! What each ECU is to install: the Director's wish, agreed by the Image repository, allowed by the ECU's own memory
//! and provisioning. [`Selected`] is made here and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use sealift_metadata::EcuSerial;
use sealift_metadata::trust::TrustedRepository;
use sealift_metadata::uptane::{Direction, ImageProfile, KeyBoxRef, Protection, TrustedEcu, TrustedTarget};

use crate::ecu_state::{EcuState, Installed};
use crate::error::{Attack, CycleError, Refusal};
use crate::provision::{Ecu, Provisioned};

/// An image that one ECU may install, as far as metadata can tell.
#[derive(Debug, Clone)]
pub struct Selected {
    target: Arc<TrustedTarget>,
    key_box: Option<KeyBoxRef>,
    ecu: Ecu,
}

impl Selected {
    /// The ECU.
    #[must_use]
    pub fn ecu(&self) -> &Ecu {
        &self.ecu
    }

    /// The target that both repositories agree about.
    #[must_use]
    pub fn target(&self) -> &TrustedTarget {
        &self.target
    }

    /// Where the ECU's key box is.
    pub(crate) fn key_box(&self) -> Option<&KeyBoxRef> {
        self.key_box.as_ref()
    }

    /// What the ECU's memory says once the image is installed.
    pub(crate) fn as_installed(&self) -> Installed {
        as_installed(self.target.path().as_str(), self.target.profile())
    }
}

/// Whether the Director wants something that is not installed. Needs no Image repository (Uptane 5.4.4.2, step 6).
pub(crate) fn something_new(
    director: &TrustedRepository,
    states: &BTreeMap<EcuSerial, EcuState>,
) -> Result<bool, CycleError> {
    for (path, file) in director.targets().role().targets() {
        let malformed =
            |error| Refusal::new(Attack::Malformed, format!("director target {path}")).because(error);
        let direction = Direction::of(file).map_err(malformed)?;
        let object = file
            .custom
            .as_ref()
            .and_then(|custom| custom.get(ImageProfile::FIELD));
        let missing = || {
            Refusal::new(
                Attack::Malformed,
                format!("director target {path}: no custom.sealift"),
            )
        };
        let profile = ImageProfile::parse(object.ok_or_else(missing)?).map_err(malformed)?;
        let wanted = as_installed(path.as_str(), &profile);
        let is_installed = |serial: &str| is_installed(states.get(serial), &wanted);
        if !direction.ecus.keys().all(|serial| is_installed(serial.as_str())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The images to install, in the order of the Director's Targets. One refused ECU refuses the whole set: no part of a
/// bundle is installed while another part is in doubt.
pub(crate) fn select(
    targets: Vec<TrustedTarget>,
    provisioned: &Provisioned,
    states: &BTreeMap<EcuSerial, EcuState>,
) -> Result<Vec<Selected>, CycleError> {
    let mut selected = Vec::new();
    for target in targets {
        let target = Arc::new(target);
        for directed in target.ecus() {
            if let Some(ecu) = check(&target, directed, provisioned, states)? {
                let (target, key_box) = (Arc::clone(&target), directed.key_box().cloned());
                selected.push(Selected { target, key_box, ecu });
            }
        }
    }
    Ok(selected)
}

/// The ECU if it is to install `target`, `None` if it has it already.
fn check(
    target: &TrustedTarget,
    directed: &TrustedEcu,
    provisioned: &Provisioned,
    states: &BTreeMap<EcuSerial, EcuState>,
) -> Result<Option<Ecu>, Refusal> {
    let serial = directed.serial().as_str();
    let refuse =
        |attack, what: String| Refusal::new(attack, format!("{}: {what}", target.path())).for_ecu(serial);
    let Some(ecu) = provisioned.ecu(serial) else {
        return Err(Refusal::new(
            Attack::BadEcuId,
            format!("ECU {serial} is not part of this vehicle"),
        ));
    };
    let profile = target.profile();
    if *directed.hardware_id() != ecu.hardware_id || !profile.hardware_ids.contains(&ecu.hardware_id) {
        return Err(refuse(
            Attack::WrongHardware,
            format!("not for hardware {}", ecu.hardware_id),
        ));
    }
    let wanted = as_installed(target.path().as_str(), profile);
    let state = states.get(serial);
    if is_installed(state, &wanted) {
        return Ok(None);
    }
    let recorded = state
        .and_then(EcuState::installed)
        .map_or(0, |installed| installed.release_counter);
    if wanted.release_counter < recorded {
        let what = format!(
            "release counter {} is below the installed {recorded}",
            wanted.release_counter
        );
        return Err(refuse(Attack::RollbackImage, what));
    }
    if profile.protection == Protection::None && ecu.require_sealed {
        return Err(refuse(
            Attack::EncryptionDowngrade,
            "not sealed, and this ECU requires it".to_owned(),
        ));
    }
    Ok(Some(ecu.clone()))
}

/// Same plaintext and same counter: a re-sealed image re-flashes nobody.
fn is_installed(state: Option<&EcuState>, wanted: &Installed) -> bool {
    state.and_then(EcuState::installed).is_some_and(|installed| {
        installed.sha256 == wanted.sha256
            && installed.length == wanted.length
            && installed.release_counter == wanted.release_counter
    })
}

fn as_installed(path: &str, profile: &ImageProfile) -> Installed {
    Installed {
        path: path.to_owned(),
        length: profile.plain.length,
        sha256: hex::encode(profile.plain.sha256),
        release_counter: profile.release_counter,
    }
}
