//! Bodies that go wrong in a chunk: altered, cut, longer, or sealed in another manner. The header is genuine.

use super::forge::{Forge, immutable};
use super::stanzas::flipped;
use super::vector::Vector;
use super::world::{CHUNK, SEALED_CHUNK, World, plaintext};
use crate::failure::Failure;

/// Plaintext of the last chunk of most vectors here.
const REST: usize = 10;

/// A genuine image whose header does not say the length, so that only its body can be wrong.
pub(super) struct Image {
    pub(super) forge: Forge,
    pub(super) plain: Vec<u8>,
    pub(super) header: Vec<u8>,
    pub(super) chunks: Vec<u8>,
}

impl Image {
    pub(super) fn of(len: usize) -> Self {
        let plain = plaintext(len);
        let forge = Forge::of(&plain).immutable(immutable(0).set(4, &[0xF6]).concat());
        let (header, chunks) = (forge.header(), forge.body().chunks(&plain));
        Self {
            forge,
            plain,
            header,
            chunks,
        }
    }

    pub(super) fn with(&self, name: &str, comment: &str, chunks: &[u8]) -> Vector {
        Vector::image(name, comment, [&self.header, chunks].concat())
    }

    /// Plaintext of whole chunk `k`.
    pub(super) fn chunk(&self, k: usize) -> &[u8] {
        &self.plain[k * CHUNK..(k + 1) * CHUNK]
    }

    /// Plaintext of the last chunk.
    pub(super) fn last(&self) -> &[u8] {
        &self.plain[self.plain.len() / CHUNK * CHUNK..]
    }
}

pub(super) fn all(_: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = altered();
    vectors.extend(cut());
    vectors.extend(longer());
    vectors.extend(announced());
    vectors.extend(manners());
    Ok(vectors)
}

fn altered() -> Vec<Vector> {
    let (one, two, three) = (Image::of(1), Image::of(CHUNK + REST), Image::of(2 * CHUNK + REST));
    let whole = Image::of(CHUNK);
    let turn = |image: &Image, name, comment, at| image.with(name, comment, &flipped(&image.chunks, at));
    let (first, second) = (SEALED_CHUNK - 1, 2 * SEALED_CHUNK - 1);
    let (two_first, around) = (two.chunk(0), [three.chunk(0), three.last()].concat());
    vec![
        turn(&one, "altered-only", "a bit of the only chunk", 0).fails_after(b"", b""),
        turn(&two, "altered-first", "the first bit of the first chunk", 0).fails_after(b"", two.last()),
        turn(&two, "altered-first-tag", "the last bit of the first tag", first).fails_after(b"", two.last()),
        turn(&three, "altered-second", "the last bit of the second tag", second)
            .fails_after(three.chunk(0), &around),
        turn(&two, "altered-last", "the first bit of the last chunk", first + 1).fails_after(two_first, b""),
        turn(
            &two,
            "altered-last-tag",
            "the last bit of the last tag",
            first + REST + 16,
        )
        .fails_after(two_first, b""),
        turn(
            &whole,
            "altered-empty-last",
            "a bit of the tag of an empty last chunk",
            first + 1,
        )
        .fails_after(&whole.plain, b""),
    ]
}

fn cut() -> Vec<Vector> {
    let (two, three, whole) = (
        Image::of(CHUNK + REST),
        Image::of(2 * CHUNK + REST),
        Image::of(CHUNK),
    );
    let keep = |image: &Image, name, comment, len| image.with(name, comment, &image.chunks[..len]);
    let first = two.chunk(0);
    vec![
        keep(&two, "cut-body", "ends with the header", 0).fails_after(b"", b""),
        keep(&two, "cut-body-15", "ends before there is a tag", 15).fails_after(b"", b""),
        keep(
            &two,
            "cut-body-16",
            "ends when there are as many bytes as in a tag",
            16,
        )
        .fails_after(b"", b""),
        keep(
            &two,
            "cut-first",
            "ends with the last byte of the first chunk missing",
            SEALED_CHUNK - 1,
        )
        .fails_after(b"", b""),
        keep(
            &two,
            "cut-behind-first",
            "ends behind the first, whole chunk",
            SEALED_CHUNK,
        )
        .fails_after(first, b""),
        keep(
            &two,
            "cut-last-15",
            "ends before the last chunk has a tag",
            SEALED_CHUNK + 15,
        )
        .fails_after(first, b""),
        keep(
            &two,
            "cut-last",
            "the last byte is missing",
            SEALED_CHUNK + REST + 15,
        )
        .fails_after(first, b""),
        keep(
            &three,
            "cut-second",
            "ends inside the second of three chunks",
            SEALED_CHUNK + 9000,
        )
        .fails_after(three.chunk(0), b""),
        keep(
            &three,
            "cut-behind-second",
            "ends behind the second of three chunks",
            2 * SEALED_CHUNK,
        )
        .fails_after(&three.plain[..2 * CHUNK], b""),
        keep(
            &whole,
            "cut-empty-last",
            "the empty chunk behind a whole one is missing",
            SEALED_CHUNK,
        )
        .fails_after(&whole.plain, b""),
    ]
}

