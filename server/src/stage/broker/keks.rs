//! The broker's key-encryption keys: the order in which they are tried, and how many callers may wait for each.

use super::BrokerError;
use crate::signing::HeldKek;
use crate::stage::error::error_chain;
use sealift_envelope::{Binding, ContentKey, Header, KeyFile, KeyId, UnwrapError, UnwrapKey};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Content keys that one key held elsewhere unwraps at once, at most.
const MAX_AT_ONCE: usize = 32;

/// A wrapped content key, and what proves it.
pub(super) struct Wrapped {
    pub(super) key_file: KeyFile,
    pub(super) header: Header,
    pub(super) binding: Binding,
}

/// All keys, those in memory first.
pub(super) struct Keks {
    keks: Vec<Kek>,
    patience: Duration,
}

struct Kek {
    key: Arc<dyn UnwrapKey + Send + Sync>,
    /// A token that hangs keeps its callers' threads for ever. What each may keep is bounded: the threads are everybody's. A
    /// key in memory keeps nobody waiting, and has no bound.
    room: Option<Arc<Semaphore>>,
}

impl Keks {
    /// For room at a key held elsewhere, a caller waits as long as `patience`.
    pub(super) fn new(keks: Vec<HeldKek>, patience: Duration) -> Self {
        let mut keks: Vec<_> = keks.into_iter().map(Kek::new).collect();
        // Otherwise in the order of the configuration. What a key in memory opens must never wait for a token.
        keks.sort_by_key(|kek| kek.room.is_some());
        Self { keks, patience }
    }

    pub(super) fn len(&self) -> usize {
        self.keks.len()
    }

    /// The content key, by the first of our keys that opens it. One that fails keeps none of the others from trying. Of several
    /// failures the first is told, but one out of reach before all others: that one may open it when it is asked again.
    pub(super) async fn unwrap(&self, wrapped: Wrapped) -> Result<ContentKey, BrokerError> {
        let wrapped = Arc::new(wrapped);
        let (mut first, mut out_of_reach) = (None, None);
        // Nobody waits for room at a key that is no recipient.
        for kek in self.keks.iter().filter(|kek| wrapped.is_for(kek.key.key_id())) {
            let error = match kek.unwrap(&wrapped, self.patience).await {
                Ok(key) => return Ok(key),
                Err(error) => error,
            };
            tracing::warn!(kek = %kek.key.key_id(), error = error_chain(&error), "key-encryption key failed");
            match error {
                BrokerError::OutOfReach(_) | BrokerError::Busy | BrokerError::Gone => {
                    out_of_reach.get_or_insert(error)
                }
                _ => first.get_or_insert(error),
            };
        }
        Err(out_of_reach
            .or(first)
            .unwrap_or(BrokerError::NoKek(self.keks.len())))
    }
}

impl Kek {
    fn new(kek: HeldKek) -> Self {
        match kek {
            HeldKek::InMemory(key) => Self {
                key: key.into(),
                room: None,
            },
            HeldKek::Elsewhere(key) => Self {
                key: key.into(),
                room: Some(Arc::new(Semaphore::new(MAX_AT_ONCE))),
            },
        }
    }

    async fn unwrap(&self, wrapped: &Arc<Wrapped>, patience: Duration) -> Result<ContentKey, BrokerError> {
        let permit = match &self.room {
            Some(room) => Some(enter(room, patience).await?),
            None => None,
        };
        let (key, wrapped) = (Arc::clone(&self.key), Arc::clone(wrapped));
        // Private-key operations take milliseconds, those of a token or key service seconds: not on a thread that serves
        // requests.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            wrapped.unwrap(&*key)
        })
        .await
        .map_err(|_| BrokerError::Gone)?
    }
}

/// Waits for room. A slow token that many ask at once answers all of them; one that hangs makes nobody wait for long.
async fn enter(room: &Arc<Semaphore>, patience: Duration) -> Result<OwnedSemaphorePermit, BrokerError> {
    let permit = tokio::time::timeout(patience, Arc::clone(room).acquire_owned()).await;
    permit.ok().and_then(Result::ok).ok_or(BrokerError::Busy)
}

impl Wrapped {
    fn is_for(&self, key: KeyId) -> bool {
        self.key_file
            .stanzas()
            .iter()
            .any(|stanza| stanza.key_id() == key)
    }

    fn unwrap(&self, key: &dyn UnwrapKey) -> Result<ContentKey, BrokerError> {
        let unwrapped = self.key_file.unwrap_with(key, &self.binding);
        let key = unwrapped.map_err(|error| match error {
            UnwrapError::Unavailable(_) => BrokerError::OutOfReach(error),
            other => BrokerError::Unwrap(other),
        })?;
        // What another key unwraps may be the content key still, where this stanza is a forged one.
        self.header.check_key(&key).map_err(BrokerError::Commitment)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_there_is_no_room_a_caller_waits_for_it() {
        let room = Arc::new(Semaphore::new(0));
        let leaves = async {
            // Not before one without patience has given up.
            let _ = enter(&Arc::new(Semaphore::new(0)), Duration::ZERO).await;
            room.add_permits(1);
        };
        let (entered, ()) = tokio::join!(biased; enter(&room, Duration::from_secs(3600)), leaves);
        assert!(entered.is_ok());
        assert_eq!(room.available_permits(), 0);
    }

    #[tokio::test]
    async fn no_caller_waits_for_ever() {
        let room = Arc::new(Semaphore::new(0));
        let entered = enter(&room, Duration::ZERO).await;
        assert!(matches!(entered, Err(BrokerError::Busy)));
    }
}
