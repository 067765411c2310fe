//! The committed vectors, made anew from seeds. One vector, one fact.

use sealift_envelope::{Binding, ContentKey, KeyBox, KeyFile, PrivateKey, SealParams, SealPlan, wrap};
use sha2::{Digest as _, Sha256};

use super::{P256, RSA, TestRng, plaintext};

const CHUNK: usize = 16_384;
const SEALED_CHUNK: usize = 16_400;

/// The content key of every vector: 00 01 … 1f.
pub(crate) fn content_key() -> ContentKey {
    ContentKey::from_bytes(std::array::from_fn(|i| i as u8))
}

/// The plan of every vector: salt 20 21 … 37, envelope id 40 41 … 4f.
pub(crate) fn plan(plain_length: Option<u64>, recipients: &[&PrivateKey]) -> SealPlan {
    let params = SealParams {
        plain_length,
        media_type: String::from("text/plain"),
        envelope_id: std::array::from_fn(|i| 0x40 + i as u8),
        recipients: recipients.iter().map(|key| key.public()).collect(),
        ..SealParams::default()
    };
    let salt = std::array::from_fn(|i| 0x20 + i as u8);
    SealPlan::with_key(params, content_key(), salt, &mut TestRng::new("vectors")).unwrap()
}

fn sealed(plain: &[u8], recipients: &[&PrivateKey]) -> Vec<u8> {
    super::run(&plan(Some(plain.len() as u64), recipients), plain)
}

/// The image of the specification's worked example.
pub(crate) fn worked_example() -> Vec<u8> {
    sealed(b"hello, sealift", &[&P256])
}

/// What is in one `.vec` file: text header, empty line, body.
struct Vector {
    name: &'static str,
    comment: &'static str,
    kind: &'static str,
    identity: &'static str,
    expect: &'static str,
    released: Vec<u8>,
    body: Vec<u8>,
}

impl Vector {
    fn image(name: &'static str, comment: &'static str, identity: &'static str, body: Vec<u8>) -> Self {
        Self {
            name,
            comment,
            kind: "image",
            identity,
            expect: "success",
            released: Vec::new(),
            body,
        }
    }

    fn opens_to(mut self, plain: &[u8]) -> Self {
        self.released = plain.to_vec();
        self
    }

    fn fails(mut self, class: &'static str, released: &[u8]) -> Self {
        self.expect = class;
        self.released = released.to_vec();
        self
    }

    fn file(&self) -> (String, Vec<u8>) {
        let Self {
            comment,
            kind,
            identity,
            expect,
            ..
        } = self;
        let (length, sha256) = (self.released.len(), hex::encode(Sha256::digest(&self.released)));
        let mut bytes = format!(
            "comment: {comment}\nkind: {kind}\nidentity: {identity}\nexpect: {expect}\n\
             released-length: {length}\nreleased-sha256: {sha256}\n\n"
        )
        .into_bytes();
        bytes.extend_from_slice(&self.body);
        (format!("{}.vec", self.name), bytes)
    }
}

/// Name and content of every vector file.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut vectors = lengths();
    vectors.extend(recipients());
    vectors.extend(header_failures());
    vectors.extend(body_failures());
    vectors.extend(detached());
    vectors.iter().map(Vector::file).collect()
}

fn lengths() -> Vec<Vector> {
    let named = [
        ("length-0", "an empty plaintext is one empty chunk", 0),
        ("length-16383", "the longest single chunk", CHUNK - 1),
        ("length-16384", "a whole chunk is followed by an empty one", CHUNK),
        ("length-16385", "one byte in the second chunk", CHUNK + 1),
    ];
    let make = |(name, comment, len)| {
        let plain = plaintext(len);
        Vector::image(name, comment, "content-key", sealed(&plain, &[])).opens_to(&plain)
    };
    let mut vectors: Vec<_> = named.into_iter().map(make).collect();
    let unknown = super::run(&plan(None, &[]), b"unknown length");
    let comment = "the header does not know the plaintext length";
    vectors
        .push(Vector::image("length-unknown", comment, "content-key", unknown).opens_to(b"unknown length"));
    vectors
}

