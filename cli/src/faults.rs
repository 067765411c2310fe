//! Errors of the libraries, sorted into exit codes.

use std::io;

use sealift_custody::{CustodyError, Fault as Holder};
use sealift_envelope::{FormatError, OpenError, SealError, UnwrapError};
use sealift_metadata::trust::{Fault as TrustFault, TrustError};
use sealift_repository::{StoreError, UploadError, UrlError, WalkError};

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
        SealError::PlainLength { .. } => Failure::new(Fault::Conflict, what)
            .because(error)
            .next("the input changed while it was read; run the command again when nobody writes to it"),
        SealError::OtherPlaintext => Failure::new(Fault::Conflict, what).because(error),
        _ => Failure::refused(what).because(error),
    }
}

/// Opening failed.
pub(crate) fn open(what: impl Into<String>, error: OpenError) -> Failure {
    match error {
        OpenError::Read(error) => local(what, error),
        OpenError::Write(error) => local("cannot write the opened image", error),
        OpenError::Unwrap(error) => unwrap(what, error),
        OpenError::Range { .. } => Failure::usage(what).because(error),
        // The error says what to do itself.
        OpenError::Format(
            FormatError::Version { .. }
            | FormatError::Suite(_)
            | FormatError::Wrap(_)
            | FormatError::Magic { .. },
        ) => Failure::refused(what).because(error),
        _ => Failure::refused(what)
            .because(error)
            .next("do not use any bytes of it; fetch the image again"),
    }
}

/// No content key.
pub(crate) fn unwrap(what: impl Into<String>, error: UnwrapError) -> Failure {
    match error {
        UnwrapError::Unavailable(source) => match source.downcast::<CustodyError>() {
            Ok(error) => custody(what, *error),
            Err(source) => Failure::new(Fault::Unavailable, what).because(UnwrapError::Unavailable(source)),
        },
        _ => Failure::new(Fault::Key, what).because(error),
    }
}

/// A key that is held elsewhere cannot be used. The error says itself what to do.
pub(crate) fn custody(what: impl Into<String>, error: CustodyError) -> Failure {
    Failure::new(holder(error.fault()), what).because(error)
}

fn holder(fault: Holder) -> Fault {
    match fault {
        Holder::Settings => Fault::Usage,
        Holder::NotFound => Fault::NotFound,
        Holder::Pin | Holder::Unable => Fault::Key,
        Holder::Denied => Fault::Denied,
        _ => Fault::Unavailable,
    }
}

/// Something could not be signed: the fault of the holder of the key if one speaks, else of the keys.
pub(crate) fn signing(
    what: impl Into<String>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    let mut cause = Some(&error as &(dyn std::error::Error + 'static));
    let mut fault = Fault::Key;
    while let Some(error) = cause {
        if let Some(held) = error.downcast_ref::<CustodyError>() {
            fault = holder(held.fault());
        }
        cause = error.source();
    }
    Failure::new(fault, what).because(error)
}

fn local(what: impl Into<String>, error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Fault::LocalIo, what)
            .because(error)
            .next("the reader of the pipe went away");
    }
    Failure::io(what, error)
}

/// Metadata failed verification.
pub(crate) fn trust(error: TrustError) -> Failure {
    let older = matches!(error.fault(), TrustFault::Older { .. });
    let failure = Failure::refused(format!("the metadata do not verify: {}", error.code())).because(error);
    match older {
        false => failure,
        true => failure.next(
            "ask who set the store back; if it was restored on purpose, remove what is remembered of it (--memory, by \
             default sealift/memory in the user's state directory)",
        ),
    }
}

/// A key of the wrong kind or damaged.
pub(crate) fn key(error: sealift_metadata::keys::KeyError) -> Failure {
    Failure::new(Fault::Key, "the key cannot be used").because(error)
}

/// The store failed.
pub(crate) fn store(error: StoreError) -> Failure {
    let (fault, next) = match &error {
        StoreError::AlreadyExists { .. } | StoreError::Stale { .. } => {
            (Fault::Conflict, "run the command again")
        }
        StoreError::NotFound { .. } => (Fault::NotFound, "check the repository with `sealift repo verify`"),
        StoreError::TooLarge { .. } | StoreError::Truncated { .. } | StoreError::BadPath { .. } => {
            (Fault::Refused, "check the repository with `sealift repo verify`")
        }
        StoreError::Denied { .. } => (Fault::Denied, "check the credentials and permissions"),
        StoreError::Io { .. } => (
            Fault::LocalIo,
            "free some space or repair the disk, then run the command again",
        ),
        StoreError::IgnoresConditions { .. } => (
            Fault::Refused,
            "use a store that supports conditional writes, or two publishers would undo each other",
        ),
        _ => (
            Fault::Unavailable,
            "nothing is half-published; run the command again when the store answers",
        ),
    };
    Failure::new(fault, "the repository's store failed")
        .because(error)
        .next(next)
}

/// The walk over the store failed.
pub(crate) fn walk(error: WalkError) -> Failure {
    match error {
        WalkError::Trust(error) => trust(error),
        WalkError::Store { source, .. } => store(source),
        other => Failure::new(Fault::Other, "the repository cannot be walked").because(other),
    }
}

/// An upload failed.
pub(crate) fn upload(error: UploadError) -> Failure {
    match error {
        UploadError::Store { source, .. } => store(source),
        UploadError::Mismatch { .. } | UploadError::Changed { .. } => {
            Failure::new(Fault::Conflict, "the input changed while it was read")
                .because(error)
                .next("run the command again when nobody writes to the input; nothing was published")
        }
        other => Failure::new(Fault::Unavailable, "the upload failed")
            .because(other)
            .next("run the command again; nothing was published"),
    }
}

/// A repository address that cannot be used.
pub(crate) fn url(error: UrlError) -> Failure {
    Failure::usage("the repository's address cannot be used").because(error)
}
