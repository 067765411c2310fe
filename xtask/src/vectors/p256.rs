//! Stanzas for P-256 that are well-formed and do not open.

use p256::elliptic_curve::sec1::ToSec1Point as _;
use sealift_envelope::{Binding, Stanza};

use super::cbor;
use super::forge::Forge;
use super::stanzas::{flipped, pieces};
use super::vector::{Class, Identity, Vector};
use super::world::{World, wrapped};
use crate::failure::Failure;

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let public = world.p256.public();
    let forge = Forge::of(b"x");
    let stanza = wrapped(&public, &forge.digest(), &Binding::in_file(), "p256")?;
    let (enc, ciphertext) = (stanza.enc(), stanza.ciphertext());
    let refused =
        |name, comment, at, bytes: &[u8]| image(name, comment, &stanza, at, bytes).fails(Class::Unwrap);
    let point = |name, comment, bytes: &[u8]| refused(name, comment, 4, bytes);
    let wrapped_key = |name, comment, bytes: &[u8]| refused(name, comment, 5, bytes);

    let other = wrapped(&public, &forge.digest(), &Binding::in_file(), "another")?;
    let stranger = World::stranger("p256");
    let theirs = wrapped(&stranger, &forge.digest(), &Binding::in_file(), "theirs")?;
    let prefix = |first: u8| [&[first], &enc[1..]].concat();
    let beyond = [&[4], &[0xFF; 32][..], &enc[33..]].concat();
    let negative = negated(enc);
    Ok(vec![
        image("p256", "the one recipient", &stanza, 4, enc).opens_to(b"x"),
        point("p256-off-curve", "a point off the curve", &flipped(enc, 64)),
        point("p256-zeros", "the point at infinity, as 65 zero bytes", &[0; 65]),
        point("p256-origin", "the coordinates 0 and 0", &prefixed(&[0; 64])),
        point(
            "p256-beyond-field",
            "a coordinate above the field's prime",
            &beyond,
        ),
        point(
            "p256-prefix-2",
            "an uncompressed point with the prefix of a compressed one",
            &prefix(2),
        ),
        point(
            "p256-prefix-hybrid",
            "a point with a hybrid prefix",
            &prefix(6 | enc[64] & 1),
        ),
        point("p256-prefix-5", "a point with an unknown prefix", &prefix(5)),
        point(
            "p256-negated",
            "the negated point: the same shared x, another encapsulation",
            &negative,
        ),
        point(
            "p256-other-point",
            "the encapsulation of another wrap",
            other.enc(),
        ),
        point(
            "p256-recipient",
            "the recipient's own public key as encapsulation",
            &spki_point(world),
        ),
        wrapped_key(
            "p256-ciphertext",
            "a bit of the wrapped key is turned",
            &flipped(ciphertext, 0),
        ),
        wrapped_key("p256-tag", "a bit of the tag is turned", &flipped(ciphertext, 47)),
        wrapped_key(
            "p256-other-ciphertext",
            "the wrapped key of another wrap",
            other.ciphertext(),
        ),
        wrapped_key("p256-ciphertext-zeros", "48 zero bytes", &[0; 48]),
        refused_stanza(
            "p256-stranger",
            "a stranger's stanza under the recipient's key id",
            &theirs,
            &stanza,
        ),
        typed_as_rsa(&stanza),
        stranger_with_bad_point(&stanza, &theirs),
    ])
}

fn image(name: &str, comment: &str, stanza: &Stanza, at: usize, bytes: &[u8]) -> Vector {
    let list = pieces(stanza).set(at, &cbor::bytes(bytes)).concat();
    Vector::image(name, comment, Forge::of(b"x").recipients(list).build()).with(Identity::P256)
}

fn refused_stanza(name: &str, comment: &str, theirs: &Stanza, mine: &Stanza) -> Vector {
    image(name, comment, theirs, 3, mine.key_id().as_bytes()).fails(Class::Unwrap)
}

/// The key id is of a P-256 key, the type is RSA's.
fn typed_as_rsa(stanza: &Stanza) -> Vector {
    let list = pieces(stanza)
        .set(2, &[2])
        .set(4, &cbor::bytes(&[0x5A; 384]))
        .concat();
    Vector::image(
        "p256-typed-rsa",
        "a stanza of type 2 under the key id of a P-256 key",
        Forge::of(b"x").recipients(list).build(),
    )
    .with(Identity::P256)
    .fails(Class::Unwrap)
}

/// Points are looked at when they are used: what is wrong with a stranger's stanza is his business.
fn stranger_with_bad_point(mine: &Stanza, theirs: &Stanza) -> Vector {
    let theirs = pieces(theirs).set(4, &cbor::bytes(&[0xFF; 65])).concat();
    let list = [&[0x82], &theirs[1..], &pieces(mine).concat()[1..]].concat();
    let comment = "another recipient's point is not one; nobody looks at it";
    Vector::image(
        "p256-bad-neighbour",
        comment,
        Forge::of(b"x").recipients(list).build(),
    )
    .with(Identity::P256)
    .opens_to(b"x")
}

fn prefixed(coordinates: &[u8]) -> Vec<u8> {
    [&[4], coordinates].concat()
}

fn negated(point: &[u8]) -> Vec<u8> {
    let point = p256::PublicKey::from_sec1_bytes(point).expect("a genuine point");
    let negative = p256::AffinePoint::from(-point.to_projective());
    negative.to_sec1_point(false).as_bytes().to_vec()
}

/// The uncompressed point at the end of the recipient's SubjectPublicKeyInfo.
fn spki_point(world: &World) -> Vec<u8> {
    let spki = world.p256.public().to_spki_der();
    spki[spki.len() - 65..].to_vec()
}
