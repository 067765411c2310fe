//! A provisioned vehicle with two ECUs, and both sides of its server.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::{Timestamp, ToSpan};
use sealift_envelope::{
    Binding, KeyBox, PrivateKey, RecipientKey, SealParams, SealPlan, SegmentAlg, SegmentHasher, SegmentList,
    SegmentSize,
};
use sealift_metadata::uptane::{
    DirectedEcu, Direction, FileDigest, ImageProfile, KeyBoxRef, SegmentAlgorithm, Segments,
};
use sealift_metadata::{
    EcuSerial, FileSigner, HardwareId, KeyType, RepositoryId, Signer, TargetFile, TargetPath,
};
use sealift_vehicle::cycle::OpenError;
use sealift_vehicle::ecu_state::EcuState;
use sealift_vehicle::lock::LockError;
use sealift_vehicle::transport::Policy;
use sealift_vehicle::{
    CycleError, DemoKeys, FileInstaller, Installer, Layout, Outcome, Surroundings, Vehicle,
};
use serde_json::json;
use tempfile::TempDir;

use super::profile::{HARDWARE, profile};
use super::repo::Repo;
use super::rng::SameBytes;
use super::{CAMERA, FakeWorld, GATEWAY, Recorder, Server};

pub(crate) const VEHICLE: &str = "VIN-0001";

/// Kind of the ECUs' sealing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealing {
    P256,
    Rsa,
    XWing,
}

#[derive(Debug)]
pub(crate) struct Fleet {
    dir: TempDir,
    started: Timestamp,
    pub(crate) image: Repo,
    pub(crate) director: Repo,
    pub(crate) server: Server,
    pub(crate) world: FakeWorld,
    pub(crate) recorder: Recorder,
    /// Listed in the Image repository; `publish_image` signs it.
    pub(crate) listed: BTreeMap<TargetPath, TargetFile>,
    /// Listed by the Director; `publish_director` signs it.
    pub(crate) directed: BTreeMap<TargetPath, TargetFile>,
    /// The vehicle id in the Director's documents.
    pub(crate) named_vehicle: String,
    plans: BTreeMap<TargetPath, SealPlan>,
    recipients: BTreeMap<String, RecipientKey>,
    installer: Box<dyn Installer>,
    rng: SameBytes,
}

impl Fleet {
    pub(crate) fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    fn expires(&self) -> Timestamp {
        self.started + (24 * 7).hours()
    }

    /// A vehicle provisioned with empty repositories.
    pub(crate) async fn new(sealing: Sealing) -> Self {
        Self::at(Self::now(), sealing).await
    }

    /// The same at another time.
    pub(crate) async fn at(now: Timestamp, sealing: Sealing) -> Self {
        let mut rng = SameBytes::new();
        let roots_expire = now + (24 * 365).hours();
        let image = Repo::new(&mut rng, roots_expire).await;
        let director = Repo::new(&mut rng, roots_expire).await;
        let dir = tempfile::tempdir().unwrap();
        let installer = Box::new(FileInstaller::new(Layout::new(dir.path())));
        let mut fleet = Self {
            dir,
            image,
            director,
            server: Server::default(),
            started: now,
            world: FakeWorld::new(now),
            recorder: Recorder::new(),
            listed: BTreeMap::new(),
            directed: BTreeMap::new(),
            named_vehicle: VEHICLE.to_owned(),
            plans: BTreeMap::new(),
            recipients: BTreeMap::new(),
            installer,
            rng,
        };
        fleet.publish_image().await;
        fleet.publish_director().await;
        fleet.provision(sealing);
        fleet
    }

