//! The lines behind the head: what was sent and what arrived.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sealift_repository::{Earlier, KnownPart, Through, UploadId, UploadRecord};
use serde::{Deserialize, Serialize};

use super::unlink;
use crate::voice;

/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// More parts than any object has.
const MAX_PARTS: u32 = 10_000;
/// Longest receipt, in bytes.
const MAX_RECEIPT_BYTES: usize = 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The store knows the upload by this id; what was sent before was another's.
    Begun { id: String, part_bytes: u64 },
    /// The part is about to be sent. `through` is SHA-256 of the object through its end.
    Sending { part: u32, through: String },
    /// The store has it.
    Stored { part: u32, receipt: String },
}

/// Adds what a line says; `None` when it cannot follow.
pub(super) fn apply(line: &[u8], earlier: &mut Option<Earlier>) -> Option<()> {
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    match serde_json::from_slice(line).ok()? {
        Line::Begun { id, part_bytes } => {
            *earlier = Some(Earlier {
                id: UploadId::new(id, part_bytes)?,
                parts: BTreeMap::new(),
            });
        }
        Line::Sending { part, through } if part < MAX_PARTS => {
            let mut known = KnownPart {
                through: [0; 32],
                receipt: None,
            };
            hex::decode_to_slice(through, &mut known.through).ok()?;
            let parts = &mut earlier.as_mut()?.parts;
            if parts.insert(part, known).is_some() {
                return None;
            }
        }
        Line::Stored { part, receipt } if receipt.len() <= MAX_RECEIPT_BYTES => {
            let known = earlier.as_mut()?.parts.get_mut(&part)?;
            if known.receipt.replace(receipt).is_some() {
                return None;
            }
        }
        Line::Sending { .. } | Line::Stored { .. } => return None,
    }
    Some(())
}

/// The end of a journal, where lines are added.
#[derive(Debug)]
pub(crate) struct Lines {
    file: Mutex<File>,
    path: PathBuf,
    broken: AtomicBool,
    /// The upload that this process began.
    current: Mutex<Option<UploadId>>,
}

impl Lines {
    pub(super) fn new(file: File, path: PathBuf) -> Self {
        Self {
            file: Mutex::new(file),
            path,
            broken: AtomicBool::new(false),
            current: Mutex::new(None),
        }
    }

    /// The upload that this process began, if it did.
    pub(super) fn current(&self) -> Option<UploadId> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Cuts the file after `length` bytes.
    pub(super) fn cut(&self, length: u64) -> io::Result<()> {
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_len(length)
    }

    /// Whether a line could not be written, so that nobody can go on with this upload.
    pub(super) fn broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    /// Removes the file for good, unless another process has begun its own under the name.
    pub(super) fn unlink(&self) -> io::Result<()> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        unlink(&file, &self.path)
    }

    /// Appends and syncs. At the first failure the journal goes, and the key with it: whoever went on with it would not know
    /// of the parts that are sent from now on. An error when it cannot even be removed.
    fn append(&self, line: &Line) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.broken() {
            return Ok(());
        }
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut bytes| {
                bytes.push(b'\n');
                file.write_all(&bytes)?;
                file.sync_data()
            });
        if let Err(error) = written {
            // An empty journal counts as damaged: one of the two is enough.
            let emptied = file.set_len(0).and_then(|()| file.sync_all());
            emptied.or_else(|_| unlink(&file, &self.path))?;
            let _ = unlink(&file, &self.path);
            self.broken.store(true, Ordering::SeqCst);
            voice::warn(&format!(
                "{}: {error}; the upload goes on, but it is not resumable any more",
                self.path.display()
            ));
        }
        Ok(())
    }
}

impl UploadRecord for Lines {
    fn begun(&self, id: &UploadId) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
        // If the journal stays behind, the first part fails by the same.
        let _ = self.append(&Line::Begun {
            id: id.as_str().to_owned(),
            part_bytes: id.part_bytes(),
        });
    }

    fn sending(&self, part: u32, through: &Through) -> io::Result<()> {
        self.append(&Line::Sending {
            part,
            through: hex::encode(through),
        })
    }

    fn stored(&self, part: u32, receipt: &str) {
        // A journal with such a line would count as damaged; without it the part is sent once more.
        if receipt.len() > MAX_RECEIPT_BYTES {
            return;
        }
        // If the journal stays behind, it says less than is true, and the next part fails by the same.
        let _ = self.append(&Line::Stored {
            part,
            receipt: receipt.to_owned(),
        });
    }
}
