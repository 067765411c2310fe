//! `vehicle.toml`: what the factory gave this vehicle. Nothing in it is learnt from the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealift_metadata::{EcuSerial, HardwareId, RepositoryId, VehicleId};
use serde::Deserialize;
use url::Url;

use crate::durable;
use crate::layout::Layout;

/// Largest `vehicle.toml` that is read.
const MAX_CONFIG_BYTES: u64 = 256 * 1024;
/// Most ECUs in one vehicle.
const MAX_ECUS: usize = sealift_wire::limits::MAX_ECUS;
const NAME: &str = "expected 1 to 64 characters of A-Z a-z 0-9 . _ -, not only dots";

/// The provisioned facts about this vehicle.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Provisioned {
    /// Vehicle id, as in the client certificate's `urn:sealift:vehicle:<id>`.
    pub vehicle_id: VehicleId,
    /// Base address of the vehicle listener; `https` only.
    pub server_url: Url,
    /// Lower-hex SHA-256 of the Image repository's `1.root.json`; key boxes are bound to it.
    pub repository_id: RepositoryId,
    /// No trusted time is ever before this instant.
    pub time_floor: Timestamp,
    /// All ECUs; exactly one of them is the Primary.
    pub ecus: Vec<Ecu>,
}

/// One ECU as provisioned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ecu {
    /// Serial, unique in the vehicle.
    pub serial: EcuSerial,
    /// Only images listed for this hardware are installed.
    pub hardware_id: HardwareId,
    /// Whether it is the Primary, which signs the vehicle's manifest.
    pub primary: bool,
    /// PKCS#8 file of the key that signs its reports.
    pub signing_key: PathBuf,
    /// PKCS#8 file of the key that opens its key boxes; without it only unsealed images can be installed.
    pub sealing_key: Option<PathBuf>,
    /// Where the file installer puts the image.
    pub install_path: PathBuf,
    /// Refuse images that are not sealed, whatever the metadata say.
    pub require_sealed: bool,
}

