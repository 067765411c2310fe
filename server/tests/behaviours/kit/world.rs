use super::{Answer, Ground, Log, TestClock, TestRng, TestVehicle, config};
use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response};
use jiff::SignedDuration;
use sealift_envelope::{Binding, KeyFile, PrivateKey, SealParams, SealPlan};
use sealift_metadata::targets::TargetFile;
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_metadata::{HardwareId, RepositoryId, TargetPath};
use sealift_repository::{Operation, Publisher, Store, paths, upload_bytes};
use sealift_server::ambient::Entropy;
use sealift_server::db::Inventory;
use sealift_server::http::{App, operator_router, telemetry_router, vehicle_router};
use sealift_server::run::Parts;
use sealift_server::signing::{ImageRoot, Signing};
use sealift_server::stage::NewToken;
use sealift_wire::Scope;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tower::ServiceExt;

/// An image that was published.
#[derive(Debug)]
pub struct Image {
    pub path: TargetPath,
    pub plain: Vec<u8>,
    pub object: Vec<u8>,
    pub profile: ImageProfile,
    pub sha256: [u8; 32],
}

impl Image {
    pub fn url(&self) -> String {
        format!("/repo/targets/{}", self.path.store_name(&self.sha256))
    }
}

/// One server with everything around it.
#[derive(Debug)]
pub struct World {
    pub dir: tempfile::TempDir,
    pub clock: TestClock,
    pub rng: TestRng,
    pub store: Store,
    pub publisher: Publisher,
    pub repository_id: RepositoryId,
    pub kek: PrivateKey,
    pub parts: Parts,
    pub vehicles: Router,
    pub operators: Router,
    pub telemetry: Router,
    pub token: String,
}

impl World {
    pub async fn new() -> Self {
        Self::build("", |store| store.clone()).await
    }

    /// A world with more lines in its configuration.
    pub async fn configured(more: &str) -> Self {
        Self::build(more, |store| store.clone()).await
    }

    /// A world whose server sees the store through `decorate`.
    pub async fn build(more: &str, decorate: impl FnOnce(&Store) -> Store) -> Self {
        // Before anything can be logged.
        let _ = Log::of_this_process();
        let dir = tempfile::tempdir().unwrap();
        let clock = Ground::clock();
        let ground = Ground::make(dir.path(), &clock).await;
        let config = config(dir.path(), more);
        let entropy = Entropy::new(TestRng::new("server"));
        let image_root = ImageRoot::load(&config).unwrap();
        let signing = Signing::load(&config, &image_root).unwrap();
        let seen = decorate(&ground.store);
        let parts = Parts::assemble(&config, image_root, signing, seen, &clock.clock(), &entropy)
            .await
            .unwrap();
        let app = App::new(
            Arc::clone(&parts.stage),
            clock.clock(),
            config.limits.clone(),
            None,
        );
        let token = NewToken::create(
            &parts.db,
            &entropy,
            "test",
            &Scope::ALL,
            SignedDuration::from_hours(24 * 365),
            clock.now(),
        );
        let token = token.await.unwrap().text.to_string();
        Self {
            vehicles: vehicle_router(app.clone()),
            operators: operator_router(app.clone()),
            telemetry: telemetry_router(app),
            dir,
            clock,
            rng: TestRng::new("world"),
            store: ground.store,
            publisher: ground.publisher,
            repository_id: ground.repository_id,
            kek: ground.kek,
            parts,
            token,
        }
    }

    /// Publishes a sealed image for the hardware of the camera.
    pub async fn publish_sealed(&mut self, path: &str, plain: &[u8], counter: u64) -> Image {
        let plan = SealPlan::new(SealParams::default(), &mut self.rng).unwrap();
        let mut object = Vec::new();
        let sealed = plan.run(plain, &mut object, &mut |_| {}).unwrap();
        let path = TargetPath::new(path).unwrap();
        let list = sealed.segments.bytes().to_vec();
        let digest = |digest: sealift_envelope::Digest| FileDigest {
            length: digest.length,
            sha256: digest.sha256,
        };
        let profile = ImageProfile {
            plain: digest(sealed.plain),
            header: Some(digest(sealed.header)),
            segments: Some(Segments {
                alg: SegmentAlgorithm::Blake3,
                size: sealed.segments.size().bytes(),
                length: u64::try_from(list.len()).unwrap(),
                sha256: Sha256::digest(&list).into(),
            }),
            protection: Protection::SealedV1,
            release_counter: counter,
            hardware_ids: [HardwareId::new("hw-camera").unwrap()].into(),
            version: format!("1.{counter}"),
        };
        let binding = Binding::key_file(self.repository_id.to_string(), path.to_string());
        let mut key_file = KeyFile::new(sealed.envelope);
        let stanza = sealift_envelope::wrap(
            plan.content_key(),
            &self.kek.public(),
            &sealed.envelope,
            &binding,
            &mut self.rng,
        );
        key_file.add(stanza.unwrap()).unwrap();
        let keys = paths::key_file(&path, &sealed.sealed.sha256).unwrap();
        upload_bytes(&self.store, keys, &key_file.encode()).await.unwrap();
        let segments = paths::segments(&Sha256::digest(&list).into()).unwrap();
        upload_bytes(&self.store, segments, &list).await.unwrap();
        self.list(path, plain, object, profile).await
    }

