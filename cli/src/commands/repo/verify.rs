//! `sealift repo verify`: the trust chain, and whether the store holds what it vouches for.

use clap::Args;
use futures::TryStreamExt;
use sealift_envelope::{KeyFile, SegmentAlg, SegmentHasher, SegmentSize};
use sealift_metadata::companions::Companion;
use sealift_metadata::uptane::{self, Protection, SegmentAlgorithm, VerifiedTarget};
use sealift_repository::companions::{self, Found};
use sealift_repository::{AllHashes, Object, StoreError, paths};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::quantum::{Quantum, Stanzas};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::store::{self, Connection, RepositoryArgs};
use crate::{World, faults, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Verify {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Read every object whole and compare its digests, not only its presence, length and header
    #[arg(long)]
    deep: bool,
}

/// What is wrong with one target.
#[derive(Debug)]
struct Finding {
    target: String,
    what: String,
}

impl Verify {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let connection = self.repository.connect_pinned(world).await?;
        let trusted = connection.walk(world).await?;
        let mut findings = Vec::new();
        let mut quantum = Quantum::default();
        let (mut bytes, mut checked) = (0_u64, 0_u64);
        for path in trusted.targets().role().targets().keys() {
            checked += 1;
            let found = match uptane::image_target(&trusted, path) {
                Ok(target) => {
                    bytes = bytes.saturating_add(target.length());
                    let stanzas = &mut Stanzas::default();
                    let found = self.target(world, &connection, &target, stanzas).await?;
                    if target.profile().protection == Protection::SealedV1 {
                        quantum.note(path.as_str(), stanzas);
                    }
                    found
                }
                Err(error) => vec![format!("its description cannot be read: {}", chain(&error))],
            };
            findings.extend(found.into_iter().map(|what| Finding {
                target: path.to_string(),
                what,
            }));
        }
        let list: Vec<_> = findings
            .iter()
            .map(|finding| json!({"target": finding.target, "what": finding.what}))
            .collect();
        let json = json!({
            "targets": checked,
            "bytes": bytes,
            "deep": self.deep,
            "findings": list,
            "post_quantum": quantum.json(),
            "targets_version": trusted.targets().version(),
        });
        output::show(world, &json, || {
            let rows = findings
                .iter()
                .map(|finding| vec![finding.target.clone(), finding.what.clone()]);
            let summary = format!(
                "{checked} targets, {bytes} bytes, {}: {} problems\n",
                if self.deep {
                    "read whole"
                } else {
                    "presence, length and header"
                },
                findings.len()
            );
            let summary = summary + &quantum.text();
            if findings.is_empty() {
                summary
            } else {
                output::table(&["target", "problem"], rows) + &summary
            }
        })?;
        if findings.is_empty() {
            return Ok(());
        }
        Err(Failure::refused(format!(
            "{} problems were found in the repository",
            findings.len()
        ))
        .next(
            "restore what is named from a backup, or publish it again: `sealift target add --replace` with a higher release counter",
        ))
    }

    async fn target(
        &self,
        world: &World,
        connection: &Connection,
        target: &VerifiedTarget,
        stanzas: &mut Stanzas,
    ) -> Result<Vec<String>, Failure> {
        let mut findings = Vec::new();
        let object_path = paths::target(target.path(), target.sha256()).map_err(faults::store)?;
        let Some(object) = connection
            .store()
            .open(&object_path)
            .await
            .map_err(faults::store)?
        else {
            return Ok(vec![format!("{object_path} is missing")]);
        };
        if object.size() != target.length() {
            return Ok(vec![format!(
                "{object_path} has {} bytes instead of {}",
                object.size(),
                target.length()
            )]);
        }
        findings.extend(segment_list(connection, target).await?);
        if target.profile().protection == Protection::SealedV1 {
            findings.extend(header_and_keys(connection, target, &object, stanzas).await?);
        }
        findings.extend(self.companions(connection, target).await?);
        if self.deep {
            findings.extend(deep(world, target, &object).await?);
        }
        Ok(findings)
    }

    /// What is published beside the image; what it says is for `target verify`.
    async fn companions(
        &self,
        connection: &Connection,
        target: &VerifiedTarget,
    ) -> Result<Vec<String>, Failure> {
        let list = match Companion::of_file(target.file()) {
            Ok(list) => list,
            Err(error) => return Ok(vec![format!("its companions cannot be read: {error}")]),
        };
        let (store, mut findings) = (connection.store(), Vec::new());
        for companion in list {
            let path = paths::companion(&companion.sha256).map_err(faults::store)?;
            let size = store.size(&path).await.map_err(faults::store)?;
            let signed = size == Some(companion.length)
                && (!self.deep
                    || matches!(
                        companions::get(store, &companion).await.map_err(faults::store)?,
                        Found::Signed(_)
                    ));
            if !signed {
                let kind = companion.kind;
                findings.push(match size {
                    None => format!("its {kind} {path} is missing"),
                    Some(_) => format!("its {kind} {path} is not the signed one"),
                });
            }
        }
        Ok(findings)
    }
}

