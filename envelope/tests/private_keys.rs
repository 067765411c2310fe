//! Private and public keys as OpenSSL writes them, and as this crate does.

use pkcs8::der::Document;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Pbkdf2Params, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding};
use sealift_envelope::{KeyError, PrivateKey, RecipientKey, UnwrapKey, danger};

use crate::support::TestRng;

const DEMO: Option<&[u8]> = Some(b"demo");

#[test]
fn every_form_openssl_makes_is_the_same_key() {
    let public = RecipientKey::from_pem(include_str!("keys/p256.pub.pem")).unwrap();
    for pem in [
        include_str!("keys/p256.pem"),
        include_str!("keys/p256-sec1.pem"),
        include_str!("keys/p256-pbkdf2.pem"),
        include_str!("keys/p256-scrypt.pem"),
    ] {
        let key = PrivateKey::from_pkcs8_pem(pem, DEMO).unwrap();
        assert_eq!(key.public(), public);
        assert_eq!(key.key_id(), public.key_id());
    }
    PrivateKey::from_pkcs8_pem(include_str!("keys/p256-ecparam.pem"), None).unwrap();

    let public = RecipientKey::from_pem(include_str!("keys/rsa3072.pub.pem")).unwrap();
    for pem in [
        include_str!("keys/rsa3072.pem"),
        include_str!("keys/rsa3072-pkcs1.pem"),
        include_str!("keys/rsa3072-encrypted.pem"),
    ] {
        assert_eq!(PrivateKey::from_pkcs8_pem(pem, DEMO).unwrap().public(), public);
    }
}

#[test]
fn public_keys_have_one_canonical_form() {
    let uncompressed = include_str!("keys/p256.pub.pem");
    let key = RecipientKey::from_pem(include_str!("keys/p256-compressed.pub.pem")).unwrap();
    assert_eq!(key.to_pem(), uncompressed);
    assert_eq!(
        key.key_id(),
        RecipientKey::from_pem(uncompressed).unwrap().key_id()
    );
    let rsa = include_str!("keys/rsa3072.pub.pem");
    assert_eq!(RecipientKey::from_pem(rsa).unwrap().to_pem(), rsa);

    let again = RecipientKey::from_spki_der(&key.to_spki_der()).unwrap();
    assert_eq!(again, key);
    assert_eq!(key.key_id().to_string().parse(), Ok(key.key_id()));
    assert_eq!(key.key_id().to_string().len(), 64);
}

#[test]
fn a_missing_or_wrong_passphrase_is_said() {
    for pem in [
        include_str!("keys/p256-pbkdf2.pem"),
        include_str!("keys/p256-scrypt.pem"),
    ] {
        assert_eq!(
            PrivateKey::from_pkcs8_pem(pem, None).unwrap_err(),
            KeyError::PassphraseMissing
        );
        // CBC padding lets one wrong passphrase in 256 through to what is then no key.
        let wrong = PrivateKey::from_pkcs8_pem(pem, Some(b"wrong")).unwrap_err();
        assert!(
            matches!(wrong, KeyError::Passphrase | KeyError::Malformed),
            "{wrong}"
        );
    }
    let traditional = PrivateKey::from_pkcs8_pem(include_str!("keys/p256-traditional-encrypted.pem"), DEMO);
    assert_eq!(traditional.unwrap_err(), KeyError::TraditionalEncryption);
}

#[test]
fn other_keys_are_refused() {
    let refused = |pem| PrivateKey::from_pkcs8_pem(pem, None).unwrap_err();
    assert_eq!(refused(include_str!("keys/p384.pem")), KeyError::Malformed);
    assert_eq!(
        refused(include_str!("keys/p256-explicit.pem")),
        KeyError::Malformed
    );
    assert!(matches!(
        refused(include_str!("keys/p256.pub.pem")),
        KeyError::Pem { .. }
    ));
    assert!(matches!(refused(""), KeyError::Pem { .. }));
    let refused = |pem| RecipientKey::from_pem(pem).unwrap_err();
    assert_eq!(refused(include_str!("keys/p384.pub.pem")), KeyError::Malformed);
    assert!(matches!(
        refused(include_str!("keys/p256.pem")),
        KeyError::Pem { .. }
    ));
    assert_eq!(
        RecipientKey::from_spki_der(b"no").unwrap_err(),
        KeyError::Malformed
    );
}

