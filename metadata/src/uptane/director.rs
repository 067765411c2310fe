//! The Director's own part: which ECU gets the image, and its key box.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::profile::FileDigest;
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::{EcuSerial, HardwareId, VehicleId};
use crate::targets::{TargetFile, Targets};
use crate::trust::{Attack, Fault, TrustError};

/// Longest key box inside a document, bytes before encoding.
pub const MAX_INLINE_KEY_BOX: usize = 4096;
/// Longest key box that is fetched, bytes.
const MAX_KEY_BOX: u64 = 64 * 1024;
/// Most ECUs of one target.
const MAX_ECUS: usize = 1024;
/// Longest URL, bytes.
const MAX_URL: usize = 2048;

/// Where the key box of one ECU is. Its bytes mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyBoxRef {
    /// In the document itself.
    Inline(Vec<u8>),
    /// A file below the Director's URL.
    File {
        /// Its name, such as `keyboxes/SHA256`.
        path: String,
        /// Its length and SHA-256.
        digest: FileDigest,
    },
}

impl KeyBoxRef {
    fn parse(fields: &Fields<'_>) -> Result<Self, FormatError> {
        if fields.optional("inline").is_some() {
            fields.only(&["inline"])?;
            let text = fields.string("inline")?;
            if text.len() > MAX_INLINE_KEY_BOX.div_ceil(3) * 4 {
                return Err(wrong(
                    fields.at("inline"),
                    "at most 4096 bytes are expected; longer key boxes are files",
                ));
            }
            let bytes = BASE64
                .decode(text)
                .map_err(|_| wrong(fields.at("inline"), "standard base64 is expected"))?;
            return Ok(Self::Inline(bytes));
        }
        fields.only(&["path", "length", "sha256"])?;
        let digest = FileDigest {
            length: fields.unsigned("length")?,
            sha256: fields.digest("sha256")?,
        };
        if digest.length > MAX_KEY_BOX {
            return Err(wrong(fields.at("length"), "at most 64 KiB are expected"));
        }
        let path: crate::ids::TargetPath = fields.name("path")?;
        Ok(Self::File {
            path: path.into(),
            digest,
        })
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Inline(bytes) => json!({"inline": BASE64.encode(bytes)}),
            Self::File { path, digest } => {
                json!({"path": path, "length": digest.length, "sha256": hex::encode(digest.sha256)})
            }
        }
    }
}

/// One ECU that is to install a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectedEcu {
    /// Its hardware.
    pub hardware_id: HardwareId,
    /// Its key box, when the image is sealed.
    pub key_box: Option<KeyBoxRef>,
}

/// `custom.director` of one target: who installs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direction {
    /// The ECUs; at least one.
    pub ecus: BTreeMap<EcuSerial, DirectedEcu>,
    /// An address to try first. A hint, never trusted.
    pub url: Option<String>,
}

impl Direction {
    /// The name of the object inside `custom`.
    pub const FIELD: &'static str = "director";

    /// Reads `custom.director`.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is wrong.
    pub fn parse(value: &Value) -> Result<Self, FormatError> {
        let fields = Fields::of(value, "custom.director")?;
        let entries = fields.object("ecus")?;
        if entries.len() == 0 || entries.len() > MAX_ECUS {
            return Err(wrong(fields.at("ecus"), "1 to 1024 ECUs are expected"));
        }
        let mut ecus = BTreeMap::new();
        for (serial, value) in entries.iter() {
            let at = entries.at(&serial.chars().take(70).collect::<String>());
            let serial = EcuSerial::new(serial.as_str()).map_err(|source| FormatError::Name {
                at: at.clone(),
                source,
            })?;
            let entry = Fields::of(value, at)?;
            let key_box = match entry.optional("key_box") {
                None => None,
                Some(value) => Some(KeyBoxRef::parse(&Fields::of(value, entry.at("key_box"))?)?),
            };
            ecus.insert(
                serial,
                DirectedEcu {
                    hardware_id: entry.name("hardware_id")?,
                    key_box,
                },
            );
        }
        let url = match fields.optional("url") {
            None => None,
            Some(_) => match fields.string("url")? {
                url if url.len() <= MAX_URL && url.starts_with("https://") => Some(url.to_owned()),
                _ => {
                    return Err(wrong(
                        fields.at("url"),
                        "an https URL of at most 2048 bytes is expected",
                    ));
                }
            },
        };
        Ok(Self { ecus, url })
    }

    /// Reads it out of a target.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), also when there is none.
    pub fn of(target: &TargetFile) -> Result<Self, FormatError> {
        let value = target.custom.as_ref().and_then(|custom| custom.get(Self::FIELD));
        Self::parse(value.ok_or_else(|| wrong("custom.director", "the field is missing"))?)
    }

    /// Writes the object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let ecus: Map<String, Value> = self
            .ecus
            .iter()
            .map(|(serial, ecu)| {
                let mut entry = json!({"hardware_id": ecu.hardware_id.as_str()});
                if let Some(key_box) = &ecu.key_box {
                    entry["key_box"] = key_box.to_value();
                }
                (serial.to_string(), entry)
            })
            .collect();
        let mut value = json!({"ecus": ecus});
        if let Some(url) = &self.url {
            value["url"] = url.as_str().into();
        }
        value
    }
}

/// Refuses a document of another vehicle, or of none. Nothing else of it has been looked at by then.
pub(crate) fn check_vehicle(name: &str, signed: &Value, vehicle: &VehicleId) -> Result<(), TrustError> {
    let found = signed
        .get("custom")
        .and_then(|custom| custom.get("vehicle_id"))
        .and_then(Value::as_str);
    if found == Some(vehicle.as_str()) {
        return Ok(());
    }
    let found = found.unwrap_or_default().chars().take(80).collect();
    Err(TrustError::new(
        name,
        Attack::WrongVehicle,
        Fault::OtherVehicle {
            found,
            wanted: vehicle.to_string(),
        },
    ))
}

/// The rules for a Director's Targets (Uptane 5.4.4.6): no delegations, every ECU known and fitting, none twice.
pub(crate) fn check_director(
    name: &str,
    targets: &Targets,
    ecus: &BTreeMap<EcuSerial, HardwareId>,
) -> Result<(), TrustError> {
    if targets.delegations().is_some() {
        return Err(TrustError::new(
            name,
            Attack::ArbitrarySoftware,
            Fault::Delegations,
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    for target in targets.targets().values() {
        let direction = Direction::of(target).map_err(|e| TrustError::format(name, e))?;
        for (serial, ecu) in direction.ecus {
            let Some(hardware) = ecus.get(&serial) else {
                return Err(TrustError::new(
                    name,
                    Attack::BadEcuId,
                    Fault::UnknownEcu(serial.into()),
                ));
            };
            if *hardware != ecu.hardware_id {
                let fault = Fault::Hardware {
                    serial: serial.into(),
                    found: hardware.to_string(),
                };
                return Err(TrustError::new(name, Attack::WrongHardware, fault));
            }
            if !seen.insert(serial.clone()) {
                return Err(TrustError::new(
                    name,
                    Attack::BadEcuId,
                    Fault::DuplicateEcu(serial.into()),
                ));
            }
        }
    }
    Ok(())
}
