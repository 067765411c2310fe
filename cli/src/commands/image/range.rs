//! The value of `--range`: like HTTP, both ends inclusive.

use std::str::FromStr;

/// `START-END` or `START-`, zero-based, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlainRange {
    pub(super) start: u64,
    pub(super) last: Option<u64>,
}

impl PlainRange {
    /// How many bytes the range has in a plaintext of `length` bytes; `None` if it starts behind its end. Unlike in HTTP, `0-`
    /// is all there is even where there is nothing: it is how the whole image is asked for.
    pub(super) fn len_within(self, length: u64) -> Option<u64> {
        let end = self
            .last
            .and_then(|last| last.checked_add(1))
            .unwrap_or(length)
            .min(length);
        let whole = self.start == 0 && self.last.is_none();
        end.checked_sub(self.start).filter(|length| *length > 0 || whole)
    }
}

impl FromStr for PlainRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "START-END (both inclusive, from 0) or START-".to_owned();
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if plain {
                digits.parse::<u64>().map_err(|_| wrong())
            } else {
                Err(wrong())
            }
        };
        let (start, last) = text.split_once('-').ok_or_else(wrong)?;
        let start = number(start)?;
        let last = if last.is_empty() {
            None
        } else {
            Some(number(last)?)
        };
        match last {
            Some(last) if last < start => Err(format!("the range ends at {last}, before its start {start}")),
            _ => Ok(Self { start, last }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_clamped_like_http() {
        let range: PlainRange = "2-4".parse().unwrap();
        assert_eq!(range.len_within(10), Some(3));
        assert_eq!(range.len_within(4), Some(2));
        assert_eq!(range.len_within(2), None);
        assert_eq!("3-".parse::<PlainRange>().unwrap().len_within(10), Some(7));
        let all = format!("0-{}", u64::MAX);
        assert_eq!(all.parse::<PlainRange>().unwrap().len_within(10), Some(10));
    }

    #[test]
    fn of_nothing_there_is_only_the_whole() {
        let len = |range: &str| range.parse::<PlainRange>().unwrap().len_within(0);
        assert_eq!(len("0-"), Some(0));
        for range in ["0-0", "0-9", "1-"] {
            assert_eq!(len(range), None, "{range}");
        }
        assert_eq!("5-".parse::<PlainRange>().unwrap().len_within(5), None);
    }

    #[test]
    fn malformed_ranges_are_refused() {
        for text in [
            "",
            "-",
            "-5",
            "5",
            "4-2",
            "1-2,4-5",
            "a-b",
            "1--2",
            "+1-2",
            "99999999999999999999-",
        ] {
            assert!(text.parse::<PlainRange>().is_err(), "{text}");
        }
    }
}
