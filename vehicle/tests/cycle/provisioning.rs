//! What the factory has to put into a vehicle.

use std::fs;

use sealift_vehicle::cycle::OpenError;
use sealift_vehicle::lock::LockError;
use sealift_vehicle::{DemoKeys, Outcome, Vehicle};

use crate::happy::firmware;
use crate::kit::{Fleet, GATEWAY, Sealing};

/// As [`Fleet::open`], for a directory that may not open.
fn open(fleet: &Fleet) -> Result<Vehicle, OpenError> {
    loop {
        match Vehicle::open(fleet.layout(), DemoKeys::Refuse) {
            Err(OpenError::Lock(LockError::Busy)) => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

/// U-5.4.1-1, U-5.4.1-5, U-5.2.6-1: without the file that says where the two repositories are, a root of either, a key or the
/// memory of an ECU, nothing is fetched to be installed, and nothing is made up in its place; with all of them it updates.
#[tokio::test]
async fn every_provisioned_file_is_needed() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    for file in [
        "vehicle.toml",
        "trust/director/root.json",
        "trust/image/root.json",
        "keys/gw-1.signing.pem",
        "keys/gw-1.sealing.pem",
        "keys/cam-1.signing.pem",
        "keys/cam-1.sealing.pem",
        "state/ecu/gw-1.json",
        "state/ecu/cam-1.json",
    ] {
        let path = fleet.path(file);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        if let Ok(vehicle) = open(&fleet) {
            let error = fleet.cycle_of(&vehicle).await.unwrap_err();
            assert_eq!(error.exit_code(), 12, "{file}: {error}");
        }
        assert!(
            !fleet
                .server
                .take_log()
                .iter()
                .any(|(path, _)| path.starts_with("/repo/targets")),
            "{file}"
        );
        assert_eq!(fleet.installed(GATEWAY), None, "{file}");
        assert!(!path.exists(), "{file} is not made up");
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}
