//! Several key-encryption keys: whichever opens the key file serves, and what hangs is bounded.

use crate::kit::{Image, TestRng, World};
use sealift_envelope::{
    Binding, ContentKey, KeyBox, KeyFile, KeyId, PrivateKey, Stanza, UnwrapError, UnwrapKey, Wrap,
};
use sealift_metadata::trust::{Limits, TrustStore};
use sealift_metadata::uptane::{self, VerifiedTarget};
use sealift_metadata::{EcuSerial, VehicleId};
use sealift_repository::walk;
use sealift_server::ambient::Entropy;
use sealift_server::stage::{BrokerError, EcuKey, InProcessBroker, KeyBroker};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Content keys that are unwrapped at once, at most.
const MAX_AT_ONCE: usize = 32;

type Kek = Box<dyn UnwrapKey + Send + Sync>;

/// A world with one image.
struct Scene {
    world: World,
    image: Image,
    target: VerifiedTarget,
    ecu: PrivateKey,
}

fn key(seed: &str) -> PrivateKey {
    PrivateKey::generate_p256(&mut TestRng::new(seed))
}

impl Scene {
    async fn new() -> Self {
        let mut world = World::new().await;
        let image = world.publish_sealed("fw/camera.img", b"plaintext", 1).await;
        let trust = TrustStore {
            root: std::fs::read(world.dir.path().join("image-root.json")).unwrap(),
            ..TrustStore::default()
        };
        let walked = walk(&world.store, &trust, world.clock.time(), Limits::IMAGE).await;
        let target = uptane::image_target(&walked.unwrap().repository, &image.path).unwrap();
        Self {
            world,
            image,
            target,
            ecu: key("ecu"),
        }
    }

    fn key_file(&self) -> (PathBuf, KeyFile) {
        let name = self.image.path.store_name(&self.image.sha256);
        let path = format!("data/repository/private/keys/{name}.keys");
        let path = self.world.dir.path().join(path);
        let file = KeyFile::parse(&std::fs::read(&path).unwrap()).unwrap();
        (path, file)
    }

    fn binding(&self) -> Binding {
        Binding::key_file(self.world.repository_id.to_string(), self.image.path.to_string())
    }

    fn content_key(&self) -> ContentKey {
        let (_, file) = self.key_file();
        file.unwrap_with(&self.world.kek, &self.binding()).unwrap()
    }

    /// Wraps `key` for one more key in the key file.
    fn wrap(&self, key: &ContentKey, to: &PrivateKey) {
        let (path, mut file) = self.key_file();
        let mut rng = TestRng::new("wraps");
        let digest = file.envelope_digest();
        let stanza = sealift_envelope::wrap(key, &to.public(), &digest, &self.binding(), &mut rng);
        file.add(stanza.unwrap()).unwrap();
        std::fs::write(path, file.encode()).unwrap();
    }

    fn broker(&self, keks: Vec<Kek>) -> InProcessBroker {
        let entropy = Entropy::new(TestRng::new("broker"));
        let id = self.world.repository_id.clone();
        InProcessBroker::new(self.world.store.clone(), id, keks, entropy)
    }

    fn ecu(&self) -> EcuKey {
        EcuKey {
            vehicle: VehicleId::new("v1").unwrap(),
            serial: EcuSerial::new("v1-camera").unwrap(),
            sealing: self.ecu.public(),
        }
    }

    async fn rewrap(&self, keks: Vec<Kek>) -> Result<KeyBox, BrokerError> {
        self.broker(keks).rewrap(&self.target, &self.ecu()).await
    }

    /// The Director's key.
    fn first(&self) -> PrivateKey {
        let pem = std::fs::read_to_string(self.world.dir.path().join("kek.pem")).unwrap();
        PrivateKey::from_pkcs8_pem(&pem, None).unwrap()
    }

    /// That the box holds the key of the image.
    #[track_caller]
    fn opens(&self, result: Result<KeyBox, BrokerError>) {
        let repository = self.world.repository_id.to_string();
        let path = self.image.path.to_string();
        let binding = Binding::key_box(repository, path, "v1", "v1-camera");
        let key = result.unwrap().open(&self.ecu, &binding).unwrap();
        assert_eq!(key.expose(), self.content_key().expose());
    }
}

/// A key whose token is gone.
struct Gone(KeyId);

impl UnwrapKey for Gone {
    fn key_id(&self) -> KeyId {
        self.0
    }

    fn wrap(&self) -> Wrap {
        Wrap::HpkeP256
    }

    fn unwrap_stanza(&self, _: &Stanza, _: &[u8]) -> Result<ContentKey, UnwrapError> {
        Err(UnwrapError::Unavailable("the token was pulled out".into()))
    }
}

