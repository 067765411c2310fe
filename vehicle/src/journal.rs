//! Journal of a download: which segments are on disk and verified. Bytes in, facts out; `download` does the I/O.
//!
//! A header binds the journal to one signed object. Each record names one segment and carries a checksum over itself
//! and everything before it. A record cut short at the end was being written when the process died and is dropped;
//! anything else that does not fit means that the file is not the one we wrote, and the download starts from zero.
//! The journal saves fetching, never checking: the whole file is hashed again before it is used.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"SEALJRNL";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 8 + 2 + 32 + 8 + 8 + 32 + 2 + MAX_ETAG_BYTES + CHECK_BYTES;
const MAX_ETAG_BYTES: usize = 128;
const CHECK_BYTES: usize = 16;
const RECORD_BYTES: usize = 8 + CHECK_BYTES;

/// The one object that a journal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Signed SHA-256 of the sealed bytes.
    pub sha256: [u8; 32],
    /// Signed length of the sealed bytes.
    pub length: u64,
    /// Segment size in bytes.
    pub segment_size: u64,
    /// Signed SHA-256 of the segment list.
    pub segments_sha256: [u8; 32],
}

/// State of a journal: what is held, and what the next record hangs on.
#[derive(Debug, Clone)]
pub struct Journal {
    subject: Subject,
    etag: Option<String>,
    held: BTreeSet<u64>,
    chain: [u8; CHECK_BYTES],
    valid_bytes: usize,
}

/// The file is not a journal of this object; start from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Header cut short, foreign, or of another version.
    #[error("the download journal has no valid header")]
    Header,
    /// It belongs to another object.
    #[error("the download journal is about another object")]
    OtherSubject,
    /// A record's checksum or segment number is wrong.
    #[error("the download journal is damaged")]
    Record,
}

impl Journal {
    /// An empty journal about `subject` and the bytes to start its file with. An `etag` too long to keep is dropped.
    #[must_use]
    pub fn start(subject: Subject, etag: Option<&str>) -> (Self, Vec<u8>) {
        let etag = etag.filter(|etag| etag.len() <= MAX_ETAG_BYTES);
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&subject.sha256);
        bytes.extend_from_slice(&subject.length.to_be_bytes());
        bytes.extend_from_slice(&subject.segment_size.to_be_bytes());
        bytes.extend_from_slice(&subject.segments_sha256);
        let text = etag.unwrap_or_default().as_bytes();
        bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(text);
        bytes.resize(HEADER_BYTES - CHECK_BYTES, 0);
        let chain = check(&[0; CHECK_BYTES], &bytes);
        bytes.extend_from_slice(&chain);
        let journal = Self {
            subject,
            etag: etag.map(str::to_owned),
            held: BTreeSet::new(),
            chain,
            valid_bytes: HEADER_BYTES,
        };
        (journal, bytes)
    }

    /// Reads the bytes of a journal file about `subject`.
    ///
    /// # Errors
    /// [`JournalError`]: the caller starts from zero.
    pub fn resume(bytes: &[u8], subject: Subject) -> Result<Self, JournalError> {
        let (header, records) = bytes.split_at_checked(HEADER_BYTES).ok_or(JournalError::Header)?;
        let etag = etag_of(header).ok_or(JournalError::Header)?;
        let segments = subject.length.div_ceil(subject.segment_size.max(1));
        let (mut journal, expected) = Self::start(subject, etag.as_deref());
        if header != expected {
            let ours = header.starts_with(MAGIC) && header.get(8..10) == Some(&VERSION.to_be_bytes()[..]);
            return Err(if ours {
                JournalError::OtherSubject
            } else {
                JournalError::Header
            });
        }
        for record in records.chunks_exact(RECORD_BYTES) {
            let index = record.first_chunk::<8>().map(|index| u64::from_be_bytes(*index));
            let index = index
                .filter(|index| *index < segments)
                .ok_or(JournalError::Record)?;
            if journal.append(index) != record {
                return Err(JournalError::Record);
            }
        }
        Ok(journal)
    }

    /// The object it is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Strong validator of the object when the download began.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Verified segments on disk.
    #[must_use]
    pub fn held(&self) -> &BTreeSet<u64> {
        &self.held
    }

    /// Length of the valid part of the file; a torn record behind it is to be cut off before appending.
    #[must_use]
    pub fn valid_bytes(&self) -> u64 {
        u64::try_from(self.valid_bytes).unwrap_or(u64::MAX)
    }

    /// Notes that segment `index` is verified and its bytes are durable; returns the record to append.
    pub fn append(&mut self, index: u64) -> Vec<u8> {
        let mut record = index.to_be_bytes().to_vec();
        self.chain = check(&self.chain, &record);
        record.extend_from_slice(&self.chain);
        self.held.insert(index);
        self.valid_bytes += record.len();
        record
    }
}

