//! Sources that end early and targets that fill up: never success, never anything but a genuine beginning.

use std::io::{self, Read, Write};
use std::thread;

use sealift_envelope::{
    CHUNK_LEN, FormatError, Header, OpenError, Opener, RangedOpener, SEALED_CHUNK_LEN, SealError, danger,
    open,
};

use crate::support::{P256, TestRng, for_p256, key_of, open_pushed, open_stream, plaintext, run, sealed};

const LEN: usize = 2 * CHUNK_LEN + 50;

/// Takes so many bytes, then fails; in between it takes at most `step` at a time.
struct Full {
    taken: Vec<u8>,
    room: usize,
    step: usize,
    then: fn() -> io::Result<usize>,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(self.step).min(self.room - self.taken.len());
        if len == 0 && !bytes.is_empty() {
            return (self.then)();
        }
        self.taken.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_room() -> io::Result<usize> {
    Err(io::ErrorKind::StorageFull.into())
}

/// Every length next to the beginning, the end, and the border of chunks of a file of `len` bytes.
fn lengths(len: usize, header: usize, chunk: usize) -> Vec<usize> {
    let near = |at: usize, by: usize| at.saturating_sub(by)..(at + by).min(len);
    let mut all: Vec<usize> = near(0, 2)
        .chain(near(header, 2))
        .chain(near(header + chunk, 2))
        .chain(near(header + 2 * chunk, 2))
        .chain(near(len, 20))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn a_target_that_fills_up_at_any_byte_is_a_failure_to_write() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let header = plan.header().bytes().len();
    let full = |room, step, then| Full {
        taken: Vec::new(),
        room,
        step,
        then,
    };
    for (step, then) in [
        (usize::MAX, no_room as fn() -> _),
        (7000, no_room),
        (usize::MAX, || Ok(0)),
    ] {
        for room in lengths(image.len(), header, SEALED_CHUNK_LEN) {
            let mut target = full(room, step, then);
            let error = plan.run(plain.as_slice(), &mut target, &mut |_| {}).unwrap_err();
            assert!(matches!(error, SealError::Write(_)), "{room}: {error}");
            assert_eq!(target.taken, &image[..room]);
        }
        for room in lengths(LEN, 0, CHUNK_LEN) {
            let mut target = full(room, step, then);
            let error = open(image.as_slice(), &mut target, |_| Ok(key_of(&plan)), &mut |_| {}).unwrap_err();
            assert!(matches!(error, OpenError::Write(_)), "{room}: {error}");
            assert_eq!(target.taken, &plain[..room]);
        }
        // Just enough room is enough.
        let mut target = full(image.len(), step, then);
        plan.run(plain.as_slice(), &mut target, &mut |_| {}).unwrap();
        let mut target = full(LEN, step, then);
        open(image.as_slice(), &mut target, |_| Ok(key_of(&plan)), &mut |_| {}).unwrap();
        assert_eq!(target.taken, plain);
    }
}

#[test]
fn a_target_that_fails_when_flushed_is_a_failure_to_write() {
    struct Buffered;
    impl Write for Buffered {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            no_room().map(drop)
        }
    }
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let error = plan.run(plain.as_slice(), Buffered, &mut |_| {}).unwrap_err();
    assert!(matches!(error, SealError::Write(_)), "{error}");
    let error = open(image.as_slice(), Buffered, for_p256, &mut |_| {}).unwrap_err();
    assert!(matches!(error, OpenError::Write(_)), "{error}");
}

/// Gives the beginning of its bytes, then fails.
struct Torn<'a>(&'a [u8]);

impl Read for Torn<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() && !out.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.0.read(out)
    }
}

#[test]
fn a_source_that_fails_at_any_byte_is_a_failure_to_read() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let header = plan.header().bytes().len();
    for len in lengths(image.len(), header, SEALED_CHUNK_LEN)
        .into_iter()
        .chain([image.len()])
    {
        let mut released = Vec::new();
        let error = open(
            Torn(&image[..len]),
            &mut released,
            |_| Ok(key_of(&plan)),
            &mut |_| {},
        )
        .unwrap_err();
        assert!(matches!(error, OpenError::Read(_)), "{len}: {error}");
        assert!(plain.starts_with(&released));
    }
    for len in lengths(LEN, 0, CHUNK_LEN).into_iter().chain([LEN]) {
        let error = plan
            .run(Torn(&plain[..len]), io::sink(), &mut |_| {})
            .unwrap_err();
        assert!(matches!(error, SealError::Read(_)), "{len}: {error}");
    }
}

/// What `read` makes of a pipe that carries `bytes` and is then closed.
fn piped<T>(bytes: &[u8], read: impl FnOnce(io::PipeReader) -> T) -> T {
    thread::scope(|scope| {
        let (reader, mut writer) = io::pipe().unwrap();
        // The reader may have gone before the end; that is its good right.
        scope.spawn(move || writer.write_all(bytes));
        read(reader)
    })
}

