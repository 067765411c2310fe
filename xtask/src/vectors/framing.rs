//! The frame of the header: magic, version, the two lengths, and input that ends early.

use super::cbor;
use super::forge::Forge;
use super::vector::{Class, Identity, Vector};
use super::world::{World, sealed};
use crate::failure::Failure;

/// Bytes of a header, at most.
const MAX_HEADER: usize = 65_536;
/// Salt and commitment.
const TAIL: usize = 56;

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = cuts(&sealed(b"x", &[&world.p256])?);
    vectors.extend(prefixes());
    vectors.extend(lengths());
    vectors.extend(caps());
    Ok(vectors)
}

/// A header of one P-256 recipient ends early.
fn cuts(image: &[u8]) -> Vec<Vector> {
    let (context, header) = (49, image.len() - 17);
    let named = [
        ("cut-empty", "no byte at all", 0),
        ("cut-magic", "ends inside the magic", 7),
        ("cut-length", "ends inside the length of the immutable part", 13),
        ("cut-immutable", "ends inside the immutable part", 30),
        (
            "cut-recipients-length",
            "ends inside the length of the recipients part",
            context + 3,
        ),
        ("cut-recipients", "ends inside the recipients part", context + 100),
        ("cut-salt", "ends inside the salt", header - TAIL + 10),
        ("cut-commitment", "ends inside the commitment", header - 1),
    ];
    let vector = |(name, comment, len): (&str, &str, usize)| {
        Vector::image(name, comment, image[..len].to_vec())
            .with(Identity::P256)
            .fails(Class::Header)
    };
    named.into_iter().map(vector).collect()
}

/// Magic and version enter the context, and the commitment of these images agrees with what they say.
fn prefixes() -> Vec<Vector> {
    let good = Forge::of(b"x");
    let magic = |name, comment, magic: &[u8; 8]| {
        (
            name,
            comment,
            Forge {
                magic: *magic,
                ..good.clone()
            },
        )
    };
    let version = |name, comment, version| {
        (
            name,
            comment,
            Forge {
                version,
                ..good.clone()
            },
        )
    };
    let named = [
        magic("magic-case", "the magic in lower case", b"sealift\0"),
        magic("magic-end", "the magic without its zero byte", b"SEALIFT1"),
        magic("magic-key-file", "the magic of a key file", b"SEALKEY\0"),
        version("version-0", "version 0", 0),
        version("version-2", "version 2", 2),
        version("version-256", "version 1, little-endian", 256),
        version("version-257", "version 257: its second byte is 1", 257),
    ];
    let vector = |(name, comment, forge): (&str, &str, Forge)| {
        Vector::image(name, comment, forge.build()).fails(Class::Header)
    };
    named.into_iter().map(vector).collect()
}

/// The two lengths say something else than what is there.
fn lengths() -> Vec<Vector> {
    let good = Forge::of(b"x");
    let (len, cap) = (good.immutable.len() as u32, (MAX_HEADER - 14 - 4 - TAIL) as u32);
    let immutable = |name, comment, said| {
        let forge = Forge {
            immutable_len: Some(said),
            ..good.clone()
        };
        (name, comment, forge)
    };
    let recipients = |name, comment, said| {
        let forge = Forge {
            recipients_len: Some(said),
            ..good.clone()
        };
        (name, comment, forge)
    };
    let left = cap - len;
    let named = [
        immutable("immutable-length-0", "an immutable part of no bytes", 0),
        immutable(
            "immutable-length-short",
            "one byte less than the immutable part has",
            len - 1,
        ),
        immutable(
            "immutable-length-long",
            "one byte more than the immutable part has",
            len + 1,
        ),
        immutable(
            "immutable-length-beyond",
            "an immutable part as long as allowed, in a short file",
            cap,
        ),
        immutable(
            "immutable-length-cap",
            "an immutable part one byte longer than a header can have",
            cap + 1,
        ),
        immutable(
            "immutable-length-31-bits",
            "an immutable part of 2^31 bytes",
            1 << 31,
        ),
        immutable(
            "immutable-length-32-bits",
            "an immutable part of 2^32 - 1 bytes",
            u32::MAX,
        ),
        recipients("recipients-length-0", "a recipients part of no bytes", 0),
        recipients(
            "recipients-length-long",
            "one byte more than the recipients part has",
            2,
        ),
        recipients(
            "recipients-length-beyond",
            "a recipients part as long as allowed, in a short file",
            left,
        ),
        recipients(
            "recipients-length-cap",
            "a recipients part one byte longer than a header can have",
            left + 1,
        ),
        recipients(
            "recipients-length-32-bits",
            "a recipients part of 2^32 - 1 bytes",
            u32::MAX,
        ),
    ];
    let vector = |(name, comment, forge): (&str, &str, Forge)| {
        Vector::image(name, comment, forge.build()).fails(Class::Header)
    };
    named.into_iter().map(vector).collect()
}

/// Headers as long as allowed, and longer. The recipients are strangers to everybody.
fn caps() -> Vec<Vector> {
    let of_size = |size: usize| {
        let forge = Forge::of(b"x");
        // 60 strangers with the same length of encapsulation, one who takes the rest; a stanza is 89 bytes and that.
        let room = size - forge.header().len() - 1 - 61 * 89;
        let (each, rest) = (room / 61, room / 61 + room % 61);
        let strangers = (0..60).map(|n| stranger(n, each)).chain([stranger(60, rest)]);
        let list: Vec<u8> = strangers.flatten().collect();
        let forge = forge.recipients([cbor::head(4, 61), list].concat());
        assert_eq!(forge.header().len(), size, "the strangers fill the header");
        forge.build()
    };
    let long_list = |count: usize| {
        let list: Vec<u8> = (0..count).flat_map(p256_stranger).collect();
        let forge = Forge::of(b"x").recipients([cbor::head(4, count as u64), list].concat());
        forge.build()
    };
    vec![
        Vector::image("header-cap", "a header of 65536 bytes", of_size(MAX_HEADER)).opens_to(b"x"),
        Vector::image("header-cap-1", "a header of 65537 bytes", of_size(MAX_HEADER + 1))
            .fails(Class::Header),
        Vector::image("recipients-256", "as many recipients as allowed", long_list(256)).opens_to(b"x"),
        Vector::image(
            "recipients-257",
            "one recipient more than allowed",
            long_list(257),
        )
        .fails(Class::Header),
    ]
}

/// A stanza of type 2 with this key id and an encapsulation of `len` zero bytes.
pub(super) fn stranger(number: usize, len: usize) -> Vec<u8> {
    stanza(2, number, len)
}

/// A stanza of type 1 that nobody can open.
pub(super) fn p256_stranger(number: usize) -> Vec<u8> {
    stanza(1, number, 65)
}

fn stanza(wrap: u64, number: usize, len: usize) -> Vec<u8> {
    let mut key_id = [0; 32];
    key_id[24..].copy_from_slice(&(number as u64).to_be_bytes());
    let items = [
        cbor::head(4, 4),
        cbor::uint(wrap),
        cbor::bytes(&key_id),
        cbor::bytes(&vec![0; len]),
        cbor::bytes(&[0; 48]),
    ];
    items.concat()
}
