//! Gathering signatures: copies of one draft come back from its signers in any order; what verifies is kept, the rest named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::AuthoringError;
use super::sign::write_document;
use crate::canonical;
use crate::document::{FormatError, MAX_SIGNATURES, Signature, signature_keyid};
use crate::fields::Fields;
use crate::json;
use crate::keys::{KeyId, PublicKey};
use crate::threshold::{self, RoleKeys, ThresholdError};

/// What one signature of one copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It verifies, and brings a set of keys nearer to its threshold.
    Counts,
    /// It verifies, but the threshold was reached without it. It is kept.
    Surplus,
    /// A good signature of the same key is there already.
    Duplicate,
    /// No key that may sign this draft, or none whose scheme is supported here, has this id.
    Foreign,
    /// It is by a key that may sign, and does not verify.
    Wrong,
    /// It stands under another draft: an older one, or one that somebody has changed.
    OtherDraft,
}

/// One signature of one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Which of the copies given, from 0.
    pub copy: usize,
    /// The key id as written in it.
    pub keyid: String,
    /// What the signature is worth.
    pub standing: Standing,
}

/// A set of keys that has not signed often enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Name of the set.
    pub role: String,
    /// Its threshold.
    pub needed: u32,
    /// How many of its keys have signed.
    pub found: usize,
    /// The keys that have not.
    pub may_sign: Vec<KeyId>,
}

/// A draft with every good signature that the copies held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// The document. The same signatures give the same bytes, whatever order they came in.
    pub document: Vec<u8>,
    /// Every signature that was looked at, in the order of the copies.
    pub signatures: Vec<Judged>,
    /// What is still missing; nothing when the document is complete.
    pub missing: Vec<Missing>,
}

/// Gathers the signatures over `signed` from copies of the draft. Every one of `sets` has to reach its threshold: a root has
/// two, the keys of the last root and its own.
///
/// # Errors
/// [`AuthoringError::Copy`] for a copy that is no document.
pub fn gather(signed: &Value, copies: &[&[u8]], sets: &[&RoleKeys]) -> Result<Gathered, AuthoringError> {
    let mut gathering = Gathering {
        message: canonical::to_vec(signed),
        sets,
        signed_by: vec![BTreeSet::new(); sets.len()],
        kept: BTreeMap::new(),
    };
    let mut signatures = Vec::new();
    for (copy, bytes) in copies.iter().enumerate() {
        let value = json::parse_strict(bytes)
            .map_err(FormatError::from)
            .map_err(|source| AuthoringError::Copy { copy, source })?;
        let (over, entries) = read_copy(&value).map_err(|source| AuthoringError::Copy { copy, source })?;
        for (keyid, sig) in entries {
            let standing = match over == signed {
                true => gathering.judge(keyid, sig),
                false => Standing::OtherDraft,
            };
            signatures.push(Judged {
                copy,
                keyid: keyid.to_owned(),
                standing,
            });
        }
    }
    let missing = gathering.missing();
    Ok(Gathered {
        document: write_document(signed, gathering.kept),
        signatures,
        missing,
    })
}

/// A signature as it stands: key id and hexadecimal digits.
type Entry<'a> = (&'a str, &'a str);

/// The signed part of a copy and its signatures, twice under one key id too: that is named, not refused.
fn read_copy(value: &Value) -> Result<(&Value, Vec<Entry<'_>>), FormatError> {
    let outer = Fields::of(value, "document")?;
    let mut entries = Vec::new();
    for entry in outer.array("signatures", MAX_SIGNATURES)? {
        let entry = Fields::of(entry, "signatures[]")?;
        entries.push((signature_keyid(&entry)?, entry.string("sig")?));
    }
    Ok((outer.required("signed")?, entries))
}

struct Gathering<'a> {
    message: Vec<u8>,
    sets: &'a [&'a RoleKeys],
    /// For each set the identities of its keys that have signed.
    signed_by: Vec<BTreeSet<[u8; 32]>>,
    kept: BTreeMap<String, Vec<u8>>,
}

impl Gathering<'_> {
    fn judge(&mut self, keyid: &str, sig: &str) -> Standing {
        let Some(key) = self.sets.iter().find_map(|set| key_of(set, keyid)) else {
            return Standing::Foreign;
        };
        let Some(sig) = hex::decode(sig)
            .ok()
            .filter(|sig| key.verify(&self.message, sig).is_ok())
        else {
            return Standing::Wrong;
        };
        if let Some(kept) = self.kept.get_mut(keyid) {
            // Of two good ones, which some schemes make each time anew, the order of the copies must not decide.
            if sig < *kept {
                *kept = sig;
            }
            return Standing::Duplicate;
        }
        let identity = key.identity();
        let mut counts = false;
        for (set, signed_by) in self.sets.iter().zip(&mut self.signed_by) {
            if key_of(set, keyid).is_some() {
                let open = u32::try_from(signed_by.len()).is_ok_and(|found| found < set.threshold().get());
                counts |= signed_by.insert(identity) && open;
            }
        }
        self.kept.insert(keyid.to_owned(), sig);
        match counts {
            true => Standing::Counts,
            false => Standing::Surplus,
        }
    }

    /// The verdict of the one place that counts, for every set.
    fn missing(&self) -> Vec<Missing> {
        let signatures: Vec<Signature> = self
            .kept
            .iter()
            .map(|(keyid, sig)| Signature {
                keyid: keyid.clone(),
                sig: Some(sig.clone()),
            })
            .collect();
        let mut missing = Vec::new();
        for set in self.sets {
            if let Err(ThresholdError::NotMet { role, found, needed }) =
                threshold::verify(&self.message, &signatures, set)
            {
                let open = |key: &&PublicKey| !self.kept.contains_key(key.keyid().as_str());
                missing.push(Missing {
                    role,
                    needed,
                    found,
                    may_sign: set.keys().filter(open).map(|key| key.keyid().clone()).collect(),
                });
            }
        }
        missing
    }
}

fn key_of<'a>(set: &'a RoleKeys, keyid: &str) -> Option<&'a PublicKey> {
    set.keys().find(|key| key.keyid().as_str() == keyid)
}
