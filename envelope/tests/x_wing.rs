//! X-Wing keys and recipients: the one kind that also holds against a quantum computer.

use rand_core::Rng as _;
use sealift_envelope::{
    Binding, Header, KeyError, KeyId, PrivateKey, RecipientKey, SealError, SealParams, SealPlan, UnwrapError,
    UnwrapKey, Wrap, XWingPublic,
};
use sha2::{Digest as _, Sha256};

use crate::support::{P256, RSA, TestRng, X_WING, plan};

/// The DER of a SubjectPublicKeyInfo before its 1216 bytes.
const SPKI_HEAD: &str = "308204d4300d060b2b0601040183e62d81c87a038204c100";
/// The DER of a PKCS#8 structure before its 32 bytes.
const PKCS8_HEAD: &str = "3034020100300d060b2b0601040183e62d81c87a0420";

fn public() -> XWingPublic {
    let RecipientKey::XWing(key) = X_WING.public() else {
        panic!("not an X-Wing key")
    };
    key
}

fn pem(label: &str, der: &[u8]) -> String {
    use pkcs8::der::pem::{LineEnding, encode_string};
    encode_string(label, LineEnding::LF, der).unwrap()
}

#[test]
fn mixed_recipients_each_open() {
    let keys = [&*P256, &*X_WING, &*RSA];
    let plan = plan("mixed", None, keys.iter().map(|key| key.public()).collect());
    let (header, _) = Header::parse(plan.header().bytes()).unwrap();
    let wraps: Vec<_> = header.stanzas().iter().map(|s| s.wrap().name()).collect();
    assert_eq!(wraps, ["hpke-p256", "x-wing", "rsa-oaep"]);
    assert_eq!(
        (header.stanzas()[1].wrap().code(), header.stanzas()[1].enc().len()),
        (3, 1120)
    );
    for key in keys {
        let opened = header.unwrap_with(key, &Binding::in_file()).unwrap();
        assert_eq!(opened.expose(), plan.content_key().expose());
    }
}

#[test]
fn the_same_randomness_gives_the_same_stanza() {
    let make = || plan("reproducible", None, vec![X_WING.public()]);
    assert_eq!(make().header().bytes(), make().header().bytes());
}

#[test]
fn the_key_id_names_the_raw_bytes() {
    let bytes = *public().as_bytes();
    let hash = Sha256::new().chain_update(b"X-Wing").chain_update(bytes);
    assert_eq!(X_WING.key_id(), KeyId::from_bytes(hash.finalize().into()));
    assert_eq!(
        (X_WING.key_id(), X_WING.wrap()),
        (X_WING.public().key_id(), Wrap::XWing)
    );
    assert_eq!(X_WING.public().wrap(), Wrap::XWing);
}

#[test]
fn the_encodings_are_those_of_the_draft() {
    let expected = [&hex::decode(SPKI_HEAD).unwrap()[..], public().as_bytes()].concat();
    assert_eq!(X_WING.public().to_spki_der(), expected);
    assert_eq!(
        X_WING.public().to_pem(),
        include_str!("keys/x-wing.pub.pem"),
        "the file was made from the same private key"
    );
    let read = RecipientKey::from_pem(include_str!("keys/x-wing.pub.pem")).unwrap();
    assert_eq!(read, X_WING.public());

    let seed = Sha256::digest("sealift test key, x-wing");
    let written = X_WING.to_pkcs8_pem(None, &mut TestRng::new("unused")).unwrap();
    let der = [&hex::decode(PKCS8_HEAD).unwrap()[..], &seed].concat();
    assert_eq!(*written, pem("PRIVATE KEY", &der));
    assert_eq!(*written, include_str!("keys/x-wing.pem"));
}

#[test]
fn other_lengths_and_parameters_are_refused() {
    let bytes = public().as_bytes().to_vec();
    for wrong in [&bytes[..1215], &[&bytes[..], &[0]].concat(), &[]] {
        assert_eq!(XWingPublic::from_bytes(wrong).unwrap_err(), KeyError::Malformed);
    }
    let spki = X_WING.public().to_spki_der();
    RecipientKey::from_spki_der(&spki).unwrap();
    let mut null = hex::decode("308204d6300f060b2b0601040183e62d81c87a0500038204c100").unwrap();
    null.extend(&bytes);
    let mut short = hex::decode("308204d3300d060b2b0601040183e62d81c87a038204c000").unwrap();
    short.extend(&bytes[..1215]);
    let mut unused_bit = spki;
    unused_bit[23] = 1;
    for der in [null, short, unused_bit] {
        assert_eq!(
            RecipientKey::from_spki_der(&der).unwrap_err(),
            KeyError::Malformed
        );
    }

    let seed = Sha256::digest("sealift test key, x-wing");
    let private = |head: &str, seed: &[u8]| {
        let der = [&hex::decode(head).unwrap()[..], seed].concat();
        PrivateKey::from_pkcs8_pem(&pem("PRIVATE KEY", &der), None)
    };
    private(PKCS8_HEAD, &seed).unwrap();
    let refused = [
        ("3033020100300d060b2b0601040183e62d81c87a041f", &seed[..31]),
        (
            "3035020100300d060b2b0601040183e62d81c87a0421",
            &[&seed[..], &[0]].concat(),
        ),
        ("3036020100300f060b2b0601040183e62d81c87a05000420", &seed[..]),
        // The seed in an octet string of its own, as other kinds of keys have it.
        ("3036020100300d060b2b0601040183e62d81c87a04220420", &seed[..]),
    ];
    for (head, seed) in refused {
        assert_eq!(private(head, seed).unwrap_err(), KeyError::Malformed);
    }
}

