//! The oracle of the interchangeable ciphers: whatever is put in, all of them say and make the same.

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng as _;
use sealift_envelope::{CipherBackend, ContentKey, Header, Opener, RangedOpener, SealParams, danger};

use crate::edit;
use crate::sealed_world::{Image, world};

/// How an opening ended: what was released, and the error if there was one.
type Ending = (Vec<u8>, Option<String>);

/// The lower half of the selectors opens a changed image, the upper half seals the input, with every backend.
pub fn ciphers(input: &[u8]) {
    assert!(
        CipherBackend::ALL.len() > 1,
        "one cipher cannot differ from itself"
    );
    let Some((&[selector, step], rest)) = input.split_first_chunk() else {
        return;
    };
    let piece = usize::from(step) * 131 + 1;
    if selector & 0x80 == 0 {
        let images = &world().images;
        let image = &images[usize::from(selector) % images.len()];
        let sealed = edit::apply(rest, &image.sealed);
        agreed(|backend| pushed(&sealed, key(image, backend), piece));
        agreed(|backend| ranged(&sealed, key(image, backend), u64::from(step)));
    } else {
        let images = CipherBackend::ALL
            .iter()
            .map(|backend| sealed(*backend, selector, rest, piece));
        let images: Vec<Vec<u8>> = images.collect();
        assert!(
            images.windows(2).all(|pair| pair[0] == pair[1]),
            "one plaintext, two images"
        );
        let (plain, error) =
            agreed(|backend| pushed(&images[0], fixed_key(selector).with_backend(backend), piece));
        assert!(error.is_none(), "what was sealed does not open: {error:?}");
        assert_eq!(plain, rest, "what was sealed opens to something else");
    }
}

fn key(image: &Image, backend: CipherBackend) -> ContentKey {
    image.content_key().with_backend(backend)
}

fn fixed_key(selector: u8) -> ContentKey {
    ContentKey::from_bytes([selector; 32])
}

fn agreed(open: impl Fn(CipherBackend) -> Ending) -> Ending {
    let mut endings = CipherBackend::ALL.iter().map(|backend| open(*backend));
    let first = endings.next().unwrap();
    for other in endings {
        assert_eq!(first.1, other.1, "two verdicts on one image");
        assert_eq!(first.0, other.0, "two plaintexts of one image");
    }
    first
}

fn sealed(backend: CipherBackend, selector: u8, plain: &[u8], piece: usize) -> Vec<u8> {
    // Nothing is wrapped for anybody, so the generator is never asked.
    let mut rng = ChaCha20Rng::from_seed([0; 32]);
    let key = fixed_key(selector).with_backend(backend);
    let plan = danger::plan_with_key(SealParams::default(), key, [7; 24], &mut rng).unwrap();
    let mut sealer = plan.sealer().unwrap();
    let mut image = plan.header().bytes().to_vec();
    for bytes in plain.chunks(piece) {
        sealer.update(bytes, &mut image).unwrap();
    }
    sealer.finish(&mut image).unwrap();
    image
}

fn pushed(image: &[u8], key: ContentKey, piece: usize) -> Ending {
    let mut plain = Vec::new();
    let result = Header::parse(image)
        .map_err(Into::into)
        .and_then(|(header, used)| {
            let mut opener = Opener::new(&header, key)?;
            image[used..]
                .chunks(piece)
                .try_for_each(|bytes| opener.update(bytes, &mut plain))?;
            opener.finish(&mut plain).map(drop)
        });
    (plain, result.err().map(|error| format!("{error:?}")))
}

fn ranged(image: &[u8], key: ContentKey, start: u64) -> Ending {
    let mut plain = Vec::new();
    let result = RangedOpener::new(image, |_| Ok(key)).and_then(|mut opener| {
        let length = opener.plain_length().saturating_sub(start);
        opener.read_range(start.min(opener.plain_length()), length, &mut plain)
    });
    (plain, result.err().map(|error| format!("{error:?}")))
}
