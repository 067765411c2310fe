//! What the program shows: JSON lines for machines, progress for people, nothing for pipes.

use std::io::Write;
use std::sync::Mutex;

use async_trait::async_trait;

use crate::events::{Event, Observer};

/// One JSON object a line on standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLines;

#[async_trait]
impl Observer for JsonLines {
    async fn observe(&self, event: Event) {
        let Ok(mut line) = serde_json::to_vec(&event) else {
            return;
        };
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        // A reader that went away must not stop an update.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

/// Progress on standard error if that is a terminal; the attack code of a refusal always.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    percent: Mutex<Option<u64>>,
}

impl Progress {
    /// Progress for a `terminal`, or almost nothing for anything else.
    #[must_use]
    pub fn new(terminal: bool) -> Self {
        Self {
            terminal,
            percent: Mutex::new(None),
        }
    }

    /// The line for `event`, and whether it is to be overwritten by the next.
    fn line(&self, event: &Event) -> Option<(String, bool)> {
        let line = match event {
            Event::Refused { code, .. } => return Some((format!("update refused: {code}"), false)),
            _ if !self.terminal => return None,
            Event::Segment { verified, length, .. } => return self.percentage(*verified, *length),
            Event::NothingNew => "up to date".to_owned(),
            Event::TargetSelected {
                ecu,
                path,
                version,
                length,
            } => {
                format!("{ecu}: {path} {version}, {length} bytes sealed")
            }
            Event::Resumed { held, segments, .. } => {
                format!("resuming: {held} of {segments} segments are here")
            }
            Event::JournalDiscarded { reason, .. } => format!("starting the download again: {reason}"),
            Event::SealedVerified { .. } => "verified".to_owned(),
            Event::Installed {
                ecu,
                path,
                release_counter,
            } => format!("{ecu}: installed {path} ({release_counter})"),
            Event::Retry { delay_ms, reason, .. } => format!("{reason}; trying again in {delay_ms} ms"),
            _ => return None,
        };
        Some((line, false))
    }

    fn percentage(&self, verified: u64, length: u64) -> Option<(String, bool)> {
        let percent = verified.saturating_mul(100) / length.max(1);
        let mut shown = self
            .percent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *shown == Some(percent) {
            return None;
        }
        *shown = Some(percent);
        Some((format!("{percent:3} %"), percent < 100))
    }
}

#[async_trait]
impl Observer for Progress {
    async fn observe(&self, event: Event) {
        let Some((line, overwritten)) = self.line(&event) else {
            return;
        };
        let end = if overwritten { "\r" } else { "\n" };
        let _ = write!(std::io::stderr().lock(), "{line}{end}");
    }
}
