//! Oracle of recipients' keys as files have them.

use std::sync::OnceLock;

use chacha20::ChaCha20Rng;
use pkcs8::der::pem;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding};
use rand_core::SeedableRng as _;
use sealift_envelope::{
    Binding, ContentKey, EnvelopeDigest, KeyError, PrivateKey, RecipientKey, Stanza, UnwrapKey as _, danger,
    wrap,
};

use crate::edit;

/// A genuine key file, as its label and DER.
pub(crate) struct Genuine {
    pub(crate) name: &'static str,
    label: String,
    pub(crate) der: Vec<u8>,
}

const FILES: [(&str, &str); 13] = [
    (
        "p256.pub",
        include_str!("../../../envelope/tests/keys/p256.pub.pem"),
    ),
    (
        "p256-compressed.pub",
        include_str!("../../../envelope/tests/keys/p256-compressed.pub.pem"),
    ),
    (
        "rsa3072.pub",
        include_str!("../../../envelope/tests/keys/rsa3072.pub.pem"),
    ),
    (
        "x-wing.pub",
        include_str!("../../../envelope/tests/keys/x-wing.pub.pem"),
    ),
    ("p256", include_str!("../../../envelope/tests/keys/p256.pem")),
    (
        "p256-sec1",
        include_str!("../../../envelope/tests/keys/p256-sec1.pem"),
    ),
    (
        "rsa2048",
        include_str!("../../../envelope/tests/keys/rsa2048.pem"),
    ),
    (
        "rsa3072",
        include_str!("../../../envelope/tests/keys/rsa3072.pem"),
    ),
    (
        "rsa3072-pkcs1",
        include_str!("../../../envelope/tests/keys/rsa3072-pkcs1.pem"),
    ),
    ("x-wing", include_str!("../../../envelope/tests/keys/x-wing.pem")),
    (
        "p256-scrypt",
        include_str!("../../../envelope/tests/keys/p256-scrypt.pem"),
    ),
    ("p384", include_str!("../../../envelope/tests/keys/p384.pem")),
    (
        "p256-pbkdf2",
        include_str!("../../../envelope/tests/keys/p256-pbkdf2.pem"),
    ),
];
/// Every label that is read, and one that is not.
pub(crate) const LABELS: [&str; 6] = [
    "PUBLIC KEY",
    "PRIVATE KEY",
    "EC PRIVATE KEY",
    "RSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "CERTIFICATE",
];
const CONTENT_KEY: [u8; 32] = [0x5e; 32];
const DIGEST: EnvelopeDigest = EnvelopeDigest::from_bytes([0xd1; 32]);

/// The genuine keys.
pub(crate) fn genuine() -> &'static [Genuine] {
    static KEYS: OnceLock<Vec<Genuine>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let read = |(name, text): (&'static str, &str)| {
            let (label, der) = pem::decode_vec(text.as_bytes()).unwrap();
            let label = label.to_owned();
            Genuine { name, label, der }
        };
        FILES.map(read).into()
    })
}

/// A key that is read comes out in one form, which is read as the same key; what it wraps, it unwraps.
///
/// The first byte chooses a genuine key that the rest edits, below its label or the one that the second byte names. With its
/// highest bit the rest is taken as it is: as a text, as DER, and as the numbers of a public key.
///
/// A passphrase is given only where trying it takes no time, or so much that it must not be begun.
pub fn keys(input: &[u8]) {
    let Some((&[selector, form], rest)) = input.split_first_chunk() else {
        return;
    };
    if selector & 0x80 != 0 {
        text(&String::from_utf8_lossy(rest));
        numbers(usize::from(form), rest);
        encoded(rest);
        passphrase(rest);
        return;
    }
    let keys = genuine();
    let key = &keys[usize::from(selector) % keys.len()];
    let der = edit::apply(rest, &key.der);
    encoded(&der);
    passphrase(&der);
    let label = match usize::from(form).checked_sub(1) {
        None => key.label.as_str(),
        Some(other) => LABELS[other % LABELS.len()],
    };
    text(&pem::encode_string(label, LineEnding::LF, &der).unwrap());
    let untouched = der == key.der && label == key.label;
    assert!(
        !untouched || reads(&key.label, &der) != matches!(key.name, "p384" | "p256-scrypt" | "p256-pbkdf2"),
        "a genuine key is read: {}",
        key.name
    );
}

fn reads(label: &str, der: &[u8]) -> bool {
    let text = pem::encode_string(label, LineEnding::LF, der).unwrap();
    danger::recipient_from_pem(&text).is_ok() || danger::private_key_from_pem(&text, None).is_ok()
}

