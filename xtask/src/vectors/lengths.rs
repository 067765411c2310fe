//! Images that open: every length at which the shape of a body changes.

use super::vector::{Identity, Vector};
use super::world::{CHUNK, World, params, plaintext, sealed, sealed_with};
use crate::failure::Failure;

const KNOWN: &[(&str, &str, usize)] = &[
    ("length-0", "an empty plaintext is one empty chunk", 0),
    ("length-1", "one byte", 1),
    ("length-16383", "the longest single chunk", CHUNK - 1),
    ("length-16384", "a whole chunk is followed by an empty one", CHUNK),
    ("length-16385", "one byte in the second chunk", CHUNK + 1),
    (
        "length-32767",
        "two chunks, the last one byte short of whole",
        2 * CHUNK - 1,
    ),
    (
        "length-32768",
        "two whole chunks are followed by an empty one",
        2 * CHUNK,
    ),
    ("length-32769", "one byte in the third chunk", 2 * CHUNK + 1),
];

const UNKNOWN: &[(&str, &str, usize)] = &[
    (
        "length-unknown-0",
        "an empty plaintext whose length the header does not say",
        0,
    ),
    (
        "length-unknown-14",
        "a plaintext whose length the header does not say",
        14,
    ),
    (
        "length-unknown-16384",
        "a whole chunk of a plaintext whose length the header does not say",
        CHUNK,
    ),
];

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = Vec::new();
    for (name, comment, len) in KNOWN {
        let plain = plaintext(*len);
        vectors.push(Vector::image(name, comment, sealed(&plain, &[])?).opens_to(&plain));
    }
    for (name, comment, len) in UNKNOWN {
        let plain = plaintext(*len);
        let body = sealed_with(params(None, Vec::new()), &plain)?;
        vectors.push(Vector::image(name, comment, body).opens_to(&plain));
    }
    let example = b"hello, sealift";
    vectors.push(
        Vector::image(
            "worked-example",
            "the worked example of the specification",
            sealed(example, &[&world.p256])?,
        )
        .with(Identity::P256)
        .opens_to(example),
    );
    Ok(vectors)
}