#[test]
fn a_public_key_beside_the_private_one_must_be_its_own() {
    let seed = Sha256::digest("sealift test key, x-wing");
    let with = |public: &[u8]| {
        let tail = [&hex::decode("818204c100").unwrap()[..], public].concat();
        let head = hex::decode("308204f9020101300d060b2b0601040183e62d81c87a0420").unwrap();
        let der = [&head[..], &seed, &tail].concat();
        PrivateKey::from_pkcs8_pem(&pem("PRIVATE KEY", &der), None)
    };
    let mut bytes = *public().as_bytes();
    assert_eq!(with(&bytes).unwrap().public(), X_WING.public());
    bytes[7] ^= 1;
    assert_eq!(with(&bytes).unwrap_err(), KeyError::Malformed);
}

#[test]
fn an_ml_kem_key_that_is_not_reduced_is_refused() {
    // FIPS 203 §7.2: each of the 768 coefficients, of 12 bits, must be below 3329. The smallest violation, in each of
    // the two places that three bytes have, and at both ends of the vector.
    let genuine = *public().as_bytes();
    for at in [0, 3 * 383] {
        let mut even = genuine;
        even[at] = 0x01;
        even[at + 1] = even[at + 1] & 0xF0 | 0x0D;
        assert_eq!(XWingPublic::from_bytes(&even).unwrap_err(), KeyError::Malformed);
        even[at] = 0x00;
        XWingPublic::from_bytes(&even).unwrap();

        let mut odd = genuine;
        odd[at + 1] = odd[at + 1] & 0x0F | 0x10;
        odd[at + 2] = 0xD0;
        assert_eq!(XWingPublic::from_bytes(&odd).unwrap_err(), KeyError::Malformed);
        odd[at + 1] &= 0x0F;
        XWingPublic::from_bytes(&odd).unwrap();
    }
}

#[test]
fn any_change_of_the_encapsulation_is_refused() {
    let plan = plan("altered", None, vec![X_WING.public()]);
    let stanza = &plan.header().stanzas()[0];
    let info = Binding::in_file().info(Wrap::XWing, &X_WING.key_id(), &plan.envelope_digest());
    for at in (0..1120).step_by(97).chain([1087, 1088, 1119]) {
        let mut enc = stanza.enc().to_vec();
        enc[at] ^= 1;
        let ciphertext = stanza.ciphertext().try_into().unwrap();
        let altered = sealift_envelope::Stanza::new(Wrap::XWing, stanza.key_id(), enc, ciphertext).unwrap();
        let result = X_WING.unwrap_stanza(&altered, &info);
        assert!(matches!(result, Err(UnwrapError::Refused)), "byte {at}");
    }
}

#[test]
fn a_header_holds_54_recipients_and_says_so_at_55() {
    let mut rng = TestRng::new("many");
    // Good for wrapping, and for nothing else: ML-KEM's public matrix comes from 32 bytes that may be anything.
    let mut fake = || {
        let mut bytes = *public().as_bytes();
        rng.fill_bytes(&mut bytes[1152..1184]);
        RecipientKey::XWing(XWingPublic::from_bytes(&bytes).unwrap())
    };
    let mut plan_for = |count| {
        let params = SealParams {
            recipients: (0..count).map(|_| fake()).collect(),
            ..SealParams::default()
        };
        SealPlan::new(params, &mut TestRng::new("plan"))
    };
    let plan = plan_for(54).unwrap();
    assert_eq!(plan.header().stanzas().len(), 54);
    let error = plan_for(55).unwrap_err();
    assert!(
        matches!(
            error,
            SealError::HeaderTooLarge {
                needed: 65_537..,
                cap: 65_536
            }
        ),
        "{error}"
    );
}
