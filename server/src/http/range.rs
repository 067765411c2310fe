//! Which part of an object a request asks for: RFC 9110 §13.1.2, §13.1.5 and §14 as pure functions.

use std::ops::Range;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole object, 200.
    Whole,
    /// These bytes, 206; never empty, never past the end.
    Part(Range<u64>),
    /// Nothing, 416.
    Unsatisfiable,
}

/// Decides from the values of `Range` and `If-Range`, the object's strong entity tag (quotes included) and its length.
///
/// - a unit other than bytes is ignored (§14.2), so is a `Range` whose `If-Range` does not hold (§13.1.5);
/// - several ranges get the whole object, which §14.2 allows, and one answer that any cache understands;
/// - a range set of bytes that is malformed or inverted is refused with 416 rather than answered with gigabytes.
pub fn select(range: Option<&[u8]>, if_range: Option<&[u8]>, etag: &str, length: u64) -> Selection {
    let Some(range) = range else {
        return Selection::Whole;
    };
    // Only a strong tag that is equal holds; a date never does, since nothing here has one.
    if if_range.is_some_and(|tag| tag != etag.as_bytes()) {
        return Selection::Whole;
    }
    let Some(set) = byte_range_set(range) else {
        return Selection::Whole;
    };
    let mut specs = set
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|spec| !spec.is_empty());
    let Some(first) = specs.next().and_then(Spec::parse) else {
        return Selection::Unsatisfiable;
    };
    let mut several = false;
    for spec in specs {
        if Spec::parse(spec).is_none() {
            return Selection::Unsatisfiable;
        }
        several = true;
    }
    if several {
        Selection::Whole
    } else {
        first.within(length)
    }
}

/// Whether `If-None-Match` says that the client has this very object (§13.1.2, weak comparison).
pub fn none_match_holds(if_none_match: &[u8], etag: &str) -> bool {
    let value = if_none_match.trim_ascii();
    value == b"*"
        || value.split(|byte| *byte == b',').any(|tag| {
            let tag = tag.trim_ascii();
            tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes()
        })
}

/// What follows `bytes=`; the unit is case-insensitive.
fn byte_range_set(range: &[u8]) -> Option<&[u8]> {
    let (unit, set) = range.split_at_checked(6)?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(set)
}

enum Spec {
    From(Number),
    FromTo(Number, Number),
    Last(Number),
}

/// A run of digits; past 2^64 it only matters that it is past every object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    Is(u64),
    Huge,
}

impl Number {
    fn parse(digits: &[u8]) -> Option<Self> {
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().try_fold(0u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        Some(value.map_or(Self::Huge, Self::Is))
    }

    fn capped(self, cap: u64) -> u64 {
        match self {
            Self::Is(value) => value.min(cap),
            Self::Huge => cap,
        }
    }
}

impl Spec {
    fn parse(spec: &[u8]) -> Option<Self> {
        let dash = spec.iter().position(|byte| *byte == b'-')?;
        let (first, last) = (&spec[..dash], &spec[dash + 1..]);
        match (first.is_empty(), last.is_empty()) {
            (true, _) => Some(Self::Last(Number::parse(last)?)),
            (false, true) => Some(Self::From(Number::parse(first)?)),
            (false, false) => {
                let (first, last) = (Number::parse(first)?, Number::parse(last)?);
                (first <= last).then_some(Self::FromTo(first, last))
            }
        }
    }

