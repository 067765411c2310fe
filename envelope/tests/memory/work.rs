//! The pieces of work, and what they need.

use std::any::Any;
use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;

use rand_core::{TryCryptoRng, TryRng};
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::PrivateKeyParts as _;
use sealift_envelope::{
    Binding, CipherBackend, ContentKey, Header, KeyBox, KeyFile, Opener, PrivateKey, RangedOpener,
    RecipientKey, SealParams, SealPlan, danger, wrap,
};
use zeroize::Zeroizing;

use super::scan::{Needle, chunk_key, secret_byte};

const CONTENT_KEY: u64 = 1;
const PLAINTEXT: u64 = 2;
const P256: u64 = 3;
const X_WING: u64 = 4;
/// The first draw of the generator; the draw after it is the salt, which is public.
const DRAWS: u64 = 100;
const PLAIN_LEN: usize = 300_000;
const RSA_PEM: &str = include_str!("../keys/rsa3072-encrypted.pem");
const PUBLIC: [&str; 3] = ["p256.pub", "rsa.pub", "x-wing.pub"];
const PASSPHRASE: Option<&[u8]> = Some(b"demo");

/// Work that leaves something behind or does not end, and what of it is found at least.
pub(super) const CONTROLS: &[(&str, &[&str])] = &[
    ("leak", &["content key: Elsewhere"]),
    ("leak-freed", &["content key: Elsewhere"]),
    ("leak-stack", &["content key: Stack"]),
    ("held-content-key", &["draw 0: Elsewhere"]),
    ("held-p256", &["P-256 scalar: Elsewhere"]),
    (
        "held-rsa",
        &[
            "RSA exponent, words: Elsewhere",
            "RSA prime 0, words: Elsewhere",
            "RSA prime 1, words: Elsewhere",
        ],
    ),
    ("held-x-wing", &["X-Wing seed: Elsewhere"]),
    ("held-sealer", &["chunk key of the drawn content key: Elsewhere"]),
    ("held-plaintext", &["plaintext: Elsewhere"]),
];

/// Work that leaves nothing behind.
pub(super) const CLEAN: &[&str] = &[
    "content-key",
    "generate-p256",
    "generate-x-wing",
    "read-p256",
    "read-rsa",
    "read-x-wing",
    "write-encrypted",
    "seal",
    "seal-portable",
    "seal-pushed",
    "open-p256",
    "open-rsa",
    "open-x-wing",
    "open-portable",
    "open-pushed",
    "open-altered",
    "open-ranged",
    "key-file",
    "key-box",
];

/// Numbered secrets, written straight to where they are wanted.
struct Draws(u64);

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        fill(self.0, out);
        self.0 += 1;
        Ok(())
    }
}

impl TryCryptoRng for Draws {}

fn fill(secret: u64, out: &mut [u8]) {
    for (byte, at) in out.iter_mut().zip(0..) {
        *byte = secret_byte(secret, at);
    }
}

fn secret(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    fill(number, &mut bytes);
    bytes
}

/// The plaintext: 32 secret bytes, again and again, so that each part of it shows.
struct Plaintext(u64);

impl Read for Plaintext {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(PLAIN_LEN - usize::try_from(self.0).unwrap());
        for byte in &mut out[..len] {
            *byte = secret_byte(PLAINTEXT, self.0 % 32);
            self.0 += 1;
        }
        Ok(len)
    }
}

fn params(recipients: Vec<RecipientKey>) -> SealParams {
    SealParams {
        plain_length: Some(PLAIN_LEN as u64),
        recipients,
        ..SealParams::default()
    }
}

fn key_file_binding() -> Binding {
    Binding::key_file("repository", "path")
}

fn key_box_binding() -> Binding {
    Binding::key_box("repository", "path", "vehicle", "ecu")
}

fn with_header(plan: &SealPlan, content_key: [u8; 32], name: &str) -> Needle {
    let header = plan.header().bytes();
    let context_len = 14 + usize::from(header[13]);
    let salt = &header[header.len() - 56..header.len() - 32];
    Needle::of(name, &chunk_key(&content_key, salt, &header[..context_len]))
}

