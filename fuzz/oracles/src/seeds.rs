//! The targets and their seeds, small and made here, so that nobody has to wonder where a corpus is from.

use crate::edit::script;
use crate::sealed_world::{Image, world};
use crate::trust_world;

/// A named input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// File name below the target's corpus.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// One fuzz target.
#[derive(Debug)]
pub struct Target {
    /// Its name, also of its directory below `fuzz/corpus/`.
    pub name: &'static str,
    /// The oracle.
    pub judge: fn(&[u8]),
    /// Makes its seeds.
    pub seeds: fn() -> Vec<Seed>,
}

/// All fuzz targets.
pub const TARGETS: &[Target] = &[
    target("header", crate::header, header),
    target("opener_sequential", crate::opener_sequential, opener_sequential),
    target("opener_ranged", crate::opener_ranged, opener_ranged),
    target("ciphers", crate::ciphers, ciphers),
    target("key_box", crate::key_box, key_box),
    target("canonical_json", crate::canonical_json, canonical_json),
    target("root", crate::root, || documents("root.json")),
    target("timestamp", crate::timestamp, || documents("timestamp.json")),
    target("snapshot", crate::snapshot, || documents("snapshot.json")),
    target("targets", crate::targets, || documents("targets.json")),
    target("trust_sequence", crate::trust_sequence, trust_sequence),
    target("range_header", crate::range_header, range_header),
    target("manifest", crate::manifest, manifest),
];

const fn target(name: &'static str, judge: fn(&[u8]), seeds: fn() -> Vec<Seed>) -> Target {
    Target { name, judge, seeds }
}

pub(crate) fn seed(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Seed {
    Seed {
        name: name.into(),
        bytes: bytes.into(),
    }
}

fn header() -> Vec<Seed> {
    let genuine = |image: &Image| seed(image.name, &image.sealed[..image.header_len]);
    let mut seeds: Vec<Seed> = world().images.iter().map(genuine).collect();
    let claims = |tail: [u8; 4]| [b"SEALIFT\0\0\x01".as_slice(), &tail].concat();
    seeds.push(seed("claims-four-gigabytes", claims([0xff; 4])));
    seeds.push(seed("claims-nothing", claims([0; 4])));
    seeds.push(seed("other-version", b"SEALIFT\0\0\x02\0\0\0\0".as_slice()));
    seeds
}

fn opener_sequential() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (index, image) in (0_u8..).zip(&world().images) {
        let edited = |what: &str, edits: Vec<u8>| {
            seed(format!("{}-{what}", image.name), [vec![index], edits].concat())
        };
        let body = image.header_len;
        seeds.push(edited("genuine", Vec::new()));
        seeds.push(edited("flipped", script(0, body + 3, 1)));
        seeds.push(edited("cut", script(1, image.sealed.len() - 1, 0)));
        seeds.push(edited("extended", script(2, 0, 1)));
        seeds.push(edited("chunks-swapped", script(5, body, 32_800)));
        if image.sealed.len() < 1024 {
            seeds.push(seed(
                format!("{}-as-it-is", image.name),
                [vec![0x80 | index], image.sealed.clone()].concat(),
            ));
        }
    }
    seeds
}

/// Kind, place and length of each read.
type Reads<'a> = &'a [(u8, usize, usize)];

