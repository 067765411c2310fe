//! `sealift vehicle add`: register a vehicle whose keys were made elsewhere.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::ids::VehicleId;
use sealift_wire::{EcuRegistration, Vehicle, VehicleRegistration, paths};

use super::ecu::KnownEcu;
use crate::api::{Api, ServerArgs};
use crate::failure::Failure;
use crate::{World, faults, keys};

#[derive(Args, Debug)]
pub(in crate::commands) struct Add {
    /// Vehicle id, as in the certificate's URI SAN urn:sealift:vehicle:ID
    id: VehicleId,

    /// The vehicle's client certificate
    #[arg(long, value_name = "CERT.pem")]
    certificate: PathBuf,

    /// One ECU, given once for each: SERIAL,hardware=HW,signing=PUB.pem and where they apply ,sealing=PUB.pem
    /// ,primary ,require-sealed. Exactly one is the primary
    #[arg(long, required = true, value_name = "SERIAL,FIELD=…")]
    ecu: Vec<KnownEcu>,

    #[command(flatten)]
    server: ServerArgs,
}

impl Add {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        super::provision::one_primary(self.ecu.iter().map(|ecu| (ecu.serial.as_str(), ecu.primary)))?;
        let mut ecus = Vec::with_capacity(self.ecu.len());
        for ecu in &self.ecu {
            let sealing = ecu
                .sealing
                .as_deref()
                .map(|path| keys::recipient(world, path))
                .transpose()?;
            ecus.push(EcuRegistration {
                serial: ecu.serial.to_string(),
                hardware_id: ecu.hardware_id.to_string(),
                primary: ecu.primary,
                signing_key_pem: keys::verification_key(world, &ecu.signing)?
                    .to_pem()
                    .map_err(faults::key)?,
                sealing_key_pem: sealing.map(|key| key.to_pem()),
                require_sealed: ecu.require_sealed,
            });
        }
        let registration = VehicleRegistration {
            id: self.id.to_string(),
            certificate_pem: keys::certificates(world, &self.certificate)?,
            ecus,
        };
        let api = Api::new(world, &self.server)?;
        let vehicle: Vehicle = api.post(paths::VEHICLES, Some(&registration)).await?;
        super::show::one(world, &vehicle)
    }
}
