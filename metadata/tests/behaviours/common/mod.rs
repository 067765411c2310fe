//! The kit: keys from seeds, a repository whose every document can be bent, and a client that obeys the refresh.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;

use rand_core::{TryCryptoRng, TryRng};
use sealift_metadata::canonical;
use sealift_metadata::root::RoleName;
use sealift_metadata::signer::{FileSigner, Signer};
use sealift_metadata::trust::{
    Limits, Refresh, RepositoryKind, Response, Step, TrustError, TrustStore, TrustedRepository,
};
use sealift_metadata::{EcuSerial, HardwareId, KeyType, TargetPath, TimeSource, TrustedTime, VehicleId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

mod delegating;
mod images;
pub(crate) use delegating::*;
pub(crate) use images::*;

/// The time of every client unless a test says otherwise.
pub(crate) const NOW: &str = "2026-06-01T00:00:00Z";
/// The expiry of every document unless a test says otherwise.
pub(crate) const EXPIRES: &str = "2027-01-01T00:00:00Z";
/// The vehicle of the kit.
pub(crate) const VEHICLE: &str = "VIN-1";

/// SHA-256 in counter mode: deterministic, and no generator for anything but tests.
pub(crate) struct SeededRng(u64, u64);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed, 0)
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = Sha256::digest([self.0.to_le_bytes(), self.1.to_le_bytes()].concat());
            self.1 += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// Runs a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) fn instant(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> TrustedTime {
    TrustedTime::new(instant(text), TimeSource::SystemClock)
}

pub(crate) fn path(text: &str) -> TargetPath {
    TargetPath::new(text).unwrap()
}

pub(crate) fn serial(text: &str) -> EcuSerial {
    EcuSerial::new(text).unwrap()
}

/// The Ed25519 key number `n`.
pub(crate) fn key(n: u64) -> FileSigner {
    FileSigner::generate(KeyType::Ed25519, &mut SeededRng::new(n)).unwrap()
}

/// One entry of `signatures`.
pub(crate) fn signature(signed: &Value, signer: &FileSigner) -> Value {
    let sig = now(signer.sign(&canonical::to_vec(signed))).unwrap();
    json!({"keyid": signer.public().keyid().as_str(), "sig": hex::encode(sig)})
}

/// A document signed by exactly these keys.
pub(crate) fn sign(signed: &Value, signers: &[&FileSigner]) -> Vec<u8> {
    let signatures: Vec<Value> = signers.iter().map(|signer| signature(signed, signer)).collect();
    json!({"signed": signed, "signatures": signatures})
        .to_string()
        .into_bytes()
}

pub(crate) fn meta(version: u64, bytes: &[u8]) -> Value {
    json!({"version": version, "length": bytes.len(), "hashes": {"sha256": hex::encode(Sha256::digest(bytes))}})
}

/// Files by name, as a repository serves them.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A repository written by hand, independent of the authoring module.
pub(crate) struct Repo {
    pub(crate) signers: BTreeMap<RoleName, Vec<u64>>,
    pub(crate) thresholds: BTreeMap<RoleName, u64>,
    pub(crate) docs: BTreeMap<RoleName, Value>,
    pub(crate) files: Files,
}

impl Repo {
    /// Version 1 of everything: one key a role, numbers 1 to 4, no targets.
    pub(crate) fn new() -> Self {
        Self::with_custom(None)
    }

    /// The same as a Director's for a vehicle; keys 11 to 14.
    pub(crate) fn director(vehicle: &str) -> Self {
        let mut repo = Self::with_custom(Some(json!({"vehicle_id": vehicle})));
        for keys in repo.signers.values_mut() {
            keys[0] += 10;
        }
        repo.files.clear();
        repo.root();
        repo.publish();
        repo
    }