fn longer() -> Vec<Vector> {
    let two = Image::of(CHUNK + REST);
    let whole = Image::of(CHUNK);
    let more = |image: &Image, name, comment, more: &[u8]| {
        let chunks = [&image.chunks, more].concat();
        image
            .with(name, comment, &chunks)
            .fails_after(image.chunk(0), b"")
    };
    vec![
        more(&two, "longer-1", "a byte behind the end", &[0]),
        more(&two, "longer-16", "a tag of zero bytes behind the end", &[0; 16]),
        more(
            &two,
            "longer-chunk",
            "a chunk of zero bytes behind the end",
            &[0; SEALED_CHUNK],
        ),
        more(
            &two,
            "longer-last-again",
            "the last chunk twice",
            &two.chunks[SEALED_CHUNK..],
        ),
        more(
            &whole,
            "longer-empty-again",
            "an empty last chunk twice",
            &whole.chunks[SEALED_CHUNK..],
        ),
    ]
}

/// The header says another length than the body has, and the commitment agrees with the header.
fn announced() -> Vec<Vector> {
    let made = |name: &str, comment: &str, said: u64, len: usize, released: usize| {
        let plain = plaintext(len);
        let forge = Forge::of(&plain).immutable(immutable(said).concat());
        Vector::image(name, comment, forge.build()).fails_after(&plain[..released], b"")
    };
    let len = CHUNK + REST;
    let long = len as u64;
    vec![
        made(
            "announced-more",
            "a byte more is announced than there is",
            long + 1,
            len,
            CHUNK,
        ),
        made(
            "announced-less",
            "a byte less is announced than there is",
            long - 1,
            len,
            CHUNK,
        ),
        made(
            "announced-chunk",
            "a whole chunk is announced, more follows",
            CHUNK as u64,
            len,
            CHUNK,
        ),
        made(
            "announced-below-chunk",
            "less is announced than the first chunk has",
            CHUNK as u64 - 1,
            len,
            0,
        ),
        made("announced-0", "nothing is announced, there is a byte", 0, 1, 0),
        made("announced-1", "a byte is announced, there is nothing", 1, 0, 0),
        made(
            "announced-cap",
            "as much as allowed is announced, there is a byte",
            (1 << 52) - 1,
            1,
            0,
        ),
    ]
}

/// Chunks that the right key sealed in a way of its own.
fn manners() -> Vec<Vector> {
    let image = Image::of(2 * CHUNK + REST);
    let body = image.forge.body();
    let parts = [image.chunk(0), image.chunk(1), image.last()];
    let sealed = |seal: &dyn Fn(u64, &[u8]) -> Vec<u8>| -> Vec<u8> {
        (0..).zip(parts).flat_map(|(k, part)| seal(k, part)).collect()
    };
    let made = |name, comment, chunks: Vec<u8>| image.with(name, comment, &chunks);
    let small: Vec<u8> = (0..)
        .zip(image.plain.chunks(CHUNK / 2))
        .flat_map(|(k, part)| body.chunk(k, part))
        .collect();
    let little = sealed(&|k, part| body.chunk_with(body.nonce(k.to_le_bytes()), b"", part));
    let same = sealed(&|_, part| body.chunk(0, part));
    let from_1 = sealed(&|k, part| body.chunk(k + 1, part));
    let aad = sealed(&|k, part| body.chunk_with(body.nonce(k.to_be_bytes()), &k.to_be_bytes(), part));
    let flag = |k: u64| if k == 2 { k | 1 << 63 } else { k };
    let flagged = sealed(&|k, part| body.chunk(flag(k), part));
    let full = body.chunk(0, &image.plain[..CHUNK + REST]);
    vec![
        made(
            "manner-little-endian",
            "the chunk number in the nonce, little-endian",
            little,
        )
        .fails_after(image.chunk(0), b""),
        made("manner-same-nonce", "one nonce for all chunks", same).fails_after(image.chunk(0), b""),
        made("manner-from-1", "chunks numbered from 1", from_1).fails_after(b"", b""),
        made("manner-aad", "the chunk number as associated data", aad).fails_after(b"", b""),
        made("manner-flag", "the last chunk marked in its nonce", flagged)
            .fails_after(&image.plain[..2 * CHUNK], b""),
        made("manner-8-kib", "chunks of 8 KiB", small).fails_after(b"", b""),
        made("manner-long-last", "a last chunk longer than a whole one", full).fails_after(b"", b""),
    ]
}
