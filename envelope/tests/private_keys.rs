//! Private and public keys as OpenSSL writes them, and as this crate does.

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

#[test]
fn generated_keys_survive_writing_and_reading() {
    let mut rng = TestRng::new("generated");
    let key = PrivateKey::generate_p256(&mut rng);
    let rsa = danger::generate_rsa(&mut rng, 2048).unwrap();
    for key in [key, rsa] {
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
