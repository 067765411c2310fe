//! Byte strings that two JSON readers could take for two documents.

use sealift_metadata::json::{JsonError, MAX_BYTES, parse_strict, parse_strict_capped};

use crate::common::Repo;

fn refused(text: &str) {
    assert!(
        matches!(parse_strict(text.as_bytes()), Err(JsonError::Refused { .. })),
        "{text}"
    );
}

/// T-4.1-1: repeated keys, at any depth, spelled alike or with escapes.
#[test]
fn repeated_keys_are_refused() {
    refused(r#"{"a":1,"a":1}"#);
    refused(r#"{"x":[{"a":1,"b":2,"a":3}]}"#);
    refused(r#"{"a":1,"\u0061":2}"#);
}

/// T-4.1-1: floats in every spelling.
#[test]
fn floats_are_refused() {
    for number in [
        "1.0",
        "1e3",
        "1E-2",
        "-0",
        "-0.0",
        "0.1",
        "1e400",
        "18446744073709551616",
    ] {
        refused(number);
        refused(&format!("{{\"version\":{number}}}"));
    }
}

/// Integers up to 2^53 either way.
#[test]
fn integers_end_at_two_to_the_53() {
    for good in ["9007199254740992", "-9007199254740992", "0", "-1"] {
        assert_eq!(parse_strict(good.as_bytes()).unwrap().to_string(), good);
    }
    for bad in [
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
    ] {
        refused(bad);
    }
}

/// Nesting to 64 and no deeper.
#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    parse_strict(nested(64).as_bytes()).unwrap();
    refused(&nested(65));
    refused(&nested(100_000));
    refused(&"{\"a\":".repeat(65));
}

/// T-4.1-1: nothing may follow the value, and nothing but white space surround it.
#[test]
fn trailing_bytes_are_refused() {
    for text in [
        "{}{}",
        "{} x",
        "{}\0",
        "[1]]",
        "\u{feff}{}",
        "",
        " ",
        "{\"a\":1,}",
        "// c\n{}",
        "NaN",
    ] {
        refused(text);
    }
    parse_strict(b" {} \n").unwrap();
}

/// U-5.2-1: strings and keys are in normalisation form C.
#[test]
fn strings_are_nfc() {
    refused("\"e\u{301}\"");
    refused("{\"e\u{301}\":1}");
    refused(r#""e\u0301""#);
    parse_strict("\"\u{e9}\"".as_bytes()).unwrap();
}

/// Invalid UTF-8, lone surrogates, raw control characters.
#[test]
fn broken_strings_are_refused() {
    assert!(parse_strict(b"\"\xff\"").is_err());
    assert!(parse_strict(b"\"\xc0\xaf\"").is_err());
    refused(r#""\ud800""#);
    refused("\"\n\"");
}

/// The cap is looked at before anything is parsed.
#[test]
fn length_is_capped() {
    let long = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(
        parse_strict(&long),
        Err(JsonError::TooLarge { limit: MAX_BYTES, .. })
    ));
    assert!(matches!(
        parse_strict_capped(b"[1]", 2),
        Err(JsonError::TooLarge { length: 3, limit: 2 })
    ));
}

/// The same on the way into the trust rules: a file with such bytes is refused as malformed.
#[test]
fn a_repository_with_ambiguous_json_is_refused() {
    let mut repo = Repo::new();
    let text = String::from_utf8(repo.files["timestamp.json"].clone()).unwrap();
    let twice = text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1);
    assert_ne!(twice, text);
    repo.files.insert("timestamp.json".into(), twice.into_bytes());
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("timestamp.json".into(), "malformed")
    );
    let mut trailing = text.into_bytes();
    trailing.extend(b"{}");
    repo.files.insert("timestamp.json".into(), trailing);
    assert_eq!(repo.client().refused(&repo.files), "malformed");
}
