//! Fetching the sealed bytes by range into a part file, segment by segment. A segment counts only once it matches
//! the signed list, its bytes are durable and the journal says so.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sealift_envelope::SegmentList;

use crate::durable;
use crate::error::{Attack, CycleError, LocalError, Refusal};
use crate::events::Event;
use crate::fetch::{Answer, FetchError, Request};
use crate::journal::{Journal, Subject};
use crate::layout::Layout;
use crate::ranges::{ByteRange, Segments, check_content_range};
use crate::transport::{Failure, Stream, Transport, transient};

mod left_over;

use left_over::{Resumed, resume};
pub(crate) use left_over::{discard, discard_others, still_fits};

/// Most bytes asked for in one range request.
const MAX_REQUEST_BYTES: u64 = 256 * 1024 * 1024;
/// Journal records between two syncs of the journal; losing some to a power cut costs fetching them again.
const RECORDS_PER_SYNC: u32 = 16;

/// What is to be fetched.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Target path, for events and messages.
    pub(crate) path: &'a str,
    /// Where it is on the server.
    pub(crate) url_path: String,
    /// Signed SHA-256 of the sealed bytes.
    pub(crate) sha256: [u8; 32],
    /// Signed length of them.
    pub(crate) length: u64,
    /// Verified segment list; without one the object is a single segment that only the flat gate checks.
    pub(crate) segments: Option<&'a SegmentList>,
}

/// An unfinished download and its two files.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    wanted: Wanted<'a>,
    layout: Segments,
    part: File,
    part_path: PathBuf,
    journal: Journal,
    journal_file: File,
    journal_path: PathBuf,
    unsynced: u32,
    verified: u64,
}

impl<'a> Download<'a> {
    /// Opens what an earlier process left, or starts from zero. Says why if something was left and is unusable.
    pub(crate) fn open(wanted: Wanted<'a>, layout: &Layout) -> Result<(Self, Option<String>), LocalError> {
        let (part_path, journal_path) = (
            layout.download_part(&wanted.sha256),
            layout.download_journal(&wanted.sha256),
        );
        let dir = layout.downloads();
        std::fs::create_dir_all(&dir).map_err(|error| LocalError::io(&dir, error))?;
        let (segments_sha256, segment_size) =
            wanted.segments.map_or(([0; 32], wanted.length.max(1)), |list| {
                (list.digest().sha256, list.size().bytes())
            });
        let subject = Subject {
            sha256: wanted.sha256,
            length: wanted.length,
            segment_size,
            segments_sha256,
        };
        let segments = Segments::new(wanted.length, segment_size);
        let (resumed, discarded) = match resume(&subject, segments, &part_path, &journal_path)? {
            Resumed::Yes(journal) => (Some(journal), None),
            Resumed::No(reason) => (None, reason),
        };
        let part = open_rw(&part_path)?;
        let journal_file = open_rw(&journal_path)?;
        let mut download = Self {
            layout: segments,
            part,
            part_path,
            journal: Journal::start(subject.clone(), None).0,
            journal_file,
            journal_path,
            unsynced: 0,
            verified: 0,
            wanted,
        };
        match resumed {
            Some(journal) => download.adopt(journal)?,
            None => download.reset(subject, None)?,
        }
        Ok((download, discarded))
    }

