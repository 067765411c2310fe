//! A genuine Image repository with a history, the same in every run: two roots, three generations of everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use chacha20::ChaCha20Rng;
use jiff::Timestamp as Instant;
use rand_core::SeedableRng as _;
use sealift_metadata::authoring::{RootDraft, next_snapshot, next_targets, next_timestamp};
use sealift_metadata::document::{Document, Role};
use sealift_metadata::manifest::{EcuReport, VehicleManifest, sign_manifest, sign_report};
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::trust::TrustStore;
use sealift_metadata::{
    EcuSerial, FileSigner, KeyType, PublicKey, Signer, Snapshot, TargetFile, TargetPath, Targets, TimeSource,
    Timestamp, TrustedTime, VehicleId, canonical, json,
};

/// Generations of targets, snapshot and timestamp.
pub(crate) const GENERATIONS: usize = 3;

/// Everything genuine.
pub(crate) struct World {
    /// Documents by the name under which the repository serves them, timestamps as `N.timestamp.json`.
    pub(crate) documents: BTreeMap<String, Vec<u8>>,
    /// The canonical signed parts of all of them; each names its own role.
    signed: BTreeSet<Vec<u8>>,
    /// What a client may hold, from the first root alone to the newest of everything.
    pub(crate) stores: Vec<TrustStore>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) ecu_keys: BTreeMap<EcuSerial, PublicKey>,
}

impl World {
    /// The document that this client request means in generation `generation` (from 1).
    pub(crate) fn answer(&self, name: &str, generation: usize) -> Option<&Vec<u8>> {
        if name == "timestamp.json" {
            return self.documents.get(&format!("{generation}.timestamp.json"));
        }
        self.documents.get(name)
    }

    /// Whether some genuine document has exactly this signed part.
    pub(crate) fn signed<R: Role>(&self, document: &Document<R>) -> bool {
        self.signed.contains(&document.canonical())
    }
}

/// The instant of every refresh.
pub(crate) fn now() -> TrustedTime {
    TrustedTime::new(instant("2026-06-01T00:00:00Z"), TimeSource::Attested)
}

/// The world, made once in a process.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| ready(make()))
}

fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Signers that hold their key in memory never wait.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a key in memory made us wait"),
    }
}

