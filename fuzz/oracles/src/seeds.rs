//! The targets and their seeds, small and made here, so that nobody has to wonder where a corpus is from.

use crate::edit::script;
use crate::sealed_world::{Image, world};

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
    Target {
        name: "header",
        judge: crate::header,
        seeds: header,
    },
    Target {
        name: "opener_sequential",
        judge: crate::opener_sequential,
        seeds: opener_sequential,
    },
    Target {
        name: "opener_ranged",
        judge: crate::opener_ranged,
        seeds: opener_ranged,
    },
    Target {
        name: "key_box",
        judge: crate::key_box,
        seeds: key_box,
    },
];

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

fn opener_ranged() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (index, image) in (0_u8..).zip(&world().images) {
        for (what, start, length) in [
            ("all", 0, image.plain.len()),
            ("inside", 1, 9),
            ("across", 16_380, 8),
            ("past-the-end", 60_000, 60_000),
        ] {
            let range = [start, length]
                .map(|number| u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes())
                .concat();
            let input = [vec![index], range.clone()].concat();
            seeds.push(seed(format!("{}-{what}", image.name), input.clone()));
            let flipped = [input, script(0, image.header_len + 20, 0x80)].concat();
            seeds.push(seed(format!("{}-{what}-flipped", image.name), flipped));
        }
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
