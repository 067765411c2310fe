use super::*;
use crate::{Binding, Header, PrivateKey, UnwrapKey as _};

/// Every encoding that X25519 takes to zero (RFC 7748 §6.1): orders 1, 2, 4 and 8, and their unreduced forms.
fn low_order_points() -> Vec<[u8; 32]> {
    const REDUCED: [&str; 5] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    const UNREDUCED: [&str; 2] = [
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let parse = |text: &&str| <[u8; 32]>::try_from(hex::decode(text).unwrap()).unwrap();
    let mut points: Vec<_> = REDUCED.iter().chain(&UNREDUCED).map(parse).collect();
    // The highest bit is not part of the number.
    for mut point in points.clone() {
        point[31] |= 0x80;
        points.push(point);
    }
    points
}

/// Images by a hostile sealer, who used an X25519 point of low order and hashed secrets that agree with it
/// (`cargo xtask vectors`).
const HOSTILE: [&[u8]; 5] = [
    include_bytes!("../../../testdata/x-wing-low-order-0.vec"),
    include_bytes!("../../../testdata/x-wing-low-order-1.vec"),
    include_bytes!("../../../testdata/x-wing-low-order-8.vec"),
    include_bytes!("../../../testdata/x-wing-low-order-unreduced.vec"),
    include_bytes!("../../../testdata/x-wing-low-order-high-bit.vec"),
];

#[test]
fn a_share_of_low_order_is_refused_though_it_would_open() {
    let pem = include_str!("../../../tests/keys/x-wing.pem");
    let holder = PrivateKey::from_pkcs8_pem(pem, None).unwrap();
    let info = pkcs8::SecretDocument::from_pem(pem).unwrap().1;
    let seed = info.as_bytes().last_chunk().unwrap();
    let key = private(seed).unwrap();
    let points = low_order_points();
    for vector in HOSTILE {
        let end = vector.windows(2).position(|bytes| bytes == b"\n\n").unwrap();
        let (header, _) = Header::parse(&vector[end + 2..]).unwrap();
        let [stanza] = header.stanzas() else {
            panic!("one recipient")
        };
        assert!(points.contains(stanza.enc().last_chunk().unwrap()));
        let info = Binding::in_file().info(stanza.wrap(), &holder.key_id(), &header.envelope_digest());
        let opened = hpke_base::open::<XWing>(&key, stanza, &info).unwrap();
        header
            .check_key(&opened)
            .expect("the stanza is sound but for its point");
        assert!(matches!(unwrap(&key, stanza, &info), Err(UnwrapError::Refused)));
    }
}

#[test]
fn every_point_of_low_order_is_known_and_no_other() {
    let points = low_order_points();
    assert_eq!(points.len(), 14);
    assert!(points.iter().all(|point| has_low_order(point)));
    let mut base = [0; 32];
    for u in 2..=255 {
        base[0] = u;
        assert!(!has_low_order(&base), "{u}");
    }
    assert!(has_low_order(&[9; 31]), "a point that is not there");
}

#[test]
fn a_public_key_with_a_point_of_low_order_is_refused() {
    let mut bytes = public(&private(&[3; SEED_LEN]).unwrap());
    assert!(is_usable(&bytes));
    for point in low_order_points() {
        bytes[1184..].copy_from_slice(&point);
        assert!(!is_usable(&bytes));
    }
}
