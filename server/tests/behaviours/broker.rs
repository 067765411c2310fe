//! Several key-encryption keys: whichever opens the key file serves, and what hangs is bounded and keeps no other from serving.

use crate::kit::{Image, TestRng, World};
use sealift_envelope::{
    Binding, ContentKey, KeyBox, KeyFile, KeyId, PrivateKey, Stanza, UnwrapError, UnwrapKey, Wrap,
};
use sealift_metadata::trust::{Limits, TrustStore};
use sealift_metadata::uptane::{self, VerifiedTarget};
use sealift_metadata::{EcuSerial, VehicleId};
use sealift_repository::walk;
use sealift_server::ambient::Entropy;
use sealift_server::signing::HeldKek;
use sealift_server::stage::{BrokerError, EcuKey, InProcessBroker, KeyBroker};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Content keys that one key held elsewhere unwraps at once, at most.
const MAX_AT_ONCE: usize = 32;

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

fn in_memory(key: impl UnwrapKey + Send + Sync + 'static) -> HeldKek {
    HeldKek::InMemory(Box::new(key))
}

fn elsewhere(key: impl UnwrapKey + Send + Sync + 'static) -> HeldKek {
    HeldKek::Elsewhere(Box::new(key))
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

    /// Takes `recipient` out of the key file.
    fn forget(&self, recipient: &PrivateKey) {
        let (path, mut file) = self.key_file();
        assert!(file.remove(&recipient.key_id()));
        std::fs::write(path, file.encode()).unwrap();
    }

    fn broker(&self, keks: Vec<HeldKek>) -> InProcessBroker {
        let entropy = Entropy::new(TestRng::new("broker"));
        let id = self.world.repository_id.clone();
        InProcessBroker::new(self.world.store.clone(), id, keks, entropy, Duration::ZERO)
    }

    fn ecu(&self) -> EcuKey {
        EcuKey {
            vehicle: VehicleId::new("v1").unwrap(),
            serial: EcuSerial::new("v1-camera").unwrap(),
            sealing: self.ecu.public(),
        }
    }

    async fn rewrap(&self, keks: Vec<HeldKek>) -> Result<KeyBox, BrokerError> {
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
    began: UnboundedSender<()>,
    until: Mutex<Receiver<()>>,
}

/// The other ends of one that hangs.
struct Hold {
    begun: UnboundedReceiver<()>,
    release: Sender<()>,
}

impl Hangs {
    fn held(key: PrivateKey) -> (HeldKek, Hold) {
        let (began, begun) = unbounded_channel();
        let (release, until) = channel();
        let until = Mutex::new(until);
        (elsewhere(Self { key, began, until }), Hold { begun, release })
    }
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
    let first = || elsewhere(scene.first());
    scene.wrap(&scene.content_key(), &key("second"));
    let gone = || elsewhere(Gone(key("second").key_id()));
    scene.opens(scene.rewrap(vec![gone(), first()]).await);
    scene.opens(scene.rewrap(vec![first(), gone()]).await);
}

/// Whoever writes to the store can put there what one key refuses, or what it opens to something else.
#[tokio::test]
async fn a_forged_wrap_for_one_key_does_not_keep_another_from_opening() {
    let scene = Scene::new().await;
    let first = || in_memory(scene.first());
    let second = || in_memory(key("second"));
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
    let second = || elsewhere(key("second"));
    scene.wrap(&ContentKey::from_bytes([7; 32]), &key("second"));
    let gone = || elsewhere(Gone(scene.world.kek.key_id()));
    for keks in [vec![gone(), second()], vec![second(), gone()]] {
        let error = scene.rewrap(keks).await.unwrap_err();
        assert!(matches!(error, BrokerError::OutOfReach(_)), "{error:?}");
        assert_eq!(error.problem().status, 503);
    }
    let error = scene.rewrap(vec![second()]).await.unwrap_err();
    assert!(matches!(error, BrokerError::Commitment(_)), "{error:?}");

    let strangers = ["a", "b"].map(|seed| in_memory(key(seed)));
    let error = scene.rewrap(strangers.into()).await.unwrap_err();
    assert!(matches!(error, BrokerError::NoKek(2)), "{error:?}");
}

/// A broker whose first key hangs, with as many callers there as may be.
struct Full {
    broker: Arc<InProcessBroker>,
    hold: Hold,
    inside: Vec<JoinHandle<Result<KeyBox, BrokerError>>>,
}

impl Full {
    async fn new(scene: &Scene, hangs: PrivateKey, others: Vec<HeldKek>) -> Self {
        let (kek, mut hold) = Hangs::held(hangs);
        let keks = std::iter::once(kek).chain(others).collect();
        let broker = Arc::new(scene.broker(keks));
        let ask = |_| {
            let (broker, target, ecu) = (Arc::clone(&broker), scene.target.clone(), scene.ecu());
            tokio::spawn(async move { broker.rewrap(&target, &ecu).await })
        };
        let inside = (0..MAX_AT_ONCE).map(ask).collect();
        for _ in 0..MAX_AT_ONCE {
            hold.begun.recv().await.unwrap();
        }
        Self { broker, hold, inside }
    }

    async fn ask(&self, scene: &Scene) -> Result<KeyBox, BrokerError> {
        self.broker.rewrap(&scene.target, &scene.ecu()).await
    }
}

/// What hangs keeps threads; past the bound a request that has no patience is answered at once, and when the token comes back
/// all is well.
#[tokio::test]
async fn a_token_that_hangs_keeps_a_bounded_number_of_callers() {
    let scene = Scene::new().await;
    let mut full = Full::new(&scene, scene.first(), Vec::new()).await;
    let error = full.ask(&scene).await.unwrap_err();
    assert!(matches!(error, BrokerError::Busy), "{error:?}");
    assert_eq!(error.problem().status, 503);
    drop(full.hold.release);
    for one in full.inside {
        scene.opens(one.await.unwrap());
    }
    full.hold.begun.close();
    // Asked again, the key panics in its thread.
    let panicked = full.broker.rewrap(&scene.target, &scene.ecu()).await.unwrap_err();
    assert!(matches!(panicked, BrokerError::Gone), "{panicked:?}");
}

/// The one in memory comes first, wherever the configuration names it.
#[tokio::test]
async fn a_key_in_memory_serves_while_a_token_named_before_it_hangs() {
    let scene = Scene::new().await;
    scene.wrap(&scene.content_key(), &key("second"));
    let (hangs, mut hold) = Hangs::held(key("second"));
    tokio::select! {
        served = scene.rewrap(vec![hangs, in_memory(scene.first())]) => scene.opens(served),
        Some(()) = hold.begun.recv() => panic!("the token was asked"),
    }
}

/// The room at one token is nobody else's.
#[tokio::test]
async fn a_token_without_room_keeps_no_other_key_from_serving() {
    let scene = Scene::new().await;
    let content_key = scene.content_key();
    scene.wrap(&content_key, &key("hangs"));
    scene.forget(&scene.first());
    let others = vec![in_memory(scene.first()), elsewhere(key("spare"))];
    let full = Full::new(&scene, key("hangs"), others).await;
    let busy = full.ask(&scene).await.unwrap_err();
    assert!(matches!(busy, BrokerError::Busy), "{busy:?}");

    scene.wrap(&content_key, &scene.first());
    scene.opens(full.ask(&scene).await);

    scene.forget(&scene.first());
    scene.wrap(&content_key, &key("spare"));
    let served = full.ask(&scene).await;
    scene.wrap(&content_key, &scene.first());
    scene.opens(served);

    // No room is needed at a token that is no recipient.
    for recipient in ["hangs", "spare"] {
        scene.forget(&key(recipient));
    }
    scene.forget(&scene.first());
    let error = full.ask(&scene).await.unwrap_err();
    assert!(matches!(error, BrokerError::NoKek(3)), "{error:?}");
}
