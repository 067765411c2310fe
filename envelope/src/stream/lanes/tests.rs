use std::thread;

use super::*;

#[test]
fn every_arrangement_finds_the_same_digests() {
    let header = [7; 100];
    let plain: Vec<u8> = (0..70_000_u32)
        .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
        .collect();
    let sealed: Vec<u8> = plain.iter().map(|byte| !byte).chain([1; 16]).collect();
    let expected = Found {
        plain: Digest::of(&plain),
        sealed: Digest::of(&[&header[..], &sealed].concat()),
    };
    for arrangement in [Arrangement::Here, Arrangement::Together, Arrangement::Apart] {
        let found = thread::scope(|scope| {
            let mut lanes = Lanes::new(scope, arrangement, &header);
            for (plain, sealed) in plain.chunks(7_000).zip(sealed.chunks(7_002)) {
                let mut block = lanes.take();
                block.buffers.plain = plain.to_vec();
                block.buffers.sealed = sealed.to_vec();
                lanes.show(block).unwrap();
            }
            lanes.finish().unwrap()
        });
        assert_eq!(found, expected, "{arrangement:?}");
    }
}

#[test]
fn one_core_hashes_where_it_works_and_slow_hashes_get_a_core_each() {
    assert_eq!(Arrangement::suiting(1, true), Arrangement::Here);
    assert_eq!(Arrangement::suiting(1, false), Arrangement::Here);
    assert_eq!(Arrangement::suiting(2, true), Arrangement::Together);
    assert_eq!(Arrangement::suiting(2, false), Arrangement::Apart);
}