async fn make() -> World {
    let mut rng = ChaCha20Rng::from_seed(*b"sealift fuzz trust: no security!");
    let mut signer = |kind| FileSigner::generate(kind, &mut rng).unwrap();
    let (root, targets, snapshot) = (
        signer(KeyType::Ed25519),
        signer(KeyType::P256),
        signer(KeyType::Ed25519),
    );
    let (old_timestamp, timestamp) = (signer(KeyType::Ed25519), signer(KeyType::Ed25519));
    let (primary, secondary) = (signer(KeyType::Ed25519), signer(KeyType::P256));
    let late = instant("2027-01-01T00:00:00Z");
    let mut documents = BTreeMap::new();

    let mut draft = RootDraft::new(late);
    for (role, key) in [
        (RoleName::Root, &root),
        (RoleName::Targets, &targets),
        (RoleName::Snapshot, &snapshot),
        (RoleName::Timestamp, &old_timestamp),
    ] {
        draft.set_role(role, &[key.public().clone()], 1).unwrap();
    }
    let first = draft.sign(&[&root]).await.unwrap();
    let first_root = Document::<Root>::parse(&first).unwrap();
    let mut draft = RootDraft::next(&first_root, late);
    draft
        .set_role(RoleName::Timestamp, &[timestamp.public().clone()], 1)
        .unwrap();
    let second = draft.sign(&[&root]).await.unwrap();
    let second_root = Document::<Root>::parse(&second).unwrap();
    documents.insert("1.root.json".to_owned(), first.clone());
    documents.insert("2.root.json".to_owned(), second.clone());

    let mut stores = vec![TrustStore {
        root: first.clone(),
        ..TrustStore::default()
    }];
    let mut last: Option<(Document<Targets>, Document<Snapshot>, Document<Timestamp>)> = None;
    for (generation, version) in (1..=GENERATIONS).zip(1_u64..) {
        // The first generation has run out by now; its timestamp is signed by the key that the second root revokes.
        let (expires, held, keys, stamp_key) = if generation == 1 {
            (
                instant("2026-05-01T00:00:00Z"),
                &first,
                first_root.role(),
                &old_timestamp,
            )
        } else {
            (late, &second, second_root.role(), &timestamp)
        };
        let previous = last.as_ref();
        let mut draft = next_targets(previous.map(|(targets, ..)| targets), version, late).unwrap();
        let file = TargetFile {
            length: version,
            hashes: [7; 32].into(),
            custom: None,
        };
        draft.put(&TargetPath::new(format!("ecu/app-{version}.img")).unwrap(), &file);
        let signed = draft
            .finish()
            .unwrap()
            .sign(keys.keys(RoleName::Targets), &[&targets])
            .await
            .unwrap();
        let targets_document = Document::<Targets>::parse(&signed).unwrap();
        documents.insert(format!("{version}.targets.json"), signed.clone());

        let draft = next_snapshot(
            previous.map(|(_, snapshot, _)| snapshot),
            &targets_document,
            version,
            late,
        )
        .unwrap();
        let listed = draft
            .sign(keys.keys(RoleName::Snapshot), &[&snapshot])
            .await
            .unwrap();
        let snapshot_document = Document::<Snapshot>::parse(&listed).unwrap();
        documents.insert(format!("{version}.snapshot.json"), listed.clone());

        let stamp = previous.map(|(_, _, timestamp)| timestamp);
        let draft = next_timestamp(stamp, &snapshot_document, version, expires).unwrap();
        let stamped = draft
            .sign(keys.keys(RoleName::Timestamp), &[stamp_key])
            .await
            .unwrap();
        let timestamp_document = Document::<Timestamp>::parse(&stamped).unwrap();
        documents.insert(format!("{version}.timestamp.json"), stamped.clone());

        stores.push(TrustStore {
            root: held.clone(),
            timestamp: Some(stamped),
            snapshot: Some(listed),
            targets: Some(signed),
        });
        last = Some((targets_document, snapshot_document, timestamp_document));
    }
    let manifest = manifest(&primary, &secondary).await;
    let ecu_keys = [("primary", &primary), ("secondary", &secondary)]
        .map(|(serial, key)| (EcuSerial::new(serial).unwrap(), key.public().clone()))
        .into();
    let signed = documents.values().map(|bytes| signed_part(bytes)).collect();
    World {
        documents,
        signed,
        stores,
        manifest,
        ecu_keys,
    }
}

fn signed_part(document: &[u8]) -> Vec<u8> {
    canonical::to_vec(&json::parse_strict(document).unwrap()["signed"])
}

async fn manifest(primary: &FileSigner, secondary: &FileSigner) -> Vec<u8> {
    let vehicle_id = VehicleId::new("vehicle-1").unwrap();
    let mut reports = BTreeMap::new();
    for (serial, key) in [("primary", primary), ("secondary", secondary)] {
        let ecu_serial = EcuSerial::new(serial).unwrap();
        let report = EcuReport {
            ecu_serial: ecu_serial.clone(),
            vehicle_id: vehicle_id.clone(),
            installed: None,
            attacks_detected: vec!["rollback".to_owned()],
            latest_time: now().instant(),
            report_counter: 3,
        };
        reports.insert(ecu_serial, sign_report(&report, key).await.unwrap());
    }
    let manifest = VehicleManifest {
        vehicle_id,
        primary_ecu_serial: EcuSerial::new("primary").unwrap(),
        ecu_version_reports: reports,
    };
    sign_manifest(&manifest, primary).await.unwrap()
}