fn recipients() -> Vec<Vector> {
    let plain = b"for both";
    let both = sealed(plain, &[&RSA, &P256]);
    let vector = Vector::image;
    let mut wrong_box = sealed(plain, &[&P256]);
    let at = wrong_box.len() - 16 - plain.len() - 56 - 1;
    wrong_box[at] ^= 1;
    vec![
        vector(
            "worked-example",
            "the worked example of the specification",
            "p256",
            worked_example(),
        )
        .opens_to(b"hello, sealift"),
        vector(
            "recipient-p256",
            "found behind an RSA recipient",
            "p256",
            both.clone(),
        )
        .opens_to(plain),
        vector("recipient-rsa", "RSA-OAEP, 3072 bits", "rsa3072", both).opens_to(plain),
        vector(
            "recipient-missing",
            "the key is not listed",
            "rsa3072",
            sealed(plain, &[&P256]),
        )
        .fails("no-recipient", b""),
        vector(
            "recipient-altered",
            "the last byte of the wrapped key is altered",
            "p256",
            wrong_box,
        )
        .fails("unwrap", b""),
    ]
}

fn header_failures() -> Vec<Vector> {
    let good = sealed(b"x", &[]);
    let edit = |name, comment, class, change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = good.clone();
        change(&mut body);
        Vector::image(name, comment, "content-key", body).fails(class, b"")
    };
    let flip = |at: usize| move |b: &mut Vec<u8>| b[at] ^= 1;
    // magic 0, version 8, length 10, map 14, suite 16, plaintext length 18, media type 20, envelope id 33, list 49+4
    vec![
        edit("header-magic", "another magic", "header", &flip(7)),
        edit("header-version", "version 0", "header", &flip(9)),
        edit("header-suite", "suite 0", "header", &flip(16)),
        edit("header-cut", "ends inside the immutable part", "header", &|b| {
            b.truncate(30)
        }),
        edit(
            "header-cut-commitment",
            "ends inside the commitment",
            "header",
            &|b| b.truncate(100),
        ),
        edit(
            "header-length-claim",
            "an immutable part of 4 GiB - 1",
            "header",
            &|b| b[10..14].fill(0xFF),
        ),
        edit(
            "header-long-integer",
            "the plaintext length in two bytes",
            "header",
            &|b| {
                b.splice(18..19, [0x18, 1]);
                b[13] += 1;
            },
        ),
        edit("header-duplicate-key", "key 1 twice", "header", &|b| b[17] = 1),
        edit(
            "header-trailing",
            "a byte behind the list of recipients",
            "header",
            &|b| {
                b.insert(54, 0);
                b[52] += 1;
            },
        ),
        edit("header-unknown-recipient", "recipient type 3", "header", &|b| {
            let stanza = [
                &[0x81, 0x84, 3, 0x58, 32][..],
                &[0; 32],
                &[0x58, 65],
                &[4; 65],
                &[0x58, 48],
                &[0; 48],
            ];
            let stanza = stanza.concat();
            b[52] = stanza.len() as u8;
            b.splice(53..54, stanza);
        }),
        edit(
            "commitment-media-type",
            "the media type is altered",
            "commitment",
            &flip(25),
        ),
        edit("commitment-salt", "the salt is altered", "commitment", &flip(54)),
        edit(
            "commitment",
            "the commitment is altered",
            "commitment",
            &flip(109),
        ),
    ]
}

