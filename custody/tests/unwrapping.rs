//! What every holder has to do alike.

use rand_core::UnwrapErr;
use sealift_custody::{CustodyError, HeldKey};
use sealift_envelope::{Binding, ContentKey, EnvelopeDigest, KeyFile, RecipientKey, UnwrapError, UnwrapKey};

const KEY: [u8; 32] = [0x5a; 32];

/// A key file with [`KEY`] wrapped for `to`, and where it belongs.
pub(crate) fn key_file(to: &RecipientKey) -> (KeyFile, Binding) {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let digest = EnvelopeDigest::from_bytes([3; 32]);
    let binding = Binding::key_file("repository", "target.img");
    let stanza = sealift_envelope::wrap(&ContentKey::from_bytes(KEY), to, &digest, &binding, &mut rng);
    let mut file = KeyFile::new(digest);
    file.add(stanza.unwrap()).unwrap();
    (file, binding)
}

/// Opens what was wrapped, and refuses what belongs elsewhere or was altered.
pub(crate) fn unwraps(key: &HeldKey) {
    let (file, binding) = key_file(key.public());
    assert_eq!(file.unwrap_with(key, &binding).unwrap().expose(), &KEY);
    let elsewhere = Binding::key_file("repository", "other.img");
    let moved = file.unwrap_with(key, &elsewhere);
    assert!(matches!(moved, Err(UnwrapError::Refused)), "{moved:?}");

    let mut bytes = file.encode();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let altered = KeyFile::parse(&bytes).unwrap().unwrap_with(key, &binding);
    assert!(matches!(altered, Err(UnwrapError::Refused)), "{altered:?}");
    // The encapsulation lies before the 48 bytes of ciphertext and their two bytes of length.
    let mut bytes = file.encode();
    bytes[last - 60] ^= 1;
    let altered = KeyFile::parse(&bytes).unwrap().unwrap_with(key, &binding);
    assert!(matches!(altered, Err(UnwrapError::Refused)), "{altered:?}");

    let stranger = RecipientKey::from_pem(include_str!("../../envelope/tests/keys/p256.pub.pem")).unwrap();
    let (file, binding) = key_file(&stranger);
    let other = file.unwrap_with(key, &binding);
    assert!(
        matches!(other, Err(UnwrapError::NotARecipient { .. })),
        "{other:?}"
    );
    assert_eq!(key.key_id(), key.public().key_id());
    assert_eq!(key.wrap(), key.public().wrap());
}

/// Why unwrapping was not possible at all.
pub(crate) fn trouble(key: &HeldKey) -> CustodyError {
    let (file, binding) = key_file(key.public());
    match file.unwrap_with(key, &binding) {
        Err(UnwrapError::Unavailable(error)) => *error.downcast::<CustodyError>().unwrap(),
        other => panic!("{other:?}"),
    }
}
