//! Oracle of wrapped content keys, of every kind and with the private key here or elsewhere.

use std::sync::OnceLock;

use chacha20::ChaCha20Rng;
use p256::pkcs8::DecodePrivateKey as _;
use rand_core::SeedableRng as _;
use sealift_envelope::external::{Answer, unwrap_p256, unwrap_rsa};
use sealift_envelope::{
    Binding, ContentKey, EnvelopeDigest, Header, KeyBox, KeyFile, Stanza, UnwrapError, UnwrapKey as _, Wrap,
    wrap,
};
use sha2::Sha256;

use crate::edit;
use crate::sealed_world::{Holder, Image, in_key_box, in_key_file, world};

/// Only a genuine stanza opens, in its place, and only to the key that was wrapped; where the private key is makes no
/// difference.
///
/// The first byte chooses the kind, the second what the rest is: edits to encapsulation, ciphertext or binding; the words and
/// the randomness of a new wrap; what a token answers; or edits to a header, key file or key box around the stanza.
pub fn wraps(input: &[u8]) {
    let Some((&[kind, what], rest)) = input.split_first_chunk() else {
        return;
    };
    let holders = &world().holders;
    let holder = &holders[usize::from(kind) % holders.len()];
    match what % 8 {
        part @ 0..=2 => edited(holder, part, rest),
        3 => fresh(holder, rest),
        4 => answered(holder, rest),
        5 => in_header(holder, rest),
        6 => in_key_files(holder, rest),
        _ => in_key_boxes(holder, rest),
    }
}

fn genuine(holder: &Holder) -> (Stanza, Vec<u8>) {
    let key_box = KeyBox::parse(&holder.key_box).unwrap();
    let (stanza, digest) = (key_box.stanza(), key_box.envelope_digest());
    let info = in_key_box().info(stanza.wrap(), &stanza.key_id(), &digest);
    (stanza.clone(), info)
}

fn edited(holder: &Holder, part: u8, edits: &[u8]) {
    let (stanza, info) = genuine(holder);
    let parts = [stanza.enc(), stanza.ciphertext(), &info];
    let mut changed = parts.map(<[u8]>::to_vec);
    let part = &mut changed[usize::from(part)];
    *part = edit::apply(edits, part);
    let same = changed == parts;
    let [enc, ciphertext, info] = changed;
    let Ok(ciphertext) = ciphertext.try_into() else {
        return;
    };
    let Ok(stanza) = Stanza::new(stanza.wrap(), stanza.key_id(), enc, ciphertext) else {
        assert!(!same, "a genuine stanza can be put together");
        return;
    };
    let here = holder.key.unwrap_stanza(&stanza, &info);
    judge(here, same.then(|| world().images[0].content_key()));
    if let Some(there) = elsewhere(holder, &stanza, &info) {
        judge(there, same.then(|| world().images[0].content_key()));
    }
}

fn judge(found: Result<ContentKey, UnwrapError>, expected: Option<ContentKey>) {
    match (found, expected) {
        (Ok(found), Some(expected)) => assert_eq!(found.expose(), expected.expose(), "another key"),
        (Ok(_), None) => panic!("a changed stanza opened"),
        (Err(UnwrapError::Refused), None) => {}
        (Err(error), _) => panic!("a genuine stanza is refused, or for another reason: {error:?}"),
    }
}

/// The same with the private key behind a closure; `None` for X-Wing, which no token knows.
fn elsewhere(holder: &Holder, stanza: &Stanza, info: &[u8]) -> Option<Result<ContentKey, UnwrapError>> {
    static P256: OnceLock<p256::SecretKey> = OnceLock::new();
    static RSA: OnceLock<rsa::RsaPrivateKey> = OnceLock::new();
    let to = holder.key.public();
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    match stanza.wrap() {
        Wrap::HpkeP256 => Some(unwrap_p256(&to, stanza, info, |point| {
            let secret = P256.get_or_init(|| {
                let text = holder.key.to_pkcs8_pem(None, &mut rng).unwrap();
                p256::SecretKey::from_pkcs8_pem(&text).unwrap()
            });
            let peer = p256::PublicKey::from_sec1_bytes(point.as_sec1()).unwrap();
            let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
            Ok(Answer::new(shared.raw_secret_bytes().to_vec()))
        })),
        Wrap::RsaOaep => Some(unwrap_rsa(&to, stanza, info, |enc| {
            let secret = RSA.get_or_init(|| {
                let text = holder.key.to_pkcs8_pem(None, &mut rng).unwrap();
                rsa::RsaPrivateKey::from_pkcs8_pem(&text).unwrap()
            });
            let opened = secret.decrypt(rsa::Oaep::<Sha256>::new(), enc);
            opened.map(Answer::new).map_err(|_| UnwrapError::Refused)
        })),
        _ => None,
    }
}

