//! Oracles of the sealed image.

use std::cell::Cell;
use std::io;

use sealift_envelope::{
    CHUNK_LEN, Header, KeyBox, KeyFile, MAX_HEADER_LEN, MAX_RECIPIENTS, Opener, RangedOpener, ReadAt,
    SEALED_CHUNK_LEN,
};

use crate::edit;
use crate::sealed_world::{Image, binding, world};

/// A header that is accepted is exactly the bytes it came from, within its caps, and only a genuine one takes a genuine key.
pub fn header(input: &[u8]) {
    let streamed = Header::read(&mut &*input);
    let Ok((header, used)) = Header::parse(input) else {
        assert!(
            streamed.is_err(),
            "the stream reader accepts what the parser refuses"
        );
        return;
    };
    assert_eq!(header.bytes(), &input[..used], "a header comes out as it went in");
    assert!(used <= MAX_HEADER_LEN, "a header keeps its cap");
    assert!(
        header.stanzas().len() <= MAX_RECIPIENTS,
        "the recipients keep their cap"
    );
    assert_eq!(streamed.unwrap().bytes(), header.bytes(), "both readers agree");
    assert!(
        Header::parse(&input[..used - 1]).is_err(),
        "a cut header is not a header"
    );
    for image in &world().images {
        if header.check_key(&image.content_key()).is_ok() {
            let (genuine, _) = Header::parse(&image.sealed).unwrap();
            assert_eq!(
                header.envelope_digest(),
                genuine.envelope_digest(),
                "a commitment was forged"
            );
        }
    }
}

/// What opens is a genuine image, whole; how it was cut into pieces makes no difference.
pub fn opener_sequential(input: &[u8]) {
    let Some((&selector, rest)) = input.split_first() else {
        return;
    };
    let images = &world().images;
    // The upper half of the selectors takes the input as the image itself.
    let image = &images[usize::from(selector & 0x7f) % images.len()];
    let sealed = if selector & 0x80 == 0 {
        edit::apply(rest, &image.sealed)
    } else {
        rest.to_vec()
    };
    let Ok((header, used)) = Header::parse(&sealed) else {
        return;
    };
    let body = &sealed[used..];
    let whole = open(&header, image, body, body.len().max(1));
    let pieces = open(&header, image, body, usize::from(selector).saturating_mul(37) + 1);
    assert_eq!(whole, pieces, "how the bytes are cut must not matter");
    if let Some(plain) = whole {
        assert_eq!(plain, image.plain, "other plaintext under the same key");
        assert_eq!(
            body,
            &image.sealed[image.header_len..],
            "a changed body was accepted"
        );
    }
}

/// The plaintext, if all of it opened; in any case nothing but a beginning of the genuine plaintext comes out.
fn open(header: &Header, image: &Image, body: &[u8], piece: usize) -> Option<Vec<u8>> {
    let mut opener = Opener::new(header, image.content_key()).ok()?;
    let mut plain = Vec::new();
    let fed = body
        .chunks(piece)
        .try_for_each(|bytes| opener.update(bytes, &mut plain));
    let ended = fed.and_then(|()| opener.finish(&mut plain).map(drop));
    assert!(
        image.plain.starts_with(&plain),
        "unauthenticated plaintext was let out"
    );
    ended.ok().map(|()| plain)
}

/// Any range that is given out is genuine, and reading it touches only the chunks that cover it.
pub fn opener_ranged(input: &[u8]) {
    let Some((&[selector, s0, s1, l0, l1], rest)) = input.split_first_chunk() else {
        return;
    };
    let images = &world().images;
    let image = &images[usize::from(selector) % images.len()];
    let source = Counted {
        bytes: edit::apply(rest, &image.sealed),
        read: Cell::new(0),
    };
    let Ok(mut opener) = RangedOpener::new(&source, |_| Ok(image.content_key())) else {
        return;
    };
    let plain_length = image.plain.len() as u64;
    assert_eq!(
        opener.plain_length(),
        plain_length,
        "the length is authenticated before anything is read"
    );
    let start = u64::from(u16::from_be_bytes([s0, s1]));
    let length = u64::from(u16::from_be_bytes([l0, l1]));
    let before = source.read.get();
    let mut out = Vec::new();
    let result = opener.read_range(start, length, &mut out);
    let chunk = CHUNK_LEN as u64;
    let chunks = length.div_ceil(chunk) + 1;
    assert!(
        source.read.get() - before <= chunks * SEALED_CHUNK_LEN as u64,
        "only covering chunks are read"
    );
    match result {
        Ok(()) => {
            let end = start + length;
            assert!(end <= plain_length, "a range past the end was given");
            let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
            assert_eq!(out, &image.plain[start..end], "a range of other plaintext");
        }
        Err(_) => assert!(out.is_empty(), "a failed read leaves nothing behind"),
    }
}

/// Counts the bytes that are asked for.
struct Counted {
    bytes: Vec<u8>,
    read: Cell<u64>,
}

impl ReadAt for Counted {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + buf.len() as u64);
        self.bytes.read_exact_at(offset, buf)
    }
}

/// A key box or key file that is accepted is exactly the bytes it came from, and only the genuine box opens.
pub fn key_box(input: &[u8]) {
    if let Ok(file) = KeyFile::parse(input) {
        assert_eq!(file.encode(), input, "a key file comes out as it went in");
        assert!(
            file.stanzas()
                .windows(2)
                .all(|pair| pair[0].key_id() != pair[1].key_id()),
            "one stanza for each key"
        );
    }
    let Ok(parsed) = KeyBox::parse(input) else { return };
    assert_eq!(parsed.encode(), input, "a key box comes out as it went in");
    let world = world();
    let opened = parsed.open(&world.ecu, &binding());
    if opened.is_ok() {
        assert_eq!(input, world.key_box, "a changed key box opened");
    }
}
