//! The targets and their seeds, small and made here, so that nobody has to wonder where a corpus is from.

mod companions;
mod envelope;
mod keys;
mod metadata;

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
    target("header", crate::header, envelope::header),
    target(
        "opener_sequential",
        crate::opener_sequential,
        envelope::opener_sequential,
    ),
    target("opener_ranged", crate::opener_ranged, envelope::opener_ranged),
    target("ciphers", crate::ciphers, envelope::ciphers),
    target("key_box", crate::key_box, envelope::key_box),
    target("wraps", crate::wraps, keys::wraps),
    target("keys", crate::keys, keys::keys),
    target("segments", crate::segments, envelope::segments),
    target("companion", crate::companion, companions::companion),
    target("canonical_json", crate::canonical_json, metadata::canonical_json),
    target("root", crate::root, || metadata::documents("root.json")),
    target("timestamp", crate::timestamp, || {
        metadata::documents("timestamp.json")
    }),
    target("snapshot", crate::snapshot, || {
        metadata::documents("snapshot.json")
    }),
    target("targets", crate::targets, || metadata::documents("targets.json")),
    target("trust_sequence", crate::trust_sequence, metadata::trust_sequence),
    target("range_header", crate::range_header, range_header),
    target("manifest", crate::manifest, metadata::manifest),
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