    /// Publishes an image without protection for the hardware of the camera.
    pub async fn publish_plain(&mut self, path: &str, plain: &[u8], counter: u64) -> Image {
        let digest = FileDigest {
            length: u64::try_from(plain.len()).unwrap(),
            sha256: Sha256::digest(plain).into(),
        };
        let profile = ImageProfile {
            plain: digest,
            header: None,
            segments: None,
            protection: Protection::None,
            release_counter: counter,
            hardware_ids: [HardwareId::new("hw-camera").unwrap()].into(),
            version: format!("1.{counter}"),
        };
        self.list(TargetPath::new(path).unwrap(), plain, plain.to_vec(), profile)
            .await
    }

    /// Uploads an object and lists it.
    pub async fn list(
        &mut self,
        path: TargetPath,
        plain: &[u8],
        object: Vec<u8>,
        profile: ImageProfile,
    ) -> Image {
        let sha256: [u8; 32] = Sha256::digest(&object).into();
        upload_bytes(&self.store, paths::target(&path, &sha256).unwrap(), &object)
            .await
            .unwrap();
        let file = TargetFile {
            length: u64::try_from(object.len()).unwrap(),
            hashes: sha256.into(),
            custom: Some(serde_json::json!({ImageProfile::FIELD: profile.to_value()})),
        };
        let change = vec![Operation::Replace {
            path: path.clone(),
            file,
        }];
        self.publisher.publish(&change, self.clock.time()).await.unwrap();
        Image {
            path,
            plain: plain.to_vec(),
            object,
            profile,
            sha256,
        }
    }

    /// A registered vehicle.
    pub async fn vehicle(&self, id: &str) -> TestVehicle {
        let vehicle = TestVehicle::new(id);
        self.register(&vehicle).await.ok();
        vehicle
    }

    pub async fn register(&self, vehicle: &TestVehicle) -> Answer {
        let body = serde_json::to_value(vehicle.registration()).unwrap();
        self.operator(Method::POST, "/api/v1/vehicles", Some(body)).await
    }

    pub async fn assign(&self, vehicle: &TestVehicle, ecu: usize, target: &str) -> Answer {
        let path = format!(
            "/api/v1/vehicles/{}/ecus/{}/assignment",
            vehicle.id, vehicle.ecus[ecu].serial
        );
        self.operator(Method::PUT, &path, Some(serde_json::json!({ "target": target })))
            .await
    }

    /// A request to the operators' listener with the all-scopes token.
    pub async fn operator(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.operator_as(&self.token, method, path, body).await
    }

    pub async fn operator_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {token}"));
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        Answer::of(
            self.operators
                .clone()
                .oneshot(request.body(body).unwrap())
                .await
                .unwrap(),
        )
        .await
    }

    /// A request to the vehicles' listener with this vehicle's certificate.
    pub async fn ask(&self, vehicle: &TestVehicle, request: Request<Body>) -> Answer {
        Answer::of(self.ask_open(vehicle, request).await).await
    }

    /// As `ask`, with the body still to be read.
    pub async fn ask_open(&self, vehicle: &TestVehicle, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(Arc::clone(&vehicle.peer));
        self.vehicles.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, vehicle: &TestVehicle, path: &str) -> Answer {
        self.ask(vehicle, Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn put_manifest(&self, vehicle: &TestVehicle, bytes: Vec<u8>) -> Answer {
        let request = Request::put("/director/manifest").header("content-type", "application/json");
        self.ask(vehicle, request.body(Body::from(bytes)).unwrap()).await
    }

    /// The operator's view of a vehicle.
    pub async fn show(&self, vehicle: &TestVehicle) -> sealift_wire::Vehicle {
        let answer = self
            .operator(Method::GET, &format!("/api/v1/vehicles/{}", vehicle.id), None)
            .await
            .ok();
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Kinds of recorded events about a vehicle, newest first.
    pub async fn events(&self, vehicle: &TestVehicle) -> Vec<String> {
        let events = self.parts.db.events(vehicle.id.as_str(), 50).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}
