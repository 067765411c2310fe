//! Passphrases of key files: read where the configuration says, kept only until the key is open.

use super::PassphraseSource;
use std::io::Read;
use zeroize::Zeroizing;

/// Longest passphrase, in bytes.
const MAX_BYTES: u64 = 1024;

impl PassphraseSource {
    /// The passphrase.
    ///
    /// # Errors
    /// A sentence that names the variable or the file.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut bytes = match self {
            Self::Env(name) => {
                let mut value = variable(name)?;
                Zeroizing::new(std::mem::take(&mut *value).into_bytes())
            }
            Self::File(path) => {
                let refuse = |error: std::io::Error| {
                    format!("cannot read the passphrase file {}: {error}", path.display())
                };
                let file = std::fs::File::open(path).map_err(refuse)?;
                let mut bytes = Zeroizing::new(Vec::new());
                file.take(MAX_BYTES + 2).read_to_end(&mut bytes).map_err(refuse)?;
                bytes
            }
        };
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        match bytes.len() {
            0 => Err(format!("the passphrase in {} is empty", self.place())),
            1..=1024 => Ok(bytes),
            _ => Err(format!(
                "the passphrase in {} is longer than {MAX_BYTES} bytes",
                self.place()
            )),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable {name}"),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// The value of an environment variable that the configuration names.
pub(crate) fn variable(name: &str) -> Result<Zeroizing<String>, String> {
    #[expect(clippy::disallowed_methods, reason = "the configuration names the variable")]
    let value = std::env::var(name);
    value
        .map(Zeroizing::new)
        .map_err(|_| format!("the environment variable {name} is not set, or not text"))
}
