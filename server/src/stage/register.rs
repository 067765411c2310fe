//! Registering vehicles with their public keys, and revoking them.

use super::{PeerCertificate, Stage, StageError, view};
use crate::db::{NewEcu, NewVehicle};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sealift_envelope::RecipientKey;
use sealift_metadata::{EcuSerial, HardwareId, PublicKey, VehicleId};
use sealift_wire::limits::MAX_ECUS;
use sealift_wire::{EcuRegistration, ProblemKind, Vehicle, VehicleList, VehicleRegistration, VehicleState};
use std::collections::BTreeSet;

impl Stage {
    /// Adds a vehicle.
    ///
    /// # Errors
    /// [`StageError::Refused`] with `invalid` naming the field; [`StageError::Inventory`] if a name or key is taken.
    pub async fn register(&self, wanted: VehicleRegistration, now: Timestamp) -> Result<Vehicle, StageError> {
        let id = VehicleId::new(wanted.id.as_str()).map_err(|error| invalid("id", error))?;
        let certificate_key_id = certificate_key(&id, &wanted.certificate_pem)?;
        if !(1..=MAX_ECUS).contains(&wanted.ecus.len()) {
            return Err(invalid("ecus", format!("1 to {MAX_ECUS} ECUs are expected")));
        }
        if wanted.ecus.iter().filter(|ecu| ecu.primary).count() != 1 {
            return Err(invalid("ecus", "exactly one ECU must be the Primary"));
        }
        let mut seen = Seen::default();
        let mut ecus = Vec::new();
        for (index, ecu) in wanted.ecus.iter().enumerate() {
            ecus.push(self.checked_ecu(index, ecu, &mut seen)?);
        }
        if let Some(both) = seen.signing.intersection(&seen.sealing).next() {
            let detail = format!(
                "key {} is a signing and a sealing key; use one for each",
                hex::encode(both)
            );
            return Err(invalid("ecus", detail));
        }
        let demo = self.settings.demo;
        if !demo.passes(&[&certificate_key_id]) {
            return Err(invalid(
                "certificate_pem",
                "its key is a public demonstration key",
            ));
        }
        self.db
            .register(
                &NewVehicle {
                    id: id.to_string(),
                    certificate_key_id,
                    ecus,
                },
                now,
            )
            .await?;
        self.db.record_event(id.as_str(), now, "registered", "").await?;
        tracing::info!(vehicle = %id, "vehicle registered");
        self.vehicle(&id).await
    }

    fn checked_ecu(
        &self,
        index: usize,
        ecu: &EcuRegistration,
        seen: &mut Seen,
    ) -> Result<NewEcu, StageError> {
        let at = |field: &str| format!("ecus[{index}].{field}");
        let serial = EcuSerial::new(ecu.serial.as_str()).map_err(|error| invalid(&at("serial"), error))?;
        if !seen.serials.insert(serial.clone()) {
            return Err(invalid(&at("serial"), format!("{serial} is listed twice")));
        }
        let hardware_id =
            HardwareId::new(ecu.hardware_id.as_str()).map_err(|error| invalid(&at("hardware_id"), error))?;
        let signing = PublicKey::from_pem(&ecu.signing_key_pem)
            .map_err(|error| invalid(&at("signing_key_pem"), error))?;
        if !seen.signing.insert(signing.identity()) {
            return Err(invalid(
                &at("signing_key_pem"),
                "another ECU has the same signing key",
            ));
        }
        let sealing = match &ecu.sealing_key_pem {
            None => None,
            Some(pem) => {
                Some(RecipientKey::from_pem(pem).map_err(|error| invalid(&at("sealing_key_pem"), error))?)
            }
        };
        if let Some(sealing) = &sealing {
            seen.sealing.insert(*sealing.key_id().as_bytes());
        }
        if sealing.is_none() && ecu.require_sealed {
            return Err(invalid(
                &at("sealing_key_pem"),
                "an ECU that requires sealed images needs a sealing key",
            ));
        }
        let demo = self.settings.demo;
        if !demo.passes(&[signing.keyid().as_str(), &hex::encode(signing.identity())]) {
            return Err(invalid(
                &at("signing_key_pem"),
                "this is a public demonstration key",
            ));
        }
        if sealing
            .as_ref()
            .is_some_and(|key| !demo.passes(&[&key.key_id().to_string()]))
        {
            return Err(invalid(
                &at("sealing_key_pem"),
                "this is a public demonstration key",
            ));
        }
        Ok(NewEcu {
            serial: serial.to_string(),
            hardware_id: hardware_id.to_string(),
            primary: ecu.primary,
            signing_key_id: signing.keyid().to_string(),
            signing_key_pem: signing
                .to_pem()
                .map_err(|error| invalid(&at("signing_key_pem"), error))?,
            sealing_key: sealing.map(|key| (key.key_id().to_string(), key.to_pem())),
            require_sealed: ecu.require_sealed,
        })
    }

    /// One vehicle.
    ///
    /// # Errors
    /// [`StageError::Refused`] with `not-found`.
    pub async fn vehicle(&self, id: &VehicleId) -> Result<Vehicle, StageError> {
        Ok(view::vehicle(self.known_vehicle(id).await?))
    }

    /// A page of vehicles.
    ///
    /// # Errors
    /// [`StageError::Inventory`].
    pub async fn vehicles(&self, after: &str, limit: u32) -> Result<VehicleList, StageError> {
        let mut rows = self.db.vehicles(after, limit.saturating_add(1)).await?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page;
        rows.truncate(page);
        let next = rows.last().filter(|_| more).map(|row| row.id.clone());
        Ok(VehicleList {
            vehicles: rows.into_iter().map(view::summary).collect(),
            next,
        })
    }

    /// Revokes a vehicle: its next request is refused. Revoking twice is no error.
    ///
    /// # Errors
    /// [`StageError::Refused`] with `not-found`.
    pub async fn revoke(&self, id: &VehicleId, now: Timestamp) -> Result<Vehicle, StageError> {
        if !self.db.set_state(id.as_str(), VehicleState::Revoked).await? {
            return Err(StageError::refused(
                ProblemKind::NotFound,
                format!("there is no vehicle {id}"),
            ));
        }
        self.db.record_event(id.as_str(), now, "revoked", "").await?;
        tracing::warn!(vehicle = %id, "vehicle revoked");
        self.vehicle(id).await
    }
}

/// What must be unique within one registration.
#[derive(Debug, Default)]
struct Seen {
    serials: BTreeSet<EcuSerial>,
    signing: BTreeSet<[u8; 32]>,
    sealing: BTreeSet<[u8; 32]>,
}

fn certificate_key(id: &VehicleId, pem: &str) -> Result<String, StageError> {
    const FIELD: &str = "certificate_pem";
    let mut all = CertificateDer::pem_slice_iter(pem.as_bytes());
    let (Some(Ok(der)), None) = (all.next(), all.next()) else {
        return Err(invalid(FIELD, "exactly one certificate in PEM is expected"));
    };
    let certificate = PeerCertificate::from_der(&der);
    let (named, key_id) = certificate.vehicle().map_err(|why| invalid(FIELD, why))?;
    if named != id {
        return Err(invalid(FIELD, format!("it names vehicle {named}, not {id}")));
    }
    Ok(key_id.to_owned())
}

fn invalid(field: &str, why: impl std::fmt::Display) -> StageError {
    StageError::refused(ProblemKind::Invalid, format!("{field}: {why}"))
}
