//! A seeded generator, plaintexts, keys and plans for the tests.

mod seeded;
pub(crate) mod vector_file;

use std::sync::LazyLock;

use sealift_envelope::{
    Binding, ContentKey, FormatError, Header, OpenError, Opened, Opener, PrivateKey, RecipientKey,
    SealParams, SealPlan, UnwrapError, open,
};

pub(crate) use self::seeded::Seeded as TestRng;

/// Every length at which the shape of an image changes: chunk, block of the streaming shell, default segment.
pub(crate) const BOUNDARIES: [usize; 16] = [
    0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 131_071, 131_072, 131_073, 1_048_575, 1_048_576,
    1_048_577, 1_064_960, 2_500_000,
];

/// Bytes without a pattern of the chunk's length.
pub(crate) fn plaintext(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}

pub(crate) static P256: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pkcs8_pem(include_str!("../keys/p256.pem"), None).unwrap());
pub(crate) static P256_OTHER: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::generate_p256(&mut TestRng::new("another p256 recipient")));
pub(crate) static X_WING: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pkcs8_pem(include_str!("../keys/x-wing.pem"), None).unwrap());
pub(crate) static RSA: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pkcs8_pem(include_str!("../keys/rsa3072.pem"), None).unwrap());

/// A plan with a known content key, salt and envelope id for these recipients.
pub(crate) fn plan(seed: &str, plain_length: Option<u64>, recipients: Vec<RecipientKey>) -> SealPlan {
    let params = SealParams {
        plain_length,
        envelope_id: *b"envelope-id-0123",
        recipients,
        ..SealParams::default()
    };
    SealPlan::new(params, &mut TestRng::new(seed)).unwrap()
}

/// A sealed image for [`P256`] with known length, and its plan.
pub(crate) fn sealed(plain: &[u8]) -> (SealPlan, Vec<u8>) {
    let plan = plan("sealed", Some(plain.len() as u64), vec![P256.public()]);
    let image = run(&plan, plain);
    (plan, image)
}

pub(crate) fn run(plan: &SealPlan, plain: &[u8]) -> Vec<u8> {
    let mut image = Vec::new();
    plan.run(plain, &mut image, &mut |_| {}).unwrap();
    image
}

/// A second copy of a plan's content key.
pub(crate) fn key_of(plan: &SealPlan) -> ContentKey {
    ContentKey::from_bytes(*plan.content_key().expose())
}

pub(crate) fn for_p256(header: &Header) -> Result<ContentKey, UnwrapError> {
    header.unwrap_with(&*P256, &Binding::in_file())
}

/// Opens through the streaming shell; the plaintext released comes back even on failure.
pub(crate) fn open_stream(image: &[u8], key: ContentKey) -> (Result<Opened, OpenError>, Vec<u8>) {
    let mut plain = Vec::new();
    let result = open(image, &mut plain, |_| Ok(key), &mut |_| {});
    (result, plain)
}

/// Opens through the push machine in pieces of `step` bytes.
pub(crate) fn open_pushed(image: &[u8], key: ContentKey, step: usize) -> (Result<(), OpenError>, Vec<u8>) {
    let mut plain = Vec::new();
    let result = (|| {
        let (header, len) = Header::parse(image)?;
        let mut opener = Opener::new(&header, key)?;
        for piece in image[len..].chunks(step) {
            opener.update(piece, &mut plain)?;
        }
        opener.finish(&mut plain).map(drop)
    })();
    (result, plain)
}

pub(crate) fn parse_error(bytes: &[u8]) -> FormatError {
    Header::parse(bytes).unwrap_err()
}
