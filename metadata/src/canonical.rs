//! The byte form that signatures cover: OLPC canonical JSON as the TUF implementations write it.
//!
//! `canonical[value]` = no white space; object keys sorted by code point of the *decoded* string; strings with only `"` and
//! `\` escaped and every other character raw UTF-8; integers in decimal. It is computed from the parsed value, so unknown
//! fields are covered.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The canonical form of `value`.
///
/// Numbers that are not integers have no canonical form; strict parsing refuses them, and a value built by hand that holds one
/// is written as serde_json writes it and therefore never verifies elsewhere.
#[must_use]
pub fn to_vec(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// SHA-256 of the canonical form.
#[must_use]
pub fn sha256(value: &Value) -> [u8; 32] {
    Sha256::digest(to_vec(value)).into()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            // UTF-8 byte order is code point order.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push(b'{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write(item, out);
            }
            out.push(b'}');
        }
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}
