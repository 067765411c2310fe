//! The worked example in the specification (§1): its bytes are what this crate makes, and each value shown with it is
//! derived again from the others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key};
use hkdf::Hkdf;
use pkcs8::DecodePrivateKey as _;
use sealift_envelope::{Binding, ContentKey, Header, SealParams, UnwrapKey as _, danger};
use sha2::Sha512;

use crate::support::{P256, TestRng, run};

const PLAIN: &[u8] = b"hello, sealift";

fn specification() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/envelope-v1.md");
    fs::read_to_string(path).unwrap()
}

/// The inside of the one fence of this language.
fn fenced<'t>(text: &'t str, language: &str) -> &'t str {
    let begin = format!("```{language}\n");
    text.split(&begin).nth(1).unwrap().split("```").next().unwrap()
}

fn shown_image(text: &str) -> Vec<u8> {
    let digits: String = fenced(text, "hex").split_whitespace().collect();
    hex::decode(digits).unwrap()
}

/// `name  hex`, with more hex on indented lines.
fn shown_values(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut values: Vec<(String, String)> = Vec::new();
    for line in fenced(text, "values").lines() {
        match line.split_once("  ") {
            Some((name, digits)) if !name.is_empty() => {
                values.push((name.to_owned(), digits.trim().to_owned()));
            }
            _ => values.last_mut().unwrap().1.push_str(line.trim()),
        }
    }
    let decode = |(name, digits): (String, String)| (name, hex::decode(digits).unwrap());
    values.into_iter().map(decode).collect()
}

fn open(key: &[u8], nonce: &[u8], sealed: &[u8]) -> Vec<u8> {
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::try_from(key).unwrap());
    let nonce: [u8; 12] = nonce.try_into().unwrap();
    cipher.decrypt(&nonce.into(), sealed).unwrap()
}

#[test]
fn the_image_is_what_the_code_makes() {
    let params = SealParams {
        plain_length: Some(PLAIN.len() as u64),
        media_type: String::from("text/plain"),
        envelope_id: std::array::from_fn(|i| 0x40 + i as u8),
        recipients: vec![P256.public()],
        ..SealParams::default()
    };
    let key = ContentKey::from_bytes(std::array::from_fn(|i| i as u8));
    let salt = std::array::from_fn(|i| 0x20 + i as u8);
    let plan = danger::plan_with_key(params, key, salt, &mut TestRng::new("vectors")).unwrap();
    assert_eq!(
        hex::encode(shown_image(&specification())),
        hex::encode(run(&plan, PLAIN))
    );
}

#[test]
fn the_private_key_shown_is_the_recipient() {
    assert!(specification().contains(include_str!("keys/p256.pem").trim()));
}

#[test]
fn the_values_follow_from_one_another() {
    let text = specification();
    let (image, values) = (shown_image(&text), shown_values(&text));
    let value = |name: &str| values.get(name).unwrap_or_else(|| panic!("no {name}")).as_slice();
    let (header, header_len) = Header::parse(&image).unwrap();
    let stanza = &header.stanzas()[0];
    let context_len = value("context").len();
    let (envelope_digest, key_id) = (header.envelope_digest(), P256.key_id());

    let from_the_image = [
        ("context", &image[..context_len]),
        ("salt", &image[header_len - 56..header_len - 32]),
        ("commitment", &image[header_len - 32..header_len]),
        ("envelope digest", envelope_digest.as_bytes()),
        ("key id", key_id.as_bytes()),
        ("encapsulation", stanza.enc()),
        ("wrapped key", stanza.ciphertext()),
        ("chunk 0", &image[header_len..]),
    ];
    for (name, expected) in from_the_image {
        assert_eq!(hex::encode(value(name)), hex::encode(expected), "{name}");
    }
    let info = Binding::in_file().info(stanza.wrap(), &P256.key_id(), &header.envelope_digest());
    assert_eq!(hex::encode(value("info string")), hex::encode(info));
    let content_key = header.unwrap_with(&*P256, &Binding::in_file()).unwrap();
    assert_eq!(value("content key"), content_key.expose());

    let prefix = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
    let schedule = [&prefix[..], value("salt"), value("context")].concat();
    assert_eq!(hex::encode(value("HKDF info")), hex::encode(&schedule));
    let mut prk = [0; 64];
    prk[..32].copy_from_slice(value("content key"));
    let mut okm = [0; 76];
    Hkdf::<Sha512>::from_prk(&prk)
        .unwrap()
        .expand(&schedule, &mut okm)
        .unwrap();
    let shown = ["chunk key", "base nonce", "commitment"].map(value).concat();
    assert_eq!(hex::encode(okm), hex::encode(shown));

    for (name, number) in [
        ("nonce of chunk 0", 0),
        ("nonce of chunk 1", 1),
        ("last nonce", (1 << 38) - 1),
    ] {
        let mut nonce = value("base nonce").to_vec();
        let counter = u64::to_be_bytes(number);
        nonce[4..]
            .iter_mut()
            .zip(counter)
            .for_each(|(byte, mask)| *byte ^= mask);
        assert_eq!(hex::encode(value(name)), hex::encode(nonce), "{name}");
    }
    assert_eq!(
        open(value("chunk key"), value("nonce of chunk 0"), value("chunk 0")),
        PLAIN
    );

    // The steps of HPKE: the first from P-256 itself, the last by what it opens. The peers' suite derives all of them.
    let private = p256::SecretKey::from_pkcs8_pem(include_str!("keys/p256.pem")).unwrap();
    let enc = p256::PublicKey::from_sec1_bytes(value("encapsulation")).unwrap();
    let shared = p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), enc.as_affine());
    assert_eq!(value("ECDH"), shared.raw_secret_bytes().as_slice());
    let unwrapped = open(value("HPKE key"), value("HPKE nonce"), value("wrapped key"));
    assert_eq!(unwrapped, value("content key"));
    assert_eq!(value("shared secret").len(), 32);
    assert_eq!(values.len(), 20, "a value that no line here looks at");
}
