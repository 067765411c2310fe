//! Errors of the libraries, sorted into exit codes.

use std::io;

use sealift_metadata::trust::TrustError;
use sealift_envelope::{FormatError, OpenError, SealError, UnwrapError};

use crate::failure::{Failure, Fault};

/// A malformed structure.
pub(crate) fn format(what: impl Into<String>, error: FormatError) -> Failure {
    Failure::refused(what).because(error)
}

/// Sealing failed.
pub(crate) fn seal(what: impl Into<String>, error: SealError) -> Failure {
    match error {
        SealError::Read(error) | SealError::Write(error) => local(what, error),
        SealError::Wrap(_) => Failure::new(Fault::Key, what).because(error),
        SealError::PlainLength { .. } => Failure::new(Fault::Conflict, what).because(error),
        _ => Failure::refused(what).because(error),
    }
}

/// Opening failed.
pub(crate) fn open(what: impl Into<String>, error: OpenError) -> Failure {
    match error {
        OpenError::Read(error) | OpenError::Write(error) => local(what, error),
        OpenError::Unwrap(error) => unwrap(what, error),
        OpenError::Range { .. } => Failure::refused(what).because(error),
        _ => Failure::refused(what).because(error).next("do not use any bytes of it; fetch the image again"),
    }
}

/// No content key.
pub(crate) fn unwrap(what: impl Into<String>, error: UnwrapError) -> Failure {
    match error {
        UnwrapError::Unavailable(_) => Failure::new(Fault::Unavailable, what).because(error),
        _ => Failure::new(Fault::Key, what).because(error),
    }
}

fn local(what: impl Into<String>, error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Fault::LocalIo, what).because(error).next("the reader of the pipe went away");
    }
    Failure::io(what, error)
}

/// Metadata failed verification.
pub(crate) fn trust(error: TrustError) -> Failure {
    Failure::refused(format!("the metadata do not verify: {}", error.code())).because(error)
}

/// A key of the wrong kind or damaged.
pub(crate) fn key(error: sealift_metadata::keys::KeyError) -> Failure {
    Failure::new(Fault::Key, "the key cannot be used").because(error)
}
