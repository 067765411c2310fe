//! Genuine sealed images, the same in every run, and the keys that open them.

use std::sync::OnceLock;

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sealift_envelope::{Binding, CHUNK_LEN, ContentKey, KeyBox, KeyFile, PrivateKey, SealParams, SealPlan};

/// One genuine image.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    pub(crate) plain: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    /// Header length, from which on every byte is authenticated.
    pub(crate) header_len: usize,
    content_key: [u8; 32],
}

impl Image {
    pub(crate) fn content_key(&self) -> ContentKey {
        ContentKey::from_bytes(self.content_key)
    }
}

/// Everything genuine.
pub(crate) struct World {
    pub(crate) images: Vec<Image>,
    pub(crate) ecu: PrivateKey,
    pub(crate) key_box: Vec<u8>,
    pub(crate) key_file: Vec<u8>,
}

/// Name, plaintext length, whether the header announces it, in-file recipients.
const IMAGES: &[(&str, usize, bool, usize)] = &[
    ("empty", 0, true, 0),
    ("short", 100, true, 0),
    ("piped", 57, false, 1),
    ("two-recipients", 1, true, 2),
    ("three-chunks", 2 * CHUNK_LEN + 5, true, 0),
    ("whole-chunk", CHUNK_LEN, false, 0),
];

/// The binding under which the genuine key box was made.
pub(crate) fn binding() -> Binding {
    Binding::key_box("5ea1".repeat(16), "ecu/main/app.img", "vehicle-1", "ecu-1")
}

/// The world, made once in a process.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(make)
}

fn make() -> World {
    let mut rng = ChaCha20Rng::from_seed(*b"sealift fuzz world: no security!");
    let ecu = PrivateKey::generate_p256(&mut rng);
    let other = PrivateKey::generate_p256(&mut rng);
    let mut images = Vec::new();
    let mut boxed = None;
    for (name, length, announced, recipients) in IMAGES {
        let mut plain = vec![0; *length];
        rng.fill_bytes(&mut plain);
        let params = SealParams {
            plain_length: announced.then_some(*length as u64),
            media_type: "application/x-fuzz".to_owned(),
            recipients: [ecu.public(), other.public()]
                .into_iter()
                .take(*recipients)
                .collect(),
            ..SealParams::default()
        };
        let plan = SealPlan::new(params, &mut rng).unwrap();
        let mut sealed = Vec::new();
        plan.run(plain.as_slice(), &mut sealed, &mut |_| {}).unwrap();
        let header_len = plan.header().bytes().len();
        images.push(Image {
            name,
            plain,
            sealed,
            header_len,
            content_key: *plan.content_key().expose(),
        });
        boxed.get_or_insert_with(|| {
            let (key, digest) = (plan.content_key(), plan.envelope_digest());
            let key_box = KeyBox::create(key, &ecu.public(), &digest, &binding(), &mut rng).unwrap();
            let mut key_file = KeyFile::new(digest);
            let bound = Binding::key_file("5ea1".repeat(16), "ecu/main/app.img");
            key_file
                .add(sealift_envelope::wrap(key, &ecu.public(), &digest, &bound, &mut rng).unwrap())
                .unwrap();
            (key_box.encode(), key_file.encode())
        });
    }
    let (key_box, key_file) = boxed.unwrap();
    World {
        images,
        ecu,
        key_box,
        key_file,
    }
}
