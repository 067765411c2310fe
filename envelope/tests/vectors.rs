//! The committed vectors in `testdata/` through every reader. `cargo xtask vectors` makes them.

use std::io::{self, Read};

use sealift_envelope::{
    CHUNK_LEN, ContentKey, FormatError, Header, KeyBox, KeyFile, OpenError, Opener, RangedOpener, SegmentAlg,
    SegmentHasher, SegmentList, SegmentSize, UnwrapError, open,
};

use crate::support::plaintext;
use crate::support::vector_file::{Ending, VectorFile};

/// Fewer vectors than this are a directory that has lost some.
const FLOOR: usize = 370;
/// How much is pushed at once: odd sizes, and those around a tag, a sealed chunk and a header's cap.
const STEPS: [usize; 9] = [1, 15, 16, 17, 4_096, 16_399, 16_400, 16_401, 65_536];

/// Runs `read` over the vectors of `kind`; all that differ are shown at once.
fn each(kind: &str, floor: usize, mut read: impl FnMut(&VectorFile) -> Vec<(String, Ending, Ending)>) {
    let (mut run, mut failed) = (0, Vec::new());
    for vector in VectorFile::all().iter().filter(|v| v.kind() == kind) {
        for (reader, expected, found) in read(vector) {
            if expected != found {
                let name = &vector.name;
                failed.push(format!(
                    "{name} by {reader}: expected {expected:?}, found {found:?}"
                ));
            }
        }
        run += 1;
    }
    println!("{run} vectors of kind {kind}");
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(
        run >= floor,
        "{run} vectors of kind {kind} are left, there were {floor}"
    );
}

fn class(error: &OpenError) -> &'static str {
    match error {
        OpenError::Format(_) => "header",
        OpenError::Unwrap(UnwrapError::NotARecipient { .. }) => "no-recipient",
        OpenError::Unwrap(_) => "unwrap",
        OpenError::Commitment => "commitment",
        OpenError::Chunk { .. } | OpenError::Truncated { .. } | OpenError::PlainLength { .. } => "payload",
        other => panic!("{other}"),
    }
}

fn ending<T>(result: &Result<T, OpenError>, released: &[u8]) -> Ending {
    Ending::new(result.as_ref().err().map_or("success", class), released)
}

fn find_key(vector: &VectorFile, header: &Header) -> Result<ContentKey, UnwrapError> {
    match vector.content_key() {
        Some(key) => Ok(key),
        None => header.unwrap_with(vector.private_key(), &vector.binding()),
    }
}

#[test]
fn the_directory_is_whole() {
    let all = VectorFile::all();
    println!("{} vectors", all.len());
    assert!(all.len() >= FLOOR, "{} of {FLOOR}", all.len());
}

/// A source that gives a few bytes at a time.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(1021);
        self.0.read(&mut buf[..len])
    }
}

#[test]
fn images_as_a_stream() {
    let stream = |vector: &VectorFile, source: &mut dyn Read| {
        let mut plain = Vec::new();
        let result = open(source, &mut plain, |header| find_key(vector, header), &mut |_| {});
        ending(&result, &plain)
    };
    each("image", 200, |vector| {
        let whole = stream(vector, &mut vector.body.as_slice());
        let dribbled = stream(vector, &mut Dribble(&vector.body));
        vec![
            (String::from("stream"), vector.ending(), whole),
            (String::from("slow stream"), vector.ending(), dribbled),
        ]
    });
}

#[test]
fn images_pushed() {
    let push = |vector: &VectorFile, step: usize| {
        let mut plain = Vec::new();
        let result = (|| {
            let header = grown(&vector.body, step)?;
            let key = find_key(vector, &header)?;
            let mut opener = Opener::new(&header, key)?;
            for piece in vector.body[header.bytes().len()..].chunks(step) {
                opener.update(piece, &mut plain)?;
            }
            opener.finish(&mut plain)
        })();
        ending(&result, &plain)
    };
    each("image", 200, |vector| {
        let by = |step: usize| (format!("pushes of {step}"), vector.ending(), push(vector, step));
        STEPS.into_iter().map(by).collect()
    });
}

/// Parses a header from a buffer that grows by `step` whenever more is needed.
fn grown(image: &[u8], step: usize) -> Result<Header, FormatError> {
    let mut have = 0;
    loop {
        let parsed = Header::parse(&image[..have]);
        match parsed {
            Err(FormatError::Truncated { needed, .. }) if needed > have && have < image.len() => {
                have = needed.div_ceil(step).saturating_mul(step).min(image.len());
            }
            result => return result.map(|(header, _)| header),
        }
    }
}

#[test]
fn images_at_random() {
    each("image", 200, |vector| {
        let mut plain = Vec::new();
        let result = at_random(vector, &mut plain);
        let found = ending(&result, &plain);
        vec![(String::from("random access"), vector.ending_at_random(), found)]
    });
}

