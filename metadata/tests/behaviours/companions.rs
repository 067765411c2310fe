//! Documents beside an image: the list in its signed entry, and what they say that they are.

use sealift_metadata::Hashes;
use sealift_metadata::companions::{Companion, CompanionKind, Form, MAX_COMPANION_BYTES, MAX_COMPANIONS};
use sealift_metadata::targets::TargetFile;
use sealift_metadata::uptane::image_target;
use serde_json::{Value, json};

use crate::common::*;

const KINDS: [CompanionKind; 2] = CompanionKind::ALL;

fn entry(number: u8) -> Value {
    json!({"kind": "sbom", "media_type": "application/spdx+json", "length": 7, "sha256": hex::encode([number; 32])})
}

fn file(companions: Value) -> TargetFile {
    TargetFile {
        length: 1,
        hashes: Hashes::from([1; 32]),
        custom: Some(json!({"companions": companions})),
    }
}

#[test]
fn the_list_is_read_as_it_is_written() {
    let mut provenance = entry(2);
    provenance["kind"] = json!("provenance");
    let written = json!([provenance, entry(1)]);
    let list = Companion::of_file(&file(written.clone())).unwrap();
    assert_eq!(list[0].kind, CompanionKind::Provenance);
    assert_eq!(
        (list[1].kind, list[1].length, list[1].sha256),
        (CompanionKind::Sbom, 7, [1; 32])
    );
    let again: Vec<Value> = list.iter().map(Companion::to_value).collect();
    assert_eq!(Value::from(again), written);
}

#[test]
fn an_image_without_the_field_has_none() {
    let mut without = file(json!([]));
    assert_eq!(Companion::of_file(&without).unwrap(), []);
    without.custom = Some(json!({"sealift": 1}));
    assert_eq!(Companion::of_file(&without).unwrap(), []);
    without.custom = None;
    assert_eq!(Companion::of_file(&without).unwrap(), []);
}

#[test]
fn the_list_is_closed() {
    let full = |count: usize| file((0..count).map(|n| entry(u8::try_from(n).unwrap())).collect());
    assert_eq!(
        Companion::of_file(&full(MAX_COMPANIONS)).unwrap().len(),
        MAX_COMPANIONS
    );
    assert!(Companion::of_file(&full(MAX_COMPANIONS + 1)).is_err());
    assert!(Companion::of_file(&file(json!([entry(1), entry(1)]))).is_err());
    for (field, value) in [
        ("kind", json!("licence")),
        ("kind", json!("SBOM")),
        ("media_type", json!("")),
        ("media_type", json!("a\u{7f}")),
        ("media_type", json!("a\nb")),
        ("media_type", json!("a".repeat(129))),
        ("length", json!(0)),
        ("length", json!(MAX_COMPANION_BYTES + 1)),
        ("sha256", json!("ab")),
        ("surprise", json!(1)),
    ] {
        let mut wrong = entry(1);
        wrong[field] = value;
        let error = Companion::of_file(&file(json!([wrong]))).unwrap_err();
        assert!(
            error.to_string().contains(&format!("custom.companions.{field}")),
            "{error}"
        );
    }
    for list in [json!({}), json!(null), json!([1])] {
        assert!(Companion::of_file(&file(list.clone())).is_err(), "{list}");
    }
}

/// Vehicles neither read nor compare the list, so a broken one keeps no image from them.
#[test]
fn vehicles_pass_the_list_over() {
    let mut repo = Repo::new();
    let mut image = image_entry(&sealed_profile());
    image["custom"]["companions"] = json!("broken");
    repo.put("fw/a.img", image);
    repo.next();
    let trusted = repo.client().refresh(&repo.files).unwrap();
    assert!(image_target(&trusted, &path("fw/a.img")).is_ok());
}

fn read(kind: CompanionKind, value: &Value) -> Result<Form, String> {
    Form::read(kind, value.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn bills_of_materials_are_told_apart() {
    let spdx = json!({"spdxVersion": "SPDX-2.3", "name": "café", "score": 0.5});
    let form = read(CompanionKind::Sbom, &spdx).unwrap();
    assert_eq!(
        (form.name(), form.media_type()),
        ("SPDX 2.3".into(), "application/spdx+json".into())
    );
    let cyclone =
        |version: &str| json!({"bomFormat": "CycloneDX", "specVersion": version, "components": [{"a": 1.5}]});
    for version in ["1.0", "1.6", "1.10"] {
        let form = read(CompanionKind::Sbom, &cyclone(version)).unwrap();
        assert_eq!(form.name(), format!("CycloneDX {version}"));
        assert_eq!(
            form.media_type(),
            format!("application/vnd.cyclonedx+json; version={version}")
        );
    }
    for other in [
        cyclone("2.0"),
        cyclone("1."),
        cyclone("1.x"),
        cyclone("1.100"),
        json!({"bomFormat": "CycloneDX"}),
        json!({"spdxVersion": "SPDX-2.2"}),
        json!({"spdxVersion": "SPDX-2.3", "bomFormat": "CycloneDX", "specVersion": "1.6"}),
        json!({"spdxVersion": 2.3}),
        json!({}),
    ] {
        assert!(read(CompanionKind::Sbom, &other).is_err(), "{other}");
        assert!(read(CompanionKind::Provenance, &other).is_err(), "{other}");
    }
    assert!(read(CompanionKind::Provenance, &spdx).is_err());
}

#[test]
fn a_sigstore_bundle_is_known_by_its_media_type() {
    let media = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let bundle = json!({"mediaType": media, "dsseEnvelope": {}, "verificationMaterial": {}});
    let form = read(CompanionKind::Provenance, &bundle).unwrap();
    assert!(matches!(&form, Form::SigstoreBundle(found) if found == media));
    assert_eq!(form.media_type(), media);
    assert!(read(CompanionKind::Sbom, &bundle).is_err());
    let odd = json!({"mediaType": format!("{media}\n")});
    assert!(read(CompanionKind::Provenance, &odd).is_err());
}

#[test]
fn no_bytes_are_a_companion_by_accident() {
    let twice = br#"{"spdxVersion": "SPDX-2.2", "spdxVersion": "SPDX-2.3"}"#;
    let trailing = br#"{"spdxVersion": "SPDX-2.3"} {}"#;
    let deep = "[".repeat(1_000_000);
    for bytes in [
        &b""[..],
        b"{",
        b"\xff",
        b"[]",
        b"null",
        twice,
        trailing,
        deep.as_bytes(),
    ] {
        for kind in KINDS {
            assert!(Form::read(kind, bytes).is_err());
        }
    }
}