    fn with_custom(custom: Option<Value>) -> Self {
        let common = |kind: &str| {
            let mut signed =
                json!({"_type": kind, "spec_version": "1.0.34", "version": 1, "expires": EXPIRES});
            if let (Some(custom), true) = (&custom, kind != "root") {
                signed["custom"] = custom.clone();
            }
            signed
        };
        let mut docs: BTreeMap<_, _> = RoleName::ALL
            .into_iter()
            .map(|role| (role, common(role.as_str())))
            .collect();
        docs.get_mut(&RoleName::Root).unwrap()["consistent_snapshot"] = true.into();
        docs.get_mut(&RoleName::Targets).unwrap()["targets"] = json!({});
        let signers = RoleName::ALL
            .into_iter()
            .zip(1..)
            .map(|(role, n)| (role, vec![n]))
            .collect();
        let thresholds = RoleName::ALL.into_iter().map(|role| (role, 1)).collect();
        let mut repo = Self {
            signers,
            thresholds,
            docs,
            files: Files::new(),
        };
        repo.root();
        repo.publish();
        repo
    }

    pub(crate) fn doc(&mut self, role: RoleName) -> &mut Value {
        self.docs.get_mut(&role).unwrap()
    }

    pub(crate) fn version(&self, role: RoleName) -> u64 {
        self.docs[&role]["version"].as_u64().unwrap()
    }

    pub(crate) fn set_version(&mut self, role: RoleName, version: u64) {
        self.doc(role)["version"] = version.into();
    }

    pub(crate) fn signers_of(&self, role: RoleName) -> Vec<FileSigner> {
        self.signers[&role].iter().map(|n| key(*n)).collect()
    }

    /// A document of a role as it stands, signed by the role's keys.
    pub(crate) fn signed(&self, role: RoleName) -> Vec<u8> {
        let signers = self.signers_of(role);
        sign(&self.docs[&role], &signers.iter().collect::<Vec<_>>())
    }

    /// Writes keys and roles into the root and serves it, signed by the root keys and `also`.
    pub(crate) fn root_signed_also_by(&mut self, also: &[u64]) {
        let (mut keys, mut roles) = (json!({}), json!({}));
        for (role, numbers) in &self.signers {
            let mut keyids = Vec::new();
            for n in numbers {
                let public = key(*n).public().clone();
                keys[public.keyid().as_str()] = public.to_value();
                keyids.push(public.keyid().to_string());
            }
            roles[role.as_str()] = json!({"keyids": keyids, "threshold": self.thresholds[role]});
        }
        let doc = self.doc(RoleName::Root);
        doc["keys"] = keys;
        doc["roles"] = roles;
        self.serve_root(also);
    }

    /// Serves the root as it stands in `docs`.
    pub(crate) fn serve_root(&mut self, also: &[u64]) {
        let mut numbers = self.signers[&RoleName::Root].clone();
        numbers.extend(also.iter().filter(|n| !self.signers[&RoleName::Root].contains(n)));
        let signers: Vec<_> = numbers.iter().map(|n| key(*n)).collect();
        let bytes = sign(&self.docs[&RoleName::Root], &signers.iter().collect::<Vec<_>>());
        self.files
            .insert(format!("{}.root.json", self.version(RoleName::Root)), bytes);
    }

    fn root(&mut self) {
        self.root_signed_also_by(&[]);
    }

    /// The next root, after `change`, signed by the old and the new root keys.
    pub(crate) fn rotate(&mut self, change: impl FnOnce(&mut Self)) {
        let old = self.signers[&RoleName::Root].clone();
        let version = self.version(RoleName::Root) + 1;
        self.set_version(RoleName::Root, version);
        change(self);
        self.root_signed_also_by(&old);
    }

    /// Serves targets, snapshot and timestamp, each naming the one before with length and hash.
    pub(crate) fn publish(&mut self) {
        let targets = self.signed(RoleName::Targets);
        let version = self.version(RoleName::Targets);
        self.doc(RoleName::Snapshot)["meta"]["targets.json"] = meta(version, &targets);
        self.files.insert(format!("{version}.targets.json"), targets);
        self.publish_snapshot();
    }

    /// Serves snapshot and timestamp.
    pub(crate) fn publish_snapshot(&mut self) {
        let snapshot = self.signed(RoleName::Snapshot);
        let version = self.version(RoleName::Snapshot);
        self.doc(RoleName::Timestamp)["meta"] = json!({"snapshot.json": meta(version, &snapshot)});
        self.files.insert(format!("{version}.snapshot.json"), snapshot);
        self.publish_timestamp();
    }

