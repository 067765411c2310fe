//! Drafts and signing them.

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::AuthoringError;
use crate::canonical;
use crate::document::{Document, Role, Verified};
use crate::json;
use crate::signer::{Signer, sign_checked};
use crate::threshold::RoleKeys;
use crate::trust::Limits;

/// The signed part of a document that nobody has signed yet. It reads as its role: a client would understand it.
#[derive(Debug, Clone)]
pub struct Draft<R> {
    signed: Value,
    role: PhantomData<R>,
}

impl<R: Role> Draft<R> {
    pub(crate) fn new(signed: Value) -> Result<Self, AuthoringError> {
        if !json::is_strict(&signed) {
            return Err(AuthoringError::NotStrict);
        }
        let unsigned = json::to_vec(&json!({"signed": &signed, "signatures": []}));
        Document::<R>::parse(&unsigned)?;
        Ok(Self {
            signed,
            role: PhantomData,
        })
    }

    /// The part to be signed.
    #[must_use]
    pub const fn signed(&self) -> &Value {
        &self.signed
    }

    /// Signs with every signer given, whether or not that is enough: for roles whose signatures are gathered.
    ///
    /// # Errors
    /// [`AuthoringError::Sign`] if a signer fails.
    pub async fn sign_some(&self, signers: &[&dyn Signer]) -> Result<Vec<u8>, AuthoringError> {
        sign_document(&self.signed, signers).await
    }

    /// Signs, reads the result back and verifies it against the keys of its role.
    ///
    /// # Errors
    /// [`AuthoringError`] if a signer fails or the signers are not enough.
    pub async fn sign(&self, keys: &RoleKeys, signers: &[&dyn Signer]) -> Result<Vec<u8>, AuthoringError> {
        let bytes = self.sign_some(signers).await?;
        complete::<R>(&bytes, &[keys])?;
        Ok(bytes)
    }
}

/// Signs a signed part with every signer given and returns the document, one signature per key.
///
/// # Errors
/// [`AuthoringError`] if the value has no canonical form or a signer fails.
pub async fn sign_document(signed: &Value, signers: &[&dyn Signer]) -> Result<Vec<u8>, AuthoringError> {
    if !json::is_strict(signed) {
        return Err(AuthoringError::NotStrict);
    }
    let message = canonical::to_vec(signed);
    let mut signatures: Vec<(String, Vec<u8>)> = Vec::new();
    for signer in signers {
        let keyid = signer.public().keyid().to_string();
        if signatures.iter().all(|(known, _)| *known != keyid) {
            signatures.push((keyid, sign_checked(*signer, &message).await?));
        }
    }
    Ok(write_document(signed, signatures))
}

/// The bytes of a document, its signatures in the order of their key ids.
pub(super) fn write_document(
    signed: &Value,
    signatures: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Vec<u8> {
    let mut signatures: Vec<(String, Vec<u8>)> = signatures.into_iter().collect();
    signatures.sort();
    let signatures: Vec<Value> = signatures
        .into_iter()
        .map(|(keyid, sig)| json!({"keyid": keyid, "sig": hex::encode(sig)}))
        .collect();
    json::to_vec(&json!({"signed": signed, "signatures": signatures}))
}

/// Verifies a document whose signatures were gathered: against its role's keys, for a root those of the last root too, and
/// against the cap of the clients of an Image repository.
///
/// # Errors
/// [`AuthoringError::Threshold`] says how many signatures are still missing.
pub fn complete<R: Role>(bytes: &[u8], keys: &[&RoleKeys]) -> Result<Verified<R>, AuthoringError> {
    check_length::<R>(bytes, &Limits::IMAGE)?;
    let document = Document::<R>::parse(bytes)?;
    let (last, others) = keys.split_last().ok_or(AuthoringError::RoleMissing(R::TYPE))?;
    for keys in others {
        document.check(keys)?;
    }
    Ok(document.verify(last)?)
}

/// Refuses a document that clients with these caps would not read to its end.
pub(crate) fn check_length<R: Role>(bytes: &[u8], limits: &Limits) -> Result<(), AuthoringError> {
    let limit = match R::TYPE {
        "root" => limits.root,
        "timestamp" => limits.timestamp,
        "snapshot" => limits.snapshot,
        _ => limits.targets,
    };
    let length = bytes.len();
    if u64::try_from(length).is_ok_and(|length| length <= limit) {
        return Ok(());
    }
    Err(AuthoringError::TooLarge {
        role: R::TYPE,
        length,
        limit,
    })
}
