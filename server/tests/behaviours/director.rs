//! Director metadata: accepted by a vehicle's own rules, signed only when something changed.

use crate::kit::{TestVehicle, World};
use http::Method;
use jiff::SignedDuration;
use sealift_metadata::trust::{
    Limits, Refresh, RepositoryKind, Resolver, Response, SearchStep, Step, TrustError, TrustStore,
    TrustedRepository,
};
use sealift_metadata::uptane::{KeyBoxRef, TrustedTarget, VerifiedTarget, cross_check, directed};
use sealift_metadata::{EcuSerial, HardwareId};
use sealift_wire::ProblemKind;
use std::collections::BTreeMap;

/// A vehicle's refresh of the Director, over the router, remembering what it verified.
pub(crate) async fn refresh(
    world: &World,
    vehicle: &TestVehicle,
    memory: &mut TrustStore,
) -> Result<TrustedRepository, TrustError> {
    let ecus: BTreeMap<_, _> = vehicle
        .ecus
        .iter()
        .map(|ecu| {
            let hardware = HardwareId::new(ecu.hardware_id.as_str()).unwrap();
            (EcuSerial::new(ecu.serial.as_str()).unwrap(), hardware)
        })
        .collect();
    let kind = RepositoryKind::Director {
        vehicle_id: vehicle.id.clone(),
        ecus,
    };
    drive(world, vehicle, memory, kind, Limits::DIRECTOR, "/director").await
}

async fn drive(
    world: &World,
    vehicle: &TestVehicle,
    memory: &mut TrustStore,
    kind: RepositoryKind,
    limits: Limits,
    base: &str,
) -> Result<TrustedRepository, TrustError> {
    let mut refresh = Refresh::start(memory.clone(), kind, limits, world.clock.time())?;
    loop {
        match refresh.step()? {
            Step::Fetch(request) => {
                let answer = world.get(vehicle, &format!("{base}/{}", request.name)).await;
                refresh.supply(match answer.status.as_u16() {
                    200 => Response::Found(answer.body),
                    404 => Response::NotFound,
                    other => panic!("{other} for {}", request.name),
                });
            }
            Step::Store { name, bytes } => match name {
                "root.json" => memory.root = bytes,
                "timestamp.json" => memory.timestamp = Some(bytes),
                "snapshot.json" => memory.snapshot = Some(bytes),
                _ => memory.targets = Some(bytes),
            },
            Step::Remove { .. } => {}
            Step::Done(repository) => return Ok(*repository),
        }
    }
}

pub(crate) fn provisioned(world: &World) -> TrustStore {
    let root = std::fs::read(world.dir.path().join("director/1.root.json")).unwrap();
    TrustStore {
        root,
        ..TrustStore::default()
    }
}

/// What the vehicle takes from both repositories, delegated roles included.
pub(crate) async fn agreed(
    world: &World,
    vehicle: &TestVehicle,
    director: &TrustedRepository,
) -> Result<Vec<TrustedTarget>, TrustError> {
    let root = std::fs::read(world.dir.path().join("image-root.json")).unwrap();
    let mut memory = TrustStore {
        root,
        ..TrustStore::default()
    };
    let (kind, limits) = (RepositoryKind::Image, Limits::IMAGE);
    let image = drive(world, vehicle, &mut memory, kind, limits, "/repo").await?;
    let mut resolver = Resolver::new(image, limits, world.clock.time());
    let mut listed = BTreeMap::new();
    for (path, hardware) in directed(director)? {
        resolver.search(path.as_str(), &hardware);
        loop {
            match resolver.step()? {
                SearchStep::Fetch(request) => {
                    let answer = world.get(vehicle, &format!("/repo/{}", request.name)).await;
                    resolver.supply(Response::Found(answer.ok().body));
                }
                SearchStep::Recall(_) => resolver.supply(Response::NotFound),
                SearchStep::Store { .. } => {}
                SearchStep::Found(found) => {
                    listed.insert(path, VerifiedTarget::of(*found)?);
                    break;
                }
                SearchStep::NotFound => break,
            }
        }
    }
    cross_check(director, &listed)
}

