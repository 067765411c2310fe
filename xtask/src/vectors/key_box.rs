//! Key boxes (envelope-v1 §7): their one encoding, and what their stanza is bound to.

use sealift_envelope::Binding;

use super::cbor;
use super::forge::Forge;
use super::key_file::body;
use super::stanzas::{flipped, pieces};
use super::vector::{Class, Identity, Vector};
use super::world::{HERE, Place, World, wrapped};
use crate::failure::Failure;

const MAX_KEY_BOX: usize = 4096;

type Row = (&'static str, &'static str, usize, &'static [u8]);

/// Pieces: 0 the map, 1 key, 2 digest, 3 key, 4 stanza, 5 behind.
const REFUSED: &[Row] = &[
    (
        "key-box-long-map",
        "the number of pairs in one more byte",
        0,
        b"\xB8\x02",
    ),
    (
        "key-box-array",
        "an array of the same items for the map",
        0,
        b"\x84",
    ),
    ("key-box-unknown-key", "key 3 in place of 2", 3, b"\x03"),
    (
        "key-box-null-digest",
        "null in place of the envelope digest",
        2,
        b"\xF6",
    ),
    ("key-box-null", "null in place of the stanza", 4, b"\xF6"),
    ("key-box-trailing", "a byte behind the map", 5, b"\0"),
];

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let digest = Forge::of(b"x").digest();
    let stanza = |binding: &Binding| {
        let stanza = wrapped(&world.p256.public(), &digest, binding, "key box")?;
        Ok::<_, Failure>(pieces(&stanza).concat()[1..].to_vec())
    };
    let mine = stanza(&HERE.of_key_box())?;
    let good = body(&digest, &mine);
    let bytes = good.concat();
    let rsa = wrapped(&world.rsa.public(), &digest, &HERE.of_key_box(), "key box of RSA")?;
    let rsa = body(&digest, &pieces(&rsa).concat()[1..]).concat();

    let opens = |name, comment, bytes| Vector::key_box(name, comment, HERE, bytes);
    let refused = |name, comment, bytes| opens(name, comment, bytes).fails(Class::Header);
    let mut vectors = vec![
        opens("key-box", "for an ECU with P-256", bytes.clone()),
        opens("key-box-rsa", "for an ECU with RSA", rsa),
        opens("key-box-stranger", "the box of another key", bytes.clone())
            .with(Identity::Rsa3072)
            .fails(Class::NoRecipient),
        opens(
            "key-box-ciphertext",
            "the last bit of the wrapped key",
            flipped(&bytes, bytes.len() - 1),
        )
        .fails(Class::Unwrap),
        refused("key-box-empty", "no byte at all", Vec::new()),
        refused(
            "key-box-cut",
            "the last byte is missing",
            bytes[..bytes.len() - 1].to_vec(),
        ),
        refused("key-box-digest-31", "an envelope digest of 31 bytes", {
            good.clone()
                .set(2, &cbor::bytes(&digest.as_bytes()[1..]))
                .concat()
        }),
        refused(
            "key-box-list",
            "a list of one stanza",
            good.clone().set(4, &[&[0x81], &mine[..]].concat()).concat(),
        ),
        refused("key-box-cap", "4097 bytes, with zero bytes at the end", {
            let mut bytes = bytes.clone();
            bytes.resize(MAX_KEY_BOX + 1, 0);
            bytes
        }),
    ];
    vectors[1] = vectors[1].clone().with(Identity::Rsa3072);
    for (name, comment, at, bytes) in REFUSED {
        vectors.push(refused(name, comment, good.clone().set(*at, bytes).concat()));
    }
    vectors.extend(places(&bytes));
    let moved = |name, comment, binding: &Binding| {
        let bytes = body(&digest, &stanza(binding)?).concat();
        Ok::<_, Failure>(opens(name, comment, bytes).fails(Class::Unwrap))
    };
    vectors.push(moved(
        "key-box-of-in-file",
        "a header's stanza in a key box",
        &Binding::in_file(),
    )?);
    vectors.push(moved(
        "key-box-of-key-file",
        "a key file's stanza in a key box",
        &HERE.of_key_file(),
    )?);
    Ok(vectors)
}

/// A genuine key box somewhere else.
fn places(bytes: &[u8]) -> Vec<Vector> {
    let at = |name, comment, place: Place<'_>| {
        Vector::key_box(name, comment, place, bytes.to_vec()).fails(Class::Unwrap)
    };
    let swapped = Place {
        vehicle: HERE.ecu,
        ecu: HERE.vehicle,
        ..HERE
    };
    // Three heads lie before the digest: map, key, length.
    let other = flipped(bytes, 4);
    vec![
        at(
            "key-box-vehicle",
            "used in another vehicle",
            Place {
                vehicle: "another",
                ..HERE
            },
        ),
        at(
            "key-box-ecu",
            "used in another ECU",
            Place {
                ecu: "another",
                ..HERE
            },
        ),
        at(
            "key-box-swapped",
            "vehicle and ECU in each other's place",
            swapped,
        ),
        at(
            "key-box-path",
            "used under another target path",
            Place {
                path: "dir/other.img",
                ..HERE
            },
        ),
        at(
            "key-box-repository",
            "used in another repository",
            Place {
                repository: "another",
                ..HERE
            },
        ),
        Vector::key_box(
            "key-box-other-image",
            "the envelope digest of another image",
            HERE,
            other,
        )
        .fails(Class::Unwrap),
    ]
}
