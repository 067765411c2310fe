//! Sealed images that are not what they should be, given to `sealift image open` and `inspect`.

use std::fs;
use std::path::PathBuf;

use sealift_tests::process::{Program, Run};
use sealift_tests::rng::image;
use tempfile::TempDir;

use super::exit;

/// Bytes of a chunk with its tag.
const CHUNK: usize = 16 * 1024 + 16;
const PLAIN: usize = 5 * 16 * 1024 + 99;

struct Bench {
    dir: TempDir,
    plain: Vec<u8>,
    sealed: Vec<u8>,
    /// Where chunk 0 starts.
    body: usize,
}

impl Bench {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut bench = Self {
            plain: image("plain", PLAIN),
            dir,
            sealed: Vec::new(),
            body: 0,
        };
        for key in ["mine", "other"] {
            let file = bench.path(&format!("{key}.pem"));
            let _ = bench
                .sealift(&["key", "generate", "p256", "--unencrypted", "--out"])
                .arg(file)
                .run()
                .ok();
        }
        bench.sealed = bench.seal(&bench.plain);
        let chunks = bench.plain.len() / (16 * 1024) + 1;
        bench.body = bench.sealed.len() - bench.plain.len() - chunks * 16;
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn sealift(&self, words: &[&str]) -> Program {
        Program::binary("sealift")
            .current_dir(self.dir.path())
            .args(words)
    }

    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let run = self
            .sealift(&["image", "seal", "--recipient", "mine.pub.pem", "-o", "-", "-"])
            .input(plain)
            .run();
        run.ok().stdout().to_vec()
    }

    /// Opens from a file into a file, with both ends watched.
    fn open(&self, sealed: &[u8], key: &str) -> Run {
        fs::write(self.path("in.sealed"), sealed).unwrap();
        let _ = fs::remove_file(self.path("out"));
        let run = self
            .sealift(&["image", "open", "--key", key, "-o", "out", "in.sealed"])
            .run();
        if run.code() != Some(0) {
            assert!(!self.path("out").exists(), "a failed run leaves no output\n{run}");
            let names = fs::read_dir(self.dir.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let left: Vec<_> = names
                .filter(|name| name.to_string_lossy().contains("partial"))
                .collect();
            assert!(left.is_empty(), "left behind: {left:?}\n{run}");
            assert!(
                run.stderr().lines().any(|line| line.starts_with("error: ")),
                "{run}"
            );
        }
        run
    }

    fn refused(&self, what: &str, sealed: &[u8]) {
        assert_ne!(sealed, self.sealed, "{what} changes nothing");
        let run = self.open(sealed, "mine.pem");
        assert_eq!(run.code(), Some(exit::REFUSED), "{what}\n{run}");
        let piped = self
            .sealift(&["image", "open", "--key", "mine.pem", "-o", "-", "-"])
            .input(sealed)
            .run();
        assert_eq!(piped.code(), Some(exit::REFUSED), "{what}, piped\n{piped}");
        let released = piped.stdout();
        assert!(
            released.len() < self.plain.len() + CHUNK,
            "{what} released too much"
        );
    }
}

#[test]
fn the_honest_image_opens() {
    let bench = Bench::new();
    let run = bench.open(&bench.sealed, "mine.pem").ok();
    assert!(run.stderr().contains("origin NOT verified"), "{run}");
    assert_eq!(fs::read(bench.path("out")).unwrap(), bench.plain);
}

#[test]
fn truncated_images_are_refused() {
    let bench = Bench::new();
    let whole = bench.sealed.len();
    let body = bench.body;
    let lengths = [
        0,
        7,
        8,
        10,
        14,
        body - 33,
        body - 1,
        body,
        body + 15,
        body + CHUNK,
        body + CHUNK + 1,
        whole - CHUNK,
        whole - 1,
    ];
    for length in lengths {
        bench.refused(
            &format!("the first {length} of {whole} bytes"),
            &bench.sealed[..length],
        );
    }
}

#[test]
fn extended_images_are_refused() {
    let bench = Bench::new();
    for tail in [
        vec![0],
        vec![0; 16],
        vec![0; CHUNK],
        bench.sealed[bench.body..].to_vec(),
    ] {
        bench.refused(
            &format!("{} bytes too many", tail.len()),
            &[bench.sealed.clone(), tail].concat(),
        );
    }
}

#[test]
fn reordered_chunks_are_refused() {
    let bench = Bench::new();
    for (one, other) in [(0, 1), (1, 3), (0, 4)] {
        let mut sealed = bench.sealed.clone();
        let (left, right) = sealed.split_at_mut(bench.body + other * CHUNK);
        left[bench.body + one * CHUNK..][..CHUNK].swap_with_slice(&mut right[..CHUNK]);
        bench.refused(&format!("chunks {one} and {other} swapped"), &sealed);
    }
    let mut sealed = bench.sealed.clone();
    sealed.drain(bench.body + CHUNK..bench.body + 2 * CHUNK);
    bench.refused("a chunk left out", &sealed);
}

