//! Documents that are published beside the image: `--companion KIND=FILE`.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::companions::{Companion, CompanionKind, Form, MAX_COMPANION_BYTES, MAX_COMPANIONS};
use sealift_metadata::targets::TargetFile;
use sealift_repository::{Store, paths};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::builders::{BuilderArgs, Builders, Image};
use crate::failure::{Failure, Fault};
use crate::{World, faults, input};

#[derive(Args, Debug)]
pub(super) struct CompanionArgs {
    /// Document to publish beside the image: `provenance=FILE` for build provenance in a signed envelope, `sbom=FILE` for
    /// SPDX or CycloneDX; may be given several times
    #[arg(long, help_heading = "Companions", value_name = "KIND=FILE", value_parser = named)]
    companion: Vec<(CompanionKind, PathBuf)>,

    #[command(flatten)]
    builders: BuilderArgs,
}

fn named(text: &str) -> Result<(CompanionKind, PathBuf), String> {
    let (kind, path) = text.split_once('=').ok_or("KIND=FILE is expected")?;
    let kind = kind.parse().map_err(|error| format!("{error} before `=`"))?;
    match path.is_empty() {
        true => Err("a file is expected after `=`".to_owned()),
        false => Ok((kind, path.into())),
    }
}

/// Companions that were read and understood.
#[derive(Debug)]
pub(super) struct Attached {
    documents: Vec<Document>,
    builders: Builders,
}

#[derive(Debug)]
struct Document {
    path: PathBuf,
    companion: Companion,
    form: Form,
    bytes: Vec<u8>,
}

impl CompanionArgs {
    /// Reads them all; each has to be what its kind says.
    pub(super) fn load(&self, world: &World) -> Result<Attached, Failure> {
        let documents = self
            .companion
            .iter()
            .map(|(kind, path)| read(*kind, path.clone()));
        let mut documents = documents.collect::<Result<Vec<_>, _>>()?;
        // One order whatever the command line's: it is compared, and signed.
        documents.sort_by(|a, b| a.companion.cmp(&b.companion));
        documents.dedup_by(|a, b| a.companion == b.companion);
        if documents.len() > MAX_COMPANIONS {
            return Err(Failure::usage(format!(
                "{} companions are given, a target has {MAX_COMPANIONS} at most",
                documents.len()
            )));
        }
        Ok(Attached {
            documents,
            builders: self.builders.load(world)?,
        })
    }
}

fn read(kind: CompanionKind, path: PathBuf) -> Result<Document, Failure> {
    let bytes = input::read_capped(&path, MAX_COMPANION_BYTES)?;
    let form = Form::read(kind, &bytes).map_err(|error| {
        Failure::refused(format!("{} cannot be published as {kind}", path.display()))
            .because(error)
            .next("see docs/operating/ci-signing.md for what companions there are")
    })?;
    let companion = Companion {
        kind,
        sha256: Sha256::digest(&bytes).into(),
        length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        media_type: form.media_type(),
    };
    Ok(Document {
        path,
        companion,
        form,
        bytes,
    })
}

impl Attached {
    /// The bytes of each.
    pub(super) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.documents.iter().map(|document| document.bytes.as_slice())
    }

    /// The list for the signed entry; `None` when there is nothing to list.
    pub(super) fn to_value(&self) -> Option<Value> {
        let list: Vec<_> = self
            .documents
            .iter()
            .map(|document| document.companion.to_value())
            .collect();
        (!list.is_empty()).then(|| json!(list))
    }

    /// Whether an entry lists the same.
    pub(super) fn are_of(&self, file: &TargetFile) -> bool {
        let ours = self.documents.iter().map(|document| &document.companion);
        Companion::of_file(file).is_ok_and(|mut listed| {
            listed.sort();
            listed.iter().eq(ours)
        })
    }

    /// Fails unless all provenance is of this image, and by a builder that is believed.
    pub(super) fn suit(&self, image: Image<'_>) -> Result<(), Failure> {
        let signed = |document: &Document| matches!(document.form, Form::Provenance(..));
        if self.builders.are_known() && !self.documents.iter().any(signed) {
            let what = "no --companion is provenance that a --builder-key could have signed";
            return Err(Failure::refused(what)
                .next("give the builder's provenance=FILE, or go without --builder-key"));
        }
        for document in &self.documents {
            let verdict = self.builders.judge(&document.form, image);
            if let Some(problem) = verdict.problems.first() {
                let what = format!(
                    "{} does not go with this image: {problem}",
                    document.path.display()
                );
                return Err(Failure::refused(what)
                    .next("give the provenance that the builder made for these very bytes"));
            }
        }
        Ok(())
    }

    /// Fails unless the store has all of them.
    pub(super) async fn are_in(&self, store: &Store) -> Result<(), Failure> {
        for Document { companion, .. } in &self.documents {
            let path = paths::companion(&companion.sha256).map_err(faults::store)?;
            let size = store.size(&path).await.map_err(faults::store)?;
            if size != Some(companion.length) {
                let what = format!(
                    "the {} is listed, but {path} is missing or cut off",
                    companion.kind
                );
                return Err(Failure::new(Fault::NotFound, what)
                    .next("restore it from a backup: `sealift target verify` says which bytes it needs"));
            }
        }
        Ok(())
    }
}
