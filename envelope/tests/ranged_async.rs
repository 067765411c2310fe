//! Random access over a source that is waited for: the same plaintext, the same refusals, and nothing lost on the way.

use std::future::pending;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sealift_envelope::{
    AsyncRangedOpener, AsyncReadAt, Blocking, CHUNK_LEN, OpenError, RangedReader, SEALED_CHUNK_LEN,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt};

use crate::ranged_tamper::inner;
use crate::support::{BOUNDARIES, for_p256, key_of, plaintext, plan, run, sealed};

const CHUNK: u64 = CHUNK_LEN as u64;

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// An image in memory that counts requests, and can hold them back or answer wrongly.
#[derive(Debug, Default)]
struct Remote {
    image: Bytes,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    hold: AtomicBool,
    more: AtomicUsize,
    less: AtomicUsize,
}

impl Remote {
    fn new(image: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            image: image.into(),
            ..Self::default()
        })
    }

    fn take(&self) -> (usize, usize) {
        (
            self.requests.swap(0, Ordering::Relaxed),
            self.bytes.swap(0, Ordering::Relaxed),
        )
    }
}

#[async_trait::async_trait]
impl AsyncReadAt for Remote {
    async fn size(&self) -> io::Result<u64> {
        self.image.size().await
    }

    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(len, Ordering::Relaxed);
        tokio::task::yield_now().await;
        if self.hold.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        let mut bytes = self.image.read_at(offset, len).await?.to_vec();
        bytes.truncate(len - self.less.load(Ordering::Relaxed).min(len));
        bytes.resize(bytes.len() + self.more.load(Ordering::Relaxed), 0);
        Ok(bytes.into())
    }
}

#[test]
fn whole_images_come_out_by_every_way() {
    block_on(async {
        for len in BOUNDARIES {
            let plain = plaintext(len);
            let (plan, image) = sealed(&plain);
            let opener = AsyncRangedOpener::new(Bytes::from(image), for_p256)
                .await
                .unwrap();
            assert_eq!(opener.plain_length(), len as u64);
            assert_eq!(opener.header(), plan.header());
            assert_eq!(opener.read_range(0..len as u64).await.unwrap(), plain);
            let pieces: Vec<Bytes> = opener
                .stream_range(0..len as u64)
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            assert!(
                pieces
                    .iter()
                    .all(|piece| !piece.is_empty() && piece.len() <= 1 << 20)
            );
            assert_eq!(pieces.concat(), plain);
            let mut out = Vec::new();
            opener.reader().read_to_end(&mut out).await.unwrap();
            assert_eq!(out, plain);
        }
    });
}

#[test]
fn nothing_is_asked_of_an_empty_object() {
    let empty = Remote::new(Vec::new());
    let error = block_on(AsyncRangedOpener::new(Arc::clone(&empty), for_p256)).unwrap_err();
    assert!(matches!(error, OpenError::Format(_)), "{error}");
    assert_eq!(empty.take(), (0, 0));
}

#[test]
fn a_file_is_read_beside_the_executor() {
    let plain = plaintext(100_000);
    let (_, image) = sealed(&plain);
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &image).unwrap();
    block_on(async {
        let opener = AsyncRangedOpener::new(Blocking::new(file), for_p256)
            .await
            .unwrap();
        let mut reader = opener.reader();
        reader.seek(SeekFrom::End(-10)).await.unwrap();
        assert_eq!(reader.fill_buf().await.unwrap(), &plain[99_990..]);
    });
}

#[test]
fn opening_takes_two_requests_and_a_range_only_its_chunks() {
    let plain = plaintext(3_000_000);
    let (_, image) = sealed(&plain);
    let remote = Remote::new(image);
    block_on(async {
        let opener = AsyncRangedOpener::new(Arc::clone(&remote), for_p256)
            .await
            .unwrap();
        assert_eq!(remote.take().0, 2);
        opener.read_range(100_000..100_001).await.unwrap();
        assert_eq!(remote.take(), (1, SEALED_CHUNK_LEN));
        // Two MiB and a bit over 130 chunks: three requests.
        opener.read_range(5..5 + 130 * CHUNK).await.unwrap();
        assert_eq!(remote.take(), (3, 131 * SEALED_CHUNK_LEN));
        // A stream asks when it is polled.
        let mut stream = Box::pin(opener.stream_range(0..3_000_000).unwrap());
        assert_eq!(remote.take().0, 0);
        stream.next().await.unwrap().unwrap();
        assert_eq!(remote.take(), (1, 64 * SEALED_CHUNK_LEN));
        drop(stream);
        // A reader joins, as the blocking one does.
        let mut out = Vec::new();
        let mut reader = opener.reader().take(20 * CHUNK);
        reader.read_to_end(&mut out).await.unwrap();
        assert_eq!(out, &plain[..20 * CHUNK_LEN]);
        assert!(remote.take().0 <= 8);
    });
}

