//! Key files: recipients detached from the image, and re-wrapping without touching it.

use sealift_envelope::{Binding, EnvelopeDigest, FormatError, KeyFile, UnwrapError, UnwrapKey, wrap};

use crate::support::{P256, P256_OTHER, RSA, TestRng, X_WING, plan};

fn binding() -> Binding {
    Binding::key_file("repository", "brake/firmware.img")
}

fn file() -> (sealift_envelope::SealPlan, KeyFile) {
    let plan = plan("key file", None, vec![]);
    let digest = plan.envelope_digest();
    let mut file = KeyFile::new(digest);
    let mut rng = TestRng::new("key file stanzas");
    for key in [&*P256, &*RSA, &*X_WING] {
        file.add(wrap(plan.content_key(), &key.public(), &digest, &binding(), &mut rng).unwrap())
            .unwrap();
    }
    (plan, file)
}

#[test]
fn every_recipient_gets_the_content_key() {
    let (plan, file) = file();
    let file = KeyFile::parse(&file.encode()).unwrap();
    assert_eq!(file.envelope_digest(), plan.envelope_digest());
    for key in [&*P256, &*RSA, &*X_WING] {
        let content_key = file.unwrap_with(key, &binding()).unwrap();
        plan.header().check_key(&content_key).unwrap();
        let elsewhere = Binding::key_file("repository", "brake/other.img");
        assert!(matches!(
            file.unwrap_with(key, &elsewhere),
            Err(UnwrapError::Refused)
        ));
        assert!(matches!(
            file.unwrap_with(key, &Binding::in_file()),
            Err(UnwrapError::Refused)
        ));
    }
    let stranger = file.unwrap_with(&*P256_OTHER, &binding());
    assert!(matches!(
        stranger,
        Err(UnwrapError::NotARecipient { recipients: 3, .. })
    ));
}

#[test]
fn rotation_replaces_one_recipient_by_another() {
    let (plan, mut file) = file();
    let key = file.unwrap_with(&*P256, &binding()).unwrap();
    let mut rng = TestRng::new("rotation");
    let stanza = wrap(
        &key,
        &P256_OTHER.public(),
        &file.envelope_digest(),
        &binding(),
        &mut rng,
    )
    .unwrap();
    file.add(stanza.clone()).unwrap();
    assert_eq!(
        file.add(stanza),
        Err(FormatError::DuplicateRecipient(P256_OTHER.key_id()))
    );
    assert!(file.remove(&P256.key_id()));
    assert!(!file.remove(&P256.key_id()));

    let file = KeyFile::parse(&file.encode()).unwrap();
    assert!(file.unwrap_with(&*P256, &binding()).is_err());
    plan.header()
        .check_key(&file.unwrap_with(&*P256_OTHER, &binding()).unwrap())
        .unwrap();
    assert_eq!(file.stanzas().len(), 3);
}

#[test]
fn a_key_file_of_another_image_does_not_pass_the_commitment() {
    let (_, file) = file();
    let key = file.unwrap_with(&*P256, &binding()).unwrap();
    let other = plan("another image", None, vec![]);
    assert!(other.header().check_key(&key).is_err());
}

#[test]
fn malformed_files_are_refused() {
    let (_, file) = file();
    let bytes = file.encode();
    for cut in 0..bytes.len() {
        assert!(KeyFile::parse(&bytes[..cut]).is_err(), "{cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(
        KeyFile::parse(&longer),
        Err(FormatError::Trailing { .. })
    ));
    let mut version = bytes.clone();
    version[9] = 2;
    assert!(matches!(
        KeyFile::parse(&version),
        Err(FormatError::Version { version: 2, .. })
    ));
    let mut magic = bytes.clone();
    magic[4] = b'I';
    assert!(matches!(KeyFile::parse(&magic), Err(FormatError::Magic { .. })));
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x20;
        if let Ok(parsed) = KeyFile::parse(&altered) {
            assert_eq!(parsed.encode(), altered, "what parses is its own encoding");
        }
    }
}

#[test]
fn an_empty_file_is_legal() {
    let file = KeyFile::new(EnvelopeDigest::from_bytes([3; 32]));
    let bytes = file.encode();
    assert_eq!(
        hex::encode(&bytes[..14]),
        "5345414c4b45590000010000".to_owned() + "0026"
    );
    assert_eq!(KeyFile::parse(&bytes).unwrap(), file);
}