/// A new wrap opens in its own place and in no other.
fn fresh(holder: &Holder, bytes: &[u8]) {
    let mut seed = [0; 32];
    for (at, byte) in bytes.iter().take(seed.len()).enumerate() {
        seed[at] = *byte;
    }
    let content_key = seed.map(|byte| byte.rotate_left(3) ^ 0xc5);
    let word = |n: usize| {
        let bytes: Vec<u8> = bytes.iter().skip(n).step_by(4).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let places = [
        Binding::in_file(),
        Binding::key_file(word(0), word(1)),
        Binding::key_box(word(0), word(1), word(2), word(3)),
        Binding::key_box(word(1), word(0), word(2), word(3)),
    ];
    let chosen = &places[bytes.len() % places.len()];
    let (digest, public) = (world().images[1].digest, holder.key.public());
    let mut rng = ChaCha20Rng::from_seed(seed);
    let key = ContentKey::from_bytes(content_key);
    let stanza = wrap(&key, &public, &digest, chosen, &mut rng).unwrap();
    assert_eq!(
        (stanza.wrap(), stanza.key_id()),
        (public.wrap(), public.key_id()),
        "wrapped for whom it was asked"
    );
    for place in &places {
        let info = place.info(stanza.wrap(), &stanza.key_id(), &digest);
        let expected = (place == chosen).then(|| ContentKey::from_bytes(content_key));
        judge(holder.key.unwrap_stanza(&stanza, &info), expected);
    }
}

/// Whatever a token answers, a stanza opens to its own key or not at all.
fn answered(holder: &Holder, answer: &[u8]) {
    let (stanza, info) = genuine(holder);
    let to = holder.key.public();
    let answer = || Ok(Answer::new(answer.to_vec()));
    judge(unwrap_p256(&to, &stanza, &info, |_| answer()), None);
    judge(unwrap_rsa(&to, &stanza, &info, |_| answer()), None);
}

/// The recipients of a header can be added to and changed by anybody. None opens to another key, or for another image.
fn in_header(holder: &Holder, edits: &[u8]) {
    let image = world().images.iter().find(|image| image.name == "every-kind");
    let image = image.unwrap();
    let genuine = &image.sealed[..image.header_len];
    let bytes = edit::apply(edits, genuine);
    let Ok((header, _)) = Header::parse(&bytes) else {
        return;
    };
    let found = header.unwrap_with(&holder.key, &Binding::in_file());
    contained(found, header.envelope_digest(), image, bytes == genuine);
}

fn in_key_files(holder: &Holder, edits: &[u8]) {
    let [_, (_, genuine)] = &world().key_files;
    let bytes = edit::apply(edits, genuine);
    let Ok(file) = KeyFile::parse(&bytes) else { return };
    let found = file.unwrap_with(&holder.key, &in_key_file());
    contained(
        found,
        file.envelope_digest(),
        &world().images[0],
        bytes == *genuine,
    );
}

fn in_key_boxes(holder: &Holder, edits: &[u8]) {
    let bytes = edit::apply(edits, &holder.key_box);
    let Ok(key_box) = KeyBox::parse(&bytes) else {
        return;
    };
    let found = key_box.open(&holder.key, &in_key_box());
    let genuine = bytes == holder.key_box;
    assert_eq!(
        found.is_ok(),
        genuine,
        "a changed key box opened, or a genuine one not"
    );
    contained(found, key_box.envelope_digest(), &world().images[0], genuine);
}

fn contained(found: Result<ContentKey, UnwrapError>, digest: EnvelopeDigest, image: &Image, untouched: bool) {
    match found {
        Ok(key) => assert_eq!(
            (digest, key.expose()),
            (image.digest, image.content_key().expose()),
            "another key, or another image"
        ),
        Err(UnwrapError::Refused | UnwrapError::NotARecipient { .. }) => {
            assert!(!untouched, "a genuine stanza is refused");
        }
        Err(other) => panic!("{other:?}"),
    }
}
