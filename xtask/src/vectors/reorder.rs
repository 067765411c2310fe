//! Genuine chunks where they do not belong.

use super::forge::{Body, Forge, immutable};
use super::payload::Image;
use super::vector::Vector;
use super::world::{CHUNK, CONTENT_KEY, SALT, SEALED_CHUNK, World};
use crate::failure::Failure;

pub(super) fn all(_: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = moved();
    vectors.extend(foreign());
    Ok(vectors)
}

fn moved() -> Vec<Vector> {
    let image = Image::of(2 * CHUNK + 10);
    let (first, rest) = image.chunks.split_at(SEALED_CHUNK);
    let (second, last) = rest.split_at(SEALED_CHUNK);
    let body = |name, comment, chunks: &[&[u8]]| image.with(name, comment, &chunks.concat());
    let around = [image.chunk(0), image.last()].concat();
    vec![
        body(
            "moved-swapped",
            "the second chunk, the first, the last",
            &[second, first, last],
        )
        .fails_after(b"", image.last()),
        body(
            "moved-repeated",
            "the first chunk in place of the second as well",
            &[first, first, last],
        )
        .fails_after(image.chunk(0), &around),
        body(
            "moved-inserted",
            "the first chunk twice, then the others",
            &[first, first, second, last],
        )
        .fails_after(image.chunk(0), b""),
        body(
            "moved-dropped-first",
            "the first chunk is missing",
            &[second, last],
        )
        .fails_after(b"", b""),
        body(
            "moved-dropped-second",
            "the second chunk is missing",
            &[first, last],
        )
        .fails_after(image.chunk(0), b""),
        body("moved-last-first", "the last chunk first", &[last, first, second]).fails_after(b"", b""),
        body("moved-last-only", "the last chunk alone", &[last]).fails_after(b"", b""),
    ]
}

/// Chunks of other images in the place of the second of three.
fn foreign() -> Vec<Vector> {
    let image = Image::of(2 * CHUNK + 10);
    let around = [image.chunk(0), image.last()].concat();
    let context = image.forge.context();
    let other_context = Forge::of(b"x").immutable(immutable(0).set(4, &[0xF6]).set(6, b"\x60").concat());
    let replaced = |name, comment, body: &Body| {
        let mut chunks = image.chunks.clone();
        chunks.splice(SEALED_CHUNK..2 * SEALED_CHUNK, body.chunk(1, image.chunk(1)));
        image
            .with(name, comment, &chunks)
            .fails_after(image.chunk(0), &around)
    };
    let other_key = Body::derive(&[0x77; 32], &SALT, &context);
    let other_salt = Body::derive(&CONTENT_KEY, &[0x77; 24], &context);
    let other_context = Body::derive(&CONTENT_KEY, &SALT, &other_context.context());
    let short = Image::of(10);
    let all_other = other_salt.chunks(&short.plain);
    vec![
        replaced(
            "foreign-key",
            "the second chunk of the same image under another content key",
            &other_key,
        ),
        replaced(
            "foreign-salt",
            "the second chunk of the same image with another salt",
            &other_salt,
        ),
        replaced(
            "foreign-context",
            "the second chunk of the same image with another media type",
            &other_context,
        ),
        short
            .with("foreign-body", "the commitment is right, no chunk is", &all_other)
            .fails_after(b"", b""),
    ]
}
