//! `sealift vehicle list` and `show`.

use clap::Args;
use sealift_metadata::ids::VehicleId;
use sealift_wire::{Ecu, Vehicle, VehicleList, VehicleState, paths};
use serde_json::json;

use crate::api::{Api, ServerArgs};
use crate::failure::Failure;
use crate::{World, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct List {
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Args, Debug)]
pub(in crate::commands) struct Show {
    /// Vehicle id
    id: VehicleId,

    #[command(flatten)]
    server: ServerArgs,
}

impl List {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let api = Api::new(world, &self.server)?;
        let mut vehicles = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!(
                "{}?limit={}{after}",
                paths::VEHICLES,
                sealift_wire::limits::MAX_PAGE
            );
            let page: VehicleList = api.get(&path).await?;
            vehicles.extend(page.vehicles);
            match page.next {
                // An id is of [A-Za-z0-9._-], so nothing needs escaping; anything else is not followed.
                Some(next) if VehicleId::new(next.as_str()).is_ok() => after = format!("&after={next}"),
                Some(next) => {
                    return Err(Failure::refused(format!(
                        "the server names {next:?} as the next vehicle"
                    )));
                }
                None => break,
            }
        }
        output::show(world, &json!({"vehicles": vehicles}), || {
            output::table(
                &["vehicle", "state", "ecus", "pending", "last seen"],
                vehicles.iter().map(|vehicle| {
                    vec![
                        vehicle.id.clone(),
                        state(vehicle.state).to_owned(),
                        vehicle.ecus.to_string(),
                        vehicle.pending.to_string(),
                        vehicle
                            .last_seen_at
                            .map_or("never".to_owned(), |at| at.to_string()),
                    ]
                }),
            )
        })
    }
}

impl Show {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let api = Api::new(world, &self.server)?;
        let vehicle: Vehicle = api.get(&paths::vehicle(self.id.as_str())).await?;
        one(world, &vehicle)
    }
}

/// Shows one vehicle.
pub(super) fn one(world: &World, vehicle: &Vehicle) -> Result<(), Failure> {
    output::show(world, &json!(vehicle), || {
        let mut text = output::facts(&[
            ("vehicle", vehicle.id.clone()),
            ("state", state(vehicle.state).to_owned()),
            ("certificate key", vehicle.certificate_key_id.clone()),
            (
                "last seen",
                vehicle
                    .last_seen_at
                    .map_or("never".to_owned(), |at| at.to_string()),
            ),
        ]);
        text.push('\n');
        text += &output::table(
            &[
                "ecu",
                "hardware",
                "role",
                "assigned",
                "installed",
                "counter",
                "attacks",
            ],
            vehicle.ecus.iter().map(row),
        );
        text
    })
}

fn row(ecu: &Ecu) -> Vec<String> {
    let dash = || "-".to_owned();
    let installed = ecu.installed.as_ref();
    vec![
        ecu.serial.clone(),
        ecu.hardware_id.clone(),
        if ecu.primary { "primary" } else { "secondary" }.to_owned(),
        ecu.assignment
            .as_ref()
            .map_or_else(dash, |assignment| assignment.target.clone()),
        installed.map_or_else(dash, |image| image.path.clone()),
        installed.map_or_else(dash, |image| image.release_counter.to_string()),
        if ecu.attacks.is_empty() {
            dash()
        } else {
            ecu.attacks.join(" ")
        },
    ]
}

fn state(state: VehicleState) -> &'static str {
    match state {
        VehicleState::Active => "active",
        VehicleState::Revoked => "revoked",
    }
}
