//! Key files (envelope-v1 §6): their frame, their one encoding, and what their stanzas are bound to.

use sealift_envelope::{Binding, EnvelopeDigest};

use super::cbor::{self, Pieces};
use super::forge::Forge;
use super::framing::{p256_stranger, stranger};
use super::stanzas::{flipped, list, pieces};
use super::vector::{Class, Identity, Vector};
use super::world::{HERE, Place, World, wrapped};
use crate::failure::Failure;

const MAX_KEY_FILE: usize = 1 << 20;

type Row = (&'static str, &'static str, usize, &'static [u8]);

/// Pieces of the body: 0 the map, 1 key, 2 digest, 3 key, 4 list, 5 behind.
const REFUSED: &[Row] = &[
    (
        "key-file-long-map",
        "the number of pairs in one more byte",
        0,
        b"\xB8\x02",
    ),
    (
        "key-file-pairs",
        "the map says that it has three pairs",
        0,
        b"\xA3",
    ),
    ("key-file-unknown-key", "key 3 in place of 2", 3, b"\x03"),
    ("key-file-doubled-key", "key 1 twice", 3, b"\x01"),
    (
        "key-file-null-digest",
        "null in place of the envelope digest",
        2,
        b"\xF6",
    ),
    ("key-file-digest-0", "an empty envelope digest", 2, b"\x40"),
    ("key-file-null-list", "null in place of the list", 4, b"\xF6"),
    (
        "key-file-trailing-item",
        "a byte behind the map, within the length",
        5,
        b"\0",
    ),
];

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let digest = Forge::of(b"x").digest();
    let stanza = |binding: &Binding| wrapped(&world.p256.public(), &digest, binding, "key file");
    let genuine = stanza(&HERE.of_key_file())?;
    let mine = pieces(&genuine).concat()[1..].to_vec();
    let rsa = wrapped(
        &world.rsa.public(),
        &digest,
        &HERE.of_key_file(),
        "key file of RSA",
    )?;
    let both = list(&[mine.clone(), pieces(&rsa).concat()[1..].to_vec()]);
    let good = body(&digest, &both);

    let opens = |name, comment, bytes| Vector::key_file(name, comment, HERE, bytes);
    let mut vectors = vec![
        opens(
            "key-file",
            "two recipients, P-256 of them",
            framed(&good.concat()),
        ),
        opens(
            "key-file-rsa",
            "two recipients, RSA of them",
            framed(&good.concat()),
        )
        .with(Identity::Rsa3072),
        opens(
            "key-file-none",
            "a key file without recipients",
            framed(&body(&digest, &[0x80]).concat()),
        )
        .fails(Class::NoRecipient),
        opens(
            "key-file-others",
            "the key is not in the list",
            framed(&body(&digest, &list(&[p256_stranger(0)])).concat()),
        )
        .fails(Class::NoRecipient),
    ];
    for (name, comment, at, bytes) in REFUSED {
        let bytes = framed(&good.clone().set(*at, bytes).concat());
        vectors.push(opens(name, comment, bytes).fails(Class::Header));
    }
    vectors.extend(frames(&good.concat()));
    vectors.extend(lists(&digest, &mine));
    vectors.extend(places(&good));
    let elsewhere = |name, comment, binding: &Binding| {
        let bytes = body(&digest, &pieces(&stanza(binding)?).concat());
        Ok::<_, Failure>(opens(name, comment, framed(&bytes.concat())).fails(Class::Unwrap))
    };
    vectors.push(elsewhere(
        "key-file-of-in-file",
        "a header's stanza in a key file",
        &Binding::in_file(),
    )?);
    vectors.push(elsewhere(
        "key-file-of-key-box",
        "a key box's stanza in a key file",
        &HERE.of_key_box(),
    )?);
    let accented = Place {
        path: "caf\u{e9}/\u{1F697}.img",
        ..HERE
    };
    let bytes = framed(&body(&digest, &pieces(&stanza(&accented.of_key_file())?).concat()).concat());
    vectors.push(Vector::key_file(
        "key-file-path-unicode",
        "a path beyond ASCII",
        accented,
        bytes.clone(),
    ));
    let decomposed = Place {
        path: "cafe\u{301}/\u{1F697}.img",
        ..HERE
    };
    let comment = "the same path with a combining accent: paths are compared as bytes";
    vectors
        .push(Vector::key_file("key-file-path-decomposed", comment, decomposed, bytes).fails(Class::Unwrap));
    Ok(vectors)
}

/// The CBOR of a key file or key box, in pieces.
pub(super) fn body(digest: &EnvelopeDigest, content: &[u8]) -> Pieces {
    Pieces::new(vec![
        cbor::head(5, 2),
        cbor::uint(1),
        cbor::bytes(digest.as_bytes()),
        cbor::uint(2),
        content.to_vec(),
    ])
}

pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    frame(b"SEALKEY\0", 1, body.len() as u32, body)
}

fn frame(magic: &[u8; 8], version: u16, len: u32, body: &[u8]) -> Vec<u8> {
    [&magic[..], &version.to_be_bytes(), &len.to_be_bytes(), body].concat()
}

fn frames(body: &[u8]) -> Vec<Vector> {
    let (key, len) = (b"SEALKEY\0", body.len() as u32);
    let good = framed(body);
    let zeros = vec![0; MAX_KEY_FILE + 1 - good.len()];
    let named = [
        ("key-file-empty", "no byte at all", Vec::new()),
        (
            "key-file-cut-prefix",
            "ends inside the length",
            good[..13].to_vec(),
        ),
        (
            "key-file-cut",
            "the last byte is missing",
            good[..good.len() - 1].to_vec(),
        ),
        (
            "key-file-trailing",
            "a byte behind the length",
            [&good[..], &[0]].concat(),
        ),
        (
            "key-file-magic",
            "the magic of a sealed image",
            frame(b"SEALIFT\0", 1, len, body),
        ),
        ("key-file-version-0", "version 0", frame(key, 0, len, body)),
        ("key-file-version-2", "version 2", frame(key, 2, len, body)),
        (
            "key-file-length-short",
            "a length of one byte less",
            frame(key, 1, len - 1, body),
        ),
        (
            "key-file-length-long",
            "a length of one byte more",
            frame(key, 1, len + 1, body),
        ),
        (
            "key-file-length-0",
            "a length of 0 and nothing behind",
            frame(key, 1, 0, &[]),
        ),
        (
            "key-file-length-32-bits",
            "a length of 2^32 - 1",
            frame(key, 1, u32::MAX, body),
        ),
        ("key-file-cap", "more than 1 MiB, with zero bytes at the end", {
            frame(key, 1, len + zeros.len() as u32, &[body, &zeros].concat())
        }),
    ];
    let vector = |(name, comment, bytes): (&str, &str, Vec<u8>)| {
        Vector::key_file(name, comment, HERE, bytes).fails(Class::Header)
    };
    named.into_iter().map(vector).collect()
}

fn lists(digest: &EnvelopeDigest, mine: &[u8]) -> Vec<Vector> {
    let file = |name, comment, stanzas: &[Vec<u8>]| {
        let bytes = framed(&body(digest, &list(stanzas)).concat());
        Vector::key_file(name, comment, HERE, bytes)
    };
    let mine = mine.to_vec();
    let strangers = |count: usize| {
        (0..count)
            .map(p256_stranger)
            .chain([mine.clone()])
            .collect::<Vec<_>>()
    };
    let large: Vec<Vec<u8>> = (0..255)
        .map(|n| stranger(n, 1024))
        .chain([mine.clone()])
        .collect();
    vec![
        file("key-file-256", "the last of 256 recipients", &strangers(255)),
        file(
            "key-file-256-large",
            "behind 255 recipients with RSA of 8192 bits",
            &large,
        ),
        file(
            "key-file-1024",
            "the last of as many recipients as allowed",
            &strangers(1023),
        ),
        file("key-file-1025", "1025 recipients", &strangers(1024)).fails(Class::Header),
        file(
            "key-file-twice",
            "the same recipient twice",
            &[mine.clone(), mine.clone()],
        )
        .fails(Class::Header),
    ]
}

/// A genuine key file somewhere else.
fn places(good: &Pieces) -> Vec<Vector> {
    let bytes = good.concat();
    let at = |name, comment, place: Place<'_>| {
        Vector::key_file(name, comment, place, framed(&bytes)).fails(Class::Unwrap)
    };
    // Three heads lie before the digest: map, key, length.
    let other = framed(&flipped(&bytes, 4));
    let swapped = Place {
        repository: HERE.path,
        path: HERE.repository,
        ..HERE
    };
    vec![
        at(
            "key-file-path",
            "used under another target path",
            Place {
                path: "dir/other.img",
                ..HERE
            },
        ),
        at(
            "key-file-path-0",
            "used under an empty target path",
            Place { path: "", ..HERE },
        ),
        at(
            "key-file-repository",
            "used in another repository",
            Place {
                repository: "another",
                ..HERE
            },
        ),
        at(
            "key-file-swapped",
            "path and repository in each other's place",
            swapped,
        ),
        Vector::key_file(
            "key-file-other-image",
            "the envelope digest of another image",
            HERE,
            other,
        )
        .fails(Class::Unwrap),
    ]
}
