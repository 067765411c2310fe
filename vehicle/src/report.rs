//! The vehicle version manifest: every ECU's signed report, signed again by the Primary (Uptane 5.4.2.1).

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_metadata::manifest::{
    EcuReport, InstalledImage, ManifestError, SignedReport, VehicleManifest, sign_manifest, sign_report,
};
use sealift_metadata::{EcuSerial, TargetPath};
use sealift_wire::paths;

use crate::ecu_state::{EcuState, Installed};
use crate::error::{CycleError, LocalError};
use crate::events::Event;
use crate::keys::EcuKeys;
use crate::provision::{Ecu, Provisioned};
use crate::transport::Transport;

/// Makes a manifest and hands it in. Attacks that it carried are forgotten once the server has confirmed it.
///
/// Each ECU's counter is durable before its report is signed, so no two reports ever share one.
pub(crate) async fn send(
    transport: &Transport<'_>,
    provisioned: &Provisioned,
    keys: &BTreeMap<EcuSerial, EcuKeys>,
    states: &mut BTreeMap<EcuSerial, EcuState>,
    latest_time: Timestamp,
) -> Result<(), CycleError> {
    let Some(primary) = provisioned.primary() else {
        return Ok(());
    };
    let mut reports = BTreeMap::new();
    let mut attacks: BTreeMap<EcuSerial, Vec<String>> = BTreeMap::new();
    for ecu in &provisioned.ecus {
        let (Some(state), Some(keys)) = (states.get_mut(&ecu.serial), keys.get(&ecu.serial)) else {
            continue;
        };
        attacks.insert(ecu.serial.clone(), state.attacks().to_vec());
        reports.insert(
            ecu.serial.clone(),
            report(provisioned, ecu, keys, state, latest_time).await?,
        );
    }
    let manifest = VehicleManifest {
        vehicle_id: provisioned.vehicle_id.clone(),
        primary_ecu_serial: primary.serial.clone(),
        ecu_version_reports: reports,
    };
    let Some(signer) = keys.get(&primary.serial).map(|keys| &keys.signing) else {
        return Ok(());
    };
    let bytes = sign_manifest(&manifest, signer)
        .await
        .map_err(|error| unsigned(primary, error))?;
    transport.put(paths::MANIFEST, bytes.into()).await?;
    for (serial, reported) in &attacks {
        if let Some(state) = states.get_mut(serial) {
            state.forget_attacks(reported).map_err(LocalError::from)?;
        }
    }
    let counter = states.get(&primary.serial).map_or(0, EcuState::report_counter);
    transport
        .emit(Event::ManifestSent {
            counter,
            attacks: attacks.into_values().flatten().collect(),
        })
        .await;
    Ok(())
}

async fn report(
    provisioned: &Provisioned,
    ecu: &Ecu,
    keys: &EcuKeys,
    state: &mut EcuState,
    latest_time: Timestamp,
) -> Result<SignedReport, LocalError> {
    let report_counter = state.next_report_counter()?;
    let installed = state
        .installed()
        .map(|installed| image(ecu, installed))
        .transpose()?;
    let report = EcuReport {
        ecu_serial: ecu.serial.clone(),
        vehicle_id: provisioned.vehicle_id.clone(),
        installed,
        attacks_detected: state.attacks().to_vec(),
        latest_time: Timestamp::from_second(latest_time.as_second()).unwrap_or(latest_time),
        report_counter,
    };
    sign_report(&report, &keys.signing)
        .await
        .map_err(|error| unsigned(ecu, error))
}

fn image(ecu: &Ecu, installed: &Installed) -> Result<InstalledImage, LocalError> {
    let damaged = |what: &'static str| LocalError::Sign {
        ecu: ecu.serial.to_string(),
        source: what.into(),
    };
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&installed.sha256, &mut sha256)
        .map_err(|_| damaged("its memory holds an installed image without a SHA-256"))?;
    Ok(InstalledImage {
        path: TargetPath::new(installed.path.as_str())
            .map_err(|_| damaged("its memory holds an installed image without a target path"))?,
        length: installed.length,
        sha256,
        release_counter: installed.release_counter,
    })
}

fn unsigned(ecu: &Ecu, error: ManifestError) -> LocalError {
    LocalError::Sign {
        ecu: ecu.serial.to_string(),
        source: Box::new(error),
    }
}
