//! What an ECU never forgets: last confirmed install, report counter, time floor, attacks not yet reported. Every
//! field only rises; metadata, however well signed, cannot lower it.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::durable;

const MAX_STATE_BYTES: u64 = 64 * 1024;
const MAX_ATTACKS: usize = 32;

/// The image that an ECU runs, as its last confirmed install left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// Target path in both repositories.
    pub path: String,
    /// Length of the plaintext in bytes.
    pub length: u64,
    /// SHA-256 of the plaintext, lower hex.
    pub sha256: String,
    /// Its signed release counter.
    pub release_counter: u64,
}

/// Monotonic memory of one ECU, kept in `state/ecu/<serial>.json`.
#[derive(Debug)]
pub struct EcuState {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    installed: Option<Installed>,
    #[serde(default)]
    report_counter: u64,
    #[serde(default)]
    time_floor: Option<Timestamp>,
    #[serde(default)]
    attacks: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    unreachable_cycles: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The memory cannot be read or written, or would have to go back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EcuStateError {
    /// There is no file, although every ECU is provisioned with one.
    #[error("{} is missing: without it an older image could not be told from a newer one; restore it or provision again", .0.display())]
    Missing(PathBuf),
    /// The file's content makes no sense.
    #[error("{} is damaged: restore it or provision again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Reading or writing failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A counter is at its end.
    #[error("{}: the report counter cannot rise any more", .0.display())]
    Exhausted(PathBuf),
    /// An install would lower the release counter.
    #[error("{}: release counter {offered} is below the recorded {recorded}", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Counter of the refused image.
        offered: u64,
        /// Counter on record.
        recorded: u64,
    },
}

impl EcuState {
    /// Makes the memory of an ECU that never ran, at `path`: what provisioning does.
    ///
    /// # Errors
    /// I/O.
    pub fn found(path: &Path) -> Result<Self, EcuStateError> {
        let state = Self {
            path: path.to_owned(),
            kept: Kept::default(),
        };
        state.write(&state.kept)?;
        Ok(state)
    }

    /// Reads the memory at `path`. A missing one is a loss and never a new ECU: that is provisioned with one.
    ///
    /// # Errors
    /// [`EcuStateError::Missing`], [`EcuStateError::Damaged`] or I/O.
    pub fn load(path: &Path) -> Result<Self, EcuStateError> {
        let io = |source| EcuStateError::Io {
            path: path.to_owned(),
            source,
        };
        let Some(bytes) = durable::read_capped(path, MAX_STATE_BYTES).map_err(io)? else {
            return Err(EcuStateError::Missing(path.to_owned()));
        };
        let kept = serde_json::from_slice(&bytes).map_err(|source| EcuStateError::Damaged {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            kept,
        })
    }

    /// The last confirmed install.
    #[must_use]
    pub fn installed(&self) -> Option<&Installed> {
        self.kept.installed.as_ref()
    }

    /// No trusted time is before this, if set.
    #[must_use]
    pub fn time_floor(&self) -> Option<Timestamp> {
        self.kept.time_floor
    }

    /// Attack codes seen since the last accepted report, oldest first.
    #[must_use]
    pub fn attacks(&self) -> &[String] {
        &self.kept.attacks
    }

    /// The counter of the last report made (0: none yet).
    #[must_use]
    pub fn report_counter(&self) -> u64 {
        self.kept.report_counter
    }

    /// A report counter never used before; durable before it is returned.
    ///
    /// # Errors
    /// I/O, in which case no report may be signed.
    pub fn next_report_counter(&mut self) -> Result<u64, EcuStateError> {
        let next = self.kept.report_counter.checked_add(1);
        let next = next.ok_or_else(|| EcuStateError::Exhausted(self.path.clone()))?;
        self.change(|kept| kept.report_counter = next)?;
        Ok(next)
    }

    /// Records a confirmed install.
    ///
    /// # Errors
    /// [`EcuStateError::Older`] if its counter is below the recorded one; I/O.
    pub fn record_install(&mut self, image: Installed) -> Result<(), EcuStateError> {
        let recorded = self
            .kept
            .installed
            .as_ref()
            .map_or(0, |installed| installed.release_counter);
        if image.release_counter < recorded {
            return Err(EcuStateError::Older {
                path: self.path.clone(),
                offered: image.release_counter,
                recorded,
            });
        }
        self.change(|kept| kept.installed = Some(image))
    }