#[test]
fn header_in_more_than_one_request() {
    let recipients = (0..40)
        .map(|n| {
            let mut rng = crate::support::TestRng::new(format!("recipient {n}"));
            sealift_envelope::PrivateKey::generate_p256(&mut rng).public()
        })
        .collect();
    let plan = plan("large header", None, recipients);
    assert!(plan.header().header_len() > 4096);
    let image = run(&plan, b"small");
    block_on(async {
        let opener = AsyncRangedOpener::new(Bytes::from(image.clone()), |_| Ok(key_of(&plan)));
        assert_eq!(opener.await.unwrap().read_range(0..5).await.unwrap(), "small");
        for cut in [0, 13, 14, 4096, 5000, image.len() - 22] {
            let opened =
                AsyncRangedOpener::new(Bytes::copy_from_slice(&image[..cut]), |_| Ok(key_of(&plan))).await;
            assert!(opened.is_err(), "{cut}");
        }
    });
}

#[test]
fn ranges_outside_are_refused() {
    let (_, image) = sealed(&plaintext(100));
    block_on(async {
        let opener = AsyncRangedOpener::new(Bytes::from(image), for_p256)
            .await
            .unwrap();
        let backwards = Range { start: 5, end: 4 };
        for range in [0..101, 100..101, 101..101, backwards, 0..u64::MAX] {
            let error = opener.read_range(range.clone()).await.unwrap_err();
            assert!(matches!(error, OpenError::Range { .. }), "{error}");
            assert!(matches!(opener.stream_range(range), Err(OpenError::Range { .. })));
        }
        assert!(opener.read_range(100..100).await.unwrap().is_empty());
    });
}

#[test]
fn short_and_long_answers_are_refused() {
    let (_, image) = sealed(&plaintext(100_000));
    let remote = Remote::new(image);
    block_on(async {
        let opener = AsyncRangedOpener::new(Arc::clone(&remote), for_p256)
            .await
            .unwrap();
        for (less, more) in [(1, 0), (0, 1), (SEALED_CHUNK_LEN, 0), (0, SEALED_CHUNK_LEN)] {
            remote.less.store(less, Ordering::Relaxed);
            remote.more.store(more, Ordering::Relaxed);
            let error = opener.read_range(0..10).await.unwrap_err();
            assert!(matches!(error, OpenError::Answer { .. }), "{error}");
            let error = opener.reader().read_u8().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(matches!(inner(&error), OpenError::Answer { .. }));
            let opened = AsyncRangedOpener::new(Arc::clone(&remote), for_p256).await;
            assert!(matches!(opened.unwrap_err(), OpenError::Answer { .. }));
        }
    });
}

#[test]
fn a_flipped_chunk_is_refused_only_by_ranges_that_touch_it() {
    let plain = plaintext(200 * CHUNK_LEN);
    let plan = plan("flipped", None, vec![]);
    let mut image = run(&plan, &plain);
    image[plan.header().bytes().len() + 70 * SEALED_CHUNK_LEN] ^= 1;
    block_on(async {
        let opener = AsyncRangedOpener::new(Bytes::from(image), |_| Ok(key_of(&plan)))
            .await
            .unwrap();
        let bad = 70 * CHUNK;
        assert_eq!(opener.read_range(0..bad).await.unwrap(), plain[..70 * CHUNK_LEN]);
        for range in [bad - 1..bad + 1, bad..bad + 1, 0..bad + CHUNK] {
            let error = opener.read_range(range).await.unwrap_err();
            assert!(matches!(error, OpenError::Chunk { index: 70 }), "{error}");
        }
        let results: Vec<_> = opener.stream_range(0..200 * CHUNK).unwrap().collect().await;
        assert_eq!(results.len(), 2, "one piece, one error, the end");
        assert!(matches!(results[1], Err(OpenError::Chunk { index: 70 })));
        let mut reader = opener.reader();
        let mut out = Vec::new();
        let error = reader.read_to_end(&mut out).await.unwrap_err();
        assert!(matches!(inner(&error), OpenError::Chunk { index: 70 }));
        assert_eq!(out, &plain[..70 * CHUNK_LEN]);
        out.clear();
        reader.seek(SeekFrom::Current(CHUNK as i64)).await.unwrap();
        reader.read_to_end(&mut out).await.unwrap();
        assert_eq!(out, &plain[71 * CHUNK_LEN..]);
    });
}