/// A key whose token hangs until the other end of the channel is dropped.
struct Hangs {
    key: PrivateKey,
    began: Sender<()>,
    until: Mutex<Receiver<()>>,
}

impl UnwrapKey for Hangs {
    fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    fn wrap(&self) -> Wrap {
        self.key.wrap()
    }

    fn unwrap_stanza(&self, stanza: &Stanza, info: &[u8]) -> Result<ContentKey, UnwrapError> {
        self.began.send(()).unwrap();
        let _ = self.until.lock().unwrap().recv();
        self.key.unwrap_stanza(stanza, info)
    }
}

#[tokio::test]
async fn a_key_out_of_reach_does_not_keep_another_from_opening() {
    let scene = Scene::new().await;
    let first = || -> Kek { Box::new(scene.first()) };
    scene.wrap(&scene.content_key(), &key("second"));
    let gone = || -> Kek { Box::new(Gone(key("second").key_id())) };
    scene.opens(scene.rewrap(vec![gone(), first()]).await);
    scene.opens(scene.rewrap(vec![first(), gone()]).await);
}

/// Whoever writes to the store can put there what one key refuses, or what it opens to something else.
#[tokio::test]
async fn a_forged_wrap_for_one_key_does_not_keep_another_from_opening() {
    let scene = Scene::new().await;
    let first = || -> Kek { Box::new(scene.first()) };
    let second = || -> Kek { Box::new(key("second")) };
    scene.wrap(&ContentKey::from_bytes([7; 32]), &key("second"));
    scene.opens(scene.rewrap(vec![second(), first()]).await);
    let forged = scene.rewrap(vec![second()]).await.unwrap_err();
    assert!(matches!(forged, BrokerError::Commitment(_)), "{forged:?}");

    let (path, mut file) = scene.key_file();
    file.remove(&key("second").key_id());
    let enc = [&[4][..], &[1; 64]].concat();
    file.add(Stanza::new(Wrap::HpkeP256, key("second").key_id(), enc, [0; 48]).unwrap())
        .unwrap();
    std::fs::write(path, file.encode()).unwrap();
    scene.opens(scene.rewrap(vec![second(), first()]).await);
}

#[tokio::test]
async fn when_none_opens_what_is_out_of_reach_is_told_first() {
    let scene = Scene::new().await;
    let second = || -> Kek { Box::new(key("second")) };
    scene.wrap(&ContentKey::from_bytes([7; 32]), &key("second"));
    let gone = || -> Kek { Box::new(Gone(scene.world.kek.key_id())) };
    for keks in [vec![gone(), second()], vec![second(), gone()]] {
        let error = scene.rewrap(keks).await.unwrap_err();
        assert!(matches!(error, BrokerError::OutOfReach(_)), "{error:?}");
        assert_eq!(error.problem().status, 503);
    }
    let error = scene.rewrap(vec![second()]).await.unwrap_err();
    assert!(matches!(error, BrokerError::Commitment(_)), "{error:?}");

    let strangers = ["a", "b"].map(|seed| -> Kek { Box::new(key(seed)) });
    let error = scene.rewrap(strangers.into()).await.unwrap_err();
    assert!(matches!(error, BrokerError::NoKek(2)), "{error:?}");
}

/// What hangs keeps threads; past the bound a request is answered at once, and when the token comes back all is well.
#[tokio::test]
async fn a_token_that_hangs_keeps_a_bounded_number_of_callers() {
    let scene = Scene::new().await;
    let (began, begun) = channel();
    let (release, until) = channel();
    let hangs = Hangs {
        key: scene.first(),
        began,
        until: Mutex::new(until),
    };
    let broker = Arc::new(scene.broker(vec![Box::new(hangs)]));
    let ask = || {
        let (broker, target, ecu) = (Arc::clone(&broker), scene.target.clone(), scene.ecu());
        tokio::spawn(async move { broker.rewrap(&target, &ecu).await })
    };
    let waiting: Vec<_> = (0..MAX_AT_ONCE).map(|_| ask()).collect();
    let begun = tokio::task::spawn_blocking(move || begun.iter().take(MAX_AT_ONCE).count());
    assert_eq!(begun.await.unwrap(), MAX_AT_ONCE);
    let error = ask().await.unwrap().unwrap_err();
    assert!(matches!(error, BrokerError::Busy), "{error:?}");
    assert_eq!(error.problem().status, 503);
    drop(release);
    for one in waiting {
        scene.opens(one.await.unwrap());
    }
    // The receiving end of `began` is gone: asked again, the key would panic in its thread.
    let panicked = ask().await.unwrap().unwrap_err();
    assert!(matches!(panicked, BrokerError::Gone), "{panicked:?}");
}
