use std::collections::BTreeMap;

use super::*;

fn entry(n: u64) -> Vec<u8> {
    format!("entry {n}").into_bytes()
}

/// All tiles of a tree of `size` entries by name, as if it had been committed once, and its edge.
fn grown(size: u64) -> (BTreeMap<String, Vec<u8>>, Edge) {
    let (mut edge, mut full) = (Edge::default(), Vec::new());
    for n in 0..size {
        edge.push(&entry(n), &mut full);
    }
    full.extend(edge.partial());
    let tiles = full
        .into_iter()
        .map(|(tile, bytes)| (tile.name(), bytes))
        .collect();
    (tiles, edge)
}

#[test]
fn tiles_are_named_as_the_specification_says() {
    assert_eq!(Tile::full(0, 1_234_067).name(), "tile/0/x001/x234/067");
    assert_eq!(Tile::full(1, 0).bundle().name(), "tile/entries/000");
    let partial = Tile {
        width: 112,
        ..Tile::full(2, 1000)
    };
    assert_eq!(partial.name(), "tile/2/x001/000.p/112");
}

#[test]
fn a_tree_of_70000_has_the_tiles_of_the_specifications_example() {
    let (tiles, edge) = grown(70_000);
    let count = |prefix: &str| tiles.keys().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(count("tile/0/"), 274);
    assert_eq!(tiles["tile/0/273.p/112"].len(), 112 * 32);
    assert_eq!(count("tile/1/"), 2);
    assert_eq!(tiles["tile/1/000"].len(), 8192);
    assert_eq!(tiles["tile/1/001.p/17"].len(), 17 * 32);
    assert_eq!(count("tile/2/"), 1);
    assert_eq!(tiles["tile/2/000.p/1"].len(), 32);
    assert_eq!(count("tile/entries/"), 274);
    assert_eq!(edge.size(), 70_000);
}

#[test]
fn at_the_seams_root_and_tiles_are_right() {
    for (size, expected) in [
        (0, [].as_slice()),
        (1, &["tile/0/000.p/1"]),
        (255, &["tile/0/000.p/255"]),
        (256, &["tile/0/000", "tile/1/000.p/1"]),
        (257, &["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ] {
        let (tiles, edge) = grown(size);
        let hashes: Vec<&str> = tiles
            .keys()
            .map(String::as_str)
            .filter(|name| !name.starts_with("tile/entries"))
            .collect();
        assert_eq!(hashes, expected, "{size}");
        let leaves: Vec<_> = (0..size).map(|n| tree::leaf_hash(&entry(n))).collect();
        assert_eq!(edge.root(), tree::root_of(&leaves), "{size}");
    }
    let (tiles, edge) = grown(65_536);
    assert_eq!(
        tiles.keys().filter(|name| name.starts_with("tile/0/")).count(),
        256
    );
    assert_eq!(tiles["tile/1/000"].len(), 8192);
    assert_eq!(tiles["tile/2/000.p/1"], edge.root());
    assert!(
        partial_tiles(65_536)
            == [Tile {
                width: 1,
                ..Tile::full(2, 0)
            }]
    );
}

#[test]
fn an_edge_that_was_read_back_grows_like_the_one_in_memory() {
    for size in [1, 5, 255, 256, 300, 511, 512] {
        let (tiles, mut kept) = grown(size);
        let hashes = partial_tiles(size).into_iter().map(|tile| {
            let Kind::Hashes { level } = tile.kind else {
                panic!("hashes")
            };
            (level, tiles[&tile.name()].as_chunks().0.to_vec())
        });
        let bundle = partial_tiles(size)
            .into_iter()
            .find(|tile| tile.kind == Kind::Hashes { level: 0 });
        let bundle = bundle.map(|tile| tiles[&tile.bundle().name()].clone());
        let mut read = Edge::new(size, hashes.collect(), bundle.unwrap_or_default());
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for n in size..size + 300 {
            kept.push(&entry(n), &mut one);
            read.push(&entry(n), &mut two);
        }
        assert!(one == two, "{size}");
        assert_eq!(read.partial(), kept.partial(), "{size}");
        assert_eq!(read.root(), kept.root(), "{size}");
    }
}
