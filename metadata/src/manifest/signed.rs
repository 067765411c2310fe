//! A payload with its one signature entry of five parts: key id, method, hash function, hash, signature.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{EcuReport, ManifestError};
use crate::canonical;
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::EcuSerial;
use crate::keys::PublicKey;
use crate::signer::{SignError, Signer, sign_checked};

/// A payload as parsed, with its signature entry: an ECU's report, or the manifest around the reports. Unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReport {
    value: Value,
    keyid: String,
    method: String,
    hash: [u8; 32],
    sig: Vec<u8>,
}

impl SignedReport {
    /// Reads `{"signed": …, "signatures": [ONE]}`.
    ///
    /// # Errors
    /// [`FormatError`] naming the field that is wrong.
    pub fn parse(value: &Value) -> Result<Self, FormatError> {
        let outer = Fields::of(value, "manifest")?;
        outer.only(&["signed", "signatures"])?;
        let [entry] = outer.array("signatures", 1)? else {
            return Err(wrong(outer.at("signatures"), "exactly one signature is expected"));
        };
        Fields::of(outer.required("signed")?, outer.at("signed"))?;
        let entry = Fields::of(entry, outer.at("signatures[]"))?;
        let hash = entry.object("hash")?;
        if hash.string("function")? != "sha256" {
            return Err(wrong(hash.at("function"), "sha256 is expected"));
        }
        let short = |name: &str| -> Result<String, FormatError> {
            match entry.string(name)? {
                text if text.len() <= 128 => Ok(text.to_owned()),
                _ => Err(wrong(entry.at(name), "at most 128 bytes are expected")),
            }
        };
        let sig = entry.string("sig")?;
        Ok(Self {
            keyid: short("keyid")?,
            method: short("method")?,
            hash: hash.digest("value")?,
            sig: hex::decode(sig).map_err(|_| wrong(entry.at("sig"), "hexadecimal is expected"))?,
            value: value.clone(),
        })
    }

    /// The payload.
    #[must_use]
    pub fn signed(&self) -> &Value {
        &self.value["signed"]
    }

    /// The whole, as parsed.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Compact JSON of the whole.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::json::to_vec(&self.value)
    }

    /// Verifies all five parts with the key that is registered for `ecu`.
    ///
    /// # Errors
    /// [`ManifestError`] naming the part that is wrong.
    pub fn verify(&self, ecu: &EcuSerial, registered: &PublicKey) -> Result<(), ManifestError> {
        if self.keyid != registered.keyid().as_str() {
            return Err(ManifestError::OtherKey {
                ecu: ecu.clone(),
                found: self.keyid.clone(),
                registered: registered.keyid().to_string(),
            });
        }
        let wanted = registered.kind().scheme();
        if self.method != wanted {
            return Err(ManifestError::OtherMethod {
                ecu: ecu.clone(),
                found: self.method.clone(),
                wanted,
            });
        }
        let message = canonical::to_vec(self.signed());
        if <[u8; 32]>::from(Sha256::digest(&message)) != self.hash {
            return Err(ManifestError::OtherHash(ecu.clone()));
        }
        registered
            .verify(&message, &self.sig)
            .map_err(|source| ManifestError::Signature {
                ecu: ecu.clone(),
                source,
            })
    }

    /// Signs a payload.
    pub(super) async fn sign(payload: Value, signer: &dyn Signer) -> Result<Self, SignError> {
        let message = canonical::to_vec(&payload);
        let hash: [u8; 32] = Sha256::digest(&message).into();
        let sig = sign_checked(signer, &message).await?;
        let (keyid, method) = (
            signer.public().keyid().to_string(),
            signer.public().kind().scheme().to_owned(),
        );
        let entry = json!({
            "keyid": keyid,
            "method": method,
            "hash": {"function": "sha256", "value": hex::encode(hash)},
            "sig": hex::encode(&sig),
        });
        Ok(Self {
            value: json!({"signed": payload, "signatures": [entry]}),
            keyid,
            method,
            hash,
            sig,
        })
    }
}

/// Signs one ECU's report with that ECU's key.
///
/// # Errors
/// [`ManifestError`] if the report has a field that nobody would read, or the signer fails.
pub async fn sign_report(report: &EcuReport, signer: &dyn Signer) -> Result<SignedReport, ManifestError> {
    Ok(SignedReport::sign(report.to_value()?, signer).await?)
}