    fn within(self, length: u64) -> Selection {
        match self {
            Self::Last(Number::Is(0)) => Selection::Unsatisfiable,
            // An empty object has no byte to name in Content-Range, but a suffix of it is all of it.
            Self::Last(_) if length == 0 => Selection::Whole,
            Self::Last(count) => Selection::Part(length - count.capped(length)..length),
            Self::From(first) | Self::FromTo(first, _) if first.capped(length) >= length => {
                Selection::Unsatisfiable
            }
            Self::From(first) => Selection::Part(first.capped(length)..length),
            Self::FromTo(first, last) => {
                Selection::Part(first.capped(length)..last.capped(length - 1).saturating_add(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn ask(range: &str, length: u64) -> Selection {
        select(Some(range.as_bytes()), None, TAG, length)
    }

    #[test]
    fn truth_table() {
        use Selection::{Part, Unsatisfiable, Whole};
        for (range, length, wanted) in [
            // one range
            ("bytes=0-0", 10, Part(0..1)),
            ("bytes=0-9", 10, Part(0..10)),
            ("bytes=0-10", 10, Part(0..10)),
            ("bytes=9-9", 10, Part(9..10)),
            ("bytes=2-5", 10, Part(2..6)),
            ("bytes=2-", 10, Part(2..10)),
            ("bytes=0-", 10, Part(0..10)),
            ("BYTES=2-5", 10, Part(2..6)),
            ("bytes= 2-5 ", 10, Part(2..6)),
            ("bytes=2-5,", 10, Part(2..6)),
            ("bytes=2-18446744073709551616", 10, Part(2..10)),
            ("bytes=0-18446744073709551615", u64::MAX, Part(0..u64::MAX)),
            // suffixes
            ("bytes=-1", 10, Part(9..10)),
            ("bytes=-10", 10, Part(0..10)),
            ("bytes=-11", 10, Part(0..10)),
            ("bytes=-99999999999999999999", 10, Part(0..10)),
            ("bytes=-0", 10, Unsatisfiable),
            // past the end
            ("bytes=10-", 10, Unsatisfiable),
            ("bytes=10-12", 10, Unsatisfiable),
            ("bytes=18446744073709551616-", 10, Unsatisfiable),
            // empty objects
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=0-0", 0, Unsatisfiable),
            ("bytes=-5", 0, Whole),
            // empty, inverted, malformed
            ("bytes=", 10, Unsatisfiable),
            ("bytes=,", 10, Unsatisfiable),
            ("bytes=-", 10, Unsatisfiable),
            ("bytes=5-2", 10, Unsatisfiable),
            ("bytes=a-b", 10, Unsatisfiable),
            ("bytes=+1-2", 10, Unsatisfiable),
            ("bytes=1-2-3", 10, Unsatisfiable),
            ("bytes=--5", 10, Unsatisfiable),
            ("bytes=0x1-2", 10, Unsatisfiable),
            ("bytes=1", 10, Unsatisfiable),
            ("bytes=0-1,x", 10, Unsatisfiable),
            // several
            ("bytes=0-1,4-5", 10, Whole),
            ("bytes=0-1, -1", 10, Whole),
            // another unit, or no unit
            ("items=0-1", 10, Whole),
            ("0-1", 10, Whole),
            ("bytes", 10, Whole),
            ("", 10, Whole),
        ] {
            assert_eq!(ask(range, length), wanted, "{range} of {length}");
        }
        assert_eq!(select(None, None, TAG, 10), Whole);
    }

    #[test]
    fn if_range_needs_the_same_strong_tag() {
        let with = |tag: &str| select(Some(b"bytes=1-2"), Some(tag.as_bytes()), TAG, 10);
        assert_eq!(with("\"abc\""), Selection::Part(1..3));
        for other in [
            "\"abd\"",
            "W/\"abc\"",
            "abc",
            "*",
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "",
        ] {
            assert_eq!(with(other), Selection::Whole, "{other}");
        }
        assert_eq!(
            select(Some(b"bytes=99-"), Some(b"\"x\""), TAG, 10),
            Selection::Whole
        );
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for held in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*", " \"abc\" "] {
            assert!(none_match_holds(held.as_bytes(), TAG), "{held}");
        }
        for not in ["\"abd\"", "abc", "", "\"abc", "\"x\",\"y\""] {
            assert!(!none_match_holds(not.as_bytes(), TAG), "{not}");
        }
    }
}
