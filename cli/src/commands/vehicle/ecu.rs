//! The value of `--ecu`: `SERIAL,hardware=HW,…`.

use std::path::PathBuf;
use std::str::FromStr;

use sealift_metadata::ids::{EcuSerial, HardwareId};

/// `--ecu` of `vehicle add`: keys exist.
#[derive(Clone, Debug)]
pub(super) struct KnownEcu {
    pub(super) serial: EcuSerial,
    pub(super) hardware_id: HardwareId,
    pub(super) signing: PathBuf,
    pub(super) sealing: Option<PathBuf>,
    pub(super) primary: bool,
    pub(super) require_sealed: bool,
}

/// `--ecu` of `vehicle provision`: keys are to be made.
#[derive(Clone, Debug)]
pub(super) struct NewEcu {
    pub(super) serial: EcuSerial,
    pub(super) hardware_id: HardwareId,
    pub(super) signing: SigningKind,
    pub(super) sealing: SealingKind,
    pub(super) primary: bool,
    pub(super) require_sealed: bool,
}

/// Signing key of a new ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SigningKind {
    Ed25519,
    P256,
}

/// Sealing key of a new ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SealingKind {
    P256,
    Rsa3072,
    XWing,
    None,
}

struct Fields<'a> {
    serial: &'a str,
    pairs: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Fields<'a> {
    fn split(text: &'a str, known: &[&str]) -> Result<Self, String> {
        let mut parts = text.split(',');
        let serial = parts.next().unwrap_or_default();
        let mut pairs: Vec<(&str, Option<&str>)> = Vec::new();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (part, None),
            };
            if !known.contains(&name) {
                return Err(format!("unknown field {name:?}; known are {}", known.join(", ")));
            }
            if pairs.iter().any(|(earlier, _)| *earlier == name) {
                return Err(format!("field {name} is given twice"));
            }
            pairs.push((name, value));
        }
        Ok(Self { serial, pairs })
    }

    fn value(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.pairs.iter().find(|(field, _)| *field == name) {
            Some((_, Some(value))) if !value.is_empty() => Ok(Some(value)),
            Some(_) => Err(format!("field {name} needs a value: {name}=…")),
            None => Ok(None),
        }
    }

    fn required(&self, name: &str) -> Result<&'a str, String> {
        self.value(name)?
            .ok_or_else(|| format!("field {name}=… is missing"))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.pairs.iter().find(|(field, _)| *field == name) {
            Some((_, None)) => Ok(true),
            Some((_, Some(_))) => Err(format!("field {name} takes no value")),
            None => Ok(false),
        }
    }

    fn serial(&self) -> Result<EcuSerial, String> {
        EcuSerial::new(self.serial).map_err(|error| error.to_string())
    }

    fn hardware(&self) -> Result<HardwareId, String> {
        HardwareId::new(self.required("hardware")?).map_err(|error| error.to_string())
    }
}

impl FromStr for KnownEcu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields = Fields::split(
            text,
            &["hardware", "signing", "sealing", "primary", "require-sealed"],
        )?;
        Ok(Self {
            serial: fields.serial()?,
            hardware_id: fields.hardware()?,
            signing: fields.required("signing")?.into(),
            sealing: fields.value("sealing")?.map(PathBuf::from),
            primary: fields.flag("primary")?,
            require_sealed: fields.flag("require-sealed")?,
        })
    }
}

impl FromStr for NewEcu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields = Fields::split(text, &["hardware", "signing", "key", "primary", "require-sealed"])?;
        let signing = match fields.value("signing")? {
            None | Some("ed25519") => SigningKind::Ed25519,
            Some("p256") => SigningKind::P256,
            Some(other) => return Err(format!("signing={other} is not known; use ed25519 or p256")),
        };
        let sealing = match fields.value("key")? {
            None | Some("p256") => SealingKind::P256,
            Some("rsa" | "rsa-3072") => SealingKind::Rsa3072,
            Some("x-wing" | "xwing") => SealingKind::XWing,
            Some("none") => SealingKind::None,
            Some(other) => return Err(format!("key={other} is not known; use p256, rsa, x-wing or none")),
        };
        let require_sealed = fields.flag("require-sealed")?;
        if require_sealed && sealing == SealingKind::None {
            return Err(
                "require-sealed makes no sense with key=none: no image could ever be installed".to_owned(),
            );
        }
        Ok(Self {
            serial: fields.serial()?,
            hardware_id: fields.hardware()?,
            signing,
            sealing,
            primary: fields.flag("primary")?,
            require_sealed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ecu_is_understood() {
        let ecu: NewEcu = "BRAIN-1,hardware=hw-a,key=rsa,signing=p256,primary,require-sealed"
            .parse()
            .unwrap();
        assert_eq!(ecu.sealing, SealingKind::Rsa3072);
        assert_eq!(ecu.signing, SigningKind::P256);
        assert!(ecu.primary && ecu.require_sealed);
        let ecu: NewEcu = "BODY-1,hardware=hw-b,key=x-wing".parse().unwrap();
        assert_eq!(ecu.sealing, SealingKind::XWing);
    }

    #[test]
    fn mistakes_are_named() {
        let mistakes = [
            ("A", "field hardware=… is missing"),
            ("A,hardware", "field hardware needs a value: hardware=…"),
            ("A,hardware=h,hardware=h", "field hardware is given twice"),
            ("A,hardware=h,colour=red", "unknown field \"colour\""),
            ("A,hardware=h,primary=yes", "field primary takes no value"),
            ("A,hardware=h,key=dsa", "key=dsa is not known"),
            ("A,hardware=h,key=none,require-sealed", "makes no sense"),
        ];
        for (text, expected) in mistakes {
            let message = text.parse::<NewEcu>().unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!("a b,hardware=h".parse::<NewEcu>().is_err());
        assert!(
            "A,hardware=h"
                .parse::<KnownEcu>()
                .unwrap_err()
                .contains("signing")
        );
    }
}
