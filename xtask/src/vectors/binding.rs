//! Stanzas in the header that were made for another place or another image.

use sealift_envelope::{Binding, EnvelopeDigest};

use super::forge::{Forge, immutable};
use super::stanzas::pieces;
use super::vector::{Class, Identity, Vector};
use super::world::{HERE, World, wrapped};
use crate::failure::Failure;

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let forge = Forge::of(b"x");
    let public = world.p256.public();
    let image = |name: &str, comment: &str, digest: &EnvelopeDigest, binding: &Binding| {
        let stanza = wrapped(&public, digest, binding, name)?;
        let image = forge.clone().recipients(pieces(&stanza).concat()).build();
        let vector = Vector::image(name, comment, image).with(Identity::P256);
        Ok::<_, Failure>(vector.fails(Class::Unwrap))
    };
    let other = Forge::of(b"x").immutable(immutable(1).set(8, b"\x50PABCDEFGHIJKLMNO").concat());
    let digest = forge.digest();
    Ok(vec![
        image(
            "in-file-of-key-file",
            "a key file's stanza in a header",
            &digest,
            &HERE.of_key_file(),
        )?,
        image(
            "in-file-of-key-box",
            "a key box's stanza in a header",
            &digest,
            &HERE.of_key_box(),
        )?,
        image(
            "in-file-of-another",
            "the stanza of another sealing under the same content key",
            &other.digest(),
            &Binding::in_file(),
        )?,
    ])
}
