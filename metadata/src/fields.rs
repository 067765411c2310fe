//! Reading typed fields out of a parsed value, with errors that name the place.

use std::collections::BTreeSet;

use jiff::Timestamp as Instant;
use serde_json::{Map, Value};

use crate::document::FormatError;

/// Largest version and counter: 2^53 - 1.
pub(crate) const MAX_VERSION: u64 = (1 << 53) - 1;

/// An object together with the path by which it was reached.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: String,
}

pub(crate) fn wrong(at: impl Into<String>, problem: &'static str) -> FormatError {
    FormatError::Field {
        at: at.into(),
        problem,
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value, at: impl Into<String>) -> Result<Self, FormatError> {
        let at = at.into();
        match value {
            Value::Object(map) => Ok(Self { map, at }),
            _ => Err(wrong(at, "an object is expected")),
        }
    }

    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.map.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&'a Value, FormatError> {
        self.optional(name)
            .ok_or_else(|| wrong(self.at(name), "the field is missing"))
    }

    pub(crate) fn object(&self, name: &str) -> Result<Self, FormatError> {
        Self::of(self.required(name)?, self.at(name))
    }

    pub(crate) fn array(&self, name: &str, cap: usize) -> Result<&'a [Value], FormatError> {
        match self.required(name)? {
            Value::Array(items) if items.len() <= cap => Ok(items),
            Value::Array(_) => Err(wrong(self.at(name), "the list has more entries than are read")),
            _ => Err(wrong(self.at(name), "a list is expected")),
        }
    }

    pub(crate) fn string(&self, name: &str) -> Result<&'a str, FormatError> {
        self.required(name)?
            .as_str()
            .ok_or_else(|| wrong(self.at(name), "a string is expected"))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool, FormatError> {
        self.required(name)?
            .as_bool()
            .ok_or_else(|| wrong(self.at(name), "true or false is expected"))
    }

    pub(crate) fn unsigned(&self, name: &str) -> Result<u64, FormatError> {
        self.required(name)?
            .as_u64()
            .filter(|n| *n <= MAX_VERSION)
            .ok_or_else(|| wrong(self.at(name), "an integer from 0 to 2^53-1 is expected"))
    }

    pub(crate) fn version(&self, name: &str) -> Result<u64, FormatError> {
        match self.unsigned(name)? {
            0 => Err(wrong(self.at(name), "an integer of at least 1 is expected")),
            n => Ok(n),
        }
    }

    pub(crate) fn digest(&self, name: &str) -> Result<[u8; 32], FormatError> {
        hex_array(self.string(name)?)
            .ok_or_else(|| wrong(self.at(name), "64 lower-case hexadecimal digits are expected"))
    }

    pub(crate) fn instant(&self, name: &str) -> Result<Instant, FormatError> {
        parse_instant(self.string(name)?).ok_or_else(|| {
            wrong(
                self.at(name),
                "an instant of the form YYYY-MM-DDTHH:MM:SSZ is expected",
            )
        })
    }

    pub(crate) fn name<T>(&self, name: &str) -> Result<T, FormatError>
    where
        T: for<'b> TryFrom<&'b str, Error = crate::ids::NameError>,
    {
        T::try_from(self.string(name)?).map_err(|source| FormatError::Name {
            at: self.at(name),
            source,
        })
    }

    /// A list of names, each of them once.
    pub(crate) fn names<T>(&self, name: &str, cap: usize) -> Result<BTreeSet<T>, FormatError>
    where
        T: Ord + for<'b> TryFrom<&'b str, Error = crate::ids::NameError>,
    {
        let at = || self.at(name);
        let mut names = BTreeSet::new();
        for item in self.array(name, cap)? {
            let text = item
                .as_str()
                .ok_or_else(|| wrong(at(), "a list of names is expected"))?;
            let parsed = T::try_from(text).map_err(|source| FormatError::Name { at: at(), source })?;
            if !names.insert(parsed) {
                return Err(wrong(at(), "a name is listed twice"));
            }
        }
        Ok(names)
    }

    /// Refuses fields other than `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), FormatError> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(wrong(self.at(key), "the field is not known here")),
            None => Ok(()),
        }
    }
}

/// Lower-case hex of exactly `N` bytes.
pub(crate) fn hex_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).ok()?;
    Some(out)
}

/// The one spelling of an instant: `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn parse_instant(text: &str) -> Option<Instant> {
    let shape = b"0000-00-00T00:00:00Z";
    let fits = text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, wanted)| {
            if *wanted == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == *wanted
            }
        });
    // A leap second would be clamped silently by the parser, so that two spellings meant one instant.
    if !fits || &text[17..19] == "60" {
        return None;
    }
    text.parse().ok()
}

/// Writes an instant in the one spelling, dropping fractions of a second.
pub(crate) fn write_instant(instant: Instant) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
