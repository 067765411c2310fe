//! A repository of many small images, made in a second: sealed here, put in place, and listed in one publication.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sealift_envelope::{
    Binding, Digest, Header, KeyFile, PrivateKey, SealParams, SealPlan, UnwrapKey, open, wrap,
};
use sealift_metadata::ids::{HardwareId, RepositoryId};
use sealift_metadata::targets::{TargetFile, TargetPath};
use sealift_metadata::time::{TimeSource, TrustedTime};
use sealift_metadata::trust::TrustStore;
use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_metadata::{FileSigner, Signer};
use sealift_repository::{Change, Lifetimes, Operation, Publisher, RepositoryUrl, Signers, TargetMap};
use sealift_tests::process::{Program, Run};
use sealift_tests::rng::{SeededRng, image};
use sealift_tests::tree::walk;
use sealift_tests::world::World;
use serde_json::json;

/// The repository, and what was sealed into it.
pub(super) struct Fleet {
    pub(super) world: World,
    images: Vec<Image>,
    repository_id: String,
}

struct Image {
    path: TargetPath,
    plain: Vec<u8>,
    object: PathBuf,
    key_file: PathBuf,
}

impl Fleet {
    /// So many images for `keys/kek.pem`, the last `removed` of them no longer listed, also by name; and `keys/new.pem`.
    pub(super) fn new(count: usize, removed: usize) -> Self {
        let world = World::new();
        let create = ["kek", "create", "--unencrypted", "--out", "keys/new.pem"];
        let _ = world.sealift().args(create).run().ok();
        let root = fs::read(world.path("keys/1.root.json")).unwrap();
        let mut fleet = Self {
            world,
            images: Vec::new(),
            repository_id: RepositoryId::of_root(&root).as_str().to_owned(),
        };
        let kek = fleet.key("keys/kek.pem");
        let mut rng = SeededRng::new("fleet");
        let listed: Vec<_> = (0..count)
            .map(|number| {
                let folder = match number + removed < count {
                    true => format!("ecu/line-{}", number % 7),
                    false => "gone".to_owned(),
                };
                fleet.image(number, &folder, &kek, &mut rng)
            })
            .collect();
        let gone = listed.iter().rev().take(removed);
        let gone: Vec<_> = gone
            .map(|(path, _)| Operation::Remove { path: path.clone() })
            .collect();
        let add = listed.into_iter();
        let add: Vec<_> = add.map(|(path, file)| Operation::Add { path, file }).collect();
        fleet.publish(&root, &add);
        if removed > 0 {
            fleet.publish(&root, &gone);
        }
        fleet
    }

    /// A private key of the world.
    pub(super) fn key(&self, name: &str) -> PrivateKey {
        let pem = fs::read_to_string(self.world.path(name)).unwrap();
        PrivateKey::from_pkcs8_pem(&pem, None).unwrap()
    }

