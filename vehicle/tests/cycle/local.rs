//! Trouble on the vehicle itself: full disk, missing or damaged state, two processes, demonstration keys.

use std::fs;

use sealift_vehicle::cycle::OpenError;
use sealift_vehicle::lock::LockError;
use sealift_vehicle::{CycleError, DemoKeys, FileInstaller, Outcome, Vehicle};

use crate::happy::firmware;
use crate::kit::{Fleet, FullDisk, GATEWAY, Sealing};

async fn assigned() -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_image_and_no_half_new_one() {
    let mut fleet = assigned().await;
    fleet.cycle().await.unwrap();
    fleet.release("b.img", &firmware(2), 2).await;
    fleet.assign(GATEWAY, "b.img").await;
    for room in [0, 100_000] {
        fleet.set_installer(FullDisk {
            inner: FileInstaller::new(fleet.layout()),
            room,
        });
        let error = fleet.cycle().await.unwrap_err();
        assert!(matches!(error, CycleError::Install { .. }), "{error:?}");
        assert_eq!(error.exit_code(), 15);
        assert!(
            std::error::Error::source(&error)
                .unwrap()
                .to_string()
                .contains("no room"),
            "{error}"
        );
        assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
        assert!(
            fleet
                .left_overs()
                .iter()
                .all(|name| name.ends_with(".part") || name.ends_with(".journal"))
        );
    }
    fleet.repair_installer();
    fleet.server.take_log();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert!(
        fleet
            .server
            .take_log()
            .iter()
            .all(|(path, _)| !path.starts_with("/repo/targets")),
        "nothing is fetched again"
    );
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(2));
    assert_eq!(fleet.left_overs(), [""; 0]);
}

/// U-5.4.4.2-17, X-12: an ECU whose installed release is not known gets no image.
#[tokio::test]
async fn a_lost_or_damaged_memory_stops_everything() {
    let fleet = assigned().await;
    fleet.cycle().await.unwrap();
    let path = fleet.path("state/ecu/gw-1.json");
    let good = fs::read(&path).unwrap();
    fleet.server.take_log();
    fs::remove_file(&path).unwrap();
    assert_eq!(fleet.cycle().await.unwrap_err().exit_code(), 12);
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    assert_eq!(fleet.cycle().await.unwrap_err().exit_code(), 12);
    assert!(fleet.server.take_log().is_empty());
    fs::write(&path, good).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::UpToDate);
}

/// Whoever takes the whole memory away does not take an ECU back to an older image.
#[tokio::test]
async fn a_memory_that_is_gone_altogether_is_not_a_new_vehicle() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("b.img", &firmware(2), 2).await;
    fleet.assign(GATEWAY, "b.img").await;
    fleet.cycle().await.unwrap();
    fs::remove_dir_all(fleet.path("state/ecu")).unwrap();
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    let error = fleet.cycle().await.unwrap_err();
    assert_eq!(error.exit_code(), 12, "{error}");
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(2));
}

/// D-prim-1: a link or an open file that waits at the staging place gets nothing, and is not what becomes the image.
#[cfg(unix)]
#[tokio::test]
async fn an_image_is_staged_in_a_file_of_its_own() {
    use std::io::{Seek, Write};
    let fleet = assigned().await;
    fs::create_dir_all(fleet.path("installed")).unwrap();
    let (outside, staging) = (fleet.path("outside"), fleet.path("installed/.gw-1.img.staging"));
    fs::write(&outside, "precious").unwrap();
    std::os::unix::fs::symlink(&outside, &staging).unwrap();
    fleet.cycle().await.unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
    let installed = fleet.path("installed/gw-1.img");
    assert!(fs::symlink_metadata(&installed).unwrap().is_file());

    let mut fleet = fleet;
    let mut held = fs::File::create(&staging).unwrap();
    fleet.release("b.img", &firmware(2), 2).await;
    fleet.assign(GATEWAY, "b.img").await;
    fleet.cycle().await.unwrap();
    held.rewind().unwrap();
    held.write_all(b"never verified").unwrap();
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(2));
}

/// T-2.1.1-1, U-5.4.4.3-1: a root comes from the factory.
#[tokio::test]
async fn a_missing_or_damaged_root_is_never_learnt_from_the_network() {
    let fleet = assigned().await;
    let path = fleet.path("trust/director/root.json");
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(fleet.cycle().await.unwrap_err().exit_code(), 12);
    fs::write(&path, b"{}").unwrap();
    assert_eq!(fleet.cycle().await.unwrap_err().exit_code(), 12);
    assert!(!path.with_file_name("1.root.json").exists());
    fs::write(&path, good).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

/// U-5.4.4-2: what is not the root can be had again.
#[tokio::test]
async fn other_damaged_metadata_are_fetched_again() {
    let fleet = assigned().await;
    for file in [
        "director/timestamp",
        "director/snapshot",
        "director/targets",
        "image/targets",
    ] {
        fs::write(fleet.path(&format!("trust/{file}.json")), b"{").unwrap();
    }
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

#[tokio::test]
async fn a_second_process_is_told_busy() {
    let fleet = assigned().await;
    let _first = fleet.open();
    let second = Vehicle::open(fleet.layout(), DemoKeys::Refuse).unwrap_err();
    assert!(matches!(second, OpenError::Lock(LockError::Busy)));
}

#[tokio::test]
async fn unusable_keys_are_named() {
    let fleet = assigned().await;
    fs::write(fleet.path("keys/gw-1.sealing.pem"), "nothing").unwrap();
    let error = Vehicle::open(fleet.layout(), DemoKeys::Refuse).unwrap_err();
    assert!(error.to_string().contains("gw-1.sealing.pem"), "{error}");
}

#[tokio::test]
async fn killed_between_commit_and_memory_the_same_image_is_installed_once_more() {
    let fleet = assigned().await;
    fleet.cycle().await.unwrap();
    let path = fleet.path("state/ecu/gw-1.json");
    let mut memory: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    memory["installed"] = serde_json::Value::Null;
    fs::write(&path, memory.to_string()).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn a_staging_file_of_a_killed_process_is_overwritten() {
    let fleet = assigned().await;
    fs::create_dir_all(fleet.path("installed")).unwrap();
    fs::write(fleet.path("installed/.gw-1.img.staging"), vec![7; 1_000_000]).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    assert_eq!(fleet.left_overs(), [""; 0]);
}

#[tokio::test]
async fn stored_metadata_that_are_too_long_are_fetched_again() {
    let fleet = assigned().await;
    fs::write(fleet.path("trust/director/targets.json"), vec![b' '; 100_000]).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}
