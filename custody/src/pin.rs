//! PINs of tokens: from a file or a variable that the URI names, or from whoever can be asked. Never out of the URI itself,
//! which ends up in process lists and logs.
//!
//! The one place where this crate reads the environment.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::{CustodyError, Fault};

/// Longest PIN, in bytes.
const MAX_PIN_BYTES: usize = 1024;

/// A token's PIN. Erased when dropped, never shown.
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes a PIN over.
    pub fn new(pin: Zeroizing<String>) -> Self {
        Self(pin)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Someone who can be asked for a PIN.
pub trait AskPin {
    /// The PIN of the token with this label; `None` where nobody can be asked.
    ///
    /// # Errors
    /// Whatever asking fails with.
    fn ask(&self, token: &str) -> Result<Option<Pin>, Box<dyn std::error::Error + Send + Sync>>;
}

/// A program without a person at it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyToAsk;

impl AskPin for NobodyToAsk {
    fn ask(&self, _: &str) -> Result<Option<Pin>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }
}

/// Where a URI says that the PIN is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PinSource {
    /// In this file; its first line.
    File(PathBuf),
    /// In this environment variable.
    Env(String),
}

impl PinSource {
    pub(crate) fn read(&self) -> Result<Pin, CustodyError> {
        let pin = match self {
            Self::File(path) => {
                let unusable = |what: &str, next: &str| {
                    CustodyError::new(Fault::Pin, format!("{what} {}", path.display()), next)
                };
                // Room for all of it: what grows leaves copies behind.
                let mut text = Zeroizing::new(String::with_capacity(MAX_PIN_BYTES + 1));
                std::fs::File::open(path)
                    .and_then(|file| file.take(MAX_PIN_BYTES as u64 + 1).read_to_string(&mut text))
                    .map_err(|error| {
                        unusable("cannot read the PIN file", "Check pin-source").because(error)
                    })?;
                if text.len() > MAX_PIN_BYTES {
                    // The beginning of it would be a wrong PIN, and cost a try.
                    let next = "Put the PIN alone into it; it may have 1024 bytes";
                    return Err(unusable("there is more than a PIN in", next));
                }
                Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
            }
            Self::Env(name) => variable(name).unwrap_or_default(),
        };
        if pin.is_empty() {
            let (place, next) = match self {
                Self::File(path) => (path.display().to_string(), "Put the PIN on its first line"),
                Self::Env(name) => (format!("the environment variable {name}"), "Set it to the PIN"),
            };
            return Err(CustodyError::new(
                Fault::Pin,
                format!("there is no PIN in {place}"),
                next,
            ));
        }
        Ok(Pin(pin))
    }
}

/// The PKCS#11 module for URIs that name none.
#[cfg(feature = "pkcs11")]
pub(crate) fn default_module() -> Option<PathBuf> {
    variable("SEALIFT_PKCS11_MODULE")
        .filter(|path| !path.is_empty())
        .map(|path| PathBuf::from(path.as_str()))
}

fn variable(name: &str) -> Option<Zeroizing<String>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the PIN and the module are is for the environment to say"
    )]
    std::env::var(name).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_more_than_a_pin_is_not_tried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        for (length, fits) in [(1023, true), (1024, true), (1025, false), (5000, false)] {
            std::fs::write(&path, "7".repeat(length)).unwrap();
            match PinSource::File(path.clone()).read() {
                Ok(pin) => assert!(fits && pin.0.len() == length, "{length}"),
                Err(error) => {
                    assert!(!fits && error.fault() == Fault::Pin, "{length}: {error}");
                    assert!(error.to_string().starts_with("there is more than a PIN in"));
                }
            }
        }
        std::fs::write(&path, "1234\nnotes\n").unwrap();
        assert_eq!(PinSource::File(path).read().unwrap().0.as_str(), "1234");
    }
}