/// `vehicle.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// No such file.
    #[error("{} is missing: provision this directory with `sealift vehicle provision`", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or fields missing, unknown or of the wrong type.
    #[error("{} is not a valid provisioning file", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A field's value cannot be used.
    #[error("vehicle.toml: {field}: {problem}")]
    Field {
        /// Its name.
        field: String,
        /// What is wrong with it and what is expected.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vehicle_id: String,
    #[serde(alias = "primary_serial", alias = "primary_ecu_serial")]
    primary: Option<String>,
    server_url: String,
    repository_id: String,
    time_floor: String,
    #[serde(default)]
    ecu: Vec<EcuTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EcuTable {
    serial: String,
    hardware_id: String,
    #[serde(default)]
    primary: bool,
    signing_key: PathBuf,
    sealing_key: Option<PathBuf>,
    install_path: Option<PathBuf>,
    #[serde(default)]
    require_sealed: bool,
}

impl Provisioned {
    /// Reads and checks the provisioning file of `layout`.
    ///
    /// # Errors
    /// [`ProvisionError`], naming the file or field.
    pub fn load(layout: &Layout) -> Result<Self, ProvisionError> {
        let path = layout.config();
        let bytes = match durable::read_capped(&path, MAX_CONFIG_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(ProvisionError::Missing(path)),
            Err(source) => return Err(ProvisionError::Read { path, source }),
        };
        let text = String::from_utf8(bytes).map_err(|_| field("file", "not UTF-8 text"))?;
        Self::parse(&text, &path)
    }

    /// Checks the text of a provisioning file; `path` is for messages.
    ///
    /// # Errors
    /// [`ProvisionError`], naming the field.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProvisionError> {
        let file: File = toml::from_str(text).map_err(|source| ProvisionError::Syntax {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let ecus = ecus(file.ecu, file.primary.as_deref())?;
        Ok(Self {
            vehicle_id: VehicleId::new(file.vehicle_id).map_err(|_| field("vehicle_id", NAME))?,
            server_url: server_url(&file.server_url)?,
            repository_id: RepositoryId::new(file.repository_id).map_err(|_| {
                field(
                    "repository_id",
                    "expected the lower-case hex SHA-256 of the repository's 1.root.json",
                )
            })?,
            time_floor: file
                .time_floor
                .parse()
                .map_err(|_| field("time_floor", "expected an instant such as 2026-01-31T00:00:00Z"))?,
            ecus,
        })
    }

    /// The ECU that signs the manifest.
    #[must_use]
    pub fn primary(&self) -> Option<&Ecu> {
        self.ecus.iter().find(|ecu| ecu.primary)
    }

    /// The ECU called `serial`.
    #[must_use]
    pub fn ecu(&self, serial: &str) -> Option<&Ecu> {
        self.ecus.iter().find(|ecu| ecu.serial.as_str() == serial)
    }
}

fn ecus(tables: Vec<EcuTable>, primary: Option<&str>) -> Result<Vec<Ecu>, ProvisionError> {
    if tables.is_empty() || tables.len() > MAX_ECUS {
        return Err(field("ecu", "between 1 and 256 [[ecu]] tables are expected"));
    }
    let mut serials = BTreeSet::new();
    let mut ecus = Vec::with_capacity(tables.len());
    for table in tables {
        let serial = EcuSerial::new(table.serial).map_err(|_| field("ecu.serial", NAME))?;
        if !serials.insert(serial.clone()) {
            return Err(field("ecu.serial", "two ECUs have the same serial"));
        }
        ecus.push(Ecu {
            hardware_id: HardwareId::new(table.hardware_id).map_err(|_| field("ecu.hardware_id", NAME))?,
            primary: table.primary || primary == Some(serial.as_str()),
            signing_key: table.signing_key,
            sealing_key: table.sealing_key,
            install_path: table
                .install_path
                .unwrap_or_else(|| format!("installed/{serial}.img").into()),
            require_sealed: table.require_sealed,
            serial,
        });
    }
    check_files(&ecus)?;
    if ecus.iter().filter(|ecu| ecu.primary).count() != 1 {
        return Err(field("ecu.primary", "exactly one ECU must be the primary"));
    }
    if primary.is_some_and(|primary| !serials.contains(primary)) {
        return Err(field("primary", "no [[ecu]] has this serial"));
    }
    Ok(ecus)
}

/// One key for one purpose, one place for one image.
fn check_files(ecus: &[Ecu]) -> Result<(), ProvisionError> {
    let (mut keys, mut places) = (BTreeSet::new(), BTreeSet::new());
    for ecu in ecus {
        if !keys.insert(&ecu.signing_key) || ecu.sealing_key.as_ref().is_some_and(|key| !keys.insert(key)) {
            return Err(field(
                "ecu.signing_key, ecu.sealing_key",
                "every key needs a file of its own",
            ));
        }
        if !places.insert(&ecu.install_path) {
            return Err(field("ecu.install_path", "two ECUs have the same install path"));
        }
    }
    Ok(())
}

fn server_url(text: &str) -> Result<Url, ProvisionError> {
    let url = Url::parse(text).map_err(|_| field("server_url", "not a URL"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if url.scheme() == "https" && url.host_str().is_some() && plain {
        Ok(url)
    } else {
        Err(field(
            "server_url",
            "expected https://host[:port], without user, query or fragment",
        ))
    }
}

fn field(name: impl Into<String>, problem: &'static str) -> ProvisionError {
    ProvisionError::Field {
        field: name.into(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        format!(
            "vehicle_id = \"VIN-1\"\nprimary = \"P1\"\nserver_url = \"https://ota.example:8443\"\nrepository_id = \"{}\"\n\
             time_floor = \"2026-01-01T00:00:00Z\"\n\
             [[ecu]]\nserial = \"P1\"\nhardware_id = \"hw-1\"\nprimary = true\nsigning_key = \"keys/P1.signing.pem\"\n\
             [[ecu]]\nserial = \"S1\"\nhardware_id = \"hw-2\"\nsigning_key = \"keys/S1.signing.pem\"\n\
             sealing_key = \"keys/S1.sealing.pem\"\ninstall_path = \"installed/x\"\nrequire_sealed = true\n",
            "ab".repeat(32)
        )
    }

    fn parse(text: &str) -> Result<Provisioned, ProvisionError> {
        Provisioned::parse(text, Path::new("vehicle.toml"))
    }

    #[test]
    fn reads_every_field() {
        let vehicle = parse(&text()).unwrap();
        assert_eq!(vehicle.vehicle_id.as_str(), "VIN-1");
        assert_eq!(vehicle.primary().unwrap().serial.as_str(), "P1");
        assert_eq!(
            vehicle.primary().unwrap().install_path,
            Path::new("installed/P1.img")
        );
        assert!(vehicle.ecu("S1").unwrap().require_sealed);
        assert!(vehicle.ecu("S2").is_none());
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for (from, to) in [
            ("https://", "http://"),
            ("\"P1\"\nserver", "\"P9\"\nserver"),
            ("serial = \"S1\"", "serial = \"P1\""),
            ("VIN-1", "VIN/1"),
            ("abab", "ABab"),
            ("2026-01-01T00", "yesterday"),
            ("require_sealed", "require_seal"),
            ("hardware_id = \"hw-2\"\n", ""),
            ("S1.sealing", "S1.signing"),
            ("S1.signing", "P1.signing"),
            ("installed/x", "installed/P1.img"),
        ] {
            assert!(text().contains(from));
            assert!(parse(&text().replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn exactly_one_primary() {
        let none = text()
            .replace("primary = \"P1\"\n", "")
            .replace("primary = true\n", "");
        assert!(parse(&none).is_err());
        let two = text().replace("install_path", "primary = true\ninstall_path");
        assert!(parse(&two).is_err());
    }
}
