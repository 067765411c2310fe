//! Stanzas for X-Wing: genuine ones, altered ones, and those of a sealer who chose an X25519 point of low order.

use std::convert::Infallible;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{SharedSecret, XWing};
use hpke::{Deserializable as _, HpkeError, Kem, OpModeS, Serializable as _};
use ml_kem::ml_kem_768::EncapsulationKey;
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use sealift_envelope::{Binding, RecipientKey, Stanza, Wrap};
use sha3::{Digest as _, Sha3_256};

use super::cbor;
use super::forge::Forge;
use super::framing::{p256_stranger, stranger};
use super::key_file::{body, framed};
use super::stanzas::{flipped, list, pieces};
use super::vector::{Class, Identity, Vector};
use super::world::{CONTENT_KEY, HERE, World, wrapped};
use crate::failure::Failure;

/// Bytes of ML-KEM in a public key and in an encapsulation; 32 of X25519 are behind them.
const ML_KEM_PUBLIC: usize = 1184;
const ML_KEM_CIPHERTEXT: usize = 1088;

/// Name, comment and bytes of points that X25519 takes to zero.
const LOW_ORDER: &[(&str, &str, &str)] = &[
    (
        "x-wing-low-order-0",
        "the X25519 point 0, with secrets that agree",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "x-wing-low-order-1",
        "the X25519 point 1, with secrets that agree",
        "0100000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "x-wing-low-order-8",
        "an X25519 point of order 8, with secrets that agree",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    ),
    (
        "x-wing-low-order-unreduced",
        "the X25519 point 0 as the field's prime, with secrets that agree",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
    (
        "x-wing-low-order-high-bit",
        "the X25519 point 0 with its highest bit set, with secrets that agree",
        "0000000000000000000000000000000000000000000000000000000000000080",
    ),
];

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let public = world.x_wing.public();
    let forge = Forge::of(b"x");
    let stanza = wrapped(&public, &forge.digest(), &Binding::in_file(), "x-wing")?;
    let other = wrapped(&public, &forge.digest(), &Binding::in_file(), "another")?;
    let moved = wrapped(&public, &forge.digest(), &HERE.of_key_file(), "x-wing")?;
    let (enc, ciphertext) = (stanza.enc(), stanza.ciphertext());
    let (ml_kem, x25519) = enc.split_at(ML_KEM_CIPHERTEXT);
    let change = |name, comment, at, bytes: &[u8]| {
        image(
            name,
            comment,
            pieces(&stanza).set(at, &cbor::bytes(bytes)).concat(),
        )
    };
    let header = |name, comment, enc: &[u8]| change(name, comment, 4, enc).fails(Class::Header);
    let unwrap = |name, comment, at, bytes: &[u8]| change(name, comment, at, bytes).fails(Class::Unwrap);
    let mine = pieces(&stanza).concat()[1..].to_vec();
    let among = list(&[stranger(0, 384), mine.clone(), p256_stranger(1)]);
    let mut vectors = vec![
        image("x-wing", "the one recipient", pieces(&stanza).concat()).opens_to(b"x"),
        image(
            "x-wing-among",
            "between a recipient with RSA and one with P-256",
            among,
        )
        .opens_to(b"x"),
        header("x-wing-1119", "an encapsulation of 1119 bytes", &enc[1..]),
        header(
            "x-wing-1121",
            "an encapsulation of 1121 bytes",
            &[enc, &[0]].concat(),
        ),
        header("x-wing-p256-point", "a P-256 point as encapsulation", &[4; 65]),
        unwrap(
            "x-wing-ml-kem",
            "a bit of ML-KEM's ciphertext is turned",
            4,
            &flipped(enc, 0),
        ),
        unwrap(
            "x-wing-x25519",
            "a bit of the X25519 point is turned",
            4,
            &flipped(enc, ML_KEM_CIPHERTEXT),
        ),
        unwrap(
            "x-wing-high-bit",
            "the bit of the X25519 point that is no part of the number",
            4,
            &{
                let mut enc = enc.to_vec();
                enc[ML_KEM_CIPHERTEXT + 31] ^= 0x80;
                enc
            },
        ),
        unwrap(
            "x-wing-order",
            "X25519 before ML-KEM",
            4,
            &[x25519, ml_kem].concat(),
        ),
        unwrap(
            "x-wing-halves",
            "ML-KEM's ciphertext of one wrap, the X25519 point of another",
            4,
            &{ [ml_kem, &other.enc()[ML_KEM_CIPHERTEXT..]].concat() },
        ),
        unwrap(
            "x-wing-ciphertext",
            "a bit of the wrapped key is turned",
            5,
            &flipped(ciphertext, 0),
        ),
        unwrap(
            "x-wing-tag",
            "a bit of the tag is turned",
            5,
            &flipped(ciphertext, 47),
        ),
        image(
            "x-wing-of-key-file",
            "a key file's stanza in a header",
            pieces(&moved).concat(),
        )
        .fails(Class::Unwrap),
        p256_typed(world, &stanza)?,
    ];
    for (name, comment, point) in LOW_ORDER {
        let point: [u8; 32] = hex::decode(point)?.try_into().expect("32 bytes");
        let stanza = hostile(&public, &forge, point)?;
        vectors.push(image(name, comment, pieces(&stanza).concat()).fails(Class::Unwrap));
    }
    vectors.extend(detached(world)?);
    Ok(vectors)
}

