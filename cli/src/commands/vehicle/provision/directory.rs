//! The provisioning directory, written beside its final name and renamed when whole.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::Dossier;
use super::trust::Trusted;
use crate::failure::Failure;
use crate::outfile::{self, Overwrite, Secrecy};
use crate::world::SystemRng;

/// A directory under construction; removed when dropped unfinished.
#[derive(Debug)]
pub(super) struct Staging {
    directory: tempfile::TempDir,
    target: PathBuf,
}

#[derive(Serialize)]
struct VehicleFile<'a> {
    vehicle_id: &'a str,
    primary: &'a str,
    server_url: &'a str,
    repository_id: &'a str,
    time_floor: String,
    ecu: Vec<EcuTable<'a>>,
}

#[derive(Serialize)]
struct EcuTable<'a> {
    serial: &'a str,
    hardware_id: &'a str,
    primary: bool,
    signing_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealing_key: Option<String>,
    install_path: String,
    require_sealed: bool,
}

impl Staging {
    /// Writes everything but the metadata.
    pub(super) fn write(target: &Path, dossier: &Dossier<'_>, rng: &mut SystemRng) -> Result<Self, Failure> {
        let parent = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let directory = tempfile::Builder::new()
            .prefix(".sealift-provision-")
            .tempdir_in(parent)
            .map_err(|error| Failure::file("make a directory beside", target, error))?;
        let staging = Self {
            directory,
            target: target.to_owned(),
        };
        let config = toml::to_string_pretty(&vehicle_file(dossier))
            .map_err(|error| Failure::refused("vehicle.toml cannot be written").because(error))?;
        staging.put("vehicle.toml", config.as_bytes(), Secrecy::Public)?;
        staging.put("tls/ca.pem", dossier.ca_pem.as_bytes(), Secrecy::Public)?;
        staging.put(
            "tls/client.pem",
            dossier.certificate.certificate_pem.as_bytes(),
            Secrecy::Public,
        )?;
        staging.put(
            "tls/client.key.pem",
            dossier.certificate.key_pem.as_bytes(),
            Secrecy::Private,
        )?;
        for ecu in &dossier.ecus {
            let serial = ecu.plan.serial.as_str();
            let pem = ecu.signing.private_pem(None, rng)?;
            staging.put(&signing_key(serial), pem.as_bytes(), Secrecy::Private)?;
            if let Some(sealing) = &ecu.sealing {
                let pem = sealing.private_pem(None, rng)?;
                staging.put(&sealing_key(serial), pem.as_bytes(), Secrecy::Private)?;
            }
            let state = json!({"installed": null, "report_counter": 0, "time_floor": dossier.time_floor, "attacks": []});
            let state = format!("{state:#}\n");
            staging.put(
                &format!("state/ecu/{serial}.json"),
                state.as_bytes(),
                Secrecy::Public,
            )?;
        }
        for empty in ["installed", "state/download"] {
            outfile::directory(&staging.directory.path().join(empty))?;
        }
        Ok(staging)
    }

    /// Adds the verified metadata and gives the directory its name.
    pub(super) fn complete(self, image: &Trusted, director: &Trusted) -> Result<(), Failure> {
        for (repository, trusted) in [("image", image), ("director", director)] {
            for (name, bytes) in trusted.files() {
                self.put(&format!("trust/{repository}/{name}"), bytes, Secrecy::Public)?;
            }
        }
        let Self { directory, target } = self;
        // An empty directory at the target is ours to replace; a full one was refused at the start and fails here.
        let _ = fs::remove_dir(&target);
        let path = directory.keep();
        fs::rename(&path, &target).map_err(|error| {
            Failure::io(
                format!("cannot rename {} to {}", path.display(), target.display()),
                error,
            )
        })
    }

    fn put(&self, name: &str, bytes: &[u8], secrecy: Secrecy) -> Result<(), Failure> {
        let path = self.directory.path().join(name);
        if let Some(parent) = path.parent() {
            outfile::directory(parent)?;
        }
        outfile::write(&path, bytes, secrecy, Overwrite::default())
    }
}

fn signing_key(serial: &str) -> String {
    format!("keys/{serial}.signing.pem")
}

fn sealing_key(serial: &str) -> String {
    format!("keys/{serial}.sealing.pem")
}

fn vehicle_file<'a>(dossier: &'a Dossier<'_>) -> VehicleFile<'a> {
    let ecus = dossier.ecus.iter().map(|ecu| {
        let serial = ecu.plan.serial.as_str();
        EcuTable {
            serial,
            hardware_id: ecu.plan.hardware_id.as_str(),
            primary: ecu.plan.primary,
            signing_key: signing_key(serial),
            sealing_key: ecu.sealing.as_ref().map(|_| sealing_key(serial)),
            install_path: format!("installed/{serial}.img"),
            require_sealed: ecu.plan.require_sealed,
        }
    });
    let primary = dossier.ecus.iter().find(|ecu| ecu.plan.primary);
    VehicleFile {
        vehicle_id: dossier.id.as_str(),
        primary: primary.map_or("", |ecu| ecu.plan.serial.as_str()),
        server_url: dossier.url.as_str(),
        repository_id: dossier.repository_id.as_str(),
        time_floor: dossier.time_floor.to_string(),
        ecu: ecus.collect(),
    }
}