fn opener_ranged() -> Vec<Seed> {
    // Kind, place, length: 0 is a range, 1 a read after a seek from the end, 3 an exact read from the start, 4 and 14 a
    // buffer, 2 a read after a seek from here.
    const HERE: usize = 0x7fff;
    let sequences: [(&str, Reads<'_>); 6] = [
        ("inside", &[(0, 1, 9)]),
        ("across", &[(0, 16_380, 8), (3, 16_380, 8)]),
        (
            "past-the-end",
            &[(0, 60_000, 60_000), (3, 60_000, 60_000), (1, 0, 9)],
        ),
        (
            "in-a-row",
            &[
                (3, 0, 100),
                (2, HERE, 16_384),
                (2, HERE, 16_384),
                (2, HERE, 16_384),
            ],
        ),
        (
            "back-and-forth",
            &[
                (1, 20, 40),
                (3, 0, 7),
                (14, HERE, 5),
                (1, 20_000, 3),
                (3, 3, 16_384),
            ],
        ),
        ("before-the-start", &[(2, 0, 5), (4, 60_000, 5)]),
    ];
    let mut seeds = Vec::new();
    for (index, image) in (0_u8..).zip(&world().images) {
        let all: Reads<'_> = &[(0, 0, image.plain.len())];
        for (what, steps) in sequences.into_iter().chain([("all", all)]) {
            let mut input = vec![index, u8::try_from(steps.len()).unwrap_or(u8::MAX)];
            for (kind, place, length) in steps {
                input.push(*kind);
                input.extend(
                    [*place, *length]
                        .map(|n| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes())
                        .concat(),
                );
            }
            seeds.push(seed(format!("{}-{what}", image.name), input.clone()));
            let flipped = [input, script(0, image.header_len + 20, 0x80)].concat();
            seeds.push(seed(format!("{}-{what}-flipped", image.name), flipped));
        }
    }
    seeds
}

fn ciphers() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (index, image) in (0_u8..).zip(&world().images) {
        let edited = |what: &str, edits: Vec<u8>| {
            seed(
                format!("{}-{what}", image.name),
                [vec![index, 77], edits].concat(),
            )
        };
        seeds.push(edited("genuine", Vec::new()));
        seeds.push(edited("flipped-first", script(0, image.header_len, 1)));
        seeds.push(edited("flipped-last", script(0, image.sealed.len() - 1, 0x80)));
        seeds.push(edited("cut", script(1, image.sealed.len() - 1, 0)));
    }
    for (name, length) in [
        ("nothing", 0),
        ("a-byte", 1),
        ("a-block", 16),
        ("more", 600),
        ("a-chunk-and-more", 16_400),
    ] {
        seeds.push(seed(
            format!("seal-{name}"),
            [vec![0x80, 9], vec![0x5a; length]].concat(),
        ));
    }
    seeds
}

fn key_box() -> Vec<Seed> {
    let world = world();
    let mut flipped = world.key_box.clone();
    if let Some(last) = flipped.last_mut() {
        *last ^= 1;
    }
    vec![
        seed("box", world.key_box.clone()),
        seed("box-flipped", flipped),
        seed("box-extended", [world.key_box.as_slice(), &[0]].concat()),
        seed("file", world.key_file.clone()),
        seed("file-cut", &world.key_file[..world.key_file.len() - 1]),
    ]
}

