//! A vehicle sends what another vehicle signed.

use http::StatusCode;
use sealift_tests::https::Https;
use sealift_tests::world::World;
use serde_json::Value;

use super::{ECU, TARGET, one_vehicle};

fn put(world: &World, client: &Https, body: Vec<u8>) -> (StatusCode, Value) {
    let url = format!("https://{}/director/manifest", world.vehicles_address());
    world.block_on(async {
        let response = client
            .client()
            .put(url)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await;
        let response = response.unwrap();
        let status = response.status();
        (
            status,
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null),
        )
    })
}

#[test]
fn a_manifest_under_another_certificate_is_refused() {
    let (world, vehicle, _) = one_vehicle();
    let other = world.provision("VIN-2", &["BRAIN-2,hardware=hw-brain,primary"]);
    let front = world.front_for(&vehicle);
    let _ = vehicle.once().ok();
    let sent = front
        .take_log()
        .into_iter()
        .filter(|exchange| exchange.asked.method == "PUT");
    let manifest = sent.last().unwrap().received.to_vec();

    let before = (world.inventory("VIN-1"), world.inventory("VIN-2")["ecus"].clone());
    let (status, problem) = put(&world, &world.client_of(&other), manifest.clone());
    assert!(status.is_client_error(), "{status} {problem}");
    assert!(
        problem["type"]
            .as_str()
            .unwrap()
            .starts_with("urn:sealift:problem:"),
        "{problem}"
    );
    let after = (world.inventory("VIN-1"), world.inventory("VIN-2")["ecus"].clone());
    assert_eq!(before.0["ecus"][0]["installed"], after.0["ecus"][0]["installed"]);
    assert_eq!(before.1, after.1, "nothing is recorded for the wrong vehicle");

    let (status, answer) = put(&world, &world.client_of(&vehicle), manifest);
    assert_eq!(
        status,
        StatusCode::OK,
        "the same bytes again have no effect: {answer}"
    );
    assert_eq!(world.ecu("VIN-1", "BRAIN-1")["installed"]["path"], TARGET);
}

#[test]
fn a_changed_or_malformed_manifest_is_refused() {
    let (world, vehicle, _) = one_vehicle();
    let front = world.front_for(&vehicle);
    let _ = vehicle.once().ok();
    let sent = front
        .take_log()
        .into_iter()
        .filter(|exchange| exchange.asked.method == "PUT");
    let manifest = sent.last().unwrap().received.to_vec();
    let before = world.ecu("VIN-1", "BRAIN-1")["installed"].clone();
    let text = String::from_utf8(manifest.clone()).unwrap();
    let client = world.client_of(&vehicle);
    let bodies = [
        text.replacen("\"release_counter\":1", "\"release_counter\":9", 1)
            .into_bytes(),
        manifest[..manifest.len() / 2].to_vec(),
        b"{}".to_vec(),
        Vec::new(),
        vec![b'['; 200_000],
        vec![b' '; 400_000],
    ];
    assert_ne!(bodies[0], manifest, "{text}");
    for body in bodies {
        let shown: String = String::from_utf8_lossy(&body).chars().take(80).collect();
        let (status, problem) = put(&world, &client, body);
        assert!(status.is_client_error(), "{status} {problem} for {shown}");
        assert!(
            problem["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("urn:sealift:problem:")),
            "{problem}"
        );
    }
    assert_eq!(world.ecu("VIN-1", "BRAIN-1")["installed"], before);
    assert_eq!(ECU.split(',').next(), Some("BRAIN-1"));
}
