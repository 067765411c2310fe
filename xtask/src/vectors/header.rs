//! The immutable part: its one encoding, its fields. The commitment of all these images agrees with their header.

use super::cbor;
use super::forge::{Forge, immutable};
use super::vector::{Class, Vector};
use super::world::{ENVELOPE_ID, World};
use crate::failure::Failure;

/// Name, comment, which piece of the immutable part (see [`immutable`]; 9 is behind it), what is there instead.
type Row = (&'static str, &'static str, usize, &'static [u8]);

/// Another encoding of what is there, or something that CBOR has and the format does not.
const ENCODINGS: &[Row] = &[
    (
        "cbor-long-map",
        "the number of pairs in one more byte",
        0,
        b"\xB8\x04",
    ),
    ("cbor-long-key", "a key in one more byte", 1, b"\x18\x01"),
    (
        "cbor-long-integer-1",
        "an integer in one more byte",
        4,
        b"\x18\x01",
    ),
    (
        "cbor-long-integer-2",
        "an integer in two more bytes",
        4,
        b"\x19\0\x01",
    ),
    (
        "cbor-long-integer-4",
        "an integer in four more bytes",
        4,
        b"\x1A\0\0\0\x01",
    ),
    (
        "cbor-long-integer-8",
        "an integer in eight more bytes",
        4,
        b"\x1B\0\0\0\0\0\0\0\x01",
    ),
    (
        "cbor-long-text",
        "the length of a text in one more byte",
        6,
        b"\x78\x0Atext/plain",
    ),
    (
        "cbor-long-bytes",
        "the length of a byte string in one more byte",
        8,
        b"\x58\x10@ABCDEFGHIJKLMNO",
    ),
    (
        "cbor-indefinite-text",
        "a text of indefinite length",
        6,
        b"\x7F\x6Atext/plain\xFF",
    ),
    (
        "cbor-indefinite-bytes",
        "a byte string of indefinite length",
        8,
        b"\x5F\x50@ABCDEFGHIJKLMNO\xFF",
    ),
    ("cbor-tag-map", "a tag before the map", 0, b"\xD9\xD9\xF7\xA4"),
    ("cbor-tag-field", "a tag before a field", 4, b"\xC1\x01"),
    (
        "cbor-float-16",
        "the length as a float of 16 bits",
        4,
        b"\xF9\x3C\0",
    ),
    (
        "cbor-float-32",
        "the length as a float of 32 bits",
        4,
        b"\xFA\x3F\x80\0\0",
    ),
    (
        "cbor-float-64",
        "the length as a float of 64 bits",
        4,
        b"\xFB\x3F\xF0\0\0\0\0\0\0",
    ),
    ("cbor-true", "the length is true", 4, b"\xF5"),
    ("cbor-undefined", "the length is undefined, not null", 4, b"\xF7"),
    ("cbor-long-null", "null in one more byte", 4, b"\xF8\x16"),
    ("cbor-bignum", "the length as a big number", 4, b"\xC2\x41\x01"),
    ("cbor-negative", "the length is negative", 4, b"\x20"),
    (
        "cbor-bytes-for-integer",
        "the length is a byte string",
        4,
        b"\x41\x01",
    ),
    ("cbor-text-for-integer", "the suite is a text", 2, b"\x611"),
    (
        "cbor-bytes-for-text",
        "the media type is a byte string",
        6,
        b"\x4Atext/plain",
    ),
    (
        "cbor-text-for-bytes",
        "the envelope id is a text",
        8,
        b"\x70@ABCDEFGHIJKLMNO",
    ),
    (
        "cbor-array-for-map",
        "an array of the same items for the map",
        0,
        b"\x88",
    ),
    ("cbor-null-suite", "the suite is null", 2, b"\xF6"),
    ("cbor-null-media-type", "the media type is null", 6, b"\xF6"),
    ("cbor-null-envelope-id", "the envelope id is null", 8, b"\xF6"),
    (
        "cbor-not-utf-8",
        "a text that is not UTF-8",
        6,
        b"\x6Atext/plai\xFF",
    ),
    ("cbor-key-doubled", "key 1 twice, 2 not at all", 3, b"\x01"),
    ("cbor-key-text", "a key is a text", 1, b"\x611"),
    ("cbor-key-unknown", "key 5 in place of 4", 7, b"\x05"),
    ("cbor-trailing", "a byte behind the map", 9, b"\0"),
    ("cbor-trailing-break", "a break behind the map", 9, b"\xFF"),
    (
        "cbor-reserved",
        "additional information 28, which CBOR reserves",
        4,
        b"\x1C",
    ),
    (
        "cbor-claim-map",
        "a map of 2^64 - 1 pairs",
        0,
        b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ),
    (
        "cbor-claim-bytes",
        "a byte string of 2^64 - 1 bytes",
        8,
        b"\x5B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ),
    ("suite-0", "suite 0", 2, b"\0"),
    ("suite-2", "suite 2", 2, b"\x02"),
    (
        "plain-length-cap",
        "a plaintext of 2^52 bytes",
        4,
        b"\x1B\0\x10\0\0\0\0\0\0",
    ),
    (
        "plain-length-64-bits",
        "a plaintext of 2^64 - 1 bytes",
        4,
        b"\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ),
    (
        "media-type-control",
        "a control character in the media type",
        6,
        b"\x6Atext\x1Fplain",
    ),
    (
        "media-type-delete",
        "0x7F in the media type",
        6,
        b"\x6Atext\x7Fplain",
    ),
    (
        "media-type-not-ascii",
        "a letter beyond ASCII in the media type",
        6,
        b"\x6Atext/pl\xC3\xA4n",
    ),
    (
        "envelope-id-15",
        "an envelope id of 15 bytes",
        8,
        b"\x4F@ABCDEFGHIJKLMN",
    ),
    (
        "envelope-id-17",
        "an envelope id of 17 bytes",
        8,
        b"\x51@ABCDEFGHIJKLMNOP",
    ),
    ("envelope-id-0", "an empty envelope id", 8, b"\x40"),
];

pub(super) fn all(_: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = Vec::new();
    for (name, comment, at, bytes) in ENCODINGS {
        let immutable = immutable(1).set(*at, bytes).concat();
        vectors.push(refused(name, comment, immutable));
    }
    vectors.extend(maps());
    vectors.extend(bounds());
    Ok(vectors)
}

fn refused(name: &str, comment: &str, immutable: Vec<u8>) -> Vector {
    let image = Forge::of(b"x").immutable(immutable).build();
    Vector::image(name, comment, image).fails(Class::Header)
}

/// Maps with other pairs, or the same in another order.
fn maps() -> Vec<Vector> {
    let good = immutable(1);
    let unsorted = good.clone().set(1, &[2]).set(3, &[1]);
    let doubled = good.clone().set(0, &[0xA5]).set(9, b"\x04\x50@ABCDEFGHIJKLMNO");
    let fifth = good.clone().set(0, &[0xA5]).set(9, b"\x05\0");
    let negative = good.clone().set(0, &[0xA5]).set(9, b"\x20\0");
    let indefinite = good.clone().set(0, &[0xBF]).set(9, &[0xFF]);
    let missing = good.clone().set(0, &[0xA3]).set(7, b"").set(8, b"");
    let nested = good.clone().set(4, &[0x81; 20_000]);
    let twice = good.concat().repeat(2);
    vec![
        refused("cbor-key-unsorted", "key 2 before key 1", unsorted.concat()),
        refused(
            "cbor-key-twice",
            "key 4 twice, with the same value",
            doubled.concat(),
        ),
        refused(
            "cbor-key-fifth",
            "a fifth pair with an unknown key",
            fifth.concat(),
        ),
        refused(
            "cbor-key-negative",
            "a fifth pair with a negative key",
            negative.concat(),
        ),
        refused("cbor-key-missing", "no key 4", missing.concat()),
        refused(
            "cbor-indefinite-map",
            "a map of indefinite length",
            indefinite.concat(),
        ),
        refused("cbor-two-items", "the map twice", twice),
        refused(
            "cbor-nested",
            "20000 arrays in one another where the length is",
            nested.concat(),
        ),
        refused("cbor-break", "a break and nothing else", vec![0xFF]),
    ]
}

/// Fields at the end of what is allowed.
fn bounds() -> Vec<Vector> {
    let media_type = |text: &str| immutable(1).set(6, &cbor::text(text)).concat();
    let opens = |name, comment, immutable| {
        let image = Forge::of(b"x").immutable(immutable).build();
        Vector::image(name, comment, image).opens_to(b"x")
    };
    let zeros = immutable(1)
        .set(8, &cbor::bytes(&[0; ENVELOPE_ID.len()]))
        .concat();
    vec![
        opens("media-type-0", "an empty media type", media_type("")),
        opens(
            "media-type-255",
            "as long a media type as allowed",
            media_type(&"m".repeat(255)),
        ),
        refused(
            "media-type-256",
            "a media type longer than allowed",
            media_type(&"m".repeat(256)),
        ),
        opens(
            "media-type-ends",
            "the first and the last character allowed",
            media_type(" ~"),
        ),
        opens("envelope-id-zeros", "an envelope id of zero bytes", zeros),
    ]
}