fn canonical_json() -> Vec<Seed> {
    [
        ("object", r#"{"b": [1, -2, true, null], "a": {"": "\u00e9\"\\"}}"#),
        ("duplicate-key", r#"{"a": 1, "a": 2}"#),
        ("duplicate-key-escaped", r#"{"a": 1, "\u0061": 2}"#),
        ("float", r#"{"a": 1.0}"#),
        ("exponent", r#"{"a": 1e3}"#),
        ("too-large", r#"{"a": 9007199254740993}"#),
        ("minus-zero", r#"{"a": -0}"#),
        ("trailing", r#"{"a": 1} x"#),
        ("not-nfc", r#"{"a": "e\u0301"}"#),
        ("lone-surrogate", r#"{"a": "\ud800"}"#),
        ("astral", r#"{"\ud83d\ude00": 1, "\uffff": 2}"#),
        ("control", r#"{"a": "\u0000\n"}"#),
        ("prefix-keys", r#"{"pkg": 1, "pkg 1": 2, "a!": 3, "a": 4}"#),
        ("byte-order-mark", "\u{feff}{}"),
    ]
    .map(|(name, text)| seed(name, text))
    .into_iter()
    .chain([seed("deep", [vec![b'['; 70], vec![b']'; 70]].concat())])
    .collect()
}

/// The genuine documents of one role, and what a forger would try first.
fn documents(role: &str) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, bytes) in trust_world::world()
        .documents
        .iter()
        .filter(|(name, _)| name.ends_with(role))
    {
        let text = String::from_utf8_lossy(bytes);
        seeds.push(seed(name.clone(), bytes.clone()));
        seeds.push(seed(
            format!("{name}-later"),
            text.replacen("\"version\":1", "\"version\":9", 1),
        ));
        seeds.push(seed(
            format!("{name}-threshold-0"),
            text.replacen("\"threshold\":1", "\"threshold\":0", 1),
        ));
        seeds.push(seed(
            format!("{name}-renamed"),
            text.replacen(&format!("\"{}\"", &role[..4]), "\"other\"", 1),
        ));
    }
    seeds
}

fn trust_sequence() -> Vec<Seed> {
    const NONE: u8 = 8;
    const HUGE: u8 = 10;
    const CHANGED: u8 = 15;
    let newest = |generation: u8| (generation - 1) << 4;
    let changed = |place| [vec![newest(3) | CHANGED], script(0, place, 1)].concat();
    vec![
        seed(
            "first-refresh",
            vec![0, newest(3), NONE, newest(3), newest(3), newest(3)],
        ),
        seed("nothing-new", vec![3, NONE, newest(3)]),
        seed(
            "one-generation-on",
            vec![2, NONE, newest(3), newest(3), newest(3)],
        ),
        seed("rollback", vec![3, NONE, newest(2)]),
        seed("freeze", vec![1, NONE, newest(1)]),
        seed("revoked-timestamp-key", vec![1, newest(3), NONE, newest(1)]),
        seed(
            "recovery-after-rotation",
            vec![1, newest(3), NONE, newest(2), newest(2), newest(2)],
        ),
        // 0x59: the sixth genuine document, the snapshot of the second generation.
        seed("mix-and-match", vec![0, newest(3), NONE, newest(3), 0x59]),
        seed("endless-timestamp", vec![2, NONE, HUGE]),
        seed("endless-root", vec![2, HUGE]),
        seed("silence", vec![2]),
        seed("changed-root", [vec![0], changed(40)].concat()),
        seed("changed-timestamp", [vec![2, NONE], changed(60)].concat()),
        seed(
            "changed-snapshot",
            [vec![2, NONE, newest(3)], changed(60)].concat(),
        ),
        seed(
            "changed-targets",
            [vec![2, NONE, newest(3), newest(3)], changed(60)].concat(),
        ),
    ]
}

fn range_header() -> Vec<Seed> {
    let ask =
        |name: &str, length: u64, range: &str| seed(name, [&length.to_be_bytes(), range.as_bytes()].concat());
    vec![
        ask("one", 1000, "bytes=0-499"),
        ask("from", 1000, "bytes=500-"),
        ask("suffix", 1000, "bytes=-1"),
        ask("suffix-zero", 1000, "bytes=-0"),
        ask("inverted", 1000, "bytes=5-4"),
        ask("past-the-end", 1000, "bytes=1000-"),
        ask("empty-object", 0, "bytes=0-"),
        ask("several", 1000, "bytes=0-1, 4-5"),
        ask(
            "overflowing",
            u64::MAX,
            "bytes=18446744073709551615-18446744073709551616",
        ),
        ask("other-unit", 1000, "items=0-1"),
        ask("garbage", 1000, "bytes=a-b,"),
    ]
}

fn manifest() -> Vec<Seed> {
    let genuine = &trust_world::world().manifest;
    let text = String::from_utf8_lossy(genuine);
    vec![
        seed("genuine", genuine.clone()),
        seed(
            "other-counter",
            text.replacen("\"report_counter\":3", "\"report_counter\":4", 1),
        ),
        seed("other-vehicle", text.replacen("vehicle-1", "vehicle-2", 1)),
        seed("primary-renamed", text.replace("\"primary\"", "\"tertiary\"")),
        seed("cut", &genuine[..genuine.len() - 1]),
    ]
}