    /// Serves the timestamp.
    pub(crate) fn publish_timestamp(&mut self) {
        let timestamp = self.signed(RoleName::Timestamp);
        self.files.insert("timestamp.json".to_owned(), timestamp);
    }

    /// Raises the versions of targets, snapshot and timestamp by one and serves them.
    pub(crate) fn next(&mut self) {
        for role in [RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp] {
            self.set_version(role, self.version(role) + 1);
        }
        self.publish();
    }

    /// Adds a target.
    pub(crate) fn put(&mut self, name: &str, entry: Value) {
        self.doc(RoleName::Targets)["targets"][name] = entry;
    }

    /// A client that trusts version 1 of the root and nothing else.
    pub(crate) fn client(&self) -> Client {
        Client::new(TrustStore {
            root: self.files["1.root.json"].clone(),
            ..TrustStore::default()
        })
    }

    /// The same for a Director's repository.
    pub(crate) fn vehicle_client(&self) -> Client {
        let ecus = [("ECU-1", "hw-a"), ("ECU-2", "hw-b")];
        let ecus = ecus
            .into_iter()
            .map(|(ecu, hw)| (serial(ecu), HardwareId::new(hw).unwrap()))
            .collect();
        let vehicle_id = VehicleId::new(VEHICLE).unwrap();
        Client {
            kind: RepositoryKind::Director { vehicle_id, ecus },
            limits: Limits::DIRECTOR,
            ..self.client()
        }
    }
}

/// A client with its trust store and a log of what it asked for and stored.
pub(crate) struct Client {
    pub(crate) store: TrustStore,
    pub(crate) kind: RepositoryKind,
    pub(crate) limits: Limits,
    pub(crate) time: TrustedTime,
    pub(crate) log: Vec<String>,
}

impl Client {
    pub(crate) fn new(store: TrustStore) -> Self {
        Self {
            store,
            kind: RepositoryKind::Image,
            limits: Limits::IMAGE,
            time: at(NOW),
            log: Vec::new(),
        }
    }

    /// One whole refresh against these files.
    pub(crate) fn refresh(&mut self, files: &Files) -> Result<TrustedRepository, TrustError> {
        self.log.clear();
        let mut refresh = Refresh::start(self.store.clone(), self.kind.clone(), self.limits, self.time)?;
        loop {
            match refresh.step()? {
                Step::Fetch(request) => {
                    self.log.push(format!("get {}", request.name));
                    refresh.supply(match files.get(&request.name) {
                        Some(bytes) => Response::Found(bytes.clone()),
                        None => Response::NotFound,
                    });
                }
                Step::Store { name, bytes } => {
                    self.log.push(format!("store {name}"));
                    self.set(name, Some(bytes));
                }
                Step::Remove { name } => {
                    self.log.push(format!("remove {name}"));
                    self.set(name, None);
                }
                Step::Done(trusted) => return Ok(*trusted),
            }
        }
    }

    fn set(&mut self, name: &str, bytes: Option<Vec<u8>>) {
        match name {
            "root.json" => self.store.root = bytes.expect("a root is never removed"),
            "timestamp.json" => self.store.timestamp = bytes,
            "snapshot.json" => self.store.snapshot = bytes,
            "targets.json" => self.store.targets = bytes,
            other => panic!("no file {other} in a trust store"),
        }
    }

    /// The code of the refusal of these files; a refused refresh must not have stored the refused document.
    pub(crate) fn refused(&mut self, files: &Files) -> &'static str {
        match self.refresh(files) {
            Ok(_) => panic!("the client accepted what it should refuse"),
            Err(error) => error.code(),
        }
    }

    /// The document and code of a refusal, with what was stored before it.
    pub(crate) fn refusal(&mut self, files: &Files) -> (String, &'static str) {
        match self.refresh(files) {
            Ok(_) => panic!("the client accepted what it should refuse"),
            Err(error) => (error.document().to_owned(), error.code()),
        }
    }
}