    fn image(
        &mut self,
        number: usize,
        folder: &str,
        kek: &PrivateKey,
        rng: &mut SeededRng,
    ) -> (TargetPath, TargetFile) {
        let path = TargetPath::new(format!("{folder}/{number:04}.img")).unwrap();
        let plain = image(path.as_str(), 100 + number);
        let params = SealParams {
            plain_length: Some(plain.len() as u64),
            ..SealParams::default()
        };
        let plan = SealPlan::new(params, rng).unwrap();
        let mut bytes = Vec::new();
        let sealed = plan.run(plain.as_slice(), &mut bytes, &mut |_| {}).unwrap();
        let digest = plan.envelope_digest();
        let mut keys = KeyFile::new(digest);
        let binding = Binding::key_file(&self.repository_id, path.as_str());
        keys.add(wrap(plan.content_key(), &kek.public(), &digest, &binding, rng).unwrap())
            .unwrap();

        let name = path.store_name(&sealed.sealed.sha256);
        let tree = self.world.tree();
        let object = tree.served().join("targets").join(&name);
        let key_file = tree.private().join("keys").join(format!("{name}.keys"));
        let list = sealed.segments.digest();
        let segments = tree.served().join("segments").join(hex::encode(list.sha256));
        let list_bytes = sealed.segments.bytes().to_vec();
        for (path, bytes) in [
            (&object, bytes),
            (&key_file, keys.encode()),
            (&segments, list_bytes),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        self.images.push(Image {
            path: path.clone(),
            plain,
            object,
            key_file,
        });
        let profile = ImageProfile {
            plain: file_digest(&sealed.plain),
            header: Some(file_digest(&sealed.header)),
            segments: Some(Segments {
                alg: SegmentAlgorithm::Blake3,
                size: sealed.segments.size().bytes(),
                length: list.length,
                sha256: list.sha256,
            }),
            protection: Protection::SealedV1,
            release_counter: 1,
            hardware_ids: BTreeSet::from([HardwareId::new("hw").unwrap()]),
            version: "1.0".to_owned(),
        };
        let file = TargetFile {
            length: sealed.sealed.length,
            hashes: sealed.sealed.sha256.into(),
            custom: Some(json!({ImageProfile::FIELD: profile.to_value()})),
        };
        (path, file)
    }

    fn publish(&self, root: &[u8], operations: &[Operation]) {
        let signer = |name: &str| -> Vec<Arc<dyn Signer>> {
            let pem = fs::read_to_string(self.world.path(&format!("keys/{name}.pem"))).unwrap();
            vec![Arc::new(FileSigner::from_pem(&pem, None).unwrap())]
        };
        let signers = Signers {
            targets: signer("targets"),
            snapshot: signer("snapshot"),
            timestamp: signer("timestamp"),
        };
        let trust = TrustStore {
            root: root.to_vec(),
            ..TrustStore::default()
        };
        let store = RepositoryUrl::parse(self.world.repository())
            .unwrap()
            .open()
            .unwrap();
        let mut publisher = Publisher::new(store, trust, signers, Lifetimes::default());
        // The instant at which the tool made the repository a moment ago: its timestamp holds for a day.
        let expires = self.world.tree().metadata("timestamp.json")["signed"]["expires"].clone();
        let expires: Timestamp = expires.as_str().unwrap().parse().unwrap();
        let now = TrustedTime::new(expires - SignedDuration::from_hours(24), TimeSource::SystemClock);
        let change = |targets: &mut TargetMap| operations.apply(targets);
        let published = self.world.block_on(publisher.publish(&change, now)).unwrap();
        assert!(published.changed);
    }

    /// `kek rotate` from the old key to the new one, which tells every file.
    pub(super) fn rotate(&self) -> Program {
        self.world
            .kek_rotate("keys/kek.pem", "keys/new.pub.pem")
            .arg("--json")
    }

    /// Key files in the order in which they are gone through.
    pub(super) fn key_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = self.images.iter().map(|image| image.key_file.clone()).collect();
        // By the path as text, as the store orders them.
        files.sort_by_key(|path| path.display().to_string());
        files
    }

    /// Everything that is served, with its bytes.
    pub(super) fn served(&self) -> Vec<(PathBuf, Vec<u8>)> {
        bytes_of(&self.world.tree().served())
    }

    /// How many key files have a wrap for this key.
    pub(super) fn with_wrap_for(&self, key: &PrivateKey) -> usize {
        let has = |image: &&Image| {
            let file = KeyFile::parse(&fs::read(&image.key_file).unwrap()).unwrap();
            file.stanzas()
                .iter()
                .any(|stanza| stanza.key_id() == key.key_id())
        };
        self.images.iter().filter(has).count()
    }

    /// How many images open with this key, to the byte.
    pub(super) fn opened_with(&self, key: &PrivateKey) -> usize {
        self.images.iter().filter(|image| self.opens(image, key)).count()
    }

    fn opens(&self, image: &Image, key: &PrivateKey) -> bool {
        let file = KeyFile::parse(&fs::read(&image.key_file).unwrap()).unwrap();
        let binding = Binding::key_file(&self.repository_id, image.path.as_str());
        let sealed = fs::read(&image.object).unwrap();
        let mut plain = Vec::new();
        let find = |_: &Header| file.unwrap_with(key, &binding);
        match open(sealed.as_slice(), &mut plain, find, &mut |_| {}) {
            Ok(_) => {
                assert!(plain == image.plain, "{} opened to other bytes", image.path);
                true
            }
            Err(_) => false,
        }
    }
}

/// Every file below a directory, with its bytes.
pub(super) fn bytes_of(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = walk(dir).into_iter();
    files
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// A number of the summary.
#[track_caller]
pub(super) fn sum(run: &Run, field: &str) -> u64 {
    let events = run.events();
    let last = events.last().unwrap();
    last[field].as_u64().unwrap_or_else(|| panic!("{field}: {last}"))
}

fn file_digest(digest: &Digest) -> FileDigest {
    FileDigest {
        length: digest.length,
        sha256: digest.sha256,
    }
}
