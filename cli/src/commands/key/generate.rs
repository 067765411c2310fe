//! `sealift key generate`, and the making of keys for `kek create`, `director init` and `vehicle provision`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sealift_envelope::{PrivateKey, RecipientKey};
use sealift_metadata::{FileSigner, KeyType, PublicKey, Signer};
use serde_json::json;
use zeroize::Zeroizing;

use crate::failure::{Failure, Fault};
use crate::outfile::{self, Overwrite, Secrecy};
use crate::passphrase::{Passphrase, Protect};
use crate::world::SystemRng;
use crate::{World, output};

/// What to make. One kind of file for one kind of key; never use the same key to sign and to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum Kind {
    /// Signs: TUF's default
    Ed25519,
    /// Signs (ECDSA) or opens (HPKE)
    P256,
    /// Signs (RSA-PSS) or opens (RSA-OAEP), 3072 bits
    #[value(name = "rsa-3072", alias = "rsa")]
    Rsa3072,
    /// As rsa-3072 with 4096 bits
    #[value(name = "rsa-4096")]
    Rsa4096,
    /// Opens (HPKE), against quantum computers as well
    #[value(name = "x-wing", alias = "xwing")]
    XWing,
}

#[derive(Args, Debug)]
pub(in crate::commands) struct NewKeyArgs {
    /// Private key file; the public half goes to the same name ending in .pub.pem
    #[arg(short, long, value_name = "FILE.pem")]
    out: PathBuf,

    #[command(flatten)]
    protect: Protect,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl NewKeyArgs {
    pub(in crate::commands) fn run(self, kind: Kind, world: &mut World) -> Result<(), Failure> {
        let public = public_name(&self.out);
        outfile::refuse_existing(&self.out, self.overwrite)?;
        outfile::refuse_existing(&public, self.overwrite)?;
        let passphrase = self.protect.for_new_key(&self.out)?;
        let key = NewKey::generate(kind, world.rng())?;
        key.write(&self.out, passphrase.as_ref(), self.overwrite, world.rng())?;
        let ids = key.ids()?;
        let json = json!({
            "private": self.out.display().to_string(),
            "public": public.display().to_string(),
            "encrypted": passphrase.is_some(),
            "tuf_key_id": ids.tuf,
            "recipient_key_id": ids.recipient,
        });
        output::show(world, &json, || {
            let mut facts = vec![
                ("private key", self.out.display().to_string()),
                ("public key", public.display().to_string()),
            ];
            facts.extend(ids.facts());
            output::facts(&facts)
        })
    }
}

/// `release.pem` has its public half in `release.pub.pem`; other names get `.pub.pem` appended.
pub(in crate::commands) fn public_name(private: &Path) -> PathBuf {
    match private.extension() {
        Some(extension) if extension == "pem" => private.with_extension("pub.pem"),
        _ => outfile::with_suffix(private, "pub.pem"),
    }
}

/// A fresh private key, not yet on disk.
#[derive(Debug)]
pub(in crate::commands) enum NewKey {
    /// An Ed25519 key.
    Signing(Box<FileSigner>),
    /// A P-256 or RSA key, which may sign or open, or an X-Wing key, which opens.
    Either(PrivateKey),
}

/// The ids under which a key is known.
#[derive(Debug)]
pub(in crate::commands) struct Ids {
    pub(in crate::commands) tuf: Option<String>,
    pub(in crate::commands) recipient: Option<String>,
}

impl Ids {
    /// Of a public key in PEM form, whatever it can be used for.
    pub(in crate::commands) fn of(public_pem: &str) -> Self {
        let tuf = PublicKey::from_pem(public_pem)
            .ok()
            .map(|key| key.keyid().to_string());
        let recipient = RecipientKey::from_pem(public_pem)
            .ok()
            .map(|key| key.key_id().to_string());
        Self { tuf, recipient }
    }

    pub(in crate::commands) fn facts(&self) -> Vec<(&'static str, String)> {
        let tuf = self.tuf.clone().map(|id| ("TUF key id", id));
        let recipient = self.recipient.clone().map(|id| ("recipient key id", id));
        tuf.into_iter().chain(recipient).collect()
    }
}

impl NewKey {
    pub(in crate::commands) fn generate(kind: Kind, rng: &mut SystemRng) -> Result<Self, Failure> {
        let failed = || Failure::new(Fault::Key, "cannot make the key");
        Ok(match kind {
            Kind::Ed25519 => Self::Signing(Box::new(
                FileSigner::generate(KeyType::Ed25519, rng).map_err(|e| failed().because(e))?,
            )),
            Kind::P256 => Self::Either(PrivateKey::generate_p256(rng)),
            Kind::Rsa3072 => {
                Self::Either(PrivateKey::generate_rsa(rng, 3072).map_err(|e| failed().because(e))?)
            }
            Kind::Rsa4096 => {
                Self::Either(PrivateKey::generate_rsa(rng, 4096).map_err(|e| failed().because(e))?)
            }
            Kind::XWing => Self::Either(PrivateKey::generate_x_wing(rng).map_err(|e| failed().because(e))?),
        })
    }

    /// The private half as PKCS#8 PEM, encrypted when a passphrase is given.
    pub(in crate::commands) fn private_pem(
        &self,
        passphrase: Option<&Passphrase>,
        rng: &mut SystemRng,
    ) -> Result<Zeroizing<String>, Failure> {
        let passphrase = passphrase.map(Passphrase::as_bytes);
        let failed = || Failure::new(Fault::Key, "cannot encode the private key");
        match self {
            Self::Signing(signer) => signer
                .to_pkcs8_pem(passphrase, rng)
                .map_err(|e| failed().because(e)),
            Self::Either(key) => key.to_pkcs8_pem(passphrase, rng).map_err(|e| failed().because(e)),
        }
    }

    /// The public half as SPKI PEM.
    pub(in crate::commands) fn public_pem(&self) -> Result<String, Failure> {
        match self {
            Self::Signing(signer) => signer
                .public()
                .to_pem()
                .map_err(|error| Failure::new(Fault::Key, "cannot encode the public key").because(error)),
            Self::Either(key) => Ok(key.public().to_pem()),
        }
    }

    pub(in crate::commands) fn ids(&self) -> Result<Ids, Failure> {
        Ok(Ids::of(&self.public_pem()?))
    }

    /// Writes both halves, the private one first.
    pub(in crate::commands) fn write(
        &self,
        private: &Path,
        passphrase: Option<&Passphrase>,
        overwrite: Overwrite,
        rng: &mut SystemRng,
    ) -> Result<(), Failure> {
        let pem = self.private_pem(passphrase, rng)?;
        outfile::write(private, pem.as_bytes(), Secrecy::Private, overwrite)?;
        outfile::write(
            &public_name(private),
            self.public_pem()?.as_bytes(),
            Secrecy::Public,
            overwrite,
        )
    }
}