#[test]
fn rsa_of_2048_bits_only_through_danger() {
    let (private, public) = (
        include_str!("keys/rsa2048.pem"),
        include_str!("keys/rsa2048.pub.pem"),
    );
    let expected = KeyError::RsaSize {
        bits: 2048,
        min: 3072,
        max: 8192,
    };
    assert_eq!(PrivateKey::from_pkcs8_pem(private, None).unwrap_err(), expected);
    assert_eq!(RecipientKey::from_pem(public).unwrap_err(), expected);
    let key = danger::private_key_from_pem(private, None).unwrap();
    assert_eq!(key.public(), danger::recipient_from_pem(public).unwrap());
    assert_eq!(
        danger::recipient_from_spki_der(&key.public().to_spki_der()).unwrap(),
        key.public()
    );

    let mut rng = TestRng::new("small");
    assert!(matches!(
        PrivateKey::generate_rsa(&mut rng, 2048),
        Err(KeyError::RsaSize { .. })
    ));
    assert!(matches!(
        danger::generate_rsa(&mut rng, 1024),
        Err(KeyError::RsaSize { .. })
    ));
}

fn rsa_spki(bits: u32, exponent: u64) -> Vec<u8> {
    use rsa::BoxedUint;
    use rsa::pkcs8::EncodePublicKey as _;
    let mut bytes = vec![0; bits.div_ceil(8) as usize];
    bytes[0] = 1 << ((bits - 1) % 8);
    *bytes.last_mut().unwrap() |= 1;
    let modulus = BoxedUint::from_be_slice_vartime(&bytes);
    let key = rsa::RsaPublicKey::new_unchecked(modulus, BoxedUint::from(exponent));
    key.to_public_key_der().unwrap().into_vec()
}

#[test]
fn rsa_below_2048_bits_is_refused_even_through_danger() {
    for (bits, refused) in [(1024, true), (2047, true), (2048, false), (8192, false)] {
        let error = danger::recipient_from_spki_der(&rsa_spki(bits, 65_537)).err();
        let expected = KeyError::RsaSize {
            bits: bits as usize,
            min: 2048,
            max: 8192,
        };
        assert!(error == refused.then_some(expected), "{bits}: {error:?}");
    }
}

#[test]
fn an_rsa_exponent_that_encrypts_nothing_is_refused() {
    for exponent in [0, 1, 2, 65_536] {
        let refused = RecipientKey::from_spki_der(&rsa_spki(3072, exponent)).unwrap_err();
        assert_eq!(refused, KeyError::Malformed, "{exponent}");
    }
    for exponent in [3, 65_537] {
        RecipientKey::from_spki_der(&rsa_spki(3072, exponent)).unwrap();
    }
}

/// A SubjectPublicKeyInfo for P-256 with these bytes in place of the point.
fn p256_spki(point: &[u8]) -> Vec<u8> {
    let mut der = hex::decode("3000301306072a8648ce3d020106082a8648ce3d030107030000").unwrap();
    der.extend(point);
    der[24] = (point.len() + 1) as u8;
    der[1] = (der.len() - 2) as u8;
    der
}

#[test]
fn a_p256_point_off_the_curve_or_at_infinity_is_refused() {
    let genuine = RecipientKey::from_pem(include_str!("keys/p256.pub.pem"))
        .unwrap()
        .to_spki_der();
    let point = &genuine[genuine.len() - 65..];
    assert_eq!(p256_spki(point), genuine);
    let mut off = point.to_vec();
    off[64] ^= 1;
    let zero = [&[4][..], &[0; 64]].concat();
    // x = p, which is 0 unreduced
    let prime = hex::decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff").unwrap();
    let unreduced = [&[4][..], &prime, &point[33..]].concat();
    for bad in [&off[..], &zero, &unreduced, &[0], &point[..64], &[]] {
        let refused = RecipientKey::from_spki_der(&p256_spki(bad)).unwrap_err();
        assert_eq!(refused, KeyError::Malformed, "{}", hex::encode(bad));
    }
}