#[test]
fn flipped_bits_are_refused() {
    let bench = Bench::new();
    let whole = bench.sealed.len();
    let header = (0..bench.body).step_by(7);
    let body = [
        bench.body,
        bench.body + CHUNK - 1,
        bench.body + 3 * CHUNK + 5,
        whole - 16,
        whole - 1,
    ];
    for place in header.chain(body) {
        let mut sealed = bench.sealed.clone();
        sealed[place] ^= 0x10;
        let run = bench.open(&sealed, "mine.pem");
        // A flipped key id means that the image is for someone else: a key problem, not a broken image.
        assert!(
            [Some(exit::REFUSED), Some(exit::KEY)].contains(&run.code()),
            "byte {place}\n{run}"
        );
    }
}

#[test]
fn mixed_images_are_refused() {
    let bench = Bench::new();
    let other = bench.seal(&bench.plain);
    assert_eq!(other.len(), bench.sealed.len());
    bench.refused(
        "another image's body",
        &[&bench.sealed[..bench.body], &other[bench.body..]].concat(),
    );
    // The wrapped key is bound to salt and commitment, so it is the first thing that does not open.
    let commitment = [&bench.sealed[..bench.body - 32], &other[bench.body - 32..]].concat();
    let _ = bench.open(&commitment, "mine.pem").exits(exit::KEY);
    let spliced = bench.body + 2 * CHUNK;
    bench.refused(
        "another image's last chunks",
        &[&bench.sealed[..spliced], &other[spliced..]].concat(),
    );
}

#[test]
fn a_wrong_key_is_a_key_problem() {
    let bench = Bench::new();
    bench
        .open(&bench.sealed, "other.pem")
        .exits(exit::KEY)
        .complains("use a key that the image was sealed for");
}

#[test]
fn unknown_versions_suites_and_wraps_are_named() {
    let bench = Bench::new();
    let mut version = bench.sealed.clone();
    version[9] = 2;
    bench.refused("version 2", &version);
    let run = bench.open(&version, "mine.pem");
    run.complains("version");

    // The immutable part begins at 14 with a map; its first entry is 1: suite.
    let mut suite = bench.sealed.clone();
    assert_eq!(suite[15..17], [1, 1], "key 1, suite 1");
    suite[16] = 9;
    bench.refused("suite 9", &suite);
    bench.open(&suite, "mine.pem").complains("suite");

    let mut magic = bench.sealed.clone();
    magic[0] = b'Z';
    bench.refused("another magic", &magic);
    bench
        .sealift(&["image", "inspect", "in.sealed"])
        .run()
        .exits(exit::REFUSED)
        .complains("in.sealed");
}

#[test]
fn an_unknown_recipient_is_passed_over() {
    let bench = Bench::new();
    let immutable = u32::from_be_bytes(bench.sealed[10..14].try_into().unwrap()) as usize;
    let recipients = 14 + immutable;
    // Behind the length: an array of one stanza, an array of four, and the wrap.
    let wrap = recipients + 4 + 2;
    let mut sealed = bench.sealed.clone();
    assert_eq!(sealed[wrap], 1, "HPKE P-256");
    sealed[wrap] = 23;
    let run = bench.open(&sealed, "mine.pem");
    assert!(
        [Some(exit::REFUSED), Some(exit::KEY)].contains(&run.code()),
        "{run}"
    );
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_memory_is_taken() {
    let bench = Bench::new();
    let mut immutable = bench.sealed.clone();
    immutable[10..14].copy_from_slice(&u32::MAX.to_be_bytes());
    bench.refused("an immutable part of 4 GiB", &immutable);
    let length = u32::from_be_bytes(bench.sealed[10..14].try_into().unwrap()) as usize;
    let mut recipients = bench.sealed.clone();
    recipients[14 + length..18 + length].copy_from_slice(&u32::MAX.to_be_bytes());
    bench.refused("recipients of 4 GiB", &recipients);

    // {1: 1, 2: 2^63, 3: "a/b", 4: 16 bytes}
    let mut map = vec![
        0xa4, 0x01, 0x01, 0x02, 0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x03, 0x63,
    ];
    map.extend(b"a/b\x04\x50");
    map.extend([7; 16]);
    let mut claimed = b"SEALIFT\0\0\x01".to_vec();
    claimed.extend(u32::try_from(map.len()).unwrap().to_be_bytes());
    claimed.extend(&map);
    claimed.extend(&bench.sealed[14 + length..]);
    bench.refused("a plaintext of 2^63 bytes", &claimed);
    let run = bench.open(&claimed, "mine.pem");
    assert!(
        run.peak_rss() < 64 << 20,
        "{} bytes resident\n{run}",
        run.peak_rss()
    );
}