    /// Raises the time floor to `instant`; an earlier instant changes nothing.
    ///
    /// # Errors
    /// I/O.
    pub fn raise_time_floor(&mut self, instant: Timestamp) -> Result<(), EcuStateError> {
        if self.kept.time_floor.is_some_and(|floor| floor >= instant) {
            return Ok(());
        }
        self.change(|kept| kept.time_floor = Some(instant))
    }

    /// Remembers an attack for the next report. Known codes are kept once.
    ///
    /// # Errors
    /// I/O.
    pub fn note_attack(&mut self, code: &str) -> Result<(), EcuStateError> {
        if self.kept.attacks.iter().any(|known| known == code) || self.kept.attacks.len() >= MAX_ATTACKS {
            return Ok(());
        }
        self.change(|kept| kept.attacks.push(code.to_owned()))
    }

    /// Notes that a cycle could not reach the server; gives how many did not, one after the other.
    ///
    /// # Errors
    /// I/O.
    pub fn note_unreachable(&mut self) -> Result<u32, EcuStateError> {
        self.change(|kept| kept.unreachable_cycles = kept.unreachable_cycles.saturating_add(1))?;
        Ok(self.kept.unreachable_cycles)
    }

    /// Notes that the server was reached.
    ///
    /// # Errors
    /// I/O.
    pub fn note_reached(&mut self) -> Result<(), EcuStateError> {
        if self.kept.unreachable_cycles == 0 {
            return Ok(());
        }
        self.change(|kept| kept.unreachable_cycles = 0)
    }

    /// Forgets the attacks `reported`, which the server has confirmed.
    ///
    /// # Errors
    /// I/O.
    pub fn forget_attacks(&mut self, reported: &[String]) -> Result<(), EcuStateError> {
        if reported.is_empty() {
            return Ok(());
        }
        self.change(|kept| kept.attacks.retain(|code| !reported.contains(code)))
    }

    fn change(&mut self, change: impl FnOnce(&mut Kept)) -> Result<(), EcuStateError> {
        let mut next = self.kept.clone();
        change(&mut next);
        self.write(&next)?;
        self.kept = next;
        Ok(())
    }

    fn write(&self, kept: &Kept) -> Result<(), EcuStateError> {
        let io = |source| EcuStateError::Io {
            path: self.path.clone(),
            source,
        };
        let bytes = serde_json::to_vec_pretty(kept).map_err(|error| io(error.into()))?;
        durable::replace(&self.path, &bytes).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(release_counter: u64) -> Installed {
        Installed {
            path: "a.img".into(),
            length: 3,
            sha256: "00".repeat(32),
            release_counter,
        }
    }

    #[test]
    fn survives_a_reload() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ecu/S.json");
        let mut state = EcuState::found(&path).unwrap();
        assert_eq!(state.next_report_counter().unwrap(), 1);
        state.record_install(image(4)).unwrap();
        state.note_attack("rollback").unwrap();
        state.note_attack("rollback").unwrap();
        let mut again = EcuState::load(&path).unwrap();
        assert_eq!(again.attacks(), ["rollback"]);
        assert_eq!(again.installed(), Some(&image(4)));
        assert_eq!(again.next_report_counter().unwrap(), 2);
        again.forget_attacks(&["rollback".to_owned()]).unwrap();
        assert!(EcuState::load(&path).unwrap().attacks().is_empty());
    }

    #[test]
    fn nothing_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = EcuState::found(&dir.path().join("S.json")).unwrap();
        state.record_install(image(4)).unwrap();
        assert!(matches!(
            state.record_install(image(3)),
            Err(EcuStateError::Older { .. })
        ));
        state.record_install(image(4)).unwrap();
        let late: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        state.raise_time_floor(late).unwrap();
        state
            .raise_time_floor("2026-04-01T00:00:00Z".parse().unwrap())
            .unwrap();
        assert_eq!(state.time_floor(), Some(late));
    }

    #[test]
    fn a_lost_or_damaged_memory_is_not_a_new_ecu() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("S.json");
        assert!(matches!(EcuState::load(&path), Err(EcuStateError::Missing(_))));
        EcuState::found(&path).unwrap();
        assert!(matches!(
            EcuState::load(&dir.path().join("T.json")),
            Err(EcuStateError::Missing(_))
        ));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(
            EcuState::load(&path),
            Err(EcuStateError::Damaged { .. })
        ));
    }
}
