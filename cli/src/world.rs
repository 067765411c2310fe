//! What the outside gives to every command: time, randomness, and how to talk.

use getrandom::SysRng;
use rand_core::UnwrapErr;
use sealift_metadata::time::{TimeSource, TrustedTime};

use crate::{Cli, voice};

/// The generator that `main` makes; it aborts the process if the system has no randomness.
pub(crate) type SystemRng = UnwrapErr<SysRng>;

/// Time, randomness and manners, made once in `main`.
#[derive(Debug)]
pub struct World {
    now: jiff::Timestamp,
    rng: SystemRng,
    json: bool,
    quiet: bool,
    demo: bool,
}

impl World {
    /// Takes the instant and the generator that the whole run will use.
    #[must_use]
    pub fn new(cli: &Cli, now: jiff::Timestamp, rng: SystemRng) -> Self {
        Self {
            now,
            rng,
            json: cli.json,
            quiet: cli.quiet,
            demo: cli.demo,
        }
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.now
    }

    /// The system clock's instant as metadata want it.
    pub(crate) fn trusted_time(&self) -> TrustedTime {
        TrustedTime::new(self.now, TimeSource::SystemClock)
    }

    pub(crate) fn rng(&mut self) -> &mut SystemRng {
        &mut self.rng
    }

    pub(crate) fn json(&self) -> bool {
        self.json
    }

    pub(crate) fn quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn demo(&self) -> bool {
        self.demo
    }

    /// A remark for the person at the terminal; never part of the result.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            voice::note(text.as_ref());
        }
    }

    /// A remark that `--quiet` does not silence, because not knowing it would be dangerous.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        voice::warn(text.as_ref());
    }
}

/// The value of an environment variable whose name the user gave as an argument.
pub(crate) fn variable(name: &str) -> Option<zeroize::Zeroizing<String>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the name of the variable is itself an argument"
    )]
    std::env::var(name).ok().map(zeroize::Zeroizing::new)
}

/// Where this user's programs keep what they need to go on: `$SEALIFT_STATE`, else `$XDG_STATE_HOME/sealift`, else
/// `~/.local/state/sealift`.
pub(crate) fn state_home() -> Option<std::path::PathBuf> {
    let absolute = |path: std::path::PathBuf| path.is_absolute().then_some(path);
    let given = std::env::var_os("SEALIFT_STATE").filter(|path| !path.is_empty());
    given.map(std::path::PathBuf::from).or_else(|| {
        std::env::var_os("XDG_STATE_HOME")
            .and_then(|path| absolute(path.into()))
            .or_else(|| {
                std::env::home_dir()
                    .and_then(absolute)
                    .map(|home| home.join(".local/state"))
            })
            .map(|state| state.join("sealift"))
    })
}
