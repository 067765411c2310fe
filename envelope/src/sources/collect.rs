//! Bodies with a cap.

use std::error::Error as StdError;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};

use super::SourceError;

/// Exactly `asked` bytes of a body. A longer one is left as soon as it shows; no more than `asked` bytes are ever held.
pub(super) async fn collect<E: StdError + Send + Sync + 'static>(
    body: impl Stream<Item = Result<Bytes, E>>,
    asked: usize,
) -> Result<Bytes, SourceError> {
    let mut body = std::pin::pin!(body);
    let mut collected = BytesMut::with_capacity(asked);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| SourceError::Client(error.into()))?;
        let got = collected.len() + piece.len();
        if got > asked {
            return Err(length(asked, got));
        }
        collected.extend_from_slice(&piece);
    }
    match collected.len() == asked {
        true => Ok(collected.freeze()),
        false => Err(length(asked, collected.len())),
    }
}

pub(super) fn length(asked: usize, got: usize) -> SourceError {
    SourceError::Length {
        asked: asked as u64,
        got: got as u64,
    }
}