#[test]
fn a_dropped_read_loses_nothing() {
    let plain = plaintext(400_000);
    let (_, image) = sealed(&plain);
    let remote = Remote::new(image);
    block_on(async {
        let opener = AsyncRangedOpener::new(Arc::clone(&remote), for_p256)
            .await
            .unwrap();
        remote.take();
        let mut reader = opener.reader();
        let (mut out, mut dropped) = (Vec::new(), 0);
        // Every read is polled once, dropped if it has to wait, and made again.
        while out.len() < plain.len() {
            let mut piece = [0; 7000];
            match reader.read(&mut piece).now_or_never() {
                Some(count) => out.extend_from_slice(&piece[..count.unwrap()]),
                None => dropped += 1,
            }
        }
        assert_eq!(out, plain);
        let (requests, bytes) = remote.take();
        assert!(dropped >= requests, "{dropped} {requests}");
        assert_eq!(bytes, 24 * SEALED_CHUNK_LEN, "each chunk was asked for once");

        // A request that never comes back is given up by a read elsewhere.
        let mut reader = opener.reader();
        remote.hold.store(true, Ordering::Relaxed);
        assert!(reader.read_u8().now_or_never().is_none());
        assert!(opener.read_range(0..10).now_or_never().is_none());
        remote.hold.store(false, Ordering::Relaxed);
        reader.seek(SeekFrom::Start(200_000)).await.unwrap();
        assert_eq!(reader.read_u8().await.unwrap(), plain[200_000]);
        assert_eq!(opener.read_range(0..10).await.unwrap(), plain[..10]);
    });
}

#[test]
fn what_is_buffered_is_consumed() {
    let plain = plaintext(100_000);
    let (_, image) = sealed(&plain);
    block_on(async {
        let opener = AsyncRangedOpener::new(Bytes::from(image), for_p256)
            .await
            .unwrap();
        let (mut reader, mut out) = (opener.reader(), Vec::new());
        loop {
            let found = reader.fill_buf().await.unwrap();
            let count = found.len().min(7000);
            out.extend_from_slice(&found[..count]);
            if count == 0 {
                break;
            }
            reader.consume(count);
        }
        assert_eq!(out, plain);
        let shown = format!("{reader:?}");
        assert!(shown.starts_with("AsyncRangedReader { position: 100000, cache: Cache { chunks: ["));
    });
}

/// Whoever seeks does not wait for what was asked for at the old place.
#[test]
fn an_answer_that_is_wanted_no_more_is_not_waited_for() {
    let plain = plaintext(300_000);
    let (_, image) = sealed(&plain);
    block_on(async {
        let remote = Remote::new(image);
        let opener = AsyncRangedOpener::new(Arc::clone(&remote), for_p256)
            .await
            .unwrap();
        let (mut reader, mut out) = (opener.reader(), [0; 10]);
        remote.hold.store(true, Ordering::Relaxed);
        for _ in 0..4 {
            assert!(reader.read(&mut out).now_or_never().is_none());
        }
        remote.hold.store(false, Ordering::Relaxed);
        reader.seek(SeekFrom::Start(200_000)).await.unwrap();
        let read = tokio::time::timeout(std::time::Duration::from_secs(30), reader.read_exact(&mut out));
        read.await.unwrap().unwrap();
        assert_eq!(out, plain[200_000..200_010]);
    });
}

#[test]
fn readers_of_one_opener_do_not_disturb_each_other() {
    let plain = plaintext(300_000);
    let (_, image) = sealed(&plain);
    block_on(async {
        let opener = AsyncRangedOpener::new(Bytes::from(image), for_p256)
            .await
            .unwrap();
        let read = |opener: AsyncRangedOpener<Bytes>, start: u64| async move {
            let mut reader = opener.reader();
            reader.seek(SeekFrom::Start(start)).await.unwrap();
            let mut out = Vec::new();
            reader.read_to_end(&mut out).await.unwrap();
            out
        };
        let (one, two) = (
            tokio::spawn(read(opener.clone(), 10)),
            tokio::spawn(read(opener, 250_000)),
        );
        assert_eq!(one.await.unwrap(), &plain[10..]);
        assert_eq!(two.await.unwrap(), &plain[250_000..]);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_gives_what_the_blocking_reader_gives(
        len in 0u64..300_000,
        steps in proptest::collection::vec((any::<u64>(), 0usize..60_000), 1..12),
    ) {
        let plain = plaintext(usize::try_from(len).unwrap());
        let plan = plan("async sequences", Some(len), vec![]);
        let image = run(&plan, &plain);
        let remote = Remote::new(image.clone());
        block_on(async {
            let opener = AsyncRangedOpener::new(remote, |_| Ok(key_of(&plan))).await.unwrap();
            let mut reader = opener.reader();
            let mut blocking = RangedReader::new(image, |_| Ok(key_of(&plan))).unwrap();
            for (at, count) in steps {
                let at = at % (len + 10);
                io::Seek::seek(&mut blocking, SeekFrom::Start(at)).unwrap();
                prop_assert_eq!(reader.seek(SeekFrom::Start(at)).await.unwrap(), at);
                let (mut ours, mut theirs) = (vec![0; count], vec![0; count]);
                let got = reader.read(&mut ours).await.unwrap();
                let want = io::Read::read(&mut blocking, &mut theirs).unwrap();
                prop_assert_eq!(got, want);
                prop_assert_eq!(&ours[..got], &theirs[..want]);
                let end = len.min(at.saturating_add(count as u64));
                if at <= len {
                    let range = opener.read_range(at..end).await.unwrap();
                    prop_assert_eq!(&range[..], &plain[usize::try_from(at).unwrap()..usize::try_from(end).unwrap()]);
                }
            }
            Ok(())
        })?;
    }
}
