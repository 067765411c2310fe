//! Every implementation of the cipher makes the same images, and opens and refuses the same ones.

use sealift_envelope::{
    CipherBackend, ContentKey, Digest, Header, OpenError, Opener, RangedOpener, UnwrapError, open,
};

use crate::support::vector_file::VectorFile;
use crate::support::{BOUNDARIES, P256, key_of, plaintext, plan, run};

/// How an image opened with one backend: what was released, and how it ended.
type Ending = (Vec<u8>, Result<(), String>);

fn ending(released: Vec<u8>, result: Result<(), OpenError>) -> Ending {
    (released, result.map_err(|error| format!("{error:?}")))
}

fn streamed(image: &[u8], key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>) -> Ending {
    let mut plain = Vec::new();
    let result = open(image, &mut plain, key, &mut |_| {});
    ending(plain, result.map(drop))
}

fn pushed(image: &[u8], key: ContentKey) -> Ending {
    let mut plain = Vec::new();
    let result = (|| {
        let (header, len) = Header::parse(image)?;
        let mut opener = Opener::new(&header, key)?;
        for piece in image[len..].chunks(10_000) {
            opener.update(piece, &mut plain)?;
        }
        opener.finish(&mut plain).map(drop)
    })();
    ending(plain, result)
}

fn ranged(image: &[u8], key: ContentKey) -> Ending {
    let mut plain = Vec::new();
    let result = RangedOpener::new(image, |_| Ok(key)).and_then(|mut opener| {
        let length = opener.plain_length();
        opener.read_range(length / 3, length / 2, &mut plain)
    });
    ending(plain, result)
}

/// The only ending of all backends.
fn agreed(what: &str, open: impl Fn(CipherBackend) -> Ending) -> Ending {
    let mut endings = CipherBackend::ALL.iter().map(|backend| open(*backend));
    let first = endings.next().unwrap();
    for other in endings {
        assert!(other == first, "{what}: {:?} and {:?}", first.1, other.1);
    }
    first
}

#[test]
fn every_backend_seals_to_the_same_bytes() {
    for len in BOUNDARIES {
        let plain = plaintext(len);
        let seal = |backend| {
            let plan = plan("backends", None, vec![P256.public()]).with_backend(backend);
            let image = run(&plan, &plain);
            let mut pushed = plan.header().bytes().to_vec();
            let mut sealer = plan.sealer().unwrap();
            sealer.update(&plain, &mut pushed).unwrap();
            sealer.finish(&mut pushed).unwrap();
            assert_eq!(pushed, image, "{len}");
            image
        };
        let images: Vec<Vec<u8>> = CipherBackend::ALL.iter().map(|backend| seal(*backend)).collect();
        assert!(images.windows(2).all(|pair| pair[0] == pair[1]), "{len}");
    }
}

#[test]
fn every_backend_opens_and_refuses_alike_by_every_way() {
    let plain = plaintext(70_000);
    let plan = plan("backends", None, vec![]);
    let genuine = run(&plan, &plain);
    let header = plan.header().bytes().len();
    let changed = |at: usize| {
        let mut image = genuine.clone();
        image[at] ^= 0x40;
        image
    };
    let images = [
        ("genuine", genuine.clone()),
        ("first chunk", changed(header)),
        ("a tag in the middle", changed(header + 16_384 + 3)),
        ("the last tag", changed(genuine.len() - 1)),
        ("cut", genuine[..genuine.len() - 1].to_vec()),
    ];
    for (what, image) in &images {
        let key = |backend| key_of(&plan).with_backend(backend);
        let (released, result) = agreed(what, |backend| streamed(image, |_| Ok(key(backend))));
        assert_eq!(result.is_ok(), *what == "genuine", "{what}");
        assert!(plain.starts_with(&released), "{what}");
        let (released, result) = agreed(what, |backend| pushed(image, key(backend)));
        assert_eq!(result.is_ok(), *what == "genuine", "{what}");
        assert!(plain.starts_with(&released), "{what}");
        let (released, _) = agreed(what, |backend| ranged(image, key(backend)));
        assert!(released.is_empty() || released == plain[23_333..58_333], "{what}");
    }
}

/// The class of each failure is `vectors`' business; here, that all backends release what the vector says and fail alike.
#[test]
fn every_backend_ends_alike_on_the_committed_images() {
    let all = VectorFile::all();
    let images: Vec<&VectorFile> = all.iter().filter(|vector| vector.kind() == "image").collect();
    let mut opened = 0;
    for vector in &images {
        let find = |header: &Header| match vector.content_key() {
            Some(key) => Ok(key),
            None => header.unwrap_with(vector.private_key(), &vector.binding()),
        };
        let (released, result) = agreed(&vector.name, |backend| {
            streamed(&vector.body, |header| {
                find(header).map(|key| key.with_backend(backend))
            })
        });
        let digest = Digest::of(&released);
        assert_eq!(
            digest.length.to_string(),
            vector.field("released-length"),
            "{}",
            vector.name
        );
        assert_eq!(
            hex::encode(digest.sha256),
            vector.field("released-sha256"),
            "{}",
            vector.name
        );
        assert_eq!(
            result.is_ok(),
            vector.field("expect") == "success",
            "{}",
            vector.name
        );
        opened += usize::from(result.is_ok());
    }
    assert!(
        images.len() > opened && opened > 0,
        "{opened} of {} opened",
        images.len()
    );
}
