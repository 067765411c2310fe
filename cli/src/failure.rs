//! What went wrong, where, and what to do next.

use std::error::Error;
use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

use crate::voice::tame;
use crate::{World, voice};

/// Who or what is at fault; `main` gives each its exit code, which is why the list is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing more precise is known.
    Other,
    /// The command line contradicts itself in a way that the parser alone cannot see.
    Usage,
    /// An input was looked at and refused: bad format or failed verification.
    Refused,
    /// A key or a passphrase does not fit.
    Key,
    /// Something named is not there.
    NotFound,
    /// Something is there already, or changed under our hands.
    Conflict,
    /// The store or the server cannot be reached or is overloaded.
    Unavailable,
    /// The other side does not let us.
    Denied,
    /// A public demonstration key was used without `--demo`.
    DemoKey,
    /// A part of the work was done; the rest failed for several reasons.
    Partial,
    /// What was asked for is done, but people have yet to sign.
    Incomplete,
    /// Nothing failed, and something will unless someone acts.
    Attention,
    /// The local disk, a pipe or a terminal failed.
    LocalIo,
}

impl Fault {
    fn slug(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Key => "key",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::DemoKey => "demo-key",
            Self::Partial => "partial",
            Self::Incomplete => "incomplete",
            Self::Attention => "attention",
            Self::LocalIo => "local-io",
        }
    }
}

/// A failed command: the sentence (what and where), the cause, and the next step.
#[derive(Debug)]
pub struct Failure {
    fault: Fault,
    what: String,
    next: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn new(fault: Fault, what: impl Into<String>) -> Self {
        Self {
            fault,
            what: what.into(),
            next: None,
            source: None,
        }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Fault::Usage, what)
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::new(Fault::Refused, what)
    }

    /// Adds the next step, a sentence in the imperative.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A failed operation on a local file: "cannot open key.pem".
    pub(crate) fn file(verb: &str, path: &Path, error: std::io::Error) -> Self {
        let shown = if path.as_os_str() == "-" {
            "the pipe".into()
        } else {
            path.display().to_string()
        };
        Self::io(format!("cannot {verb} {shown}"), error)
    }

    /// A failed local operation, sorted by what the system said.
    pub(crate) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (fault, next) = match error.kind() {
            ErrorKind::NotFound => (Fault::NotFound, Some("check the path")),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => (
                Fault::LocalIo,
                Some("free some space; nothing was left under the final name"),
            ),
            ErrorKind::PermissionDenied => (Fault::LocalIo, Some("check who may read and write there")),
            _ => (Fault::LocalIo, None),
        };
        let failure = Self::new(fault, what).because(error);
        match next {
            Some(next) => failure.next(next),
            None => failure,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The failure for machines.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "fault": self.fault.slug(),
            "what": self.what,
            "causes": self.chain(),
            "next": self.next,
        })
    }

    /// Tells people of a failure that does not end the command.
    pub(crate) fn tell_of(&self, world: &World, subject: &str) {
        if !world.json() {
            voice::say(&self.lines(&format!("failed: {subject}")));
        }
    }

    /// The failure for people: what, why, and what to do.
    fn lines(&self, label: &str) -> String {
        let mut lines = format!("{}: {}", tame(label), tame(&self.what));
        for cause in self.chain() {
            lines += &format!("\n  because: {}", tame(&cause));
        }
        if let Some(next) = &self.next {
            lines += &format!("\n  next: {}", tame(next));
        }
        lines
    }

    fn chain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut cause = self
            .source
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static));
        while let Some(error) = cause {
            let line = error.to_string();
            if lines.last() != Some(&line) {
                lines.push(line);
            }
            cause = error.source();
        }
        lines
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static))
    }
}

/// Tells the failure on stderr: for people three kinds of lines, with `--json` one object.
pub fn report(world: &World, failure: &Failure) {
    match world.json() {
        true => voice::say(&json!({"error": failure.to_json()}).to_string()),
        false => voice::say(&failure.lines("error")),
    }
}