/// `Some(None)`: a journal without ETag. `None`: not a readable header.
fn etag_of(header: &[u8]) -> Option<Option<String>> {
    const AT: usize = 8 + 2 + 32 + 8 + 8 + 32;
    let length = usize::from(u16::from_be_bytes(*header.get(AT..)?.first_chunk::<2>()?));
    if length > MAX_ETAG_BYTES {
        return None;
    }
    let text = std::str::from_utf8(header.get(AT + 2..AT + 2 + length)?).ok()?;
    Some((!text.is_empty()).then(|| text.to_owned()))
}

fn check(chain: &[u8; CHECK_BYTES], bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(chain).chain_update(bytes).finalize();
    let mut check = [0; CHECK_BYTES];
    for (to, from) in check.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            sha256: [1; 32],
            length: 95,
            segment_size: 10,
            segments_sha256: [2; 32],
        }
    }

    fn written() -> Vec<u8> {
        let (mut journal, mut bytes) = Journal::start(subject(), Some("\"abc\""));
        for index in [0, 1, 5] {
            bytes.extend(journal.append(index));
        }
        bytes
    }

    #[test]
    fn resumes_with_what_was_appended() {
        let bytes = written();
        let journal = Journal::resume(&bytes, subject()).unwrap();
        assert_eq!(journal.held(), &BTreeSet::from([0, 1, 5]));
        assert_eq!(journal.etag(), Some("\"abc\""));
        assert_eq!(journal.valid_bytes(), u64::try_from(bytes.len()).unwrap());
    }

    #[test]
    fn a_torn_last_record_is_dropped() {
        let bytes = written();
        for cut in 1..RECORD_BYTES {
            let journal = Journal::resume(&bytes[..bytes.len() - cut], subject()).unwrap();
            assert_eq!(journal.held(), &BTreeSet::from([0, 1]));
            assert_eq!(
                journal.valid_bytes(),
                u64::try_from(bytes.len() - RECORD_BYTES).unwrap()
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = written();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(Journal::resume(&bad, subject()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_object_or_a_short_header_starts_from_zero() {
        let bytes = written();
        for other in [
            Subject {
                sha256: [9; 32],
                ..subject()
            },
            Subject {
                length: 96,
                ..subject()
            },
            Subject {
                segment_size: 20,
                ..subject()
            },
            Subject {
                segments_sha256: [9; 32],
                ..subject()
            },
        ] {
            assert_eq!(
                Journal::resume(&bytes, other).unwrap_err(),
                JournalError::OtherSubject
            );
        }
        assert_eq!(
            Journal::resume(&bytes[..HEADER_BYTES - 1], subject()).unwrap_err(),
            JournalError::Header
        );
        assert_eq!(Journal::resume(&[], subject()).unwrap_err(), JournalError::Header);
    }

    #[test]
    fn a_segment_beyond_the_object_is_damage() {
        let (mut journal, mut bytes) = Journal::start(subject(), None);
        bytes.extend(journal.append(10));
        assert_eq!(
            Journal::resume(&bytes, subject()).unwrap_err(),
            JournalError::Record
        );
    }
}
