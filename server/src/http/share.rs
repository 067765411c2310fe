//! How much of the server one caller may hold at once, so that none takes the place of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests under way, by caller.
#[derive(Debug)]
pub(crate) struct Shares {
    most: usize,
    held: Mutex<HashMap<String, usize>>,
}

/// One request under way.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    caller: String,
}

impl Shares {
    /// At most `most` requests of one caller.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// A place for one more request of `caller`, if it has one left.
    pub(crate) fn take(self: &Arc<Self>, caller: &str) -> Option<Share> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(caller.to_owned()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share {
            shares: Arc::clone(self),
            caller: caller.to_owned(),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_given_back_is_free_and_nobody_is_remembered() {
        let shares = Shares::new(1);
        let held = shares.take("a").unwrap();
        assert!(shares.take("a").is_none());
        assert!(shares.take("b").is_some(), "callers are apart");
        drop(held);
        assert!(shares.take("a").is_some());
        assert!(shares.held.lock().unwrap().is_empty());
    }
}
