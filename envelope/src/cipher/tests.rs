use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn ciphers(key: [u8; KEY_LEN]) -> Vec<ChunkCipher> {
    CipherBackend::ALL
        .iter()
        .map(|backend| ChunkCipher::new(*backend, &key))
        .collect()
}

/// The tests are built with every feature, or the rest of this file would compare nothing.
#[test]
fn both_backends_are_here_and_the_default_is_the_fast_one() {
    let names: Vec<&str> = CipherBackend::ALL.iter().map(|backend| backend.name()).collect();
    assert_eq!(names, ["portable", "aws-lc"]);
    assert_eq!(CipherBackend::default().name(), "aws-lc");
    for backend in CipherBackend::ALL {
        assert_eq!(CipherBackend::from_name(backend.name()), Some(*backend));
    }
    assert_eq!(CipherBackend::from_name("none"), None);
}

/// A backend that could not be made would be replaced in silence.
#[test]
fn each_backend_is_itself() {
    let [portable, aws_lc] = ciphers([1; KEY_LEN]).try_into().ok().unwrap();
    assert!(matches!(portable, ChunkCipher::Portable(_)));
    assert!(matches!(aws_lc, ChunkCipher::AwsLc(_)));
}

#[test]
fn buffers_that_do_not_fit_are_refused_and_wiped() {
    for cipher in ciphers([1; KEY_LEN]) {
        for sealed_len in [0, 15, 16, 25, 27] {
            let mut sealed = vec![0xaa; sealed_len];
            assert_eq!(cipher.seal([2; NONCE_LEN], &[3; 10], &mut sealed), Err(Refused));
            assert!(
                sealed_len < TAG_LEN || sealed.iter().all(|byte| *byte == 0),
                "{sealed_len}"
            );
        }
        let mut sealed = [0; 26];
        cipher.seal([2; NONCE_LEN], &[3; 10], &mut sealed).unwrap();
        for plain_len in [0, 9, 11] {
            let mut plain = vec![0xaa; plain_len];
            assert_eq!(cipher.open([2; NONCE_LEN], &sealed, &mut plain), Err(Refused));
            assert!(plain.iter().all(|byte| *byte == 0), "{plain_len}");
        }
        assert_eq!(cipher.open([2; NONCE_LEN], &sealed[..15], &mut []), Err(Refused));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn all_backends_make_accept_and_refuse_the_same_bytes(
        key: [u8; KEY_LEN],
        nonce: [u8; NONCE_LEN],
        plain in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..600),
            prop::collection::vec(any::<u8>(), crate::CHUNK_LEN),
        ],
        flip: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let ciphers = ciphers(key);
        let mut images = Vec::new();
        for cipher in &ciphers {
            let mut sealed = vec![0x55; plain.len() + TAG_LEN];
            cipher.seal(nonce, &plain, &mut sealed).unwrap();
            images.push(sealed);
        }
        prop_assert!(images.windows(2).all(|pair| pair[0] == pair[1]));
        let mut sealed = images.swap_remove(0);
        for cipher in &ciphers {
            let mut opened = vec![0xaa; plain.len()];
            cipher.open(nonce, &sealed, &mut opened).unwrap();
            prop_assert_eq!(&opened, &plain);
        }
        sealed[flip.index(plain.len() + TAG_LEN)] ^= 1 << bit;
        for cipher in &ciphers {
            let mut opened = vec![0xaa; plain.len()];
            prop_assert_eq!(cipher.open(nonce, &sealed, &mut opened), Err(Refused));
            prop_assert!(opened.iter().all(|byte| *byte == 0), "nothing of a forgery is left");
        }
    }
}
