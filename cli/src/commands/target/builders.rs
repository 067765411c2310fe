//! Whose build provenance is believed, and what is to be said against a companion.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::companions::{Form, Provenance};
use sealift_metadata::{KeyId, PublicKey};

use crate::failure::Failure;
use crate::voice::tame;
use crate::{World, keys};

#[derive(Args, Debug)]
pub(super) struct BuilderArgs {
    /// Public key of a builder: there must be provenance, signed by it; may be given several times for any of them
    #[arg(long, help_heading = "Companions", value_name = "PUB.pem")]
    builder_key: Vec<PathBuf>,

    /// URI that provenance must name as its builder
    #[arg(
        long,
        help_heading = "Companions",
        value_name = "URI",
        requires = "builder_key"
    )]
    builder_id: Option<String>,
}

impl BuilderArgs {
    pub(super) fn load(&self, world: &World) -> Result<Builders, Failure> {
        let keys = self.builder_key.iter();
        let keys = keys.map(|path| keys::verification_key(world, path));
        Ok(Builders {
            keys: keys.collect::<Result<_, _>>()?,
            id: self.builder_id.clone(),
        })
    }
}

/// The builders that are believed; without keys, no signature is judged.
#[derive(Debug)]
pub(super) struct Builders {
    keys: Vec<PublicKey>,
    id: Option<String>,
}

/// What provenance may be about: the image before it was sealed, and after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image<'a> {
    pub(super) plain: &'a [u8; 32],
    pub(super) object: &'a [u8; 32],
}

/// What was found out about a companion.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Which of the image's digests it names.
    pub(super) subject: Option<&'static str>,
    pub(super) builder_id: Option<String>,
    /// The key whose signature was verified.
    pub(super) signed_by: Option<KeyId>,
    /// What speaks against it.
    pub(super) problems: Vec<String>,
}

impl Builders {
    /// Whether signatures are judged.
    pub(super) fn are_known(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Looks at everything that can be judged here.
    pub(super) fn judge(&self, form: &Form, image: Image<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let Form::Provenance(envelope, provenance) = form else {
            return verdict;
        };
        verdict.subject = image.subject_of(provenance);
        if verdict.subject.is_none() {
            let what = "it is of another image: no subject has the plain or the sealed SHA-256 of this one";
            verdict.problems.push(what.to_owned());
        }
        let builder_id = provenance.builder_id();
        verdict.builder_id = Some(builder_id.to_owned());
        if let Some(wanted) = self.id.as_deref().filter(|wanted| *wanted != builder_id) {
            let what = format!("its builder is {}, not {wanted}", tame(builder_id));
            verdict.problems.push(what);
        }
        if self.are_known() {
            verdict.signed_by = envelope.signed_by(&self.keys).map(|key| key.keyid().clone());
            if verdict.signed_by.is_none() {
                verdict.problems.push("no --builder-key has signed it".to_owned());
            }
        }
        verdict
    }
}

impl Image<'_> {
    fn subject_of(&self, provenance: &Provenance) -> Option<&'static str> {
        let plain = provenance.is_of(self.plain).then_some("plain");
        plain.or(provenance.is_of(self.object).then_some("sealed"))
    }
}
