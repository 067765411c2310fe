//! Oracles of the sealed image.

use std::collections::BTreeSet;

use sealift_envelope::{
    Header, KeyBox, KeyFile, MAX_HEADER_LEN, MAX_KEY_FILE_LEN, MAX_KEY_FILE_RECIPIENTS, MAX_RECIPIENTS,
    Opener,
};

use crate::edit;
use crate::sealed_world::{Image, in_key_box, world};

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
            assert_eq!(header.envelope_digest(), image.digest, "a commitment was forged");
        }
    }
}

/// What opens is a genuine image, whole; how it was cut into pieces makes no difference, nor does the stream, which has threads
/// and is asked for half of the selectors only.
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
    if selector & 0x40 != 0 {
        assert_eq!(
            streamed(&sealed, image),
            whole,
            "the stream is of another opinion"
        );
    }
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

fn streamed(sealed: &[u8], image: &Image) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let result = sealift_envelope::open(sealed, &mut plain, |_| Ok(image.content_key()), &mut |_| {});
    assert!(
        image.plain.starts_with(&plain),
        "unauthenticated plaintext was let out"
    );
    result.ok().map(|_| plain)
}

/// A key box or key file that is accepted is exactly the bytes it came from, and only the genuine box opens.
///
/// Only P-256 is tried, which is fast: [`crate::wraps()`] has the other kinds, and key files.
pub fn key_box(input: &[u8]) {
    if let Ok(file) = KeyFile::parse(input) {
        assert_eq!(file.encode(), input, "a key file comes out as it went in");
        key_file(&file);
    }
    let Ok(parsed) = KeyBox::parse(input) else { return };
    assert_eq!(parsed.encode(), input, "a key box comes out as it went in");
    let [holder, ..] = &world().holders;
    if parsed.open(&holder.key, &in_key_box()).is_ok() {
        assert_eq!(input, holder.key_box, "a changed key box opened");
    }
}

fn key_file(file: &KeyFile) {
    let stanzas = file.stanzas();
    assert!(
        file.encode().len() <= MAX_KEY_FILE_LEN && stanzas.len() <= MAX_KEY_FILE_RECIPIENTS,
        "a key file keeps its caps"
    );
    let keys: BTreeSet<_> = stanzas.iter().map(|stanza| stanza.key_id()).collect();
    assert_eq!(keys.len(), stanzas.len(), "one stanza for each key");
    let mut again = KeyFile::new(file.envelope_digest());
    for stanza in stanzas {
        again.add(stanza.clone()).unwrap();
    }
    assert_eq!(&again, file, "what was read can be put together");
    for key in &keys {
        assert!(again.remove(key), "a recipient that is there can be removed");
    }
    assert!(again.stanzas().is_empty(), "nobody is left");
}
