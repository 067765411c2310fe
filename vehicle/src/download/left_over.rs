//! What earlier processes left in `state/download/`: to be resumed, or to be removed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sealift_envelope::SegmentList;

use crate::durable;
use crate::error::LocalError;
use crate::journal::{Journal, Subject};
use crate::layout::Layout;
use crate::ranges::Segments;
use crate::select::Selected;

/// What a journal and its part file are good for.
pub(super) enum Resumed {
    Yes(Journal),
    /// Start from zero, and why if there was something.
    No(Option<String>),
}

pub(super) fn resume(
    subject: &Subject,
    segments: Segments,
    part: &Path,
    journal: &Path,
) -> Result<Resumed, LocalError> {
    // A record is 24 bytes; the rest is the header and a torn record.
    let cap = segments.count().saturating_mul(24).saturating_add(4096);
    let bytes = match durable::read_capped(journal, cap) {
        // Killed before the first header was written.
        Ok(Some(bytes)) if bytes.is_empty() => return Ok(Resumed::No(None)),
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Resumed::No(None)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Ok(Resumed::No(Some("the download journal is too long".into())));
        }
        Err(error) => return Err(LocalError::io(journal, error)),
    };
    let resumed = match Journal::resume(&bytes, subject.clone()) {
        Ok(resumed) => resumed,
        Err(error) => return Ok(Resumed::No(Some(error.to_string()))),
    };
    let on_disk = match std::fs::metadata(part) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(LocalError::io(part, error)),
    };
    let needed = resumed
        .held()
        .last()
        .and_then(|index| segments.range(*index))
        .map_or(0, |range| range.end + 1);
    if on_disk < needed {
        return Ok(Resumed::No(Some(
            "the part file is shorter than its journal says".into(),
        )));
    }
    Ok(Resumed::Yes(resumed))
}

/// Removes what is left of the download of the object `sha256`.
pub(crate) fn discard(layout: &Layout, sha256: &[u8; 32]) -> Result<(), LocalError> {
    for path in [layout.download_journal(sha256), layout.download_part(sha256)] {
        durable::remove(&path).map_err(|error| LocalError::io(&path, error))?;
    }
    Ok(())
}

/// Removes downloads that nobody wants any more.
pub(crate) fn discard_others(layout: &Layout, wanted: &[Selected]) -> Result<(), LocalError> {
    let dir = layout.downloads();
    let io = |error| LocalError::io(&dir, error);
    let entries = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io)?,
    };
    let kept: Vec<PathBuf> = wanted
        .iter()
        .map(|selected| selected.target().sha256())
        .flat_map(|sha256| [layout.download_journal(sha256), layout.download_part(sha256)])
        .collect();
    for entry in entries {
        let path = entry.map_err(io)?.path();
        if !kept.contains(&path) {
            durable::remove(&path).map_err(|error| LocalError::io(&path, error))?;
        }
    }
    Ok(())
}

/// Whether the part file still has the segments of `list`.
pub(crate) fn still_fits(part: &Path, list: &SegmentList) -> bool {
    let Ok(mut file) = File::open(part) else {
        return false;
    };
    (0..list.count()).all(|index| {
        let length = list
            .segment_range(index)
            .and_then(|range| usize::try_from(range.end - range.start).ok());
        let mut bytes = vec![0; length.unwrap_or_default()];
        file.read_exact(&mut bytes).is_ok() && list.check(index, &bytes)
    })
}
