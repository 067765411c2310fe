//! Why metadata are not trusted.

use jiff::Timestamp as Instant;

use super::Attack;
use crate::document::FormatError;
use crate::ids::NameError;
use crate::threshold::ThresholdError;

/// A failed check, with the document it failed on and the attack it points to.
#[derive(Debug, thiserror::Error)]
#[error("{document} is refused ({attack})")]
pub struct TrustError {
    document: String,
    attack: Attack,
    #[source]
    fault: Fault,
}

/// What was wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The root that the client was given is unusable.
    #[error("the stored root is unusable; provision it again")]
    StoredRoot(#[source] Box<Self>),
    /// The bytes cannot be read.
    #[error("the document cannot be read")]
    Format(#[from] FormatError),
    /// Too few valid signatures.
    #[error("the document is not signed by the keys that must sign it")]
    Threshold(#[from] ThresholdError),
    /// A version below the trusted one.
    #[error("version {found} is offered, but version {trusted} is trusted already")]
    Older {
        /// Offered.
        found: u64,
        /// Trusted.
        trusted: u64,
    },
    /// A version other than the one announced.
    #[error("version {found} is offered where version {wanted} was announced")]
    OtherVersion {
        /// Offered.
        found: u64,
        /// Announced or asked for.
        wanted: u64,
    },
    /// A snapshot that no longer lists a document.
    #[error("{name} was listed before and is not any more")]
    Disappeared {
        /// The file name.
        name: String,
    },
    /// Bytes without the announced length or hashes.
    #[error("the bytes do not have the announced length and hashes")]
    OtherBytes,
    /// Expired.
    #[error("it expired at {expires}; the time is {now}")]
    Expired {
        /// Expiry.
        expires: Instant,
        /// The time of this cycle.
        now: Instant,
    },
    /// More bytes than allowed.
    #[error("more than the {limit} bytes that are allowed")]
    TooLong {
        /// The cap.
        limit: u64,
    },
    /// A file that must exist does not.
    #[error("the repository has no such file")]
    Missing,
    /// A delegated role of which the Snapshot says nothing.
    #[error("the Snapshot does not list it, so nobody knows which version is current")]
    NotListedInSnapshot,
    /// More delegated roles than are read for one target.
    #[error("it is one role more than the {limit} that are read for one target")]
    TooManyRoles {
        /// The cap.
        limit: usize,
    },
    /// More bytes of delegated roles than are read for one target.
    #[error("with it, more than {limit} bytes would be read for one target")]
    SearchTooLong {
        /// The cap.
        limit: u64,
    },
    /// Roles that have to agree about a target, and do not.
    #[error("fewer than {threshold} of the roles that have to agree say the same of target {path}")]
    NoAgreement {
        /// The target.
        path: String,
        /// How many have to say the same.
        threshold: usize,
    },
    /// Metadata of another vehicle.
    #[error("it is for vehicle {found:?}, and this is {wanted:?}")]
    OtherVehicle {
        /// As signed; empty when no vehicle is named.
        found: String,
        /// This vehicle.
        wanted: String,
    },
    /// Delegations where none may be.
    #[error("a Director must not delegate")]
    Delegations,
    /// An ECU that this vehicle does not have.
    #[error("ECU {0} is not part of this vehicle")]
    UnknownEcu(String),
    /// One ECU twice.
    #[error("ECU {0} is given more than one image")]
    DuplicateEcu(String),
    /// Hardware that does not fit.
    #[error("ECU {serial} is {found:?}, which is not what the image is for")]
    Hardware {
        /// The ECU.
        serial: String,
        /// Its hardware id.
        found: String,
    },
    /// The Director names an image that the Image repository does not have.
    #[error("the Image repository lists no target {0}")]
    UnknownTarget(String),
    /// The repositories disagree.
    #[error("the repositories disagree about {field} of target {path}")]
    Disagreement {
        /// The target.
        path: String,
        /// The field.
        field: &'static str,
    },
    /// A name that cannot be used.
    #[error("a name cannot be used")]
    Name(#[from] NameError),
    /// The state machine was used out of order.
    #[error("it was stepped after its end or without the answer it asked for")]
    OutOfOrder,
}

impl TrustError {
    pub(crate) fn new(document: impl Into<String>, attack: Attack, fault: impl Into<Fault>) -> Self {
        Self {
            document: document.into(),
            attack,
            fault: fault.into(),
        }
    }

    /// A document that cannot be read.
    pub(crate) fn format(document: &str, error: FormatError) -> Self {
        let attack = match &error {
            FormatError::WrongRole { .. }
            | FormatError::Key { .. }
            | FormatError::DuplicateSignature { .. } => Attack::BadSignature,
            FormatError::Name { .. } => Attack::InvalidName,
            _ => Attack::Malformed,
        };
        Self::new(document, attack, error)
    }

    pub(crate) fn threshold(document: &str, error: ThresholdError) -> Self {
        Self::new(document, Attack::BadSignature, error)
    }

    pub(crate) fn into_parts(self) -> (String, Attack, Fault) {
        (self.document, self.attack, self.fault)
    }

    /// The attack that this failure points to.
    #[must_use]
    pub const fn attack(&self) -> Attack {
        self.attack
    }

    /// The code of the attack, as it stands in reports.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.attack.code()
    }

    /// The document that was refused.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// What was wrong.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }
}
