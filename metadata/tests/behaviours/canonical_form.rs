//! The bytes that signatures cover, and the bytes that are written.

use proptest::prelude::*;
use sealift_metadata::KeyId;
use sealift_metadata::canonical;
use sealift_metadata::json::{parse_strict, to_vec};
use serde_json::{Map, Value, json};

fn canonical(text: &str) -> String {
    String::from_utf8(canonical::to_vec(&parse_strict(text.as_bytes()).unwrap())).unwrap()
}

/// T-4.1-1: vectors that securesystemslib, go-securesystemslib, tuf-js and sigstore-tuf agree about.
#[test]
fn vectors() {
    for (text, form) in [
        ("{}", "{}"),
        ("[ ]", "[]"),
        (
            r#" {"b": 1, "a": [true, false, null]} "#,
            r#"{"a":[true,false,null],"b":1}"#,
        ),
        (r#"{"pkg 1":1,"pkg":2}"#, r#"{"pkg":2,"pkg 1":1}"#),
        (r#"{"a!":1,"a":2}"#, r#"{"a":2,"a!":1}"#),
        (r#"{"a\"":1,"a#":2,"a":3}"#, r#"{"a":3,"a\"":1,"a#":2}"#),
        (r#""\"\\\/""#, r#""\"\\/""#),
        (r#""\n\t\u0000\u007f""#, "\"\n\t\0\u{7f}\""),
        (r#""\u00e9\ud83d\ude00""#, "\"é😀\""),
        (
            "{\"\u{ffff}\":1,\"\u{10000}\":2}",
            "{\"\u{ffff}\":1,\"\u{10000}\":2}",
        ),
        ("[-5, 0, 9007199254740992]", "[-5,0,9007199254740992]"),
    ] {
        assert_eq!(canonical(text), form, "{text}");
    }
}

/// T-4.3-6: a key id as `sha256sum` gives it over the canonical key object.
#[test]
fn a_key_id_is_the_hash_of_the_canonical_key_object() {
    let public = "edcd0a32a07dce33f7c7873aaffbff36d20ea30787574ead335eefd337e4dacd";
    let key = json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}});
    let form = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
    assert_eq!(canonical::to_vec(&key), form.as_bytes());
    let keyid = "2345a90ad8d76f3677f9ad6695b0ba0b5c7b7fbf27fb0ed35fbdf7b71264a679";
    assert_eq!(KeyId::of(&key).as_str(), keyid);
}

fn values() -> impl Strategy<Value = Value> {
    let text = "[ -~é😀\\n]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-(1i64 << 53)..=(1i64 << 53)).prop_map(Value::from),
        text.prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(text, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn pretty_backwards(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!(
                "[ {} ]",
                items
                    .iter()
                    .map(pretty_backwards)
                    .collect::<Vec<_>>()
                    .join(" ,\n")
            )
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| b.0.cmp(a.0));
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| format!("{} :\t{}", Value::String(key.clone()), pretty_backwards(value)))
                .collect();
            format!("{{ {} }}", entries.join(" , "))
        }
        scalar => scalar.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// White space and the order of keys do not matter to the canonical form, nor does what we write ourselves.
    #[test]
    fn spelling_does_not_matter(value in values()) {
        let form = canonical::to_vec(&value);
        let parsed = parse_strict(pretty_backwards(&value).as_bytes()).unwrap();
        prop_assert_eq!(&parsed, &value);
        prop_assert_eq!(&canonical::to_vec(&parsed), &form);
        let written = to_vec(&value);
        prop_assert_eq!(&parse_strict(&written).unwrap(), &value);
        prop_assert_eq!(to_vec(&parsed), written);
    }

    /// Different values have different forms.
    #[test]
    fn the_form_tells_values_apart(a in values(), b in values()) {
        prop_assert_eq!(canonical::to_vec(&a) == canonical::to_vec(&b), a == b);
    }

    /// The parser answers on any bytes, and whatever it accepts, it accepts again after writing.
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = parse_strict(&bytes) {
            prop_assert_eq!(parse_strict(&to_vec(&value)).unwrap(), value);
        }
    }
}
