//! Seeds of the sealed image.

use super::{Seed, seed};
use crate::edit::script;
use crate::sealed_world::{Image, world};

pub(super) fn header() -> Vec<Seed> {
    let genuine = |image: &Image| seed(image.name, &image.sealed[..image.header_len]);
    let mut seeds: Vec<Seed> = world().images.iter().map(genuine).collect();
    let claims = |tail: [u8; 4]| [b"SEALIFT\0\0\x01".as_slice(), &tail].concat();
    seeds.push(seed("claims-four-gigabytes", claims([0xff; 4])));
    seeds.push(seed("claims-nothing", claims([0; 4])));
    seeds.push(seed("other-version", b"SEALIFT\0\0\x02\0\0\0\0".as_slice()));
    seeds
}

pub(super) fn opener_sequential() -> Vec<Seed> {
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
        let images = u8::try_from(world().images.len()).unwrap_or(u8::MAX);
        let selector = (0x40..0x80).find(|selector| selector % images == index);
        for (what, edits) in [
            ("genuine", Vec::new()),
            ("flipped", script(0, image.sealed.len() - 1, 1)),
            ("cut", script(1, image.sealed.len() - 1, 0)),
        ] {
            let input = selector.into_iter().chain(edits).collect::<Vec<u8>>();
            seeds.push(seed(format!("{}-streamed-{what}", image.name), input));
        }
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

pub(super) fn opener_ranged() -> Vec<Seed> {
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

pub(super) fn ciphers() -> Vec<Seed> {
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

pub(super) fn key_box() -> Vec<Seed> {
    let world = world();
    let mut seeds = Vec::new();
    for holder in &world.holders {
        let name = |what: &str| match holder.name {
            "p256" => format!("box{what}"),
            other => format!("box-{other}{what}"),
        };
        let mut flipped = holder.key_box.clone();
        if let Some(last) = flipped.last_mut() {
            *last ^= 1;
        }
        seeds.push(seed(name(""), holder.key_box.clone()));
        seeds.push(seed(name("-flipped"), flipped));
        seeds.push(seed(
            name("-extended"),
            [holder.key_box.as_slice(), &[0]].concat(),
        ));
    }
    for (name, file) in &world.key_files {
        seeds.push(seed(*name, file.clone()));
        seeds.push(seed(format!("{name}-cut"), &file[..file.len() - 1]));
    }
    seeds
}

pub(super) fn segments() -> Vec<Seed> {
    const LIST: u8 = 0;
    const OBJECT: u8 = 0x80;
    let list = |name: &str, alg: u8, shift: u8, length: u64, digests: usize| {
        let head = [LIST | alg, shift].into_iter().chain(length.to_be_bytes());
        let bytes: Vec<u8> = head.chain(std::iter::repeat_n(0xd1, digests * 32)).collect();
        seed(name, bytes)
    };
    let object = |name: &str, alg: u8, edits: Vec<u8>| {
        let input = [vec![OBJECT | alg, 99], edits].concat();
        seed(format!("object-{name}"), input)
    };
    let cut = list("cut", 0, 0, 65_537, 2);
    vec![
        list("empty", 0, 0, 0, 0),
        list("one-byte", 1, 0, 1, 1),
        list("one-segment", 0, 0, 65_536, 1),
        list("two-segments", 0, 0, 65_537, 2),
        list("one-too-many", 0, 0, 65_536, 2),
        list("one-too-few", 1, 0, 65_537, 1),
        list("largest-segments", 1, 10, 1 << 28, 4),
        list("largest-object", 0, 10, u64::MAX, 1),
        list("a-power-of-two-as-length", 0, 4, 1 << 20, 1),
        seed("cut", &cut.bytes[..cut.bytes.len() - 1]),
        object("genuine", 0, Vec::new()),
        object("genuine-sha256", 1, Vec::new()),
        object("flipped-first", 0, script(0, 0, 1)),
        object("flipped-last", 1, script(0, 199_999, 0x80)),
        object("cut-at-a-segment", 0, script(1, 131_072, 0)),
        object("extended", 1, script(2, 0, 1)),
        object("segments-moved", 0, script(3, 0, 65_535)),
        object("halves-swapped", 0, script(5, 65_536, 65_534)),
    ]
}
