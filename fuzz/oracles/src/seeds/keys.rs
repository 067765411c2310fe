//! Seeds of keys and of what is wrapped with them.

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
