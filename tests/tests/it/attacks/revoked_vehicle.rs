//! A vehicle whose certificate was withdrawn, or that never had one.

use http::StatusCode;
use serde_json::Value;

use super::{REJECTED, TARGET, one_vehicle};

#[test]
fn revocation_is_immediate() {
    let (world, vehicle, _) = one_vehicle();
    let _ = world.operator(&["vehicle", "revoke", "VIN-1"]).run().ok();
    let run = vehicle.once().exits(REJECTED);
    assert_eq!(vehicle.installed("BRAIN-1"), None, "{run}");

    let client = world.client_of(&vehicle);
    let store_name = world.tree().object(TARGET);
    let store_name = store_name
        .strip_prefix(world.tree().served())
        .unwrap()
        .display()
        .to_string();
    for path in [
        "director/timestamp.json",
        "repo/timestamp.json",
        &format!("repo/{store_name}"),
    ] {
        let url = format!("https://{}/{path}", world.vehicles_address());
        let (status, body) = world.block_on(async {
            let response = client.client().get(url).send().await.unwrap();
            (response.status(), response.bytes().await.unwrap())
        });
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .starts_with("urn:sealift:problem:"),
            "{problem}"
        );
    }
    assert_eq!(world.inventory("VIN-1")["state"], "revoked");
}

#[test]
fn another_vehicle_goes_on() {
    let (world, vehicle, _) = one_vehicle();
    let other = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    world.assign("VIN-2", "BRAIN-2", TARGET);
    let _ = world.operator(&["vehicle", "revoke", "VIN-1"]).run().ok();
    let _ = vehicle.once().exits(REJECTED);
    let _ = other.once().ok();
    assert!(other.installed("BRAIN-2").is_some());
}

#[test]
fn without_a_certificate_there_is_no_answer() {
    let (world, _, _) = one_vehicle();
    let client = world.client();
    let url = format!("https://{}/repo/timestamp.json", world.vehicles_address());
    let answer = world.block_on(async { client.client().get(url).send().await });
    assert!(answer.is_err() || answer.unwrap().status() == StatusCode::UNAUTHORIZED);
}
