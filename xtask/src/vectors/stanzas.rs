//! The recipients part: its one encoding, its fields. With P-256's own stanza genuine, so that a lenient reader opens.

use super::cbor::{self, Pieces};
use super::forge::Forge;
use super::framing::{p256_stranger, stranger};
use super::vector::{Class, Identity, Vector};
use super::world::{World, wrapped};
use crate::failure::Failure;
use sealift_envelope::{Binding, Stanza};

type Row = (&'static str, &'static str, usize, &'static [u8]);

/// Pieces of a list with one stanza: 0 the list, 1 the stanza, 2 type, 3 key id, 4 encapsulation, 5 ciphertext, 6 behind.
const REFUSED: &[Row] = &[
    (
        "list-null",
        "null in place of the list, with the stanza behind it",
        0,
        b"\xF6",
    ),
    ("list-map", "a map in place of the list", 0, b"\xA1"),
    (
        "list-long",
        "the number of recipients in one more byte",
        0,
        b"\x98\x01",
    ),
    (
        "list-claim",
        "a list of 2^64 - 1 recipients",
        0,
        b"\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ),
    ("list-short", "the list says 0, one stanza follows", 0, b"\x80"),
    ("list-missing", "the list says 2, one stanza follows", 0, b"\x82"),
    ("list-trailing", "a byte behind the list", 6, b"\0"),
    (
        "stanza-three-items",
        "a stanza says that it has three items",
        1,
        b"\x83",
    ),
    ("stanza-five-items", "a stanza with a fifth item", 1, b"\x85"),
    ("stanza-map", "a map in place of a stanza", 1, b"\xA2"),
    ("stanza-indefinite", "a stanza of indefinite length", 1, b"\x9F"),
    ("stanza-type-0", "recipient type 0", 2, b"\0"),
    ("stanza-type-4", "recipient type 4, which is reserved", 2, b"\x04"),
    ("stanza-type-5", "recipient type 5, which is unknown", 2, b"\x05"),
    (
        "stanza-type-64-bits",
        "recipient type 2^64 - 1",
        2,
        b"\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ),
    (
        "stanza-type-long",
        "the recipient type in one more byte",
        2,
        b"\x18\x01",
    ),
    ("stanza-type-text", "the recipient type as a text", 2, b"\x611"),
    ("stanza-key-id-null", "null in place of a key id", 3, b"\xF6"),
    ("stanza-encapsulation-0", "an empty encapsulation", 4, b"\x40"),
    ("stanza-ciphertext-0", "an empty ciphertext", 5, b"\x40"),
];

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let forge = Forge::of(b"x");
    let stanza = wrapped(
        &world.p256.public(),
        &forge.digest(),
        &Binding::in_file(),
        "stanzas",
    )?;
    let good = pieces(&stanza);
    let mut vectors = Vec::new();
    for (name, comment, at, bytes) in REFUSED {
        let mut pieces = good.clone().set(*at, bytes);
        match *name {
            "stanza-five-items" => pieces = pieces.set(6, &[0xF6]),
            "stanza-indefinite" => pieces = pieces.set(6, &[0xFF]),
            _ => {}
        }
        vectors.push(refused(name, comment, pieces.concat()));
    }
    vectors.extend(fields(&good, &stanza));
    vectors.extend(lists(&good));
    Ok(vectors)
}

/// The list with this one stanza, in pieces.
pub(super) fn pieces(stanza: &Stanza) -> Pieces {
    Pieces::new(vec![
        cbor::head(4, 1),
        cbor::head(4, 4),
        cbor::uint(stanza.wrap().code()),
        cbor::bytes(stanza.key_id().as_bytes()),
        cbor::bytes(stanza.enc()),
        cbor::bytes(stanza.ciphertext()),
    ])
}

fn image(name: &str, comment: &str, recipients: Vec<u8>) -> Vector {
    let image = Forge::of(b"x").recipients(recipients).build();
    Vector::image(name, comment, image).with(Identity::P256)
}

fn refused(name: &str, comment: &str, recipients: Vec<u8>) -> Vector {
    image(name, comment, recipients).fails(Class::Header)
}

/// Fields one byte shorter or longer than they are.
fn fields(good: &Pieces, stanza: &Stanza) -> Vec<Vector> {
    let set = |at: usize, bytes: &[u8]| good.clone().set(at, &cbor::bytes(bytes)).concat();
    let rsa = |len: usize| {
        good.clone()
            .set(2, &[2])
            .set(4, &cbor::bytes(&vec![0; len]))
            .concat()
    };
    let (key_id, enc, ciphertext) = (stanza.key_id(), stanza.enc(), stanza.ciphertext());
    let key_id = key_id.as_bytes();
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();
    vec![
        refused("stanza-key-id-31", "a key id of 31 bytes", set(3, &key_id[..31])),
        refused(
            "stanza-key-id-33",
            "a key id of 33 bytes",
            set(3, &longer(key_id)),
        ),
        refused("stanza-p256-33", "a compressed point", set(4, &compressed(enc))),
        refused("stanza-p256-64", "a point of 64 bytes", set(4, &enc[1..])),
        refused("stanza-p256-66", "a point of 66 bytes", set(4, &longer(enc))),
        refused("stanza-rsa-255", "an RSA encapsulation of 255 bytes", rsa(255)),
        refused("stanza-rsa-1025", "an RSA encapsulation of 1025 bytes", rsa(1025)),
        refused(
            "stanza-ciphertext-47",
            "a ciphertext of 47 bytes",
            set(5, &ciphertext[..47]),
        ),
        refused(
            "stanza-ciphertext-49",
            "a ciphertext of 49 bytes",
            set(5, &longer(ciphertext)),
        ),
    ]
}

fn compressed(point: &[u8]) -> Vec<u8> {
    [&[2 | point[64] & 1], &point[1..33]].concat()
}

/// The encoding of a list of these stanzas.
pub(super) fn list(stanzas: &[Vec<u8>]) -> Vec<u8> {
    [cbor::head(4, stanzas.len() as u64), stanzas.concat()].concat()
}

/// Lists of several recipients, of which P-256 is one.
fn lists(good: &Pieces) -> Vec<Vector> {
    let mine = good.concat()[1..].to_vec();
    let among = |name, comment, stanzas: &[Vec<u8>]| image(name, comment, list(stanzas)).opens_to(b"x");
    let mut other_type = p256_stranger(0);
    other_type[1] = 4;
    let indefinite = [&[0x9F], &mine[..], &[0xFF]].concat();
    let twice = list(&[mine.clone(), mine.clone()]);
    let other_twice = list(&[mine.clone(), p256_stranger(1), stranger(1, 384)]);
    let many: Vec<Vec<u8>> = (0..255).map(p256_stranger).chain([mine.clone()]).collect();
    vec![
        refused("list-indefinite", "a list of indefinite length", indefinite),
        refused("recipient-twice", "the same recipient twice", twice),
        refused(
            "recipient-twice-other",
            "the same key id twice, with two types",
            other_twice,
        ),
        refused(
            "stanza-type-4-other",
            "a reserved recipient type, in another recipient's stanza",
            list(&[mine.clone(), other_type]),
        ),
        among(
            "recipient-first",
            "before two others",
            &[mine.clone(), stranger(0, 256), stranger(1, 1024)],
        ),
        among(
            "recipient-last",
            "behind two others",
            &[stranger(1, 1024), stranger(0, 256), mine.clone()],
        ),
        among("recipient-256th", "the last of 256", &many),
        image("recipient-none", "an image without recipients", list(&[])).fails(Class::NoRecipient),
        image(
            "recipient-others",
            "the key is not in the list",
            list(&[p256_stranger(0), stranger(1, 384)]),
        )
        .fails(Class::NoRecipient),
        image(
            "recipient-key-id",
            "one bit of the key id is another",
            list(&[flipped(&mine, 4)]),
        )
        .fails(Class::NoRecipient),
    ]
}

/// `bytes` with the lowest bit of the byte at `at` turned.
pub(super) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}