/// D-dir-1, U-5.1.1-1, U-5.3.2.1-13, U-5.2.3.1.1-9, U-5.3-1: a set for each vehicle, judged by the rules that vehicles have.
#[tokio::test]
async fn a_vehicle_accepts_an_empty_set_and_then_an_assignment_that_both_repositories_agree_on() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let mut memory = provisioned(&world);
    let empty = refresh(&world, &vehicle, &mut memory).await.unwrap();
    assert!(empty.targets().role().targets().is_empty());
    assert_eq!(empty.targets().signed()["custom"]["vehicle_id"], "v1");

    let image = world.publish_sealed("fw/camera.img", b"plaintext", 3).await;
    let assigned = world.assign(&vehicle, 1, "fw/camera.img").await.ok().json();
    let directed = refresh(&world, &vehicle, &mut memory).await.unwrap();
    assert!(directed.targets().version() > empty.targets().version());
    assert_eq!(
        directed.targets().signed()["custom"]["correlation_id"],
        assigned["correlation_id"]
    );

    let trusted = agreed(&world, &vehicle, &directed).await.unwrap();
    assert_eq!(trusted.len(), 1);
    assert_eq!(*trusted[0].sha256(), image.sha256);
    assert_eq!(trusted[0].ecus()[0].serial().as_str(), "v1-camera");
    assert!(matches!(
        trusted[0].ecus()[0].key_box(),
        Some(KeyBoxRef::Inline(_))
    ));
}

#[tokio::test]
async fn a_poll_without_news_signs_nothing() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let first = world.get(&vehicle, "/director/timestamp.json").await.ok().body;
    world.clock.advance(SignedDuration::from_hours(11));
    assert_eq!(
        world.get(&vehicle, "/director/timestamp.json").await.ok().body,
        first
    );
    world.clock.advance(SignedDuration::from_hours(2));
    let later = world.get(&vehicle, "/director/timestamp.json").await.ok();
    assert_ne!(later.body, first);
    assert_eq!(later.header("cache-control"), "private, no-cache");
}

/// U-5.2.7-2: documents are had by their version while a newer one is in force.
#[tokio::test]
async fn a_set_that_was_just_replaced_can_still_be_finished() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let timestamp = world.get(&vehicle, "/director/timestamp.json").await.ok().json();
    let version = timestamp["signed"]["version"].as_u64().unwrap();
    world.publish_plain("a.img", b"x", 1).await;
    world.assign(&vehicle, 1, "a.img").await.ok();
    world.get(&vehicle, "/director/timestamp.json").await.ok();
    for role in ["snapshot", "targets"] {
        world
            .get(&vehicle, &format!("/director/{version}.{role}.json"))
            .await
            .ok();
    }
}

#[tokio::test]
async fn each_vehicle_sees_its_own_and_the_operator_sees_each() {
    let mut world = World::new().await;
    let (one, two) = (world.vehicle("v1").await, world.vehicle("v2").await);
    world.publish_plain("a.img", b"x", 1).await;
    world.assign(&one, 1, "a.img").await.ok();
    let mut memory = provisioned(&world);
    assert_eq!(
        refresh(&world, &one, &mut memory)
            .await
            .unwrap()
            .targets()
            .role()
            .targets()
            .len(),
        1
    );
    let mut memory = provisioned(&world);
    assert!(
        refresh(&world, &two, &mut memory)
            .await
            .unwrap()
            .targets()
            .role()
            .targets()
            .is_empty()
    );

    let seen = world
        .operator(Method::GET, "/api/v1/vehicles/v1/director/timestamp.json", None)
        .await
        .ok();
    assert_eq!(seen.body, world.get(&one, "/director/timestamp.json").await.body);
    let root = world
        .operator(Method::GET, "/api/v1/director/roots/1", None)
        .await
        .ok();
    assert_eq!(root.body, provisioned(&world).root);
    for path in [
        "/api/v1/director/roots/2",
        "/api/v1/director/roots/x",
        "/api/v1/vehicles/v3/director/timestamp.json",
    ] {
        world
            .operator(Method::GET, path, None)
            .await
            .problem(ProblemKind::NotFound);
    }
}