/// Writes the inputs of all work into `directory`; gives the secrets to look for.
pub(super) fn prepare(directory: &Path) -> Vec<Needle> {
    let p256 = PrivateKey::generate_p256(&mut Draws(P256));
    let pem = p256.to_pkcs8_pem(None, &mut Draws(500)).unwrap();
    fs::write(directory.join("p256.pem"), pem.as_bytes()).unwrap();
    fs::write(directory.join("rsa.pem"), RSA_PEM).unwrap();
    let rsa = PrivateKey::from_pkcs8_pem(RSA_PEM, PASSPHRASE).unwrap();
    let x_wing = PrivateKey::generate_x_wing(&mut Draws(X_WING)).unwrap();
    let pem = x_wing.to_pkcs8_pem(None, &mut Draws(500)).unwrap();
    fs::write(directory.join("x-wing.pem"), pem.as_bytes()).unwrap();
    let recipients = vec![p256.public(), rsa.public(), x_wing.public()];
    for (key, name) in recipients.iter().zip(PUBLIC) {
        fs::write(directory.join(name), key.to_pem()).unwrap();
    }

    let content_key = || ContentKey::from_bytes(secret(CONTENT_KEY));
    let plan = danger::plan_with_key(
        params(recipients.clone()),
        content_key(),
        [7; 24],
        &mut Draws(600),
    )
    .unwrap();
    let mut image = Vec::new();
    plan.run(Plaintext(0), &mut image, &mut |_| {}).unwrap();
    fs::write(directory.join("image"), &image).unwrap();
    let last = image.len() - 1;
    image[last] ^= 1;
    fs::write(directory.join("altered"), &image).unwrap();

    let digest = plan.envelope_digest();
    let mut file = KeyFile::new(digest);
    for to in &recipients {
        let stanza = wrap(&content_key(), to, &digest, &key_file_binding(), &mut Draws(700)).unwrap();
        file.add(stanza).unwrap();
    }
    fs::write(directory.join("key-file"), file.encode()).unwrap();
    let key_box = KeyBox::create(
        &content_key(),
        &recipients[0],
        &digest,
        &key_box_binding(),
        &mut Draws(800),
    )
    .unwrap();
    fs::write(directory.join("key-box"), key_box.encode()).unwrap();

    let drawn = SealPlan::new(params(recipients), &mut Draws(DRAWS)).unwrap();
    let mut needles = vec![
        Needle::of("content key", &secret(CONTENT_KEY)),
        Needle::of("plaintext", &secret(PLAINTEXT)),
        Needle::of("X-Wing seed", &secret(X_WING)),
        with_header(&plan, secret(CONTENT_KEY), "chunk key"),
        with_header(&drawn, secret(DRAWS), "chunk key of the drawn content key"),
    ];
    needles.extend(Needle::integer("P-256 scalar", &secret(P256)));
    for draw in [0, 2, 3, 4, 5, 6] {
        needles.push(Needle::of(&format!("draw {draw}"), &secret(DRAWS + draw)));
    }
    let private = rsa::RsaPrivateKey::from_pkcs8_pem(include_str!("../keys/rsa3072.pem")).unwrap();
    for (number, prime) in private.primes().iter().enumerate() {
        needles.extend(Needle::integer(
            &format!("RSA prime {number}"),
            &prime.to_be_bytes_trimmed_vartime(),
        ));
    }
    needles.extend(Needle::integer(
        "RSA exponent",
        &private.d().to_be_bytes_trimmed_vartime(),
    ));
    needles
}

fn read(directory: &Path, name: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(fs::read(directory.join(name)).unwrap())
}

fn private(directory: &Path, name: &str) -> PrivateKey {
    let pem = read(directory, name);
    PrivateKey::from_pkcs8_pem(str::from_utf8(&pem).unwrap(), PASSPHRASE).unwrap()
}

fn public(directory: &Path, name: &str) -> RecipientKey {
    RecipientKey::from_pem(str::from_utf8(&read(directory, name)).unwrap()).unwrap()
}

fn drawn_plan(directory: &Path) -> SealPlan {
    let recipients = PUBLIC.map(|name| public(directory, name));
    SealPlan::new(params(recipients.into()), &mut Draws(DRAWS)).unwrap()
}

fn in_file<'a>(
    key: &'a PrivateKey,
) -> impl Fn(&Header) -> Result<ContentKey, sealift_envelope::UnwrapError> + 'a {
    |header| header.unwrap_with(key, &Binding::in_file())
}

fn open(directory: &Path, image: &str, key: &str, backend: CipherBackend) -> bool {
    let key = private(directory, key);
    let image = read(directory, image);
    let find = |header: &Header| in_file(&key)(header).map(|key| key.with_backend(backend));
    sealift_envelope::open(image.as_slice(), io::sink(), find, &mut |_| {}).is_ok()
}

fn seal(plan: &SealPlan) {
    plan.run(Plaintext(0), io::sink(), &mut |_| {}).unwrap();
}