#[test]
fn generated_keys_survive_writing_and_reading() {
    let mut rng = TestRng::new("generated");
    let key = PrivateKey::generate_p256(&mut rng);
    let rsa = danger::generate_rsa(&mut rng, 2048).unwrap();
    let x_wing = PrivateKey::generate_x_wing(&mut rng).unwrap();
    for key in [key, rsa, x_wing] {
        let plain = key.to_pkcs8_pem(None, &mut rng).unwrap();
        assert!(plain.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(
            danger::private_key_from_pem(&plain, None).unwrap().public(),
            key.public()
        );
        let sealed = key.to_pkcs8_pem(DEMO, &mut rng).unwrap();
        assert!(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        assert_eq!(
            danger::private_key_from_pem(&sealed, DEMO).unwrap().public(),
            key.public()
        );
    }
}

/// The key of the file, encrypted with another derivation in its parameters.
fn derived_by(kdf: Kdf) -> String {
    let file = include_str!("keys/p256-scrypt.pem");
    let (_, document) = Document::from_pem(file).unwrap();
    let mut info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).unwrap();
    let EncryptionScheme::Pbes2(parameters) = &mut info.encryption_algorithm else {
        panic!("another encryption");
    };
    parameters.kdf = kdf;
    let changed = Document::encode_msg(&info).unwrap();
    changed.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap()
}

/// The file says how long trying a passphrase takes. Some say: hours, or all memory; of a cost of zero the library's
/// logarithm panics.
#[test]
fn a_derivation_that_costs_too_much_is_not_begun() {
    let scrypt = |cost_parameter, block_size, parallelization| {
        Kdf::Scrypt(ScryptParams {
            salt: [1; 16].as_slice().try_into().unwrap(),
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        })
    };
    let pbkdf2 = |iteration_count| {
        Kdf::Pbkdf2(Pbkdf2Params {
            iteration_count,
            ..Pbkdf2Params::hmac_sha256(1, &[1; 16]).unwrap()
        })
    };
    let tried = |kdf| PrivateKey::from_pkcs8_pem(&derived_by(kdf), DEMO).unwrap_err();
    for kdf in [
        scrypt(0, 8, 1),
        scrypt(1 << 20, 8, 1),
        scrypt(1 << 19, 8, 2),
        scrypt(1 << 40, 8, 1),
        scrypt(1 << 63, u16::MAX, u16::MAX),
        scrypt(2, u16::MAX, u16::MAX),
        scrypt(1 << 14, 0, 1),
        pbkdf2(10_000_001),
        pbkdf2(u32::MAX),
    ] {
        let error = tried(kdf.clone());
        assert!(matches!(error, KeyError::PassphraseCost), "{kdf:?}: {error}");
    }
    for kdf in [scrypt(1 << 10, 8, 1), pbkdf2(1000)] {
        let error = tried(kdf.clone());
        // CBC padding lets one wrong key in 256 through to what is then no key.
        assert!(!matches!(error, KeyError::PassphraseCost), "{kdf:?}: {error}");
    }
}

#[test]
fn a_text_longer_than_any_key_is_not_looked_at() {
    let key = include_str!("keys/p256.pem");
    let padded = |len: usize| format!("{key}{}", "\n".repeat(len - key.len()));
    PrivateKey::from_pkcs8_pem(&padded(64 * 1024), None).unwrap();
    let error = PrivateKey::from_pkcs8_pem(&padded(64 * 1024 + 1), None).unwrap_err();
    assert!(matches!(error, KeyError::Pem { .. }), "{error}");
}
