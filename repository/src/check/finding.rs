//! What a check can find.

use std::fmt;

use sealift_metadata::preflight::{Effect, Found};
use sealift_metadata::trust::TrustedRepository;

use super::forecast::RoleState;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is wrong; space could be saved.
    Note,
    /// Something will go wrong, or cannot be done.
    Warning,
    /// Clients fail, now.
    Error,
}

/// What was found; the code is stable, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The metadata do not verify.
    Untrusted,
    /// A document has expired.
    Expired,
    /// A document expires soon.
    ExpiresSoon,
    /// A document expires so soon that it is an error not to have signed it.
    ExpiresTooSoon,
    /// A document is longer than a client reads.
    CapPassed,
    /// A document will soon be longer than a client reads.
    CapNear,
    /// A target's object is absent.
    MissingObject,
    /// A target's object has another length.
    WrongLength,
    /// A target's object or segment list has other bytes.
    WrongBytes,
    /// A target's segment list is absent or does not fit its object.
    BadSegments,
    /// A target is without the description that vehicles need, or it cannot be read.
    BadProfile,
    /// A sealed target has no key file, so no Director can open it for an ECU.
    NoKeyFile,
    /// The document of a delegated role is absent, or the Snapshot does not list it.
    MissingRole,
    /// The document of a delegated role does not verify.
    BadRole,
    /// A root on the way from the first to the current one is absent.
    MissingRoot,
    /// A versioned file that nothing names, newer than what is current.
    Leftover,
    /// An object or key file that no current target names.
    Unreferenced,
    /// A file in staging: a quarantined one, or the rest of an interrupted upload.
    Staging,
}

impl Code {
    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Leftover | Self::Unreferenced | Self::Staging => Severity::Note,
            Self::ExpiresSoon | Self::CapNear | Self::NoKeyFile | Self::BadProfile => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Expired => "expired",
            Self::ExpiresSoon => "expires-soon",
            Self::ExpiresTooSoon => "expires-too-soon",
            Self::CapPassed => "cap-passed",
            Self::CapNear => "cap-near",
            Self::MissingObject => "missing-object",
            Self::WrongLength => "wrong-length",
            Self::WrongBytes => "wrong-bytes",
            Self::BadSegments => "bad-segments",
            Self::BadProfile => "bad-profile",
            Self::NoKeyFile => "no-key-file",
            Self::MissingRole => "missing-role",
            Self::BadRole => "bad-role",
            Self::MissingRoot => "missing-root",
            Self::Leftover => "leftover",
            Self::Unreferenced => "unreferenced",
            Self::Staging => "staging",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// Where: a path inside the repository, or the name of a document or target.
    pub subject: String,
    /// The particulars.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {}: {}: {}",
            self.code.severity(),
            self.code.as_str(),
            self.subject,
            self.detail
        )
    }
}

/// What a check saw.
#[derive(Clone, Debug)]
pub struct Report {
    /// The repository, unless it did not verify.
    pub repository: Option<TrustedRepository>,
    /// Everything found, worst first.
    pub findings: Vec<Finding>,
    /// The four roles, and how they grew.
    pub roles: Vec<RoleState>,
    /// What the clients that count would stumble over.
    pub foreign: Vec<Found>,
}

impl From<Effect> for Severity {
    /// A client that gets nothing, or not everything, fails now; one that works otherwise than meant is warned of.
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Slow => Self::Note,
            Effect::Ignores | Effect::Widens => Self::Warning,
            _ => Self::Error,
        }
    }
}

impl Report {
    /// How bad the worst is that was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let findings = self.findings.iter().map(|finding| finding.code.severity());
        let foreign = self.foreign.iter().map(|found| found.effect.into());
        findings.chain(foreign).max()
    }

    /// Whether nothing is worse than a note.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.worst() <= Some(Severity::Note)
    }
}