fn image(name: &str, comment: &str, recipients: Vec<u8>) -> Vector {
    let image = Forge::of(b"x").recipients(recipients).build();
    Vector::image(name, comment, image).with(Identity::XWing)
}

/// The key id is of a P-256 key, the type is X-Wing's.
fn p256_typed(world: &World, stanza: &Stanza) -> Result<Vector, Failure> {
    let key_id = world.p256.public().key_id();
    let list = pieces(stanza).set(3, &cbor::bytes(key_id.as_bytes())).concat();
    let vector = image(
        "p256-typed-x-wing",
        "a stanza of type 3 under the key id of a P-256 key",
        list,
    );
    Ok(vector.with(Identity::P256).fails(Class::Unwrap))
}

/// Key file and key box.
fn detached(world: &World) -> Result<Vec<Vector>, Failure> {
    let public = world.x_wing.public();
    let digest = Forge::of(b"x").digest();
    let stanza = |binding: &Binding| {
        let stanza = wrapped(&public, &digest, binding, "x-wing")?;
        Ok::<_, Failure>(pieces(&stanza).concat()[1..].to_vec())
    };
    let file = framed(&body(&digest, &list(&[p256_stranger(0), stanza(&HERE.of_key_file())?])).concat());
    let key_box = body(&digest, &stanza(&HERE.of_key_box())?).concat();
    let in_file = body(&digest, &stanza(&Binding::in_file())?).concat();
    Ok(vec![
        Vector::key_file("key-file-x-wing", "behind a recipient with P-256", HERE, file)
            .with(Identity::XWing),
        Vector::key_box("key-box-x-wing", "for an ECU with X-Wing", HERE, key_box).with(Identity::XWing),
        Vector::key_box(
            "key-box-x-wing-of-in-file",
            "a header's stanza in a key box",
            HERE,
            in_file,
        )
        .with(Identity::XWing)
        .fails(Class::Unwrap),
    ])
}

/// A stanza in which everything agrees with `point`, so that a reader who does not look opens it.
fn hostile(to: &RecipientKey, forge: &Forge, point: [u8; 32]) -> Result<Stanza, Failure> {
    let RecipientKey::XWing(key) = to else {
        return Err(Failure::new("the recipient is not of X-Wing"));
    };
    let info = Binding::in_file().info(Wrap::XWing, &to.key_id(), &forge.digest());
    let public = <XWing as Kem>::PublicKey::from_bytes(key.as_bytes())?;
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, Hostile>(
        &OpModeS::Base,
        &public,
        &info,
        &CONTENT_KEY,
        b"",
        &mut Chosen(point),
    )?;
    let ciphertext = ciphertext.try_into().expect("48 bytes");
    Ok(Stanza::new(
        Wrap::XWing,
        to.key_id(),
        enc.to_bytes().to_vec(),
        ciphertext,
    )?)
}

/// X-Wing whose sealer takes the X25519 point from its generator.
struct Hostile;

impl Kem for Hostile {
    type PublicKey = <XWing as Kem>::PublicKey;
    type PrivateKey = <XWing as Kem>::PrivateKey;
    type EncappedKey = <XWing as Kem>::EncappedKey;
    type NSecret = <XWing as Kem>::NSecret;
    const KEM_ID: u16 = XWing::KEM_ID;

    fn sk_to_pk(key: &Self::PrivateKey) -> Self::PublicKey {
        XWing::sk_to_pk(key)
    }

    fn derive_keypair(ikm: &[u8]) -> (Self::PrivateKey, Self::PublicKey) {
        XWing::derive_keypair(ikm)
    }

    fn decap(
        _: &Self::PrivateKey,
        _: Option<&Self::PublicKey>,
        _: &Self::EncappedKey,
    ) -> Result<SharedSecret<Self>, HpkeError> {
        Err(HpkeError::DecapError)
    }

    fn encap_with_rng(
        to: &Self::PublicKey,
        _: Option<(&Self::PrivateKey, &Self::PublicKey)>,
        rng: &mut impl CryptoRng,
    ) -> Result<(SharedSecret<Self>, Self::EncappedKey), HpkeError> {
        let mut point = [0; 32];
        rng.fill_bytes(&mut point);
        let to = to.to_bytes();
        let (to_ml_kem, to_x25519) = to.split_at(ML_KEM_PUBLIC);
        let ml_kem = to_ml_kem.try_into().map_err(|_| HpkeError::EncapError)?;
        let ml_kem = EncapsulationKey::new(ml_kem).map_err(|_| HpkeError::EncapError)?;
        let (ciphertext, secret) = ml_kem.encapsulate_deterministic(&[5; 32].into());
        let secret = Sha3_256::new()
            .chain_update(secret)
            .chain_update([0; 32])
            .chain_update(point)
            .chain_update(to_x25519)
            .chain_update(br"\.//^\")
            .finalize();
        let enc = [ciphertext.as_slice(), &point].concat();
        Ok((SharedSecret(secret), Self::EncappedKey::from_bytes(&enc)?))
    }
}

/// A generator that gives one point, again and again.
struct Chosen([u8; 32]);

impl TryRng for Chosen {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for (byte, chosen) in out.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *chosen;
        }
        Ok(())
    }
}

impl TryCryptoRng for Chosen {}
