//! The key commitment: it finds another content key, and any change of context or salt, before the first chunk.

use hkdf::Hkdf;
use hkdf::hmac::digest::block_api::EagerHash;
use sealift_envelope::{Binding, ContentKey, wrap};
use sha2::{Sha256, Sha512};

use super::forge::{Body, Forge, INFO, immutable};
use super::seeded::Seeded;
use super::stanzas::{flipped, pieces};
use super::vector::{Class, Identity, Vector};
use super::world::{CONTENT_KEY, SALT, World, sealed};
use crate::failure::Failure;

const OTHER_KEY: [u8; 32] = [0x77; 32];

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let mut vectors = fields();
    vectors.extend(derivations());
    vectors.extend(keys(world)?);
    vectors.extend(recipients(world)?);
    Ok(vectors)
}

fn refused(name: &str, comment: &str, image: Vec<u8>) -> Vector {
    Vector::image(name, comment, image).fails(Class::Commitment)
}

/// Each field of a genuine image altered, within what the format allows.
fn fields() -> Vec<Vector> {
    let good = Forge::of(b"x");
    let behind = good.context().len() + 5;
    // 5: the length and the one byte of the recipients part, which are not covered.
    let tail = good.build()[behind - 5..].to_vec();
    let context = |name, comment, at: usize, bytes: &[u8]| {
        let altered = good.clone().immutable(immutable(1).set(at, bytes).concat());
        refused(name, comment, [altered.context(), tail.clone()].concat())
    };
    let byte = |name, comment, at: usize| refused(name, comment, flipped(&good.build(), at));
    vec![
        context("commitment-length", "the length is altered", 4, &[2]),
        context("commitment-length-null", "the length is taken out", 4, &[0xF6]),
        context(
            "commitment-media-type",
            "the media type is altered",
            6,
            b"\x6Atext/pla1n",
        ),
        context(
            "commitment-media-type-0",
            "the media type is taken out",
            6,
            b"\x60",
        ),
        context(
            "commitment-envelope-id",
            "the envelope id is altered",
            8,
            b"\x50PABCDEFGHIJKLMNO",
        ),
        byte("commitment-salt", "the first byte of the salt is altered", behind),
        byte(
            "commitment-salt-end",
            "the last byte of the salt is altered",
            behind + 23,
        ),
        byte(
            "commitment",
            "the first byte of the commitment is altered",
            behind + 24,
        ),
        byte(
            "commitment-end",
            "the last byte of the commitment is altered",
            behind + 55,
        ),
        refused(
            "commitment-zeros",
            "a commitment of zero bytes",
            [good.header_with(&[0; 32]), good.body().chunks(b"x")].concat(),
        ),
    ]
}

/// Bodies whose keys and commitment come from another derivation, consistently.
fn derivations() -> Vec<Vector> {
    let forge = Forge::of(b"x");
    let context = forge.context();
    let made = |name, comment, body: Body| {
        let image = [forge.header_with(&body.commitment), body.chunks(b"x")].concat();
        refused(name, comment, image)
    };
    let with_info = |info: &[&[u8]]| Body::from_okm(&expanded::<Sha512>(info, &padded()));
    let (tag, aes_128) = (
        INFO.len() - 1,
        b"c2sp.org/chunked-encryption@v1+AEAD_AES_128_GCM\0",
    );
    let parts = [INFO, &SALT, &context];
    let mut extracted = [0; 76];
    Hkdf::<Sha512>::new(Some(&SALT), &CONTENT_KEY)
        .expand_multi_info(&parts, &mut extracted)
        .expect("76 bytes");
    vec![
        made(
            "derivation-sha-256",
            "HKDF-Expand with SHA-256",
            Body::from_okm(&expanded::<Sha256>(&parts, &padded())),
        ),
        made(
            "derivation-extract",
            "HKDF with its first step",
            Body::from_okm(&extracted),
        ),
        made(
            "derivation-aes-128",
            "the name of AES-128-GCM",
            with_info(&[aes_128, &SALT, &context]),
        ),
        made(
            "derivation-no-zero",
            "no zero byte behind the name",
            with_info(&[&INFO[..tag], &SALT, &context]),
        ),
        made("derivation-no-salt", "no salt", with_info(&[INFO, &context])),
        made("derivation-no-context", "no context", with_info(&[INFO, &SALT])),
        made(
            "derivation-order",
            "context before salt",
            with_info(&[INFO, &context, &SALT]),
        ),
        made(
            "derivation-recipients",
            "the recipients in the context",
            with_info(&[INFO, &SALT, &context, &[0, 0, 0, 1, 0x80]]),
        ),
    ]
}

fn padded() -> [u8; 64] {
    let mut prk = [0; 64];
    prk[..32].copy_from_slice(&CONTENT_KEY);
    prk
}

fn expanded<H: EagerHash>(info: &[&[u8]], prk: &[u8; 64]) -> [u8; 76] {
    let mut okm = [0; 76];
    let hkdf = hkdf::GenericHkdf::<hkdf::hmac::Hmac<H>>::from_prk(prk).expect("64 bytes");
    hkdf.expand_multi_info(info, &mut okm).expect("76 bytes");
    okm
}

/// Another content key, given or unwrapped.
fn keys(world: &World) -> Result<Vec<Vector>, Failure> {
    let good = Forge::of(b"x");
    let image = good.build();
    let other = Identity::ContentKey(OTHER_KEY);
    let key = ContentKey::from_bytes(OTHER_KEY);
    let mut rng = Seeded::new("another key");
    let stanza = wrap(
        &key,
        &world.p256.public(),
        &good.digest(),
        &Binding::in_file(),
        &mut rng,
    )?;
    let wrapped = good.clone().recipients(pieces(&stanza).concat()).build();
    Ok(vec![
        refused("commitment-other-key", "another content key", image).with(other),
        refused(
            "commitment-wrapped-key",
            "the stanza opens, to another content key",
            wrapped,
        )
        .with(Identity::P256),
    ])
}

/// The recipients part is not covered: it can be exchanged without a new commitment.
fn recipients(world: &World) -> Result<Vec<Vector>, Failure> {
    let image = sealed(b"x", &[&world.p256])?;
    let context = Forge::of(b"x").context();
    let removed = [&context[..], &[0, 0, 0, 1, 0x80], &image[image.len() - 17 - 56..]].concat();
    let opens = |name, comment, image| Vector::image(name, comment, image).opens_to(b"x");
    Ok(vec![opens(
        "recipients-removed",
        "the one recipient was taken out of a sealed image",
        removed,
    )])
}
