//! `sealift key show`.

use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{PrivateKey, RecipientKey};
use sealift_metadata::{PublicKey, Signer};
use serde_json::json;

use super::generate::Ids;
use crate::failure::{Failure, Fault};
use crate::passphrase::Unlock;
use crate::{World, keys, output};

#[derive(Args, Debug)]
pub(super) struct Show {
    /// PEM file of a public or private key
    file: PathBuf,

    #[command(flatten)]
    unlock: Unlock,
}

impl Show {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        let pem = keys::read_secret_text(&self.file)?;
        let half = if keys::is_private(&pem) { "private" } else { "public" };
        let public_pem = if keys::is_private(&pem) { self.public_half()? } else { pem.to_string() };
        let ids = Ids::of(&public_pem);
        if ids.tuf.is_none() && ids.recipient.is_none() {
            return Err(Failure::new(Fault::Key, format!("{} is no key that Sealift knows", self.file.display()))
                .next("known are Ed25519, P-256 and RSA keys in PEM form"));
        }
        let kind = kind(&public_pem);
        let json = json!({
            "half": half, "type": kind, "tuf_key_id": ids.tuf, "recipient_key_id": ids.recipient,
            "public_pem": public_pem,
        });
        output::show(world, &json, || {
            let mut facts = vec![("type", format!("{kind} ({half})"))];
            facts.extend(ids.facts());
            output::facts(&facts)
        })
    }

    fn public_half(&self) -> Result<String, Failure> {
        keys::private(&self.file, &self.unlock, "private", |pem, passphrase| {
            match PrivateKey::from_pkcs8_pem(pem, passphrase) {
                Ok(key) => Ok(key.public().to_pem()),
                Err(_) => sealift_metadata::FileSigner::from_pem(pem, passphrase)
                    .map(|signer| signer.public().to_pem()),
            }
        })
    }
}

fn kind(public_pem: &str) -> &'static str {
    match (RecipientKey::from_pem(public_pem), PublicKey::from_pem(public_pem)) {
        (Ok(RecipientKey::P256(_)), _) => "P-256",
        (Ok(RecipientKey::Rsa(_)), _) => "RSA",
        (Err(_), Ok(key)) => match key {
            PublicKey::Ed25519 { .. } => "Ed25519",
            _ => "signing key",
        },
        _ => "unknown",
    }
}
