//! `sealift vehicle assign`, `unassign` and `revoke`.

use clap::Args;
use sealift_metadata::ids::{EcuSerial, TargetPath, VehicleId};
use sealift_wire::{Assignment, AssignmentRequest, Vehicle, paths};
use serde_json::json;

use crate::api::{Api, ServerArgs};
use crate::failure::Failure;
use crate::{World, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Assign {
    /// Vehicle id
    id: VehicleId,

    /// Serial of the ECU
    #[arg(long, value_name = "SERIAL")]
    ecu: EcuSerial,

    /// Target path in the Image repository
    #[arg(long, value_name = "DIR/NAME")]
    target: TargetPath,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Args, Debug)]
pub(in crate::commands) struct Unassign {
    /// Vehicle id
    id: VehicleId,

    /// Serial of the ECU
    #[arg(long, value_name = "SERIAL")]
    ecu: EcuSerial,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Args, Debug)]
pub(in crate::commands) struct Revoke {
    /// Vehicle id
    id: VehicleId,

    #[command(flatten)]
    server: ServerArgs,
}

impl Assign {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let api = Api::new(world, &self.server)?;
        let request = AssignmentRequest {
            target: self.target.to_string(),
        };
        let path = paths::assignment(self.id.as_str(), self.ecu.as_str());
        let assignment: Assignment = api.put(&path, &request).await?;
        output::show(world, &json!(assignment), || {
            output::facts(&[
                ("vehicle", self.id.to_string()),
                ("ecu", self.ecu.to_string()),
                ("target", assignment.target.clone()),
                ("correlation id", assignment.correlation_id.clone()),
            ])
        })
    }
}

impl Unassign {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let api = Api::new(world, &self.server)?;
        api.delete(&paths::assignment(self.id.as_str(), self.ecu.as_str()))
            .await?;
        let json = json!({"vehicle": self.id.as_str(), "ecu": self.ecu.as_str(), "target": null});
        output::show(world, &json, || {
            format!("{} of {} has no assignment now\n", self.ecu, self.id)
        })
    }
}

impl Revoke {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let api = Api::new(world, &self.server)?;
        let vehicle: Vehicle = api
            .post(&paths::vehicle_revoke(self.id.as_str()), None::<&()>)
            .await?;
        super::show::one(world, &vehicle)
    }
}