    fn provision(&mut self, sealing: Sealing) {
        for (name, repo) in [("director", &self.director), ("image", &self.image)] {
            let dir = self.path(&format!("trust/{name}"));
            fs::create_dir_all(&dir).unwrap();
            for (file, bytes) in repo.trust() {
                fs::write(dir.join(file), bytes).unwrap();
            }
        }
        fs::create_dir_all(self.path("keys")).unwrap();
        let mut toml = format!(
            "vehicle_id = \"{VEHICLE}\"\nserver_url = \"https://ota.example\"\nrepository_id = \"{}\"\ntime_floor = \"{}\"\n",
            self.repository_id(),
            self.started - 24.hours(),
        );
        for (serial, kind) in [(GATEWAY, KeyType::Ed25519), (CAMERA, KeyType::P256)] {
            let signing = FileSigner::generate(kind, &mut self.rng).unwrap();
            let key = match sealing {
                Sealing::P256 => PrivateKey::generate_p256(&mut self.rng),
                Sealing::Rsa => PrivateKey::generate_rsa(&mut self.rng, 3072).unwrap(),
                Sealing::XWing => PrivateKey::generate_x_wing(&mut self.rng).unwrap(),
            };
            let pem = signing.to_pkcs8_pem(None, &mut self.rng).unwrap();
            fs::write(self.path(&format!("keys/{serial}.signing.pem")), pem).unwrap();
            let pem = key.to_pkcs8_pem(None, &mut self.rng).unwrap();
            fs::write(self.path(&format!("keys/{serial}.sealing.pem")), pem).unwrap();
            EcuState::found(&self.layout().ecu_state(serial)).unwrap();
            self.server.register(serial, signing.public().clone());
            self.recipients.insert(serial.to_owned(), key.public());
            toml += &format!(
                "[[ecu]]\nserial = \"{serial}\"\nhardware_id = \"{HARDWARE}\"\nprimary = {}\nrequire_sealed = {}\n\
                 signing_key = \"keys/{serial}.signing.pem\"\nsealing_key = \"keys/{serial}.sealing.pem\"\n\
                 install_path = \"installed/{serial}.img\"\n",
                serial == GATEWAY,
                serial == CAMERA,
            );
        }
        fs::write(self.path("vehicle.toml"), toml).unwrap();
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.dir.path())
    }

    /// What the ECU runs.
    pub(crate) fn installed(&self, serial: &str) -> Option<Vec<u8>> {
        fs::read(self.path(&format!("installed/{serial}.img"))).ok()
    }

    /// Names of all files in `state/download` and of staging files beside installed images.
    pub(crate) fn left_overs(&self) -> Vec<String> {
        let mut names = Vec::new();
        for dir in ["state/download", "installed"] {
            for entry in fs::read_dir(self.path(dir)).into_iter().flatten() {
                names.push(entry.unwrap().file_name().into_string().unwrap());
            }
        }
        names.retain(|name| !name.ends_with(".img"));
        names.sort();
        names
    }

    fn repository_id(&self) -> RepositoryId {
        RepositoryId::of_root(self.image.first_root())
    }

    pub(crate) async fn publish_image(&mut self) {
        self.publish_image_until(self.expires()).await;
    }

    pub(crate) async fn publish_image_until(&mut self, expires: Timestamp) {
        self.image.publish(&self.listed, None, expires).await;
        for (name, bytes) in &self.image.files {
            self.server.put(format!("/repo/{name}"), bytes.clone());
        }
    }

    pub(crate) async fn publish_director(&mut self) {
        self.publish_director_until(self.expires()).await;
    }

    pub(crate) async fn publish_director_until(&mut self, expires: Timestamp) {
        let custom = json!({"vehicle_id": self.named_vehicle});
        self.director.publish(&self.directed, Some(custom), expires).await;
        for (name, bytes) in &self.director.files {
            self.server.put(format!("/director/{name}"), bytes.clone());
        }
    }

    /// Seals `plain` and lists it.
    pub(crate) async fn release(&mut self, path: &str, plain: &[u8], counter: u64) {
        let params = SealParams {
            plain_length: Some(u64::try_from(plain.len()).unwrap()),
            segment_size: SegmentSize::MIN,
            ..SealParams::default()
        };
        let plan = SealPlan::new(params, &mut self.rng).unwrap();
        let mut bytes = Vec::new();
        let sealed = plan.run(plain, &mut bytes, &mut |_| {}).unwrap();
        let segments = self.serve_segments(&sealed.segments);
        let digest = |digest: sealift_envelope::Digest| FileDigest {
            length: digest.length,
            sha256: digest.sha256,
        };
        let profile = profile(
            digest(sealed.plain),
            Some(digest(sealed.header)),
            Some(segments),
            counter,
        );
        self.list(path, bytes, profile).await;
        self.plans.insert(TargetPath::new(path).unwrap(), plan);
    }

    /// Lists `plain` without protection.
    pub(crate) async fn release_plain(&mut self, path: &str, plain: &[u8], counter: u64) {
        let digest = sealift_envelope::Digest::of(plain);
        let plain_digest = FileDigest {
            length: digest.length,
            sha256: digest.sha256,
        };
        self.list(path, plain.to_vec(), profile(plain_digest, None, None, counter))
            .await;
    }

    /// Serves a segment list of `bytes`.
    pub(crate) fn segments_of(&self, bytes: &[u8]) -> Segments {
        let mut hasher = SegmentHasher::new(SegmentAlg::Blake3, SegmentSize::MIN);
        hasher.push(bytes).unwrap();
        self.serve_segments(&hasher.finish().unwrap())
    }

    fn serve_segments(&self, list: &SegmentList) -> Segments {
        let digest = list.digest();
        self.server.put(
            format!("/repo/segments/{}", hex::encode(digest.sha256)),
            list.bytes().to_vec(),
        );
        let (alg, size) = (SegmentAlgorithm::Blake3, SegmentSize::MIN.bytes());
        Segments {
            alg,
            size,
            length: digest.length,
            sha256: digest.sha256,
        }
    }

    /// Stores `bytes` and lists them under `profile`, whatever it says.
    pub(crate) async fn list(&mut self, path: &str, bytes: Vec<u8>, profile: ImageProfile) {
        let path = TargetPath::new(path).unwrap();
        let digest = sealift_envelope::Digest::of(&bytes);
        self.server.put(
            format!("/repo/targets/{}", path.store_name(&digest.sha256)),
            bytes,
        );
        let custom = Some(json!({ImageProfile::FIELD: profile.to_value()}));
        let file = TargetFile {
            length: digest.length,
            hashes: digest.sha256.into(),
            custom,
        };
        self.listed.insert(path, file);
        self.publish_image().await;
    }

    /// Where the object of a listed target is on the server.
    pub(crate) fn object(&self, path: &str) -> String {
        let path = TargetPath::new(path).unwrap();
        format!(
            "/repo/targets/{}",
            path.store_name(self.entry(&path).object_digest().unwrap())
        )
    }

    /// Directs the listed target to `serial` and nothing else to anyone.
    pub(crate) async fn assign(&mut self, serial: &str, path: &str) {
        self.directed.clear();
        self.direct(serial, path, VEHICLE, serial);
        self.publish_director().await;
    }

    /// Adds a direction whose key box is for `box_vehicle` and `box_serial`.
    pub(crate) fn direct(&mut self, serial: &str, path: &str, box_vehicle: &str, box_serial: &str) {
        let path = TargetPath::new(path).unwrap();
        let key_box = self
            .key_box(&path, box_vehicle, box_serial)
            .map(KeyBoxRef::Inline);
        self.direct_with(serial, path.as_str(), key_box);
    }

    /// Adds a direction with this key box.
    pub(crate) fn direct_with(&mut self, serial: &str, path: &str, key_box: Option<KeyBoxRef>) {
        let path = TargetPath::new(path).unwrap();
        let mut file = self.entry(&path).clone();
        let ecu = DirectedEcu {
            hardware_id: HardwareId::new(HARDWARE).unwrap(),
            key_box,
        };
        let ecus = BTreeMap::from([(EcuSerial::new(serial).unwrap(), ecu)]);
        if let Some(custom) = &mut file.custom {
            custom[Direction::FIELD] = Direction { ecus, url: None }.to_value();
        }
        self.directed.insert(path, file);
    }

    /// The content key of a sealed target, wrapped for an ECU of a vehicle.
    pub(crate) fn key_box(&mut self, path: &TargetPath, vehicle: &str, serial: &str) -> Option<Vec<u8>> {
        let plan = self.plans.get(path)?;
        let binding = Binding::key_box(
            RepositoryId::of_root(self.image.first_root()).as_str(),
            path.as_str(),
            vehicle,
            serial,
        );
        let (key, digest) = (plan.content_key(), plan.envelope_digest());
        Some(
            KeyBox::create(key, &self.recipients[serial], &digest, &binding, &mut self.rng)
                .unwrap()
                .encode(),
        )
    }

    pub(crate) fn set_installer(&mut self, installer: impl Installer + 'static) {
        self.installer = Box::new(installer);
    }

    pub(crate) fn repair_installer(&mut self) {
        self.installer = Box::new(FileInstaller::new(self.layout()));
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            fetch: &self.server,
            world: &self.world,
            observer: &self.recorder,
            installer: self.installer.as_ref(),
            policy: Policy::default(),
        }
    }

    /// A process that works on the directory.
    ///
    /// Tests that start programs fork this process, and until the child has become another program it holds copies of
    /// all locks; so "busy" is asked again for a while.
    pub(crate) fn open(&self) -> Vehicle {
        for _ in 0..1_000_000 {
            match Vehicle::open(self.layout(), DemoKeys::Refuse) {
                Err(OpenError::Lock(LockError::Busy)) => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
        panic!("the directory stays locked");
    }

    /// One cycle of a running process.
    pub(crate) async fn cycle_of(&self, vehicle: &Vehicle) -> Result<Outcome, CycleError> {
        vehicle.cycle(self.surroundings()).await
    }

    /// One cycle of a fresh process.
    pub(crate) async fn cycle(&self) -> Result<Outcome, CycleError> {
        self.cycle_of(&self.open()).await
    }

    /// One cycle that must be refused, and its attack code.
    pub(crate) async fn refused(&self) -> &'static str {
        let error = self.cycle().await.unwrap_err();
        error
            .attack()
            .unwrap_or_else(|| panic!("not refused but: {error:?}"))
    }

    /// A cycle that dies after `events` events; `None` if it did, otherwise how it ended.
    pub(crate) async fn cycle_killed_after(&self, events: usize) -> Option<Result<Outcome, CycleError>> {
        self.recorder.kill_after(events);
        let vehicle = self.open();
        let ended = tokio::select! {
            biased;
            ended = self.cycle_of(&vehicle) => Some(ended),
            () = self.recorder.killed() => None,
        };
        self.recorder.kill_after(usize::MAX);
        ended
    }
}
