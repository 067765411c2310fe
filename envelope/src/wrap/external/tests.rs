use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::{Binding, EnvelopeDigest, KeyId, PrivateKey, UnwrapKey, wrap};

/// A private half that is reached through the closures only.
struct Elsewhere {
    public: RecipientKey,
    secret: p256::SecretKey,
}

fn elsewhere(seed: u8) -> Elsewhere {
    // Any non-zero number below the order is a key.
    let secret = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
    Elsewhere {
        public: RecipientKey::P256(secret.public_key()),
        secret,
    }
}

impl Elsewhere {
    fn agree(&self, peer: &[u8]) -> Answer {
        let peer = p256::PublicKey::from_sec1_bytes(peer).unwrap();
        let shared = p256::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
        Zeroizing::new(shared.raw_secret_bytes().to_vec())
    }
}

fn digest() -> EnvelopeDigest {
    EnvelopeDigest::from_bytes([3; 32])
}

fn stanza_for(to: &RecipientKey) -> (Stanza, Vec<u8>) {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let binding = Binding::in_file();
    let key = ContentKey::from_bytes([0x5a; 32]);
    let stanza = wrap(&key, to, &digest(), &binding, &mut rng).unwrap();
    (stanza, binding.info(to.wrap(), &to.key_id(), &digest()))
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// RFC 9180's published vector for DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode: the KEM's shared secret
/// and the first message, from the bare Diffie-Hellman on.
#[test]
fn published_vector() {
    let secret = p256::SecretKey::from_slice(&hex(VECTOR_SK)).unwrap();
    let holder = Elsewhere {
        public: RecipientKey::P256(secret.public_key()),
        secret,
    };
    let enc: [u8; 65] = hex(VECTOR_ENC).try_into().unwrap();
    let dh = holder.agree(&enc);
    let shared = extract_and_expand(&dh, &enc, &holder.secret.public_key()).unwrap();
    assert_eq!(hex::encode(shared.0), VECTOR_SHARED_SECRET);
    let open = |dh: &[u8]| {
        let (info, ct, aad) = (hex(VECTOR_INFO), hex(VECTOR_CT), hex(VECTOR_AAD));
        hpke_open(dh, &enc, &holder.secret.public_key(), &info, &ct, &aad)
    };
    assert_eq!(open(&dh).unwrap().as_slice(), b"Beauty is truth, truth beauty");
    assert!(open(&[1; 32]).is_none());
}

/// RFC 9180 A.3.1: the same KEM with another key and AES-128-GCM behind it.
#[test]
fn published_vector_of_the_kem() {
    let secret = p256::SecretKey::from_slice(&hex(
        "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
    ))
    .unwrap();
    let holder = Elsewhere {
        public: RecipientKey::P256(secret.public_key()),
        secret,
    };
    let enc: [u8; 65] = hex(
        "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9\
         bfcb9382657222d18c4",
    )
    .try_into()
    .unwrap();
    let shared = extract_and_expand(&holder.agree(&enc), &enc, &holder.secret.public_key()).unwrap();
    let expected = "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8";
    assert_eq!(hex::encode(shared.0), expected);
}

#[test]
fn p256_opens_what_was_wrapped() {
    let holder = elsewhere(7);
    let (stanza, info) = stanza_for(&holder.public);
    let key = unwrap_p256(&holder.public, &stanza, &info, |peer| {
        assert_eq!(peer.as_sec1(), stanza.enc());
        let spki = RecipientKey::from_spki_der(&peer.to_spki_der()).unwrap();
        assert_eq!(spki, RecipientKey::from_p256_point(stanza.enc()).unwrap());
        Ok(holder.agree(peer.as_sec1()))
    });
    assert_eq!(key.unwrap().expose(), &[0x5a; 32]);
}

#[test]
fn a_wrong_answer_is_refused_whatever_is_wrong_with_it() {
    let holder = elsewhere(7);
    let (stanza, info) = stanza_for(&holder.public);
    let other = elsewhere(8).agree(stanza.enc());
    let good = holder.agree(stanza.enc());
    let long: Vec<u8> = [good.as_slice(), &[0]].concat();
    let answers: [&[u8]; 6] = [&other, &[], &good[..31], &good[1..], &long, &[0; 32]];
    for answer in answers {
        let result = unwrap_p256(&holder.public, &stanza, &info, |_| {
            Ok(Zeroizing::new(answer.to_vec()))
        });
        assert!(matches!(result, Err(UnwrapError::Refused)), "{answer:?}");
    }
    let result = unwrap_p256(&holder.public, &stanza, b"another place", |_| {
        Ok(holder.agree(stanza.enc()))
    });
    assert!(matches!(result, Err(UnwrapError::Refused)));
}

/// An invalid point never reaches the token: its answers to such points would tell about the key.
#[test]
fn a_point_off_the_curve_is_never_handed_out() {
    let holder = elsewhere(7);
    let (stanza, info) = stanza_for(&holder.public);
    let ciphertext = stanza.ciphertext().try_into().unwrap();
    let mut enc = stanza.enc().to_vec();
    enc[64] ^= 1;
    for enc in [enc, vec![0; 65], vec![4; 65], vec![0xff; 65]] {
        let bad = Stanza::new(Wrap::HpkeP256, stanza.key_id(), enc, ciphertext).unwrap();
        let result = unwrap_p256(&holder.public, &bad, &info, |_| {
            panic!("this point must not be used")
        });
        assert!(matches!(result, Err(UnwrapError::Refused)));
    }
}

#[test]
fn a_stanza_of_another_key_or_kind_is_never_handed_out() {
    let (holder, other) = (elsewhere(7), elsewhere(8));
    let (stanza, info) = stanza_for(&holder.public);
    let untouched = |_: &PeerPoint| -> Result<Answer, UnwrapError> { panic!("nothing to agree on") };
    let result = unwrap_p256(&other.public, &stanza, &info, untouched);
    assert!(matches!(result, Err(UnwrapError::Refused)));
    let result = unwrap_rsa(&holder.public, &stanza, &info, |_| panic!("nothing to decrypt"));
    assert!(matches!(result, Err(UnwrapError::Refused)));
}

#[test]
fn what_the_holder_says_comes_through() {
    let holder = elsewhere(7);
    let (stanza, info) = stanza_for(&holder.public);
    let result = unwrap_p256(&holder.public, &stanza, &info, |_| {
        Err(UnwrapError::Unavailable("pulled out".into()))
    });
    assert!(matches!(result, Err(UnwrapError::Unavailable(_))));
}

#[test]
fn rsa_opens_what_was_wrapped_and_refuses_the_rest() {
    use rsa::pkcs8::DecodePrivateKey as _;
    let pem = include_str!("../../../tests/keys/rsa3072.pem");
    let private = rsa::RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
    let public = PrivateKey::from_pkcs8_pem(pem, None).unwrap().public();
    let (stanza, info) = stanza_for(&public);
    let secret = private
        .decrypt(rsa::Oaep::<sha2::Sha256>::new(), stanza.enc())
        .unwrap();
    let with = |answer: &[u8]| {
        unwrap_rsa(&public, &stanza, &info, |enc| {
            assert_eq!(enc, stanza.enc());
            Ok(Zeroizing::new(answer.to_vec()))
        })
    };
    assert_eq!(with(&secret).unwrap().expose(), &[0x5a; 32]);
    for answer in [&secret[..31], &[0; 32], &[], &[secret.as_slice(), &[0]].concat()] {
        assert!(matches!(with(answer), Err(UnwrapError::Refused)));
    }
}

/// A lenient holder is not asked: padded, cut, and not below the modulus (envelope-v1 §5.3).
#[test]
fn an_rsa_encapsulation_out_of_range_is_never_handed_out() {
    let pem = include_str!("../../../tests/keys/rsa3072.pem");
    let public = PrivateKey::from_pkcs8_pem(pem, None).unwrap().public();
    let (stanza, info) = stanza_for(&public);
    let ciphertext = stanza.ciphertext().try_into().unwrap();
    let RecipientKey::Rsa(key) = &public else {
        panic!("an RSA key")
    };
    let enc = stanza.enc();
    let padded = [&[0], enc].concat();
    for enc in [
        padded,
        enc[1..].to_vec(),
        key.n_bytes().to_vec(),
        vec![0xff; enc.len()],
    ] {
        let bad = Stanza::new(Wrap::RsaOaep, stanza.key_id(), enc, ciphertext).unwrap();
        let result = unwrap_rsa(&public, &bad, &info, |_| panic!("nothing to decrypt"));
        assert!(matches!(result, Err(UnwrapError::Refused)));
    }
}

#[test]
fn public_keys_from_numbers() {
    use rsa::traits::PublicKeyParts as _;
    let pem = |bits| match bits {
        2048 => {
            crate::danger::recipient_from_pem(include_str!("../../../tests/keys/rsa2048.pub.pem")).unwrap()
        }
        _ => RecipientKey::from_pem(include_str!("../../../tests/keys/rsa3072.pub.pem")).unwrap(),
    };
    let numbers = |key: &RecipientKey| match key {
        RecipientKey::Rsa(key) => (key.n().to_be_bytes().to_vec(), key.e().to_be_bytes().to_vec()),
        _ => panic!("an RSA key"),
    };
    let key = pem(3072);
    let (n, e) = numbers(&key);
    assert_eq!(RecipientKey::from_rsa_numbers(&n, &e).unwrap(), key);
    // Tokens may send a leading zero, as in DER.
    let padded = [&[0], n.as_slice()].concat();
    assert_eq!(
        RecipientKey::from_rsa_numbers(&padded, &[0, 1, 0, 1]).unwrap(),
        key
    );
    let (n, e) = numbers(&pem(2048));
    let small = RecipientKey::from_rsa_numbers(&n, &e);
    assert!(matches!(small, Err(crate::KeyError::RsaSize { bits: 2048, .. })));
    for (n, e) in [(&[][..], &e[..]), (&[0; 400], &e), (&n, &[]), (&[0xff; 1026], &e)] {
        assert!(RecipientKey::from_rsa_numbers(n, e).is_err());
    }
    assert!(RecipientKey::from_p256_point(&[]).is_err());
    assert!(RecipientKey::from_p256_point(&[0]).is_err());
    assert!(RecipientKey::from_p256_point(&[4; 65]).is_err());
}

#[test]
fn a_point_is_not_shown() {
    let key = p256::SecretKey::from_slice(&[7; 32]).unwrap().public_key();
    let peer = PeerPoint { key, bytes: [4; 65] };
    assert_eq!(format!("{peer:?}"), "PeerPoint(…)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A key in memory and the same key behind the closure agree, on random keys, places and damage.
    #[test]
    fn equal_to_the_key_in_memory(scalar: [u8; 32], flip in proptest::option::of(0_usize..113)) {
        use p256::pkcs8::EncodePrivateKey as _;
        let Ok(secret) = p256::SecretKey::from_slice(&scalar) else { return Ok(()) };
        let pem = secret.to_pkcs8_pem(pkcs8::LineEnding::LF).unwrap();
        let memory = PrivateKey::from_pkcs8_pem(&pem, None).unwrap();
        let holder = Elsewhere { public: memory.public(), secret };
        let (mut stanza, info) = stanza_for(&holder.public);
        if let Some(at) = flip {
            let mut enc = stanza.enc().to_vec();
            let mut ciphertext: [u8; 48] = stanza.ciphertext().try_into().unwrap();
            match enc.get_mut(at) {
                Some(byte) => *byte ^= 1,
                None => ciphertext[at - 65] ^= 1,
            }
            stanza = Stanza::new(Wrap::HpkeP256, stanza.key_id(), enc, ciphertext).unwrap();
        }
        let outside = unwrap_p256(&holder.public, &stanza, &info, |peer| Ok(holder.agree(peer.as_sec1())));
        let inside = memory.unwrap_stanza(&stanza, &info);
        prop_assert_eq!(inside.is_ok(), flip.is_none());
        prop_assert_eq!(outside.ok().map(|key| *key.expose()), inside.ok().map(|key| *key.expose()));
    }
}

#[test]
fn other_key_ids_do_not_pass() {
    let holder = elsewhere(7);
    let (stanza, info) = stanza_for(&holder.public);
    let ciphertext = stanza.ciphertext().try_into().unwrap();
    let renamed = Stanza::new(
        Wrap::HpkeP256,
        KeyId::from_bytes([1; 32]),
        stanza.enc().to_vec(),
        ciphertext,
    );
    let result = unwrap_p256(&holder.public, &renamed.unwrap(), &info, |_| panic!("not for us"));
    assert!(matches!(result, Err(UnwrapError::Refused)));
}

const VECTOR_SK: &str = "317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2";
const VECTOR_ENC: &str = "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e0b21bd31a86c6048af3cb2d98e0d3\
                          bf01da5cc4c39ff5370d331a4f1f7d5a4e0";
const VECTOR_SHARED_SECRET: &str = "48893fecd82f7c3456af6a42d8f56325d21e08c10fa81299986aaff54cde7b49";
const VECTOR_INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
const VECTOR_AAD: &str = "436f756e742d30";
const VECTOR_CT: &str =
    "58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f";