fn text(text: &str) {
    let public = danger::recipient_from_pem(text);
    let private = danger::private_key_from_pem(text, None);
    if let Ok(strict) = RecipientKey::from_pem(text) {
        assert_eq!(public.as_ref(), Ok(&strict), "stricter, not different");
    }
    if let Ok(strict) = PrivateKey::from_pkcs8_pem(text, None) {
        let lenient = private.as_ref().map(PrivateKey::public);
        assert_eq!(lenient, Ok(strict.public()), "stricter, not different");
    }
    if let Ok(key) = public {
        recipient(&key);
    }
    if let Ok(key) = private {
        holder(&key);
    }
}

/// One key has one encoding, but for the point of P-256, which may be compressed.
fn encoded(der: &[u8]) {
    let Ok(key) = danger::recipient_from_spki_der(der) else {
        return;
    };
    let canonical = key.to_spki_der();
    let compressed = matches!(key, RecipientKey::P256 { .. }) && der.len() == canonical.len() - 32;
    assert!(der == canonical || compressed, "a second encoding");
    recipient(&key);
}

/// What an encrypted key says that trying a passphrase costs is held against the caps before it is tried.
fn passphrase(der: &[u8]) {
    let Ok(info) = EncryptedPrivateKeyInfoRef::try_from(der) else {
        return;
    };
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return;
    };
    // Rounds or bytes; what is cheap, and what is too much.
    let (cost, cheap, most) = match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => (u128::from(kdf.iteration_count), 2048, 10_000_000),
        Kdf::Scrypt(kdf) => {
            let blocks = u128::from(kdf.block_size) * u128::from(kdf.parallelization);
            let bytes = 128 * u128::from(kdf.cost_parameter) * blocks;
            (
                bytes.checked_sub(1).unwrap_or(u128::MAX),
                1 << 20,
                (512 << 20) - 1,
            )
        }
        _ => return,
    };
    let text = pem::encode_string("ENCRYPTED PRIVATE KEY", LineEnding::LF, der).unwrap();
    let read = || danger::private_key_from_pem(&text, Some(b"demo"));
    if cost > most {
        assert_eq!(read().err(), Some(KeyError::PassphraseCost), "too much work");
    } else if cost <= cheap
        && let Ok(key) = read()
    {
        holder(&key);
    }
}

/// Numbers and points, as tokens tell them.
fn numbers(split: usize, bytes: &[u8]) {
    let (modulus, exponent) = bytes.split_at(bytes.len().saturating_sub(split));
    for key in [
        RecipientKey::from_p256_point(bytes),
        RecipientKey::from_rsa_numbers(modulus, exponent),
    ]
    .into_iter()
    .flatten()
    {
        recipient(&key);
    }
}

fn recipient(key: &RecipientKey) -> Stanza {
    let (text, der) = (key.to_pem(), key.to_spki_der());
    let by_text = danger::recipient_from_pem(&text).unwrap();
    let by_der = danger::recipient_from_spki_der(&der).unwrap();
    assert_eq!((&by_text, &by_der), (key, key), "what is written is read");
    assert_eq!(by_der.to_spki_der(), der, "there is one form");
    assert_eq!(by_text.to_pem(), text, "there is one form");
    assert_eq!(by_der.key_id(), key.key_id(), "one key has one id");
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let content_key = ContentKey::from_bytes(CONTENT_KEY);
    let stanza = wrap(&content_key, key, &DIGEST, &Binding::in_file(), &mut rng).unwrap();
    assert_eq!(stanza.key_id(), key.key_id(), "wrapped for whom it was asked");
    stanza
}

fn holder(key: &PrivateKey) {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let public = key.public();
    assert_eq!(key.key_id(), public.key_id(), "both halves have one id");
    let text = key.to_pkcs8_pem(None, &mut rng).unwrap();
    let again = danger::private_key_from_pem(&text, None).unwrap();
    assert_eq!(again.public(), public, "what is written is read");
    let written = again.to_pkcs8_pem(None, &mut rng).unwrap();
    assert_eq!(written, text, "there is one form");
    let stanza = recipient(&public);
    let info = Binding::in_file().info(stanza.wrap(), &stanza.key_id(), &DIGEST);
    let opened = key.unwrap_stanza(&stanza, &info).unwrap();
    assert_eq!(
        opened.expose(),
        &CONTENT_KEY,
        "what was wrapped for a key, it opens"
    );
}
