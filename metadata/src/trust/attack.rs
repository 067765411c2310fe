//! Names of attacks, as they stand in ECU reports.

use std::fmt;

/// The attack that a failed check points to (Uptane 5.4.4.2, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Attack {
    /// Older metadata than before.
    Rollback,
    /// An older image than before.
    RollbackImage,
    /// Metadata that have expired.
    Freeze,
    /// Documents that do not belong together.
    MixAndMatch,
    /// Too few valid signatures, a wrong role, a key that is not what it says.
    BadSignature,
    /// A document that cannot be read.
    Malformed,
    /// An image that the repositories do not agree about, or bytes that are not the image.
    ArbitrarySoftware,
    /// More bytes than announced or allowed.
    EndlessData,
    /// More roles, roots or entries than allowed.
    Limit,
    /// Metadata of another vehicle.
    WrongVehicle,
    /// An ECU that this vehicle does not have, or one ECU twice.
    BadEcuId,
    /// An image for other hardware.
    WrongHardware,
    /// A name that could leave its directory.
    InvalidName,
    /// Plain bytes where sealed ones are required.
    EncryptionDowngrade,
    /// Sealed bytes that do not open.
    DecryptFailed,
    /// No usable instant.
    Time,
    /// A repository that does not answer or lacks a file it must have.
    Unreachable,
    /// Bytes that come too slowly.
    SlowRetrieval,
    /// A mirror that serves something else.
    BadMirror,
    /// Only part of a set was installed.
    PartialBundle,
    /// ECUs were shown different sets.
    MixedBundle,
    /// Images that must not be installed together.
    Conflict,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Rollback,
        Self::RollbackImage,
        Self::Freeze,
        Self::MixAndMatch,
        Self::BadSignature,
        Self::Malformed,
        Self::ArbitrarySoftware,
        Self::EndlessData,
        Self::Limit,
        Self::WrongVehicle,
        Self::BadEcuId,
        Self::WrongHardware,
        Self::InvalidName,
        Self::EncryptionDowngrade,
        Self::DecryptFailed,
        Self::Time,
        Self::Unreachable,
        Self::SlowRetrieval,
        Self::BadMirror,
        Self::PartialBundle,
        Self::MixedBundle,
        Self::Conflict,
    ];

    /// The attack that a code in a report stands for; other implementations may have more.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attack| attack.code() == code)
    }

    /// The code in reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::RollbackImage => "rollback_image",
            Self::Freeze => "freeze",
            Self::MixAndMatch => "mix_and_match",
            Self::BadSignature => "signature",
            Self::Malformed => "malformed",
            Self::ArbitrarySoftware => "arbitrary_software",
            Self::EndlessData => "endless_data",
            Self::Limit => "limit",
            Self::WrongVehicle => "replay_other_vehicle",
            Self::BadEcuId => "bad_ecu_id",
            Self::WrongHardware => "wrong_hardware",
            Self::InvalidName => "invalid_name",
            Self::EncryptionDowngrade => "encryption_downgrade",
            Self::DecryptFailed => "decrypt_failed",
            Self::Time => "time",
            Self::Unreachable => "unreachable",
            Self::SlowRetrieval => "slow_retrieval",
            Self::BadMirror => "bad_mirror",
            Self::PartialBundle => "partial_bundle",
            Self::MixedBundle => "mixed_bundle",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