async fn segment_list(connection: &Connection, target: &VerifiedTarget) -> Result<Option<String>, Failure> {
    let Some(segments) = target.profile().segments else {
        return Ok(None);
    };
    let path = paths::segments(&segments.sha256).map_err(faults::store)?;
    Ok(match connection.store().read(&path, segments.length).await {
        Ok(Some(stored)) if sha256(&stored.bytes) == segments.sha256 => None,
        Ok(Some(_)) | Err(StoreError::TooLarge { .. }) => {
            Some(format!("{path} is not the signed segment list"))
        }
        Ok(None) => Some(format!("{path} is missing")),
        Err(error) => return Err(faults::store(error)),
    })
}

/// The header decides which key opens the image; the key file is where Directors find theirs.
async fn header_and_keys(
    connection: &Connection,
    target: &VerifiedTarget,
    object: &Object,
    stanzas: &mut Stanzas,
) -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    let Some(signed) = target.profile().header else {
        return Ok(findings);
    };
    let Some(header) = store::header(object, &signed).await? else {
        return Ok(vec!["the object's header is not the signed one".to_owned()]);
    };
    stanzas.list.extend_from_slice(header.stanzas());
    match connection.key_file(target.path(), target.sha256()).await? {
        None => findings.push("its key file is missing: no Director can hand out key boxes".to_owned()),
        Some(bytes) => match KeyFile::parse(&bytes) {
            Ok(file) if file.envelope_digest() == header.envelope_digest() => {
                stanzas.list.extend_from_slice(file.stanzas());
                stanzas.complete = true;
            }
            Ok(_) => findings.push("its key file belongs to another image".to_owned()),
            Err(error) => findings.push(format!("its key file cannot be read: {error}")),
        },
    }
    Ok(findings)
}

async fn deep(world: &World, target: &VerifiedTarget, object: &Object) -> Result<Vec<String>, Failure> {
    let progress = Progress::bytes(world, "reading", Some(object.size()));
    let mut whole = AllHashes::new(target.file().hashes);
    let mut segments = target.profile().segments.and_then(|segments| {
        let alg = match segments.alg {
            SegmentAlgorithm::Blake3 => SegmentAlg::Blake3,
            SegmentAlgorithm::Sha256 => SegmentAlg::Sha256,
        };
        Some(SegmentHasher::new(alg, SegmentSize::new(segments.size).ok()?))
    });
    let mut stream = object.stream(0..object.size()).map_err(faults::store)?;
    let mut done = 0_u64;
    while let Some(piece) = stream.try_next().await.map_err(faults::store)? {
        whole.update(&piece);
        if let Some(hasher) = &mut segments {
            hasher
                .push(&piece)
                .map_err(|error| faults::format("the object has too many segments", error))?;
        }
        done = done.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        progress.set(done);
    }
    let mut findings = Vec::new();
    if !whole.fit() {
        findings.push("its bytes are not the signed ones".to_owned());
    } else if let (Some(hasher), Some(signed)) = (segments, target.profile().segments) {
        let list = hasher
            .finish()
            .map_err(|error| faults::format("the object has too many segments", error))?;
        if list.digest().sha256 != signed.sha256 {
            findings.push("its segment list does not describe its bytes".to_owned());
        }
    }
    Ok(findings)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
