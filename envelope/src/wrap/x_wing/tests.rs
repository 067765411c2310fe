use std::convert::Infallible;

use hpke::HpkeError;
use hpke::kem::SharedSecret;
use ml_kem::ml_kem_768::EncapsulationKey;
use rand_core::{TryCryptoRng, TryRng};
use sha3::{Digest as _, Sha3_256};

use super::*;
use crate::{KeyId, Wrap};

type Key<K> = (<K as Kem>::PrivateKey, <K as Kem>::PublicKey);

/// Every encoding that X25519 takes to zero (RFC 7748 §6.1): orders 1, 2, 4 and 8, and their unreduced forms.
fn low_order_points() -> Vec<[u8; 32]> {
    const REDUCED: [&str; 5] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    const UNREDUCED: [&str; 2] = [
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let parse = |text: &&str| <[u8; 32]>::try_from(hex::decode(text).unwrap()).unwrap();
    let mut points: Vec<_> = REDUCED.iter().chain(&UNREDUCED).map(parse).collect();
    // The highest bit is not part of the number.
    for mut point in points.clone() {
        point[31] |= 0x80;
        points.push(point);
    }
    points
}

/// X-Wing as a hostile sealer does it: an X25519 point of low order instead of a fresh one.
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

    fn derive_keypair(ikm: &[u8]) -> Key<Self> {
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
        let (to_m, to_x) = to.split_at(1184);
        let (ct_m, ss_m) = EncapsulationKey::new(to_m.try_into().unwrap())
            .unwrap()
            .encapsulate_deterministic(&[5; 32].into());
        let secret = Sha3_256::new()
            .chain_update(ss_m)
            .chain_update([0; 32])
            .chain_update(point)
            .chain_update(to_x)
            .chain_update(br"\.//^\")
            .finalize();
        let enc = [ct_m.as_slice(), &point].concat();
        Ok((SharedSecret(secret), Self::EncappedKey::from_bytes(&enc)?))
    }
}

/// Gives the sealer the point that it is to use.
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
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Chosen {}

#[test]
fn a_share_of_low_order_is_refused_though_it_would_open() {
    let key = private(&[3; SEED_LEN]).unwrap();
    for point in low_order_points() {
        let content_key = ContentKey::from_bytes([9; 32]);
        let (enc, ciphertext) =
            hpke_base::seal::<Hostile, _>(&content_key, &XWing::sk_to_pk(&key), b"info", &mut Chosen(point))
                .unwrap();
        let stanza = Stanza::new(Wrap::XWing, KeyId::from_bytes([0; 32]), enc, ciphertext).unwrap();
        let opened = hpke_base::open::<XWing>(&key, &stanza, b"info").unwrap();
        assert_eq!(opened.expose(), &[9; 32], "the stanza is sound but for its point");
        assert!(matches!(
            unwrap(&key, &stanza, b"info"),
            Err(UnwrapError::Refused)
        ));
    }
}

#[test]
fn every_point_of_low_order_is_known_and_no_other() {
    let points = low_order_points();
    assert_eq!(points.len(), 14);
    assert!(points.iter().all(|point| has_low_order(point)));
    let mut base = [0; 32];
    for u in 2..=255 {
        base[0] = u;
        assert!(!has_low_order(&base), "{u}");
    }
    assert!(has_low_order(&[9; 31]), "a point that is not there");
}

#[test]
fn a_public_key_with_a_point_of_low_order_is_refused() {
    let mut bytes = public(&private(&[3; SEED_LEN]).unwrap());
    assert!(is_usable(&bytes));
    for point in low_order_points() {
        bytes[1184..].copy_from_slice(&point);
        assert!(!is_usable(&bytes));
    }
}
