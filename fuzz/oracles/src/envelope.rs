//! Oracles of the sealed image.

use sealift_envelope::{Header, KeyBox, KeyFile, MAX_HEADER_LEN, MAX_RECIPIENTS, Opener};

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