pub(super) fn run(name: &str, directory: &Path) -> Option<Box<dyn Any + Send>> {
    match name {
        "held-content-key" => return held(ContentKey::generate(&mut Draws(DRAWS))),
        "held-p256" => return held(private(directory, "p256.pem")),
        "held-rsa" => return held(private(directory, "rsa.pem")),
        "held-x-wing" => return held(private(directory, "x-wing.pem")),
        "held-plaintext" => {
            let mut sealer = drawn_plan(directory).sealer().unwrap();
            let mut plain = Zeroizing::new([0; 5000]);
            let len = Plaintext(0).read(&mut *plain).unwrap();
            sealer.update(&plain[..len], &mut Vec::new()).unwrap();
            return held(sealer);
        }
        "held-sealer" => return held(drawn_plan(directory).sealer().unwrap()),
        "leak" => std::mem::forget(black_box(Box::new(secret(CONTENT_KEY)))),
        "leak-freed" => {
            let mut bytes = vec![0; 4096];
            // In the middle: the allocator and the next to allocate write over the beginning.
            fill(CONTENT_KEY, &mut bytes[3000..]);
            drop(black_box(bytes));
        }
        "leak-stack" => {
            black_box(secret(CONTENT_KEY));
        }
        "content-key" => {
            black_box(ContentKey::generate(&mut Draws(DRAWS)));
        }
        "generate-p256" => {
            black_box(PrivateKey::generate_p256(&mut Draws(P256)));
        }
        "generate-x-wing" => {
            black_box(PrivateKey::generate_x_wing(&mut Draws(X_WING)).unwrap());
        }
        "read-x-wing" => {
            black_box(private(directory, "x-wing.pem"));
        }
        "read-p256" => {
            black_box(private(directory, "p256.pem"));
        }
        "read-rsa" => {
            black_box(private(directory, "rsa.pem"));
        }
        "write-encrypted" => {
            let key = private(directory, "p256.pem");
            key.to_pkcs8_pem(PASSPHRASE, &mut Draws(900)).unwrap();
        }
        "seal" => seal(&drawn_plan(directory)),
        "seal-portable" => seal(&drawn_plan(directory).with_backend(CipherBackend::Portable)),
        "seal-pushed" => {
            let mut sealer = drawn_plan(directory).sealer().unwrap();
            let mut plain = Zeroizing::new([0; 5000]);
            let (mut source, mut out) = (Plaintext(0), Vec::new());
            loop {
                let n = source.read(&mut *plain).unwrap();
                if n == 0 {
                    break;
                }
                sealer.update(&plain[..n], &mut out).unwrap();
            }
            sealer.finish(&mut out).unwrap();
        }
        "open-p256" => assert!(open(directory, "image", "p256.pem", CipherBackend::default())),
        "open-rsa" => assert!(open(directory, "image", "rsa.pem", CipherBackend::default())),
        "open-x-wing" => assert!(open(directory, "image", "x-wing.pem", CipherBackend::default())),
        "open-portable" => assert!(open(directory, "image", "p256.pem", CipherBackend::Portable)),
        "open-altered" => assert!(!open(directory, "altered", "p256.pem", CipherBackend::Portable)),
        "open-pushed" => {
            let key = private(directory, "p256.pem");
            let image = read(directory, "image");
            let (header, len) = Header::parse(&image).unwrap();
            let mut opener = Opener::new(&header, in_file(&key)(&header).unwrap()).unwrap();
            let mut plain = Zeroizing::new(Vec::with_capacity(2 * PLAIN_LEN));
            for piece in image[len..].chunks(5000) {
                opener.update(piece, &mut plain).unwrap();
            }
            opener.finish(&mut plain).unwrap();
        }
        "open-ranged" => {
            let key = private(directory, "p256.pem");
            let image = read(directory, "image");
            let mut opener = RangedOpener::new(image.as_slice(), in_file(&key)).unwrap();
            let mut plain = Zeroizing::new(Vec::with_capacity(2 * PLAIN_LEN));
            opener.read_range(10_000, 250_000, &mut plain).unwrap();
            let mut plain = Zeroizing::new([0; 20_000]);
            opener.read_at(290_000, &mut *plain).unwrap();
        }
        "key-file" => {
            let file = KeyFile::parse(&read(directory, "key-file")).unwrap();
            for key in ["p256.pem", "rsa.pem", "x-wing.pem"] {
                let key = private(directory, key);
                file.unwrap_with(&key, &key_file_binding()).unwrap();
            }
        }
        "key-box" => {
            let key_box = KeyBox::parse(&read(directory, "key-box")).unwrap();
            let key = private(directory, "p256.pem");
            key_box.open(&key, &key_box_binding()).unwrap();
        }
        other => panic!("no such work: {other}"),
    }
    None
}

fn held(value: impl Any + Send) -> Option<Box<dyn Any + Send>> {
    Some(Box::new(value))
}
