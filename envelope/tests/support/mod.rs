//! A seeded generator, plaintexts, keys and plans for the tests.

pub(crate) mod vector_file;

use std::convert::Infallible;
use std::sync::LazyLock;

use rand_core::{TryCryptoRng, TryRng};
use sealift_envelope::{
    Binding, ContentKey, FormatError, Header, OpenError, Opened, Opener, PrivateKey, RecipientKey,
    SealParams, SealPlan, UnwrapError, open,
};
use sha2::{Digest as _, Sha256};

/// SHA-256 over seed and counter. Provides NO SECURITY: everybody knows the seed.
pub(crate) struct TestRng {
    seed: String,
    counter: u64,
}

impl TestRng {
    pub(crate) fn new(seed: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            counter: 0,
        }
    }
}

impl TryRng for TestRng {
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
        for chunk in out.chunks_mut(32) {
            let block = Sha256::new()
                .chain_update(&self.seed)
                .chain_update(self.counter.to_be_bytes())
                .finalize();
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for TestRng {}

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
