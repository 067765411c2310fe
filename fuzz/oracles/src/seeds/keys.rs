//! Seeds of keys and of what is wrapped with them.

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Encode as _;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Pbkdf2Params, ScryptParams};
use sealift_envelope::KeyBox;

use super::{Seed, seed};
use crate::edit::script;
use crate::keys::{LABELS, genuine};
use crate::sealed_world::world;

pub(super) fn wraps() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (kind, holder) in (0_u8..).zip(&world().holders) {
        let mut add = |what: &str, part: u8, rest: Vec<u8>| {
            seeds.push(seed(
                format!("{}-{what}", holder.name),
                [vec![kind, part], rest].concat(),
            ));
        };
        let last = KeyBox::parse(&holder.key_box).unwrap().stanza().enc().len() - 1;
        add("genuine", 0, Vec::new());
        add("enc-flipped", 0, script(0, 1, 1));
        add("enc-last-flipped", 0, script(0, last, 0x80));
        add("enc-cut", 0, script(1, 64, 0));
        add("enc-extended", 0, script(2, 0, 1));
        add("ciphertext-flipped", 1, script(0, 0, 1));
        add("tag-flipped", 1, script(0, 47, 0x80));
        add("info-flipped", 2, script(0, 12, 1));
        add("info-extended", 2, script(2, 0, 1));
        add("fresh", 3, b"the words of a binding, in four parts".to_vec());
        add("fresh-in-file", 3, b"four".to_vec());
        add("fresh-empty", 3, Vec::new());
        add("answered", 4, vec![0x42; 32]);
        add("answered-nothing", 4, Vec::new());
        for (part, container) in [(5, "header"), (6, "key-file"), (7, "key-box")] {
            add(container, part, Vec::new());
            add(&format!("{container}-flipped-early"), part, script(0, 30, 1));
            add(&format!("{container}-flipped-late"), part, script(0, 1150, 1));
            add(&format!("{container}-extended"), part, script(2, 0, 1));
        }
    }
    seeds
}

pub(super) fn keys() -> Vec<Seed> {
    const AS_IT_IS: u8 = 0x80;
    let mut seeds = Vec::new();
    for (index, key) in (0_u8..).zip(genuine()) {
        let mut add = |what: &str, form: u8, rest: Vec<u8>| {
            seeds.push(seed(
                format!("{}-{what}", key.name),
                [vec![index, form], rest].concat(),
            ));
        };
        add("genuine", 0, Vec::new());
        add("flipped", 0, script(0, key.der.len() - 1, 1));
        add("cut", 0, script(1, key.der.len() - 1, 0));
        add("extended", 0, script(2, 0, 1));
    }
    for (form, label) in (1_u8..).zip(LABELS) {
        let name = label.to_lowercase().replace(' ', "-");
        seeds.push(seed(format!("labelled-{name}"), [4, form]));
    }
    for key in genuine().iter().filter(|key| key.name.ends_with(".pub")) {
        let der = [&[AS_IT_IS, 0], key.der.as_slice()].concat();
        seeds.push(seed(format!("{}-der", key.name), der));
    }
    let costs = [
        ("nothing", scrypt(0, 8, 1)),
        ("little", scrypt(2, 1, 1)),
        ("one", scrypt(1, 1, 1)),
        ("no-power-of-two", scrypt(3, 1, 1)),
        ("cap", scrypt(1 << 19, 8, 1)),
        ("above-cap", scrypt(1 << 19, 8, 2)),
        ("terabytes", scrypt(1 << 40, 8, 1)),
        ("overflow", scrypt(1 << 63, u16::MAX, u16::MAX)),
        ("no-rounds", pbkdf2(0)),
        ("a-round", pbkdf2(1)),
        ("most-rounds", pbkdf2(u32::MAX)),
    ];
    for (name, kdf) in costs {
        let der = [&[AS_IT_IS, 0], derived_by(kdf).as_slice()].concat();
        seeds.push(seed(format!("costs-{name}"), der));
    }
    let text = |name: &str, text: &str| {
        let bytes = [&[AS_IT_IS, 3], text.as_bytes()].concat();
        seed(format!("text-{name}"), bytes)
    };
    let p256 = genuine()[0].der.as_slice();
    let rsa = [&[AS_IT_IS, 3], [0xff; 384].as_slice(), &[1, 0, 1]].concat();
    seeds.extend([
        text("nothing", ""),
        text(
            "public",
            include_str!("../../../../envelope/tests/keys/p256.pub.pem"),
        ),
        text(
            "private",
            include_str!("../../../../envelope/tests/keys/p256.pem"),
        ),
        text(
            "parameters",
            include_str!("../../../../envelope/tests/keys/p256-ecparam.pem"),
        ),
        text(
            "traditional",
            include_str!("../../../../envelope/tests/keys/p256-traditional-encrypted.pem"),
        ),
        text("endless", "-----BEGIN PRIVATE KEY-----\n"),
        seed(
            "numbers-point",
            [&[AS_IT_IS, 0], &p256[p256.len() - 65..]].concat(),
        ),
        seed("numbers-rsa", rsa),
    ]);
    seeds
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> Kdf {
    Kdf::Scrypt(ScryptParams {
        salt: [1; 16].as_slice().try_into().unwrap(),
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    })
}

fn pbkdf2(iteration_count: u32) -> Kdf {
    Kdf::Pbkdf2(Pbkdf2Params {
        iteration_count,
        ..Pbkdf2Params::hmac_sha256(1, &[1; 16]).unwrap()
    })
}

/// A genuine encrypted key, but for the derivation that it asks for.
fn derived_by(kdf: Kdf) -> Vec<u8> {
    let key = genuine().iter().find(|key| key.name == "p256-pbkdf2").unwrap();
    let mut info = EncryptedPrivateKeyInfoRef::try_from(key.der.as_slice()).unwrap();
    if let EncryptionScheme::Pbes2(parameters) = &mut info.encryption_algorithm {
        parameters.kdf = kdf;
    }
    info.to_der().unwrap()
}
