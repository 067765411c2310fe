//! Where passphrases come from: a prompt, a file, or a named environment variable; never the command line.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use sealift_custody::{AskPin, Pin};
use zeroize::Zeroizing;

use crate::failure::{Failure, Fault};

/// A passphrase: wiped when dropped, never shown.
pub(crate) struct Passphrase(Zeroizing<String>);

impl Passphrase {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Longest passphrase file, in bytes.
const MAX_PASSPHRASE_BYTES: usize = 4096;

/// How to open private keys that exist.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Unlock {
    /// File whose first line is the passphrase of the private keys; may be given several times
    #[arg(long, help_heading = "Passphrases", value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,

    /// Name of the environment variable that holds the passphrase; may be given several times
    #[arg(long, help_heading = "Passphrases", value_name = "NAME")]
    passphrase_env: Vec<String>,
}

/// How to protect a private key that is being made.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Protect {
    #[command(flatten)]
    unlock: Unlock,

    /// Write new private keys without encryption (for machines that cannot be asked)
    #[arg(long, help_heading = "Passphrases", visible_alias = "no-passphrase", conflicts_with_all = ["passphrase_file", "passphrase_env"])]
    unencrypted: bool,
}

/// As [`Protect`], for commands that open old keys and make new ones: the first passphrase given serves both.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct UnlockAndProtect {
    #[command(flatten)]
    unlock: Unlock,

    /// Write new private keys without encryption (for machines that cannot be asked)
    #[arg(long, help_heading = "Passphrases", visible_alias = "no-passphrase")]
    unencrypted: bool,
}

impl Unlock {
    /// All passphrases given by file or variable, in that order.
    pub(crate) fn given(&self) -> Result<Vec<Passphrase>, Failure> {
        let files = self.passphrase_file.iter().map(|path| from_file(path));
        let variables = self.passphrase_env.iter().map(|name| from_variable(name));
        files.chain(variables).collect()
    }

    /// Asks at the terminal for the passphrase of one existing key.
    pub(crate) fn ask(&self, subject: &Path) -> Result<Passphrase, Failure> {
        prompt(&format!("Passphrase of {}: ", subject.display()))
    }
}

impl UnlockAndProtect {
    pub(crate) fn unlock(&self) -> &Unlock {
        &self.unlock
    }

    /// The passphrase for new keys, or `None` when they are to stay unencrypted.
    pub(crate) fn for_new_key(&self, subject: &Path) -> Result<Option<Passphrase>, Failure> {
        new_passphrase(&self.unlock, self.unencrypted, subject)
    }
}

impl Protect {
    /// The passphrase for a new key, or `None` when it is to stay unencrypted.
    pub(crate) fn for_new_key(&self, subject: &Path) -> Result<Option<Passphrase>, Failure> {
        new_passphrase(&self.unlock, self.unencrypted, subject)
    }
}

fn new_passphrase(unlock: &Unlock, unencrypted: bool, subject: &Path) -> Result<Option<Passphrase>, Failure> {
    if unencrypted {
        return Ok(None);
    }
    if let Some(first) = unlock.given()?.into_iter().next() {
        return Ok(Some(first));
    }
    let first = prompt(&format!("New passphrase for {}: ", subject.display()))?;
    if first.as_bytes().is_empty() {
        return Err(Failure::new(Fault::Key, "the passphrase is empty")
            .next("type one, or choose --unencrypted knowingly"));
    }
    let second = prompt("The same again: ")?;
    if first.as_bytes() != second.as_bytes() {
        return Err(Failure::new(Fault::Key, "the two passphrases differ").next("try again"));
    }
    Ok(Some(first))
}

fn from_file(path: &Path) -> Result<Passphrase, Failure> {
    // Room for all of it: what grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_PASSPHRASE_BYTES + 1));
    std::fs::File::open(path)
        .and_then(|file| {
            file.take(MAX_PASSPHRASE_BYTES as u64 + 1)
                .read_to_string(&mut text)
        })
        .map_err(|error| Failure::file("read the passphrase file", path, error))?;
    if text.len() > MAX_PASSPHRASE_BYTES {
        let what = format!("the passphrase file {} is too long", path.display());
        return Err(Failure::new(Fault::Key, what).next("put the passphrase alone into it"));
    }
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    if line.is_empty() {
        return Err(Failure::new(
            Fault::Key,
            format!("the passphrase file {} is empty", path.display()),
        )
        .next("put the passphrase on its first line"));
    }
    Ok(Passphrase(line))
}

fn from_variable(name: &str) -> Result<Passphrase, Failure> {
    match crate::world::variable(name) {
        Some(value) if !value.is_empty() => Ok(Passphrase(value)),
        _ => {
            // Whatever is not written as variables are may be the passphrase itself, which is not repeated.
            let usual = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            let shown = match name.bytes().all(usual) {
                true => name,
                false => "that --passphrase-env names",
            };
            Err(
                Failure::new(Fault::Key, format!("the environment variable {shown} is not set"))
                    .next("set it, or use --passphrase-file"),
            )
        }
    }
}

/// The person at the terminal, asked for the PINs of tokens.
#[derive(Debug)]
pub(crate) struct Terminal;

impl AskPin for Terminal {
    fn ask(&self, token: &str) -> Result<Option<Pin>, Box<dyn std::error::Error + Send + Sync>> {
        if nobody_there() {
            return Ok(None);
        }
        // A label is the token's own text: nothing in it may steer the terminal.
        let shown: String = token.chars().filter(|char| !char.is_control()).collect();
        let pin = rpassword::prompt_password(format!("PIN of token {shown}: "))?;
        Ok(Some(Pin::new(Zeroizing::new(pin))))
    }
}

fn nobody_there() -> bool {
    !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal()
}

fn prompt(question: &str) -> Result<Passphrase, Failure> {
    if nobody_there() {
        return Err(Failure::new(
            Fault::Key,
            "a passphrase is needed and there is no terminal to ask at",
        )
        .next("use --passphrase-file FILE or --passphrase-env NAME; for new keys also --unencrypted"));
    }
    rpassword::prompt_password(question)
        .map(|text| Passphrase(Zeroizing::new(text)))
        .map_err(|error| {
            Failure::new(Fault::Key, "cannot ask for the passphrase")
                .because(error)
                .next("use --passphrase-file FILE or --passphrase-env NAME")
        })
}