fn body_failures() -> Vec<Vector> {
    let plain = plaintext(CHUNK + 10);
    let good = super::run(&plan(None, &[]), &plain);
    let start = good.len() - SEALED_CHUNK - 26;
    let edit = |name, comment, released: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = good.clone();
        change(&mut body);
        Vector::image(name, comment, "content-key", body).fails("payload", released)
    };
    let first = &plain[..CHUNK];
    let mut wrong_length = plan(Some(11), &[]).header().bytes().to_vec();
    let short = super::run(&plan(Some(11), &[]), b"eleven byte");
    wrong_length.extend_from_slice(&short[wrong_length.len()..short.len() - 1]);
    vec![
        edit(
            "body-first-chunk",
            "a bit of the first chunk is flipped",
            b"",
            &|b| b[start] ^= 1,
        ),
        edit("body-last-tag", "a bit of the last tag is flipped", first, &|b| {
            b[start + SEALED_CHUNK + 25] ^= 1
        }),
        edit("body-cut", "ends behind a whole chunk", first, &|b| {
            b.truncate(start + SEALED_CHUNK)
        }),
        edit("body-cut-tag", "ends inside the last tag", first, &|b| {
            b.truncate(start + SEALED_CHUNK + 20)
        }),
        edit("body-missing", "ends with the header", b"", &|b| {
            b.truncate(start)
        }),
        edit("body-trailing", "a byte behind the end", first, &|b| b.push(0)),
        edit(
            "body-repeated",
            "the first chunk again, then the last",
            first,
            &|b| {
                b.splice(
                    start + SEALED_CHUNK..start + SEALED_CHUNK,
                    b[start..start + SEALED_CHUNK].to_vec(),
                );
            },
        ),
        edit("body-swapped", "the last chunk first", b"", &|b| {
            b[start..].rotate_left(SEALED_CHUNK)
        }),
        Vector::image(
            "body-short",
            "one byte less than announced",
            "content-key",
            wrong_length,
        )
        .fails("payload", b""),
    ]
}

fn detached() -> Vec<Vector> {
    let plan = plan(Some(1), &[]);
    let digest = plan.envelope_digest();
    let place = Binding::key_file("repository", "dir/file.img");
    let ecu = Binding::key_box("repository", "dir/file.img", "vehicle", "ecu");
    let mut rng = TestRng::new("detached");
    let mut file = KeyFile::new(digest);
    for key in [&*P256, &*RSA] {
        file.add(wrap(plan.content_key(), &key.public(), &digest, &place, &mut rng).unwrap())
            .unwrap();
    }
    let key = content_key();
    let vector = |name, comment, kind, identity, body| {
        let released = key.expose().to_vec();
        Vector {
            name,
            comment,
            kind,
            identity,
            expect: "success",
            released,
            body,
        }
    };
    let mut twice = file.encode();
    twice.truncate(14 + 1 + 1 + 34 + 1 + 1 + 153);
    let stanza = twice[twice.len() - 153..].to_vec();
    twice.extend(stanza);
    let len = u32::try_from(twice.len() - 14).unwrap();
    twice[10..14].copy_from_slice(&len.to_be_bytes());
    let mut boxed = |key: &PrivateKey| {
        KeyBox::create(plan.content_key(), &key.public(), &digest, &ecu, &mut rng)
            .unwrap()
            .encode()
    };
    let (p256, rsa) = (boxed(&P256), boxed(&RSA));
    let cut = p256[..p256.len() - 1].to_vec();
    vec![
        vector(
            "key-file-p256",
            "content key for the first recipient",
            "key-file",
            "p256",
            file.encode(),
        ),
        vector(
            "key-file-rsa",
            "content key for the second recipient",
            "key-file",
            "rsa3072",
            file.encode(),
        ),
        vector(
            "key-file-elsewhere",
            "used under another target path",
            "key-file-elsewhere",
            "p256",
            file.encode(),
        )
        .fails("unwrap", b""),
        vector(
            "key-file-duplicate",
            "one recipient twice",
            "key-file",
            "p256",
            twice,
        )
        .fails("header", b""),
        vector(
            "key-box-p256",
            "content key for an ECU",
            "key-box",
            "p256",
            p256.clone(),
        ),
        vector(
            "key-box-rsa",
            "content key for an ECU with RSA",
            "key-box",
            "rsa3072",
            rsa,
        ),
        vector(
            "key-box-stranger",
            "the box of another key",
            "key-box",
            "rsa3072",
            p256,
        )
        .fails("no-recipient", b""),
        vector("key-box-cut", "the last byte is missing", "key-box", "p256", cut).fails("header", b""),
    ]
}
