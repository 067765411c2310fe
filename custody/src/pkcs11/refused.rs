//! PINs that a token refused, known to all keys of that token in this process: each wrong one costs one of its few tries, no
//! matter for which key it was given.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cryptoki::slot::TokenInfo;

/// What a token has refused so far. Whoever logs in holds it meanwhile, so that no two keys try the same PIN side by side.
#[derive(Default)]
pub(super) struct Refused(Vec<u64>);

/// Manufacturer, model, serial number and label: the token itself, through whichever module it is seen.
type Token = [String; 4];

static TOKENS: Mutex<BTreeMap<Token, Arc<Mutex<Refused>>>> = Mutex::new(BTreeMap::new());

/// PINs are not kept: a keyed hash of 64 bits is enough to know one again.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What is known of this token.
pub(super) fn by(info: &TokenInfo) -> Arc<Mutex<Refused>> {
    let token = [
        info.manufacturer_id(),
        info.model(),
        info.serial_number(),
        info.label(),
    ];
    let mut tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(tokens.entry(token.map(str::to_owned)).or_default())
}

impl Refused {
    /// Whether this PIN was refused; `None` for what was typed at the token's own keypad.
    pub(super) fn has(&self, pin: Option<&str>) -> bool {
        self.0.contains(&HASHER.hash_one(pin))
    }

    pub(super) fn add(&mut self, pin: Option<&str>) {
        self.0.push(HASHER.hash_one(pin));
    }
}
