//! Ctrl-C and SIGTERM: unfinished files are removed before the process goes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::voice;

/// Temporary files that are being written. They have names because they are renamed at the end, and a signal would leave
/// them behind.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What to tell whoever interrupts.
static FAREWELL: Mutex<Option<String>> = Mutex::new(None);

/// A sentence for whoever interrupts; forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Farewell(());

impl Farewell {
    /// There is one at a time.
    pub(crate) fn new(text: String) -> Self {
        *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Self(())
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A temporary file that a signal must remove; forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    /// Remembers `path`.
    pub(crate) fn new(path: &Path) -> Self {
        files().insert(path.to_owned());
        Self(path.to_owned())
    }
}

/// Makes a temporary file. A signal in the middle of it waits until the file is known.
pub(crate) fn temporary(
    make: impl FnOnce() -> io::Result<NamedTempFile>,
) -> io::Result<(NamedTempFile, Unfinished)> {
    let mut files = files();
    let file = make()?;
    let path = file.path().to_owned();
    files.insert(path.clone());
    Ok((file, Unfinished(path)))
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        files().remove(&self.0);
    }
}

/// Waits for SIGINT or SIGTERM on a thread of its own; then removes what is unfinished and ends the process with 128 plus
/// the signal's number, as shells expect.
pub fn watch() {
    // Without the thread a signal ends the process all the same, only less tidily.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        let Some(number) = runtime.block_on(next()) else {
            return;
        };
        let files = files();
        for path in files.iter() {
            let _ = fs::remove_file(path);
        }
        if let Some(text) = &*FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) {
            voice::warn(text);
        }
        // The lock stays held, so that no new file is begun in between.
        std::process::exit(128 + number);
    });
}

async fn next() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let kind = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    Some(kind.as_raw_value())
}

fn files() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}
