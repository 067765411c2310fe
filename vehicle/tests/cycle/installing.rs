//! What an installer is asked to do, and for whom.

use std::sync::{Arc, Mutex};

use sealift_vehicle::image::{OpenedImage, VerifiedSealed};
use sealift_vehicle::installer::InstallError;
use sealift_vehicle::{FileInstaller, Installer, Outcome, Staging};

use crate::happy::firmware;
use crate::kit::{CAMERA, Fleet, GATEWAY, Sealing, Trick, VEHICLE};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down for whom it is called.
#[derive(Debug)]
struct Written {
    inner: FileInstaller,
    log: Log,
}

#[derive(Debug)]
struct WrittenStaging {
    inner: Box<dyn Staging>,
    ecu: String,
    log: Log,
}

impl Installer for Written {
    fn begin(&self, sealed: &VerifiedSealed) -> Result<Box<dyn Staging>, InstallError> {
        let ecu = sealed.ecu().serial.to_string();
        self.log.lock().unwrap().push(format!("begin {ecu}"));
        Ok(Box::new(WrittenStaging {
            inner: self.inner.begin(sealed)?,
            ecu,
            log: Arc::clone(&self.log),
        }))
    }
}

impl Staging for WrittenStaging {
    fn write(&mut self, plain: &[u8]) -> Result<(), InstallError> {
        self.inner.write(plain)
    }

    fn commit(self: Box<Self>, image: &OpenedImage) -> Result<(), InstallError> {
        self.log.lock().unwrap().push(format!("commit {}", self.ecu));
        self.inner.commit(image)
    }

    fn abort(self: Box<Self>) {
        self.log.lock().unwrap().push(format!("abort {}", self.ecu));
        self.inner.abort();
    }
}

async fn fleet() -> (Fleet, Log) {
    let mut fleet = Fleet::new(Sealing::P256).await;
    for (path, seed) in [("a.img", 1), ("b.img", 2)] {
        fleet.release(path, &firmware(seed), 1).await;
    }
    let log = Log::default();
    fleet.set_installer(Written {
        inner: FileInstaller::new(fleet.layout()),
        log: Arc::clone(&log),
    });
    (fleet, log)
}

fn take(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

/// U-5.4.3.5-1, U-5.4.3.4-1, U-5.2.3.1.1-6: each verified image is installed once, on the ECU that the Director named for
/// it and no other.
#[tokio::test]
async fn each_verified_image_is_installed_once_and_where_it_belongs() {
    let (mut fleet, log) = fleet().await;
    fleet.assign(CAMERA, "b.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(take(&log), ["begin cam-1", "commit cam-1"]);
    assert_eq!(fleet.installed(GATEWAY), None);

    fleet.direct(GATEWAY, "a.img", VEHICLE, GATEWAY);
    fleet.publish_director().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(take(&log), ["begin gw-1", "commit gw-1"]);

    assert_eq!(fleet.cycle().await.unwrap(), Outcome::UpToDate);
    assert!(take(&log).is_empty());
}

/// U-5.4-1, T-5.7-3: what fails a check of its metadata or of its sealed bytes never gets to the installer, and what fails when it
/// is opened is taken back.
#[tokio::test]
async fn nothing_unverified_is_handed_to_the_installer() {
    let (mut fleet, log) = fleet().await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet.server.trick("/repo/timestamp.json", 1, Trick::Flip(100));
    fleet.cycle().await.unwrap_err();
    fleet.server.trick("/repo/targets", 1, Trick::Flip(70_000));
    assert_eq!(fleet.refused().await, "bad_mirror");
    assert!(take(&log).is_empty());

    fleet.directed.clear();
    fleet.direct(GATEWAY, "a.img", VEHICLE, CAMERA);
    fleet.publish_director().await;
    assert_eq!(fleet.refused().await, "decrypt_failed");
    assert!(!take(&log).iter().any(|line| line.starts_with("commit")));
    assert_eq!(fleet.installed(GATEWAY), None);
}
