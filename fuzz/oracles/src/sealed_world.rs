//! Genuine sealed images, the same in every run, and the keys that open them.

use std::sync::OnceLock;

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sealift_envelope::{
    Binding, CHUNK_LEN, ContentKey, EnvelopeDigest, KeyBox, KeyFile, PrivateKey, SealParams, SealPlan, wrap,
};

/// One genuine image.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    pub(crate) plain: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    /// Header length, from which on every byte is authenticated.
    pub(crate) header_len: usize,
    pub(crate) digest: EnvelopeDigest,
    content_key: [u8; 32],
}

impl Image {
    pub(crate) fn content_key(&self) -> ContentKey {
        ContentKey::from_bytes(self.content_key)
    }
}

/// A recipient, and the key box that the first image has for it.
pub(crate) struct Holder {
    pub(crate) name: &'static str,
    pub(crate) key: PrivateKey,
    pub(crate) key_box: Vec<u8>,
}

/// Everything genuine.
pub(crate) struct World {
    pub(crate) images: Vec<Image>,
    /// One for each way of wrapping: P-256, RSA, X-Wing.
    pub(crate) holders: [Holder; 3],
    /// Key files of the first image: for P-256 alone, and for all holders.
    pub(crate) key_files: [(&'static str, Vec<u8>); 2],
}

/// Name, plaintext length, whether the header announces it, in-file recipients.
const IMAGES: &[(&str, usize, bool, usize)] = &[
    ("empty", 0, true, 0),
    ("short", 100, true, 0),
    ("piped", 57, false, 1),
    ("two-recipients", 1, true, 2),
    ("three-chunks", 2 * CHUNK_LEN + 5, true, 0),
    ("whole-chunk", CHUNK_LEN, false, 0),
    ("every-kind", 3, true, 4),
];

/// The binding under which the genuine key boxes were made.
pub(crate) fn in_key_box() -> Binding {
    Binding::key_box("5ea1".repeat(16), "ecu/main/app.img", "vehicle-1", "ecu-1")
}

/// The binding under which the stanzas of the genuine key files were made.
pub(crate) fn in_key_file() -> Binding {
    Binding::key_file("5ea1".repeat(16), "ecu/main/app.img")
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
    // Generating an RSA key would take every start of a fuzzer a second.
    let read = |pem| PrivateKey::from_pkcs8_pem(pem, None).unwrap();
    let rsa = read(include_str!("../../../envelope/tests/keys/rsa3072.pem"));
    let x_wing = read(include_str!("../../../envelope/tests/keys/x-wing.pem"));
    let mut images = Vec::new();
    for (name, length, announced, recipients) in IMAGES {
        let mut plain = vec![0; *length];
        rng.fill_bytes(&mut plain);
        let params = SealParams {
            plain_length: announced.then_some(*length as u64),
            media_type: "application/x-fuzz".to_owned(),
            recipients: [&ecu, &other, &rsa, &x_wing]
                .into_iter()
                .map(PrivateKey::public)
                .take(*recipients)
                .collect(),
            ..SealParams::default()
        };
        let plan = SealPlan::new(params, &mut rng).unwrap();
        let mut sealed = Vec::new();
        plan.run(plain.as_slice(), &mut sealed, &mut |_| {}).unwrap();
        images.push(Image {
            name,
            plain,
            sealed,
            header_len: plan.header().bytes().len(),
            digest: plan.envelope_digest(),
            content_key: *plan.content_key().expose(),
        });
    }
    let (key, digest) = (images[0].content_key(), images[0].digest);
    let holders = [("p256", ecu), ("rsa", rsa), ("x-wing", x_wing)].map(|(name, private)| {
        let key_box = KeyBox::create(&key, &private.public(), &digest, &in_key_box(), &mut rng).unwrap();
        Holder {
            name,
            key: private,
            key_box: key_box.encode(),
        }
    });
    let mut key_file = |count: usize| {
        let mut file = KeyFile::new(digest);
        for holder in holders.iter().take(count) {
            let stanza = wrap(&key, &holder.key.public(), &digest, &in_key_file(), &mut rng).unwrap();
            file.add(stanza).unwrap();
        }
        file.encode()
    };
    let key_files = [
        ("file", key_file(1)),
        ("file-every-kind", key_file(holders.len())),
    ];
    World {
        images,
        holders,
        key_files,
    }
}
