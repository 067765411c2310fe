//! The example: plaintext by HTTP ranges, of an image that is read no further than that takes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{CONTENT_RANGE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE};
use reqwest::{Client, StatusCode};
use sealift_envelope::{AsyncRangedOpener, Blocking, CHUNK_LEN, HttpSource, ReadAt, SEALED_CHUNK_LEN};

use crate::ranged_async::block_on;
use crate::support::{for_p256, plaintext, sealed};

#[path = "../examples/serve_range.rs"]
#[expect(dead_code, reason = "a test does not read the command line")]
mod serve_range;

/// A file that counts what is read of it.
struct Counted {
    file: std::fs::File,
    bytes: Arc<AtomicU64>,
}

impl ReadAt for Counted {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.bytes.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.file.read_exact_at(offset, buf)
    }
}

pub(crate) fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn listen(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

#[test]
fn plaintext_is_served_by_ranges_and_only_their_chunks_are_read() {
    let plain = plaintext(200 * CHUNK_LEN + 50);
    let length = plain.len();
    let (_, image) = sealed(&plain);
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &image).unwrap();
    let bytes = Arc::new(AtomicU64::new(0));
    let source = Blocking::new(Counted {
        file,
        bytes: Arc::clone(&bytes),
    });
    let chunk = SEALED_CHUNK_LEN as u64;
    block_on(async {
        let source: Arc<dyn sealift_envelope::AsyncReadAt> = Arc::new(source);
        let opener = AsyncRangedOpener::new(source, for_p256).await.unwrap();
        let url = listen(serve_range::app(opener)).await;
        let client = client();
        assert!(
            bytes.swap(0, Ordering::Relaxed) < 2 * chunk,
            "header and last chunk"
        );

        // (Range, what comes, bytes of the image that are read for it)
        let cases = [
            ("bytes=0-0", 0..1, chunk),
            ("bytes=16383-16384", 16_383..16_385, 2 * chunk),
            ("bytes=1000000-1499999", 1_000_000..1_500_000, 31 * chunk),
            ("bytes=-50", length - 50..length, 0),
            ("bytes=-51", length - 51..length, chunk),
            ("bytes=3276800-", 3_276_800..length, 0),
            ("bytes=3276799-99999999", 3_276_799..length, chunk),
        ];
        for (range, expected, cost) in cases {
            let answer = client.get(&url).header(RANGE, range).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
            let content_range = format!("bytes {}-{}/{length}", expected.start, expected.end - 1);
            assert_eq!(answer.headers()[CONTENT_RANGE], content_range);
            assert_eq!(answer.content_length(), Some(expected.len() as u64));
            assert_eq!(answer.bytes().await.unwrap(), plain[expected]);
            assert_eq!(bytes.swap(0, Ordering::Relaxed), cost, "{range}");
        }

        for range in ["bytes=3276850-", "bytes=-0", "bytes=5-4"] {
            let answer = client.get(&url).header(RANGE, range).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
            assert_eq!(answer.headers()[CONTENT_RANGE], format!("bytes */{length}"));
        }
        let head = client.head(&url).header(RANGE, "bytes=0-0").send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(head.headers()["content-length"], length.to_string());
        let tag = head.headers()[ETAG].clone();
        let known = client.get(&url).header(IF_NONE_MATCH, &tag).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(
            bytes.swap(0, Ordering::Relaxed),
            0,
            "nothing of this reads the image"
        );

        let same = client.get(&url).header(RANGE, "bytes=0-4").header(IF_RANGE, tag);
        assert_eq!(same.send().await.unwrap().bytes().await.unwrap().len(), 5);
        let whole = client
            .get(&url)
            .header(RANGE, "bytes=0-4")
            .header(IF_RANGE, "\"x\"");
        assert_eq!(whole.send().await.unwrap().bytes().await.unwrap(), plain);

        // What is served can be read by ranges in turn.
        let source = HttpSource::open(client, url.parse().unwrap()).await.unwrap();
        let part = sealift_envelope::AsyncReadAt::read_at(&source, 70_000, 10).await;
        assert_eq!(part.unwrap(), plain[70_000..70_010]);
    });
}
