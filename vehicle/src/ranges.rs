//! Byte ranges: which one to ask for next, and whether an answer is the one that was asked for (RFC 9110 §14).

use std::collections::BTreeSet;

/// Bytes `start..=end` of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// Last byte, inclusive.
    pub end: u64,
}

impl ByteRange {
    /// Number of bytes.
    #[must_use]
    pub fn length(self) -> u64 {
        self.end.saturating_sub(self.start).saturating_add(1)
    }

    /// Value of the `Range` header.
    #[must_use]
    pub fn header(self) -> String {
        format!("bytes={}-{}", self.start, self.end)
    }
}

/// Fixed segments of an object of `length` bytes; only the last one may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    length: u64,
    size: u64,
}

impl Segments {
    /// Segments of `size` bytes (at least 1) of an object of `length` bytes.
    #[must_use]
    pub fn new(length: u64, size: u64) -> Self {
        Self {
            length,
            size: size.max(1),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u64 {
        self.length.div_ceil(self.size)
    }

    /// Length of the object.
    #[must_use]
    pub fn object_length(self) -> u64 {
        self.length
    }

    /// Which segment byte `offset` lies in (one past the last for offsets past the end).
    #[must_use]
    pub fn index_of(self, offset: u64) -> u64 {
        offset / self.size
    }

    /// The bytes of segment `index`; `None` past the end.
    #[must_use]
    pub fn range(self, index: u64) -> Option<ByteRange> {
        let start = index
            .checked_mul(self.size)
            .filter(|start| *start < self.length)?;
        let end = start.saturating_add(self.size).min(self.length) - 1;
        Some(ByteRange { start, end })
    }

    /// The first run of segments not in `held`, as segment indices `first..=last`, as long as possible but of at most
    /// `max_bytes` (at least one segment). `None` when nothing is missing.
    #[must_use]
    pub fn next_missing(self, held: &BTreeSet<u64>, max_bytes: u64) -> Option<(u64, u64)> {
        let first = (0..self.count()).find(|index| !held.contains(index))?;
        let most = (max_bytes / self.size).max(1);
        let last = (first..self.count().min(first.saturating_add(most)))
            .take_while(|index| !held.contains(index))
            .last()
            .unwrap_or(first);
        Some((first, last))
    }

    /// The bytes of segments `first..=last`.
    #[must_use]
    pub fn run(self, first: u64, last: u64) -> Option<ByteRange> {
        Some(ByteRange {
            start: self.range(first)?.start,
            end: self.range(last)?.end,
        })
    }
}

/// A `Content-Range` that contradicts the request or the signed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentRangeError {
    /// Missing or not of the form `bytes START-END/TOTAL`.
    #[error("the server's Content-Range is missing or cannot be read")]
    Malformed,
    /// Another part than the one asked for.
    #[error("the server answered with other bytes than the ones asked for")]
    OtherBytes,
    /// The object is said to have another length than the signed one.
    #[error("the server states another object length than the signed one")]
    OtherLength,
}

/// Checks the `Content-Range` of a 206 answer. The part must begin where it was asked to and lie within `asked`; it
/// may end earlier.
///
/// # Errors
/// [`ContentRangeError`]; nothing of the body may then be used.
pub fn check_content_range(
    value: Option<&str>,
    asked: ByteRange,
    object_length: u64,
) -> Result<ByteRange, ContentRangeError> {
    let (got, total) = value
        .and_then(parse_content_range)
        .ok_or(ContentRangeError::Malformed)?;
    if total != object_length {
        Err(ContentRangeError::OtherLength)
    } else if got.start != asked.start || got.end < got.start || got.end > asked.end {
        Err(ContentRangeError::OtherBytes)
    } else {
        Ok(got)
    }
}

fn parse_content_range(value: &str) -> Option<(ByteRange, u64)> {
    let (part, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = part.split_once('-')?;
    Some((
        ByteRange {
            start: number(start)?,
            end: number(end)?,
        },
        number(total)?,
    ))
}

/// Decimal digits only; `str::parse` would also take a sign.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cover_the_object_exactly() {
        for (length, count) in [(0, 0), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)] {
            let segments = Segments::new(length, 10);
            assert_eq!(segments.count(), count);
            let sum: u64 = (0..count)
                .map(|index| segments.range(index).unwrap().length())
                .sum();
            assert_eq!(sum, length);
            assert_eq!(segments.range(count), None);
        }
        assert!(Segments::new(u64::MAX, 1 << 20).range(u64::MAX).is_none());
    }

    #[test]
    fn a_run_ends_at_a_held_segment_and_at_the_cap() {
        let segments = Segments::new(95, 10);
        assert_eq!(segments.next_missing(&BTreeSet::new(), 1_000), Some((0, 9)));
        assert_eq!(
            segments.next_missing(&BTreeSet::from([0, 3]), 1_000),
            Some((1, 2))
        );
        assert_eq!(segments.next_missing(&BTreeSet::from([0, 3]), 10), Some((1, 1)));
        assert_eq!(segments.next_missing(&BTreeSet::new(), 3), Some((0, 0)));
        assert_eq!(segments.next_missing(&(0..10).collect(), 1_000), None);
        assert_eq!(segments.run(8, 9), Some(ByteRange { start: 80, end: 94 }));
    }

    #[test]
    fn content_range_is_believed_only_if_it_is_ours() {
        let asked = ByteRange { start: 10, end: 19 };
        let check = |value| check_content_range(Some(value), asked, 95);
        assert_eq!(check("bytes 10-19/95"), Ok(asked));
        assert_eq!(check("bytes 10-12/95"), Ok(ByteRange { start: 10, end: 12 }));
        assert_eq!(check("bytes 0-19/95"), Err(ContentRangeError::OtherBytes));
        assert_eq!(check("bytes 10-20/95"), Err(ContentRangeError::OtherBytes));
        assert_eq!(check("bytes 10-9/95"), Err(ContentRangeError::OtherBytes));
        assert_eq!(check("bytes 10-19/96"), Err(ContentRangeError::OtherLength));
        for bad in [
            "",
            "bytes 10-19/*",
            "bytes +10-19/95",
            "10-19/95",
            "bytes 10-99999999999999999999/95",
            "items 1-2/3",
        ] {
            assert_eq!(check(bad), Err(ContentRangeError::Malformed), "{bad}");
        }
        assert_eq!(
            check_content_range(None, asked, 95),
            Err(ContentRangeError::Malformed)
        );
    }
}
