//! `sealift vehicle provision`: everything that a vehicle starts from, so that it trusts nothing on first use.

mod directory;
mod trust;

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::ids::{RepositoryId, VehicleId};
use sealift_wire::{EcuRegistration, Vehicle, VehicleRegistration, paths};
use serde_json::json;
use url::Url;

use self::directory::Staging;
use self::trust::{Anchor, Trusted};
use super::ecu::{NewEcu, SealingKind, SigningKind};
use crate::api::{Api, ServerArgs};
use crate::certificates::{Authority, Issued, Lifetime, Subject};
use crate::commands::key::{Kind, NewKey};
use crate::failure::Failure;
use crate::passphrase::Unlock;
use crate::{World, keys, outfile, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Provision {
    /// Vehicle id
    id: VehicleId,

    /// One ECU, given once for each: SERIAL,hardware=HW and where they apply ,key=p256|rsa|x-wing|none (sealing key, default
    /// p256) ,signing=ed25519|p256 (default ed25519) ,primary ,require-sealed. Exactly one is the primary
    #[arg(long, required = true, value_name = "SERIAL,FIELD=…")]
    ecu: Vec<NewEcu>,

    /// Certificate of the CA that vehicles' client certificates come from
    #[arg(long, value_name = "CA.pem")]
    fleet_ca_cert: PathBuf,

    /// Private key of that CA: a PEM file or env:NAME
    #[arg(long, value_name = "CA.key.pem")]
    fleet_ca_key: PathBuf,

    #[command(flatten)]
    unlock: Unlock,

    /// Days until the client certificate expires
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u16).range(1..=7300))]
    certificate_days: u16,

    /// Address of the vehicle listener, as the vehicle will call it
    #[arg(long, value_name = "https://HOST:PORT")]
    vehicle_url: Url,

    /// CA certificate that the vehicle will demand of the server
    #[arg(long, value_name = "SERVER-CA.pem")]
    vehicle_ca: PathBuf,

    /// The Image repository's first root, from a source you trust
    #[arg(long, value_name = "1.root.json")]
    repository_root: PathBuf,

    /// The Director's first root, from a source you trust
    #[arg(long, value_name = "1.root.json")]
    director_root: PathBuf,

    #[command(flatten)]
    server: ServerArgs,

    /// New directory for the vehicle
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// One ECU with the keys that were made for it.
struct MadeEcu<'a> {
    plan: &'a NewEcu,
    signing: NewKey,
    sealing: Option<NewKey>,
}

/// All that goes into the directory besides metadata.
struct Dossier<'a> {
    id: &'a VehicleId,
    url: &'a Url,
    ca_pem: String,
    certificate: Issued,
    ecus: Vec<MadeEcu<'a>>,
    repository_id: RepositoryId,
    time_floor: jiff::Timestamp,
}

impl Provision {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        one_primary(self.ecu.iter().map(|ecu| (ecu.serial.as_str(), ecu.primary)))?;
        if self.vehicle_url.scheme() != "https" {
            return Err(Failure::usage(format!(
                "{} is not an https:// URL",
                self.vehicle_url
            )));
        }
        outfile::fresh_directory(&self.out)?;
        let image_anchor = Anchor::read(world, &self.repository_root)?;
        let director_anchor = Anchor::read(world, &self.director_root)?;
        let authority = Authority::load(world, &self.fleet_ca_cert, &self.fleet_ca_key, &self.unlock)?;
        let certificate = authority.issue(
            &Subject::Vehicle { id: &self.id },
            Lifetime::from(world.now(), self.certificate_days)?,
        )?;
        let dossier = Dossier {
            id: &self.id,
            url: &self.vehicle_url,
            ca_pem: keys::certificates(world, &self.vehicle_ca)?,
            certificate,
            ecus: self
                .ecu
                .iter()
                .map(|plan| make(plan, world))
                .collect::<Result<_, _>>()?,
            repository_id: RepositoryId::of_root(image_anchor.bytes()),
            time_floor: world.now(),
        };
        let api = Api::new(world, &self.server)?;
        // What can fail without the vehicle being registered comes first.
        let image = Trusted::image(&api, &image_anchor, world.trusted_time()).await?;
        let staging = Staging::write(&self.out, &dossier, world.rng())?;
        let vehicle: Vehicle = api.post(paths::VEHICLES, Some(&registration(&dossier)?)).await?;
        let finish = async {
            let ecus = self
                .ecu
                .iter()
                .map(|ecu| (ecu.serial.clone(), ecu.hardware_id.clone()))
                .collect();
            let director =
                Trusted::director(&api, &director_anchor, &self.id, ecus, world.trusted_time()).await?;
            staging.complete(&image, &director)
        };
        finish.await.map_err(|failure| {
            failure.next(format!(
                "vehicle {0} is registered already but has no directory; `sealift vehicle revoke {0}`, then provision \
                 it under another id",
                self.id
            ))
        })?;
        let json = json!({"vehicle": vehicle, "directory": self.out.display().to_string()});
        output::show(world, &json, || {
            output::facts(&[
                ("vehicle", self.id.to_string()),
                ("ecus", vehicle.ecus.len().to_string()),
                ("directory", self.out.display().to_string()),
                (
                    "image repository",
                    format!("targets version {}", image.targets_version()),
                ),
            ])
        })
    }
}

fn make<'a>(plan: &'a NewEcu, world: &mut World) -> Result<MadeEcu<'a>, Failure> {
    let signing = match plan.signing {
        SigningKind::Ed25519 => Kind::Ed25519,
        SigningKind::P256 => Kind::P256,
    };
    let sealing = match plan.sealing {
        SealingKind::P256 => Some(Kind::P256),
        SealingKind::Rsa3072 => Some(Kind::Rsa3072),
        SealingKind::XWing => Some(Kind::XWing),
        SealingKind::None => None,
    };
    Ok(MadeEcu {
        plan,
        signing: NewKey::generate(signing, world.rng())?,
        sealing: sealing
            .map(|kind| NewKey::generate(kind, world.rng()))
            .transpose()?,
    })
}

fn registration(dossier: &Dossier<'_>) -> Result<VehicleRegistration, Failure> {
    let mut ecus = Vec::with_capacity(dossier.ecus.len());
    for ecu in &dossier.ecus {
        ecus.push(EcuRegistration {
            serial: ecu.plan.serial.to_string(),
            hardware_id: ecu.plan.hardware_id.to_string(),
            primary: ecu.plan.primary,
            signing_key_pem: ecu.signing.public_pem()?,
            sealing_key_pem: ecu.sealing.as_ref().map(NewKey::public_pem).transpose()?,
            require_sealed: ecu.plan.require_sealed,
        });
    }
    Ok(VehicleRegistration {
        id: dossier.id.to_string(),
        certificate_pem: dossier.certificate.certificate_pem.clone(),
        ecus,
    })
}

/// Exactly one Primary and no serial twice, said before anything happens.
pub(super) fn one_primary<'a>(ecus: impl Iterator<Item = (&'a str, bool)>) -> Result<(), Failure> {
    let mut serials = std::collections::BTreeSet::new();
    let mut primaries = 0;
    for (serial, primary) in ecus {
        if !serials.insert(serial) {
            return Err(Failure::usage(format!("ECU {serial} is given twice")));
        }
        primaries += usize::from(primary);
    }
    match primaries {
        1 => Ok(()),
        count => Err(
            Failure::usage(format!("{count} ECUs are marked primary, exactly one must be"))
                .next("add `,primary` to the ECU that talks to the server"),
        ),
    }
}
