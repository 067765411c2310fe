//! The demarcated object: read strictly, written as it is read.

use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, Segments};
use serde_json::{Value, json};

use crate::common::sealed_profile;

fn bent(pointer: &str, value: Value) -> Value {
    let mut profile = sealed_profile();
    *profile.pointer_mut(pointer).unwrap() = value;
    profile
}

/// What is read is written again, sealed or not.
#[test]
fn profiles_round_trip() {
    let plain = {
        let mut profile = bent("/protection", json!("none"));
        profile["header"] = Value::Null;
        profile["segments"] = Value::Null;
        profile
    };
    for value in [sealed_profile(), plain] {
        assert_eq!(ImageProfile::parse(&value).unwrap().to_value(), value);
    }
}

/// Protection is mandatory; an unknown word is refused (D-enc-1).
#[test]
fn protection_is_mandatory() {
    let mut without = sealed_profile();
    without.as_object_mut().unwrap().remove("protection");
    assert!(ImageProfile::parse(&without).is_err());
    for word in [json!("sealed-v2"), json!(""), json!(null), json!("None")] {
        assert!(ImageProfile::parse(&bent("/protection", word)).is_err());
    }
}

/// `sealed-v1` needs header and segments; `none` has no header.
#[test]
fn protection_goes_with_header_and_segments() {
    assert!(ImageProfile::parse(&bent("/header", Value::Null)).is_err());
    assert!(ImageProfile::parse(&bent("/segments", Value::Null)).is_err());
    assert!(ImageProfile::parse(&bent("/protection", json!("none"))).is_err());
    let mut profile = ImageProfile::parse(&sealed_profile()).unwrap();
    profile.protection = Protection::None;
    assert!(profile.check().is_err());
}

/// U-5.2.3.1.1-3: every bound, on the wrong side of it.
#[test]
fn bounds_are_checked() {
    for (pointer, bad) in [
        ("/segments/size", json!(65537)),
        ("/segments/size", json!(32768)),
        ("/segments/size", json!(128 << 20)),
        ("/segments/length", json!(33)),
        ("/segments/length", json!((8 << 20) + 32)),
        ("/segments/alg", json!("md5")),
        ("/header/length", json!(0)),
        ("/header/length", json!((64 << 10) + 1)),
        ("/plain/sha256", json!("00")),
        ("/plain/length", json!(-1)),
        ("/release_counter", json!(-1)),
        ("/release_counter", json!("7")),
        ("/hardware_ids", json!([])),
        ("/hardware_ids", json!(["hw-a", "hw-a"])),
        ("/hardware_ids", json!(["hw a"])),
        ("/hardware_ids", json!(["h".repeat(65)])),
        ("/version", json!("")),
        ("/version", json!("v".repeat(129))),
        ("/version", json!("1\n2")),
    ] {
        assert!(
            ImageProfile::parse(&bent(pointer, bad.clone())).is_err(),
            "{pointer} {bad}"
        );
    }
}

/// Both sides have to understand all of it, so unknown fields are refused at every level.
#[test]
fn unknown_fields_are_refused() {
    for pointer in ["", "/plain", "/header", "/segments"] {
        let mut profile = sealed_profile();
        profile.pointer_mut(pointer).unwrap()["x"] = json!(1);
        assert!(ImageProfile::parse(&profile).is_err(), "{pointer}");
    }
}

/// A list covers an object when it has one digest for each segment, the last one short or not.
#[test]
fn a_list_covers_its_object_exactly() {
    let profile = ImageProfile::parse(&sealed_profile()).unwrap();
    let segments = profile.segments.unwrap();
    for (count, length, covers) in [
        (1, 1, true),
        (1, 65536, true),
        (1, 65537, false),
        (2, 65537, true),
        (0, 0, true),
        (1, 0, false),
        (262_144, 17_179_869_184, true),
    ] {
        let segments = Segments {
            length: 32 * count,
            ..segments
        };
        assert_eq!(
            segments.covers(length),
            covers,
            "{count} digests for {length} bytes"
        );
    }
    let digest = FileDigest {
        length: 1,
        sha256: [0; 32],
    };
    assert_ne!(profile.plain, digest);
}
