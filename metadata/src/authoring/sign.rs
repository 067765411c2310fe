//! Drafts, signatures, and gathering them.

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::AuthoringError;
use crate::canonical;
use crate::document::{Document, FormatError, Role, Verified};
use crate::fields::{Fields, wrong};
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
    pub(super) fn new(signed: Value) -> Result<Self, AuthoringError> {
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
    signatures.sort();
    let signatures: Vec<Value> = signatures
        .into_iter()
        .map(|(keyid, sig)| json!({"keyid": keyid, "sig": hex::encode(sig)}))
        .collect();
    Ok(json::to_vec(&json!({"signed": signed, "signatures": signatures})))
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
pub(super) fn check_length<R: Role>(bytes: &[u8], limits: &Limits) -> Result<(), AuthoringError> {
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

/// Merges the signatures of copies of one document, in any order. The first signature under a key id stays, unless it is empty.
///
/// # Errors
/// [`AuthoringError::DifferentDocuments`] if the signed parts differ; [`AuthoringError::Format`] if one cannot be read.
pub fn merge_signatures(documents: &[&[u8]]) -> Result<Vec<u8>, AuthoringError> {
    let mut merged: Option<Value> = None;
    let mut signatures: Vec<(String, String)> = Vec::new();
    for bytes in documents {
        let value = json::parse_strict(bytes).map_err(FormatError::from)?;
        let outer = Fields::of(&value, "document")?;
        crate::document::parse_signatures(&outer)?;
        for entry in outer.array("signatures", crate::document::MAX_SIGNATURES)? {
            let entry = Fields::of(entry, "signatures[]")?;
            let (keyid, sig) = (entry.string("keyid")?, entry.string("sig")?);
            match signatures.iter_mut().find(|(known, _)| known == keyid) {
                None => signatures.push((keyid.to_owned(), sig.to_owned())),
                Some((_, known)) if known.is_empty() => sig.clone_into(known),
                Some(_) => {}
            }
        }
        let signed = outer.required("signed")?;
        match &merged {
            None => merged = Some(signed.clone()),
            Some(first) if first == signed => {}
            Some(_) => return Err(AuthoringError::DifferentDocuments),
        }
    }
    let signed = merged.ok_or_else(|| wrong("document", "at least one document is expected"))?;
    signatures.sort();
    let signatures: Vec<Value> = signatures
        .into_iter()
        .map(|(keyid, sig)| json!({"keyid": keyid, "sig": sig}))
        .collect();
    Ok(json::to_vec(&json!({"signed": signed, "signatures": signatures})))
}
