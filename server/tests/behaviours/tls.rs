//! The listeners over real TLS: who gets in, and what they see.

use crate::kit::{Ground, TestRng, TestVehicle, World, config};
use jiff::SignedDuration;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sealift_server::ambient::Entropy;
use sealift_server::db::SqliteInventory;
use sealift_server::run::serve;
use sealift_server::stage::NewToken;
use sealift_wire::{Problem, ProblemKind, ReadyFile, Scope, VehicleRegistration};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A CA that signs for this test.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

struct Leaf {
    pem: String,
    key: String,
    certificate: rcgen::Certificate,
}

impl Ca {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn leaf(&self, name: SanType) -> Leaf {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.subject_alt_names.push(name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf {
            pem: certificate.pem(),
            key: key.serialize_pem(),
            certificate,
        }
    }

    fn vehicle(&self, id: &str) -> Leaf {
        self.leaf(SanType::URI(
            format!("urn:sealift:vehicle:{id}").as_str().try_into().unwrap(),
        ))
    }
}

pub(crate) struct Running {
    pub(crate) at: ReadyFile,
    server_ca: String,
    fleet: Ca,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        Self::configured("").await
    }

    /// A server with more lines in its configuration.
    pub(crate) async fn configured(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Ground::clock();
        Ground::make(dir.path(), &clock).await;
        let (server, fleet) = (Ca::new(), Ca::new());
        let leaf = server.leaf(SanType::IpAddress([127, 0, 0, 1].into()));
        let tls = dir.path().join("data/tls");
        std::fs::create_dir_all(&tls).unwrap();
        let write = |name: &str, text: &str| std::fs::write(tls.join(name), text).unwrap();
        write("server.pem", &leaf.pem);
        write("server.key.pem", &leaf.key);
        write("client-ca.pem", &fleet.pem);
        let config = config(dir.path(), more);
        let entropy = Entropy::new(TestRng::new("server"));
        let db = SqliteInventory::open(&config.database_url).await.unwrap();
        let lifetime = SignedDuration::from_hours(1);
        let token = NewToken::create(&db, &entropy, "t", &Scope::ALL, lifetime, clock.now())
            .await
            .unwrap();
        db.close().await;
        let ready = dir.path().join("ready.json");
        let (stop, stopped) = oneshot::channel::<()>();
        let (path, now) = (ready.clone(), clock.clock());
        let task = tokio::spawn(async move {
            serve(config, Some(&path), now, entropy, async { drop(stopped.await) })
                .await
                .unwrap();
        });
        Self {
            at: wait_for(ready).await,
            server_ca: server.pem,
            fleet,
            token: token.text.to_string(),
            stop: Some(stop),
            task,
            _dir: dir,
        }
    }

    fn client(&self, identity: Option<&Leaf>) -> reqwest::Client {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(self.server_ca.as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([ca])
            .timeout(Duration::from_secs(20));
        if let Some(leaf) = identity {
            let pem = format!("{}{}", leaf.key, leaf.pem);
            builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
        }
        builder.build().unwrap()
    }

    /// What somebody brings who knows the server and has no certificate.
    pub(crate) fn stranger(&self) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.server_ca.as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        tls
    }

    fn vehicle_url(&self, path: &str) -> String {
        format!("https://{}{path}", self.at.vehicles)
    }

    async fn register(&self, registration: &VehicleRegistration) {
        let url = format!("https://{}/api/v1/vehicles", self.at.operators);
        let answer = self
            .client(None)
            .post(url)
            .bearer_auth(&self.token)
            .json(registration)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }

    pub(crate) async fn finish(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
    }
}

async fn wait_for(path: PathBuf) -> ReadyFile {
    for _ in 0..2000 {
        if let Some(ready) = read(&path) {
            return ready;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server did not become ready");
}

fn read(path: &Path) -> Option<ReadyFile> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// U-5.3.2.1-2: among the others a good certificate of the fleet that is not in the inventory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_certificate_is_served_and_every_other_is_not() {
    let running = Running::start().await;
    let leaf = running.fleet.vehicle("v1");
    let vehicle = TestVehicle::with_certificate("v1", &leaf.certificate);
    running.register(&vehicle.registration()).await;
    let url = running.vehicle_url("/director/timestamp.json");
    let answer = running.client(Some(&leaf)).get(&url).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, http::Version::HTTP_2)
    );

    // A good certificate of the fleet that nobody registered.
    let other = running.fleet.vehicle("v2");
    let answer = running.client(Some(&other)).get(&url).send().await.unwrap();
    let problem: Problem = answer.json().await.unwrap();
    assert_eq!(problem.kind(), Some(ProblemKind::CertificateRefused));

    // No certificate, or one of another CA, does not get past the handshake.
    assert!(running.client(None).get(&url).send().await.is_err());
    let stranger = Ca::new().vehicle("v1");
    assert!(running.client(Some(&stranger)).get(&url).send().await.is_err());

    let telemetry = format!("http://{}", running.at.telemetry);
    let client = running.client(None);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            client
                .get(format!("{telemetry}{path}"))
                .send()
                .await
                .unwrap()
                .status(),
            200,
            "{path}"
        );
    }
    let metrics = client
        .get(format!("{telemetry}/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(metrics.contains("sealift_requests_total"), "{metrics}");
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_holds_on_a_connection_that_is_open() {
    let running = Running::start().await;
    let leaf = running.fleet.vehicle("v1");
    let vehicle = TestVehicle::with_certificate("v1", &leaf.certificate);
    running.register(&vehicle.registration()).await;
    let client = running.client(Some(&leaf));
    let url = running.vehicle_url("/repo/timestamp.json");
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    let revoke = format!("https://{}/api/v1/vehicles/v1/revoke", running.at.operators);
    running
        .client(None)
        .post(revoke)
        .bearer_auth(&running.token)
        .send()
        .await
        .unwrap();
    let problem: Problem = client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(problem.kind(), Some(ProblemKind::VehicleRevoked));
    running.finish().await;
}

#[tokio::test]
async fn readiness_needs_the_store() {
    use axum::body::Body;
    use tower::ServiceExt;
    let mut hammer = None;
    let world = World::build("", |store| {
        let (broken, hand) = crate::kit::BreakingStore::around(store);
        hammer = Some(hand);
        broken
    })
    .await;
    let ask = |path: &'static str| {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        world.telemetry.clone().oneshot(request)
    };
    assert_eq!(ask("/readyz").await.unwrap().status(), 200);
    hammer.unwrap().take_down();
    assert_eq!(ask("/readyz").await.unwrap().status(), 503);
    assert_eq!(ask("/healthz").await.unwrap().status(), 200);
}
