//! What a supervisor sees of the server.

use sealift_tests::world::World;

#[test]
fn health_readiness_and_metrics_are_told_without_tls_on_loopback() {
    let mut world = World::new();
    world.publish("app.img", "hw", 1, &world.image("app.img", &[1; 1000]));
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    world.assign("VIN-1", "BRAIN-1", "app.img");
    let _ = vehicle.once().ok();
    let client = world.client();
    let get = |path: &str| {
        let url = format!("http://{}{path}", world.server().telemetry());
        world.block_on(async {
            let response = client.client().get(url).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    };
    assert_eq!(get("/healthz").0, 200);
    assert_eq!(get("/readyz").0, 200);
    let (status, metrics) = get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("# TYPE "), "{metrics}");
    assert!(
        !metrics.contains("VIN-1"),
        "one series a vehicle would drown the store\n{metrics}"
    );
}

#[test]
fn logs_hold_no_secret() {
    let mut world = World::new();
    world.start_server();
    let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw,primary"]);
    let _ = vehicle.once().ok();
    let token = std::fs::read_to_string(world.path("operator.token")).unwrap();
    let log = world.server().log();
    assert!(
        !log.contains(token.trim()),
        "the operator token is in the log\n{log}"
    );
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}