#[test]
fn a_pipe_that_ends_early_is_not_the_end_of_an_image() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let header = plan.header().bytes().len();
    let unknown = crate::support::plan("pipe", None, vec![P256.public()]);
    for (plan, image) in [(&plan, &image), (&unknown, &run(&unknown, &plain))] {
        let header = header.min(plan.header().bytes().len());
        for len in lengths(image.len(), header, SEALED_CHUNK_LEN) {
            let mut released = Vec::new();
            let result = piped(&image[..len], |pipe| {
                open(pipe, &mut released, |_| Ok(key_of(plan)), &mut |_| {})
            });
            let error = result.unwrap_err();
            let expected = matches!(
                error,
                OpenError::Format(FormatError::Truncated { .. })
                    | OpenError::Truncated { .. }
                    | OpenError::Chunk { .. }
            );
            assert!(expected, "{len}: {error}");
            let whole = len.saturating_sub(plan.header().bytes().len()) / SEALED_CHUNK_LEN * CHUNK_LEN;
            assert_eq!(released, &plain[..whole], "{len}");
        }
        let mut opened = Vec::new();
        piped(image, |pipe| open(pipe, &mut opened, for_p256, &mut |_| {})).unwrap();
        assert_eq!(opened, plain);
    }
    // Sealing can tell only where the length was announced.
    for len in lengths(LEN, 0, CHUNK_LEN) {
        let error = piped(&plain[..len], |pipe| plan.run(pipe, io::sink(), &mut |_| {})).unwrap_err();
        let SealError::PlainLength { announced, found } = error else {
            panic!("{error}")
        };
        assert_eq!((announced, found), (LEN as u64, len as u64));
    }
}

/// Who holds the content key can put another body behind a genuine header. The commitment matches; the chunks must not.
#[test]
fn a_commitment_that_matches_does_not_vouch_for_the_chunks() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let header = plan.header().bytes();
    plan.header().check_key(&key_of(&plan)).unwrap();
    // The same content key, but another salt: another chunk key.
    let params = sealift_envelope::SealParams {
        plain_length: Some(LEN as u64),
        ..Default::default()
    };
    let mut rng = TestRng::new("other");
    let other = danger::plan_with_key(params, key_of(&plan), [1; 24], &mut rng).unwrap();
    let mut other = other.sealer().unwrap();
    let mut body = Vec::new();
    other.update(&plain, &mut body).unwrap();
    other.finish(&mut body).unwrap();
    let mut bodies = vec![body, vec![0; image.len() - header.len()]];
    for place in [header.len(), header.len() + SEALED_CHUNK_LEN - 1] {
        let mut image = image.clone();
        image[place] ^= 0x80;
        bodies.push(image[header.len()..].to_vec());
    }
    for body in bodies {
        let image = [header, &body].concat();
        for result in [open_pushed(&image, key_of(&plan), 9000), {
            let (result, released) = open_stream(&image, key_of(&plan));
            (result.map(drop), released)
        }] {
            let (result, released) = result;
            assert!(matches!(result, Err(OpenError::Chunk { index: 0 })), "{result:?}");
            assert!(released.is_empty());
        }
        let ranged = RangedOpener::new(image.as_slice(), |_| Ok(key_of(&plan)));
        let read = ranged.and_then(|mut opener| opener.read_range(0, 1, &mut Vec::new()));
        assert!(matches!(read, Err(OpenError::Chunk { .. })), "{read:?}");
    }
}

#[test]
fn an_opener_is_of_no_use_after_chunks_came_in_another_order() {
    let plain = plaintext(LEN);
    let (plan, image) = sealed(&plain);
    let (header, len) = Header::parse(&image).unwrap();
    let chunks: Vec<&[u8]> = image[len..].chunks(SEALED_CHUNK_LEN).collect();
    let mut opener = Opener::new(&header, key_of(&plan)).unwrap();
    let mut released = Vec::new();
    opener.update(chunks[0], &mut released).unwrap();
    // A receiver of segments pushes the one after the next.
    let error = opener
        .update(chunks[2], &mut released)
        .and_then(|()| opener.update(chunks[1], &mut released));
    assert!(matches!(error, Err(OpenError::Chunk { index: 1 })), "{error:?}");
    // And tries to mend it.
    for chunk in &chunks[1..] {
        let error = opener.update(chunk, &mut released);
        assert!(matches!(error, Err(OpenError::Poisoned)), "{error:?}");
    }
    assert!(matches!(opener.finish(&mut released), Err(OpenError::Poisoned)));
    assert_eq!(released, &plain[..CHUNK_LEN]);
}
