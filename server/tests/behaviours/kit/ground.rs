//! What lies on disk before a server starts, and a clock that is set by hand.

use super::TestRng;
use jiff::{SignedDuration, Timestamp};
use sealift_envelope::PrivateKey;
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::root::RoleName;
use sealift_metadata::time::{TimeSource, TrustedTime};
use sealift_metadata::{FileSigner, KeyType, RepositoryId, Signer};
use sealift_repository::{Lifetimes, Publisher, RepositoryUrl, Signers, Store};
use sealift_server::ambient::Clock;
use sealift_server::config::Config;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that is set by hand.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn advance(&self, by: SignedDuration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub fn time(&self) -> TrustedTime {
        TrustedTime::new(self.now(), TimeSource::SystemClock)
    }

    pub fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::new(move || this.now())
    }
}

/// The configuration of a test server under `dir`.
pub fn config(dir: &Path, more: &str) -> Config {
    let text = format!(
        "data_dir = 'data'\n{}\n[vehicles]\nlisten = '127.0.0.1:0'\n[operators]\nlisten = '127.0.0.1:0'\n\
         [telemetry]\nlisten = '127.0.0.1:0'\n[database]\nurl = 'sqlite://{}'\n",
        if more.contains("[repository]") {
            more.to_owned()
        } else {
            format!("{more}\n{REPOSITORY}")
        },
        dir.join("inventory.db").display(),
    );
    Config::resolve(Config::parse(&text).unwrap(), dir).unwrap()
}

const REPOSITORY: &str = "[repository]\nroot = 'image-root.json'\nsnapshot_key = 'image-snapshot.pem'\n\
    timestamp_key = 'image-timestamp.pem'\n[director]\nroot = 'director/1.root.json'\nkeks = ['kek.pem']\n\
    targets_key = 'director/director-targets.pem'\nsnapshot_key = 'director/director-snapshot.pem'\n\
    timestamp_key = 'director/director-timestamp.pem'\n";

/// What lies on disk before a server starts.
#[derive(Debug)]
pub struct Ground {
    pub store: Store,
    pub publisher: Publisher,
    pub repository_id: RepositoryId,
    pub kek: PrivateKey,
}

impl Ground {
    /// Writes keys, roots and an empty repository under `dir`.
    pub async fn make(dir: &Path, clock: &TestClock) -> Self {
        let mut rng = TestRng::new("ground");
        std::fs::create_dir_all(dir.join("director")).unwrap();
        let mut key = |name: &str| -> Arc<dyn Signer> {
            let signer = FileSigner::generate(KeyType::Ed25519, &mut rng).unwrap();
            std::fs::write(
                dir.join(name),
                signer.to_pkcs8_pem(None, &mut rng).unwrap().as_bytes(),
            )
            .unwrap();
            Arc::new(signer)
        };
        let image = [
            "image-root.pem",
            "image-targets.pem",
            "image-snapshot.pem",
            "image-timestamp.pem",
        ]
        .map(&mut key);
        let director = [
            "director-root.pem",
            "director/director-targets.pem",
            "director/director-snapshot.pem",
            "director/director-timestamp.pem",
        ]
        .map(&mut key);
        let kek = PrivateKey::generate_p256(&mut rng);
        std::fs::write(
            dir.join("kek.pem"),
            kek.to_pkcs8_pem(None, &mut rng).unwrap().as_bytes(),
        )
        .unwrap();
        let expires = clock.now() + SignedDuration::from_hours(24 * 365);
        let image_root = root(&image, expires).await;
        let director_root = root(&director, expires).await;
        std::fs::write(dir.join("image-root.json"), &image_root).unwrap();
        std::fs::write(dir.join("director/1.root.json"), &director_root).unwrap();
        let url = url::Url::from_file_path(dir.join("data/repository")).unwrap();
        let store = RepositoryUrl::parse(url.as_str()).unwrap().open().unwrap();
        let [_, targets, snapshot, timestamp] = image;
        let signers = Signers {
            targets: vec![targets],
            snapshot: vec![snapshot],
            timestamp: vec![timestamp],
        };
        let publisher = Publisher::init(
            store.clone(),
            &image_root,
            None,
            signers,
            Lifetimes::default(),
            clock.time(),
        )
        .await
        .unwrap();
        Self {
            store,
            publisher,
            repository_id: RepositoryId::of_root(&image_root),
            kek,
        }
    }

    pub fn clock() -> TestClock {
        TestClock(Arc::new(AtomicI64::new(1_795_000_000)))
    }

    pub fn clock_at(now: Timestamp) -> TestClock {
        TestClock(Arc::new(AtomicI64::new(now.as_second())))
    }
}

async fn root(keys: &[Arc<dyn Signer>; 4], expires: Timestamp) -> Vec<u8> {
    let roles = [
        RoleName::Root,
        RoleName::Targets,
        RoleName::Snapshot,
        RoleName::Timestamp,
    ];
    let mut draft = RootDraft::new(expires);
    for (role, key) in roles.into_iter().zip(keys) {
        draft.set_role(role, &[key.public().clone()], 1).unwrap();
    }
    draft.sign(&[&*keys[0]]).await.unwrap()
}