#[tokio::test]
async fn an_image_that_was_replaced_under_its_name_is_not_handed_out() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_plain("a.img", b"first", 1).await;
    world.assign(&vehicle, 1, "a.img").await.ok();
    let mut memory = provisioned(&world);
    assert_eq!(
        refresh(&world, &vehicle, &mut memory)
            .await
            .unwrap()
            .targets()
            .role()
            .targets()
            .len(),
        1
    );
    world.publish_plain("a.img", b"second", 2).await;
    world.clock.advance(SignedDuration::from_secs(60));
    assert!(
        refresh(&world, &vehicle, &mut memory)
            .await
            .unwrap()
            .targets()
            .role()
            .targets()
            .is_empty()
    );
}

#[tokio::test]
async fn many_key_boxes_move_out_of_the_document() {
    move_out(220, sealift_envelope::PrivateKey::generate_p256).await;
}

/// A box for X-Wing has 1246 bytes where one for P-256 has 190.
#[tokio::test]
async fn fewer_boxes_for_x_wing_do_as_well() {
    move_out(45, |rng| {
        sealift_envelope::PrivateKey::generate_x_wing(rng).unwrap()
    })
    .await;
}

async fn move_out(count: usize, make: fn(&mut crate::kit::TestRng) -> sealift_envelope::PrivateKey) {
    let mut world = World::new().await;
    let mut vehicle = TestVehicle::new("v1");
    let mut rng = crate::kit::TestRng::new("many");
    for n in 0..count {
        vehicle.ecus.push(crate::kit::TestEcu {
            serial: format!("v1-camera-{n}"),
            hardware_id: "hw-camera".to_owned(),
            primary: false,
            signer: sealift_metadata::FileSigner::generate(sealift_metadata::KeyType::Ed25519, &mut rng)
                .unwrap(),
            sealing: make(&mut rng),
            require_sealed: true,
        });
    }
    world.register(&vehicle).await.ok();
    world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
    for ecu in 2..2 + count {
        world.assign(&vehicle, ecu, "fw/camera.img").await.ok();
    }
    let mut memory = provisioned(&world);
    let directed = refresh(&world, &vehicle, &mut memory).await.unwrap();
    assert!(directed.targets().bytes().len() < 64 * 1024);
    let target = directed.targets().role().targets().values().next().unwrap();
    let direction = sealift_metadata::uptane::Direction::of(target).unwrap();
    assert_eq!(direction.ecus.len(), count);
    let (serial, ecu) = direction.ecus.iter().next().unwrap();
    let Some(KeyBoxRef::File { path, digest }) = &ecu.key_box else {
        panic!("inline")
    };
    let answer = world.get(&vehicle, &format!("/director/{path}")).await.ok();
    assert_eq!(u64::try_from(answer.body.len()).unwrap(), digest.length);
    let key_box = sealift_envelope::KeyBox::parse(&answer.body).unwrap();
    let binding = sealift_envelope::Binding::key_box(
        world.repository_id.to_string(),
        "fw/camera.img",
        "v1",
        serial.as_str(),
    );
    let ecu = vehicle
        .ecus
        .iter()
        .find(|ecu| ecu.serial == serial.as_str())
        .unwrap();
    key_box.open(&ecu.sealing, &binding).unwrap();
    let other = world.vehicle("v2").await;
    world
        .get(&other, &format!("/director/{path}"))
        .await
        .problem(ProblemKind::NotFound);
}