/// Opens chunk by chunk, keeping what opens; the first failure is the result.
fn at_random(vector: &VectorFile, plain: &mut Vec<u8>) -> Result<(), OpenError> {
    let mut opener = RangedOpener::new(vector.body.as_slice(), |header: &Header| find_key(vector, header))?;
    let (length, chunk) = (opener.plain_length(), CHUNK_LEN as u64);
    let mut first_failure = Ok(());
    for start in (0..length).step_by(CHUNK_LEN) {
        let len = chunk.min(length - start);
        let read = opener.read_range(start, len, plain);
        first_failure = first_failure.and(read);
    }
    let mut whole = Vec::new();
    match (opener.read_range(0, length, &mut whole), &first_failure) {
        (Ok(()), Ok(())) => assert_eq!(whole, *plain, "{}", vector.name),
        (Err(_), Err(_)) => assert!(whole.is_empty(), "{}", vector.name),
        (whole, _) => panic!(
            "{}: the whole {whole:?}, its chunks {first_failure:?}",
            vector.name
        ),
    }
    if first_failure.is_ok() {
        odd_ranges(vector, &mut opener, plain);
    }
    first_failure
}

/// Ranges that begin or end beside a boundary.
fn odd_ranges(vector: &VectorFile, opener: &mut RangedOpener<&[u8]>, plain: &[u8]) {
    let marks = [
        0,
        1,
        CHUNK_LEN - 1,
        CHUNK_LEN,
        CHUNK_LEN + 1,
        2 * CHUNK_LEN,
        plain.len(),
    ];
    let marks: Vec<usize> = marks.into_iter().filter(|m| *m <= plain.len()).collect();
    for &start in &marks {
        for &end in marks.iter().filter(|end| **end >= start) {
            let mut out = Vec::new();
            let read = opener.read_range(start as u64, (end - start) as u64, &mut out);
            assert!(read.is_ok(), "{}: {start}..{end}: {read:?}", vector.name);
            assert_eq!(out, &plain[start..end], "{}: {start}..{end}", vector.name);
        }
    }
}

#[test]
fn key_files() {
    each("key-file", 35, |vector| {
        let result = KeyFile::parse(&vector.body)
            .map_err(OpenError::Format)
            .and_then(|file| {
                assert_eq!(file.encode(), vector.body, "{}", vector.name);
                Ok(file.unwrap_with(vector.private_key(), &vector.binding())?)
            });
        vec![(String::from("the parser"), vector.ending(), key_ending(&result))]
    });
}

#[test]
fn key_boxes() {
    each("key-box", 20, |vector| {
        let result = KeyBox::parse(&vector.body)
            .map_err(OpenError::Format)
            .and_then(|key_box| {
                assert_eq!(key_box.encode(), vector.body, "{}", vector.name);
                Ok(key_box.open(vector.private_key(), &vector.binding())?)
            });
        vec![(String::from("the parser"), vector.ending(), key_ending(&result))]
    });
}

#[test]
fn segment_lists() {
    each("segment-list", 35, |vector| {
        let received = plaintext(vector.number("received-length") as usize);
        let found = match segment_list(vector) {
            Ok(list) => by_segment(&list, &received),
            Err(()) => Ending::new("header", b""),
        };
        vec![(String::from("the parser"), vector.ending(), found)]
    });
}

/// The list that metadata announces, if it can be one. A genuine one is what hashing the object makes.
fn segment_list(vector: &VectorFile) -> Result<SegmentList, ()> {
    let alg = SegmentAlg::from_name(vector.field("algorithm")).ok_or(())?;
    let size = SegmentSize::new(vector.number("segment-size")).map_err(drop)?;
    let length = vector.number("object-length");
    let list = SegmentList::parse(&vector.body, alg, size, length).map_err(drop)?;
    assert_eq!(list.bytes(), vector.body, "{}", vector.name);
    let mut hasher = SegmentHasher::new(alg, size);
    hasher
        .push(&plaintext(vector.number("received-length") as usize))
        .unwrap();
    let made = hasher.finish().unwrap();
    assert_eq!(
        made == list,
        vector.field("expect") == "success",
        "{}: what the object makes",
        vector.name
    );
    Ok(list)
}

/// Each segment by itself; those that pass are released.
fn by_segment(list: &SegmentList, received: &[u8]) -> Ending {
    let size = list.size().bytes() as usize;
    let count = (list.count() as usize).max(received.len().div_ceil(size));
    let (mut passed, mut class) = (Vec::new(), "success");
    for index in 0..count {
        let segment = received.chunks(size).nth(index).unwrap_or_default();
        if list.check(index as u64, segment) {
            passed.extend_from_slice(segment);
        } else {
            class = "segment";
        }
    }
    Ending::new(class, &passed)
}

fn key_ending(result: &Result<ContentKey, OpenError>) -> Ending {
    let released = result.as_ref().map_or(&[][..], |key| key.expose());
    ending(result, released)
}
