//! `sealift key show`.

use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{PrivateKey, RecipientKey};
use sealift_metadata::signer::KeyFileError;
use sealift_metadata::{FileSigner, KeyType, PublicKey, Signer};
use serde_json::json;

use super::generate::Ids;
use super::held::{self, Proof};
use crate::failure::{Failure, Fault};
use crate::keys::Named;
use crate::outfile::{Overwrite, Secrecy};
use crate::passphrase::Unlock;
use crate::{World, keys, outfile, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Show {
    /// PEM file of a public or private key, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…), which has to prove itself
    #[arg(value_name = "FILE|URI")]
    file: PathBuf,

    /// Write the public half there, as PEM
    #[arg(short, long, value_name = "FILE.pub.pem")]
    output: Option<PathBuf>,

    #[command(flatten)]
    overwrite: Overwrite,

    #[command(flatten)]
    unlock: Unlock,
}

impl Show {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        if let Some(output) = &self.output {
            outfile::refuse_input(output, &[&self.file])?;
        }
        let named = Named::of(&self.file)?;
        let (proof, half, public_pem) = match &named {
            Named::Elsewhere(uri) => {
                let proven = held::prove(world, uri)?;
                (Some(proven.proof), "private", proven.public_pem)
            }
            Named::File(_) | Named::Variable(_) => {
                let pem = named.pem()?;
                match keys::is_private(&pem) {
                    true => (None, "private", self.public_half()?),
                    false => (None, "public", pem.to_string()),
                }
            }
        };
        let ids = Ids::of(&public_pem);
        let Some(kind) = kind(&public_pem) else {
            return Err(Failure::new(
                Fault::Key,
                format!("{} is no key that Sealift knows", self.file.display()),
            )
            .next("known are Ed25519, P-256, RSA and X-Wing keys in PEM form"));
        };
        let json = json!({
            "half": half,
            "held_elsewhere": proof.is_some(),
            "proven_by": proof.map(Proof::as_str),
            "type": kind,
            "tuf_key_id": ids.tuf,
            "recipient_key_id": ids.recipient,
            "public_pem": public_pem,
        });
        if let Some(path) = &self.output {
            outfile::write(path, public_pem.as_bytes(), Secrecy::Public, self.overwrite)?;
        }
        output::show(world, &json, || {
            let mut facts = vec![("type", format!("{kind} ({half})"))];
            facts.extend(ids.facts());
            facts.extend(proof.map(|proof| ("proven by", proof.as_str().to_owned())));
            let facts = output::facts(&facts);
            match proof.is_some() && self.output.is_none() {
                true => format!("{facts}\n{public_pem}"),
                false => facts,
            }
        })
    }

    fn public_half(&self) -> Result<String, Failure> {
        keys::private(&self.file, &self.unlock, "private", |pem, passphrase| {
            match PrivateKey::from_pkcs8_pem(pem, passphrase) {
                Ok(key) => Ok(key.public().to_pem()),
                Err(_) => Ok(FileSigner::from_pem(pem, passphrase)?.public().to_pem()?),
            }
            .map_err(|error: KeyFileError| error)
        })
    }
}

fn kind(public_pem: &str) -> Option<&'static str> {
    let by_recipient = RecipientKey::from_pem(public_pem).ok().map(|key| match key {
        RecipientKey::P256 { .. } => "P-256",
        RecipientKey::Rsa { .. } => "RSA",
        RecipientKey::XWing(_) => "X-Wing",
        _ => "other",
    });
    by_recipient.or_else(|| {
        PublicKey::from_pem(public_pem).ok().map(|key| match key.kind() {
            KeyType::Ed25519 => "Ed25519",
            KeyType::P256 => "P-256",
            KeyType::RsaPss => "RSA",
        })
    })
}
