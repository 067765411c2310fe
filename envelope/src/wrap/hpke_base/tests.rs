//! Published vectors of RFC 9180 and of draft-ietf-hpke-pq, which a small file names by source and licence.

use std::convert::Infallible;

use hpke::kem::{DhP256HkdfSha256, XWing};
use rand_core::{TryCryptoRng, TryRng};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    p256: Vector,
    x_wing: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    #[serde(default)]
    info: String,
    ikm_e: String,
    #[serde(rename = "skRm")]
    private: String,
    #[serde(rename = "pkRm")]
    public: String,
    enc: String,
    #[serde(rename = "shared_secret")]
    shared_secret: String,
    #[serde(default)]
    encryptions: Vec<Encryption>,
}

#[derive(Deserialize)]
struct Encryption {
    aad: String,
    pt: String,
    ct: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../tests/hpke_vectors.json")).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// Hands out the vector's randomness, all of it at once.
struct Given(Vec<u8>);

impl TryRng for Given {
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

impl TryCryptoRng for Given {}

/// Both sides of the key encapsulation; gives back the recipient's keys.
fn encapsulation<K: Kem>(vector: &Vector) -> (K::PrivateKey, K::PublicKey) {
    let private = K::PrivateKey::from_bytes(&bytes(&vector.private)).unwrap();
    let public = K::PublicKey::from_bytes(&bytes(&vector.public)).unwrap();
    assert!(K::sk_to_pk(&private) == public);
    let (secret, enc) = K::encap_with_rng(&public, None, &mut Given(bytes(&vector.ikm_e))).unwrap();
    assert_eq!(hex::encode(enc.to_bytes()), vector.enc);
    assert_eq!(hex::encode(&secret.0), vector.shared_secret);
    let read = K::EncappedKey::from_bytes(&bytes(&vector.enc)).unwrap();
    let secret = K::decap(&private, None, &read).unwrap();
    assert_eq!(hex::encode(&secret.0), vector.shared_secret);
    (private, public)
}

#[test]
fn rfc_9180_with_p256_and_aes_256_gcm() {
    type Receiver = hpke::aead::AeadCtxR<AesGcm256, HkdfSha256, DhP256HkdfSha256>;
    let vector = vectors().p256;
    let (private, public) = encapsulation::<DhP256HkdfSha256>(&vector);
    let info = bytes(&vector.info);
    let (enc, mut sender) = hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
        &OpModeS::Base,
        &public,
        &info,
        &mut Given(bytes(&vector.ikm_e)),
    )
    .unwrap();
    let mut receiver: Receiver = hpke::setup_receiver(&OpModeR::Base, &private, &enc, &info).unwrap();
    for one in &vector.encryptions {
        let sealed = sender.seal(&bytes(&one.pt), &bytes(&one.aad)).unwrap();
        assert_eq!(hex::encode(&sealed), one.ct);
        assert_eq!(receiver.open(&sealed, &bytes(&one.aad)).unwrap(), bytes(&one.pt));
    }
    assert_eq!(vector.encryptions.len(), 4);
}

/// The vectors' key schedules use an AEAD that the format does not; the one above tests ours.
#[test]
fn hpke_pq_with_x_wing() {
    let vectors = vectors().x_wing;
    for vector in &vectors {
        encapsulation::<XWing>(vector);
    }
    assert_eq!(vectors.len(), 2);
}