    /// Verified segments on disk, and segments in all.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (
            u64::try_from(self.journal.held().len()).unwrap_or(u64::MAX),
            self.layout.count(),
        )
    }

    /// Fetches whatever is missing and gives the part file, complete and synced.
    pub(crate) async fn run(mut self, transport: &Transport<'_>) -> Result<(File, PathBuf), CycleError> {
        let mut attempt = 0;
        while let Some((first, last)) = self.layout.next_missing(self.journal.held(), MAX_REQUEST_BYTES) {
            let Some(asked) = self.layout.run(first, last) else {
                break;
            };
            let before = self.journal.held().len();
            let fetched = self.fetch(transport, asked).await;
            let progress = self.journal.held().len() > before;
            if progress {
                attempt = 0;
            }
            let failure = match fetched {
                Ok(()) if progress => continue,
                Ok(()) => transient(FetchError {
                    problem: "no whole segment in the answer",
                    source: None,
                }),
                Err(failure) => failure,
            };
            transport
                .again(&self.wanted.url_path, &mut attempt, failure)
                .await?;
        }
        self.part
            .sync_all()
            .map_err(|error| LocalError::io(&self.part_path, error))?;
        self.sync_journal()?;
        Ok((self.part, self.part_path))
    }

    async fn fetch(&mut self, transport: &Transport<'_>, asked: ByteRange) -> Result<(), Failure> {
        let request = Request::Get {
            path: self.wanted.url_path.clone(),
            range: Some(asked),
            if_range: self.journal.etag().map(str::to_owned),
        };
        let answer = transport.send(request).await?;
        let length = self.wanted.length;
        let refuse =
            |detail: &str| Refusal::new(Attack::BadMirror, format!("{}: {detail}", self.wanted.path));
        let got = match answer.status {
            206 => check_content_range(answer.content_range.as_deref(), asked, length)
                .map_err(|error| refuse("wrong part").because(error))?,
            // Ranges not supported, or the validator changed: the whole object from its first byte.
            200 if answer.content_length.is_none_or(|stated| stated == length) => ByteRange {
                start: 0,
                end: length.saturating_sub(1),
            },
            200 => return Err(refuse("the server states another length than the signed one").into()),
            416 => return Err(refuse("the server has fewer bytes than the signed length").into()),
            404 => {
                let detail = format!("{}: the server does not have it", self.wanted.path);
                return Err(Refusal::new(Attack::Unreachable, detail).into());
            }
            _ => return Err(transport.rejected(&self.wanted.url_path, answer).await.into()),
        };
        self.learn_etag(&answer)?;
        transport
            .emit(Event::Range {
                start: got.start,
                end: got.end,
            })
            .await;
        let stream = transport.stream(self.wanted.path, answer, got.length())?;
        self.receive(transport, stream, got).await
    }

    /// Cuts the body at segment borders; keeps each missing segment that is whole and right.
    async fn receive(
        &mut self,
        transport: &Transport<'_>,
        mut stream: Stream<'_>,
        got: ByteRange,
    ) -> Result<(), Failure> {
        let mut at = got.start;
        let mut current = SegmentBuffer::default();
        while let Some(mut piece) = stream.next().await? {
            while !piece.is_empty() {
                let index = self.layout.index_of(at);
                let range = self
                    .layout
                    .range(index)
                    .ok_or_else(|| Refusal::new(Attack::EndlessData, self.wanted.path))?;
                let left = range.end.saturating_sub(at).saturating_add(1);
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
                let part = piece.split_to(take);
                at = at.saturating_add(u64::try_from(take).unwrap_or(u64::MAX));
                if self.journal.held().contains(&index) {
                    continue;
                }
                self.take(&mut current, range, &part)?;
                if at > range.end {
                    self.keep(&mut current, index, range)?;
                    let (verified, length) = (self.verified, self.wanted.length);
                    transport
                        .emit(Event::Segment {
                            index,
                            verified,
                            length,
                        })
                        .await;
                }
            }
        }
        if at <= got.end {
            return Err(transient(FetchError {
                problem: "the body is shorter than announced",
                source: None,
            }));
        }
        Ok(())
    }

    /// With a segment list a segment is checked in memory before it touches the disk; without one it goes straight there.
    fn take(&mut self, current: &mut SegmentBuffer, range: ByteRange, part: &[u8]) -> Result<(), CycleError> {
        if self.wanted.segments.is_some() {
            current.bytes.extend_from_slice(part);
            return Ok(());
        }
        let written = self.write_at(range.start.saturating_add(current.written), part);
        current.written = current
            .written
            .saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        Ok(written?)
    }

    fn keep(&mut self, current: &mut SegmentBuffer, index: u64, range: ByteRange) -> Result<(), Failure> {
        if let Some(list) = self.wanted.segments {
            let bytes = std::mem::take(&mut current.bytes);
            if !list.check(index, &bytes) {
                let detail = format!("{}: segment {index} is not the signed one", self.wanted.path);
                return Err(Refusal::new(Attack::BadMirror, detail).into());
            }
            self.write_at(range.start, &bytes).map_err(CycleError::from)?;
        }
        current.written = 0;
        self.part
            .sync_data()
            .map_err(|error| CycleError::from(LocalError::io(&self.part_path, error)))?;
        let record = self.journal.append(index);
        self.verified = self.verified.saturating_add(range.length());
        self.append_journal(&record).map_err(CycleError::from)?;
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), LocalError> {
        let written = self
            .part
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.part.write_all(bytes));
        written.map_err(|error| LocalError::io(&self.part_path, error))
    }

    fn append_journal(&mut self, record: &[u8]) -> Result<(), LocalError> {
        let written = self.journal_file.write_all(record);
        written.map_err(|error| LocalError::io(&self.journal_path, error))?;
        self.unsynced += 1;
        if self.unsynced >= RECORDS_PER_SYNC {
            self.sync_journal()
        } else {
            Ok(())
        }
    }

    fn sync_journal(&mut self) -> Result<(), LocalError> {
        self.unsynced = 0;
        self.journal_file
            .sync_data()
            .map_err(|error| LocalError::io(&self.journal_path, error))
    }

    /// The first answer's strong validator goes into the journal's header, as long as nothing is held yet.
    fn learn_etag(&mut self, answer: &Answer) -> Result<(), CycleError> {
        let strong = answer.etag.as_deref().filter(|etag| etag.starts_with('"'));
        if self.journal.held().is_empty() && strong.is_some() && strong != self.journal.etag() {
            self.reset(self.journal.subject().clone(), strong)?;
        }
        Ok(())
    }

    /// Empties both files and starts a new journal.
    fn reset(&mut self, subject: Subject, etag: Option<&str>) -> Result<(), LocalError> {
        let (journal, header) = Journal::start(subject, etag);
        self.journal_file
            .set_len(0)
            .map_err(|error| LocalError::io(&self.journal_path, error))?;
        self.part
            .set_len(0)
            .map_err(|error| LocalError::io(&self.part_path, error))?;
        let written = self
            .journal_file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.journal_file.write_all(&header));
        written.map_err(|error| LocalError::io(&self.journal_path, error))?;
        self.sync_journal()?;
        durable::sync_parent(&self.journal_path)
            .map_err(|error| LocalError::io(&self.journal_path, error))?;
        self.journal = journal;
        self.verified = 0;
        Ok(())
    }

    /// Goes on behind the last whole record.
    fn adopt(&mut self, journal: Journal) -> Result<(), LocalError> {
        let io = |error| LocalError::io(&self.journal_path, error);
        self.journal_file.set_len(journal.valid_bytes()).map_err(io)?;
        self.journal_file.seek(SeekFrom::End(0)).map_err(io)?;
        let held = journal
            .held()
            .iter()
            .filter_map(|index| self.layout.range(*index));
        self.verified = held.map(ByteRange::length).sum();
        self.journal = journal;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct SegmentBuffer {
    bytes: Vec<u8>,
    written: u64,
}

fn open_rw(path: &Path) -> Result<File, LocalError> {
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path);
    opened.map_err(|error| LocalError::io(path, error))
}
