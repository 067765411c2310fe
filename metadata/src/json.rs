//! Strict JSON: one reading for every byte string, or none.
//!
//! Two parsers that disagree about a document are two documents. Everything that lets them disagree is refused here:
//! repeated keys, floating point, integers that other languages round, bytes after the value, deep nesting, and strings that
//! are not in Unicode normalisation form C.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use unicode_normalization::is_nfc;

/// Longest role document that is parsed at all, in bytes (8 MiB).
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 64;
/// Largest magnitude of an integer: 2^53, the last that every JSON reader keeps exact.
pub const MAX_INTEGER: u64 = 1 << 53;

/// Why bytes are not strict JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// More bytes than the cap.
    #[error("the document has {length} bytes, more than the {limit} that are read; publish a smaller one")]
    TooLarge {
        /// Length of the document, bytes.
        length: usize,
        /// The cap, bytes.
        limit: usize,
    },
    /// Not JSON, or JSON that readers disagree about.
    #[error("the document is not strict JSON (line {line}, column {column})")]
    Refused {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
        /// What the parser met.
        #[source]
        source: serde_json::Error,
    },
}

/// Parses `bytes` as strict JSON.
///
/// # Errors
/// [`JsonError`] for anything over the caps of this module, not JSON, or ambiguous.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonError> {
    parse_strict_capped(bytes, MAX_BYTES)
}

/// Parses `bytes` as strict JSON of at most `limit` bytes.
///
/// # Errors
/// As [`parse_strict`].
pub fn parse_strict_capped(bytes: &[u8], limit: usize) -> Result<Value, JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLarge {
            length: bytes.len(),
            limit,
        });
    }
    let refused = |source: serde_json::Error| JsonError::Refused {
        line: source.line(),
        column: source.column(),
        source,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(refused)?;
    reader.end().map_err(refused)?;
    Ok(value)
}

/// Whether a value that was built rather than parsed could also have been parsed.
pub(crate) fn is_strict(value: &Value) -> bool {
    strict_at(value, 0)
}

fn strict_at(value: &Value, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(n), _) => n <= MAX_INTEGER,
            (None, Some(n)) => n.unsigned_abs() <= MAX_INTEGER,
            (None, None) => false,
        },
        Value::String(text) => is_nfc(text),
        Value::Array(items) => items.iter().all(|item| strict_at(item, depth + 1)),
        Value::Object(map) => map
            .iter()
            .all(|(key, item)| is_nfc(key) && strict_at(item, depth + 1)),
    }
}

/// One value at a nesting depth.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn normal<E: de::Error>(text: String) -> Result<String, E> {
    if is_nfc(&text) {
        Ok(text)
    } else {
        Err(E::custom("a string is not in normalisation form C"))
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value without floating-point numbers")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_INTEGER {
            return Err(E::custom("an integer is beyond 2^53"));
        }
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(E::custom("an integer is beyond 2^53"));
        }
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        Err(E::custom("a number is not a plain integer"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        normal(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        normal(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let key = normal(key)?;
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!(
                    "the key {key:?} occurs twice in one object"
                )));
            }
            let value = map.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Compact JSON with sorted keys: the same value always gives the same bytes. Unlike the canonical form it is JSON, with
/// control characters escaped.
#[must_use]
pub fn to_vec(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write(value, &mut out);
    out.into_bytes()
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
