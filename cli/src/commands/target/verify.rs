//! `sealift target verify`: one image, from the first root to what its builder says of it.

mod bytes;
mod companions;

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::companions::{Companion, CompanionKind};
use sealift_metadata::ids::TargetPath;
use serde_json::json;

use self::companions::Checked;
use super::builders::BuilderArgs;
use crate::failure::Failure;
use crate::store::{self, RepositoryArgs};
use crate::{World, output};

#[derive(Args, Debug)]
#[command(after_help = "\
Everything is looked at and every problem named; with one or more, the exit code is 3. With --builder-key there must be \
provenance, signed by one of the keys. A Sigstore bundle is compared with its signed digest and not judged beyond that, so \
that it is no provenance in the sense of --require and --builder-key.")]
pub(in crate::commands) struct Verify {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Look at this file and not at the object in the store: the sealed object, or the image as it was before
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Kinds of companions that must be there and without a problem: `provenance`, `sbom`
    #[arg(long, help_heading = "Companions", value_name = "KIND,…", value_delimiter = ',', value_parser = kind)]
    require: Vec<CompanionKind>,

    #[command(flatten)]
    builders: BuilderArgs,

    /// Target path in the repository
    path: TargetPath,
}

/// What is wrong with something.
#[derive(Debug)]
struct Problem {
    subject: String,
    what: String,
}

fn kind(text: &str) -> Result<CompanionKind, String> {
    text.parse()
        .map_err(|error: sealift_metadata::companions::UnknownKind| error.to_string())
}

impl Verify {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let builders = self.builders.load(world)?;
        let connection = self.repository.connect_pinned(world).await?;
        let trusted = connection.walk(world).await?;
        let target = store::image_target(&trusted, &self.path)?;
        let mut problems = Vec::new();
        let mut say = |subject: &str, what: String| {
            problems.push(Problem {
                subject: subject.to_owned(),
                what,
            });
        };

        let looked_at = bytes::look(world, connection.store(), &target, self.file.as_deref()).await?;
        if let Err(what) = &looked_at {
            say("image", what.clone());
        }
        let mut checked = Vec::new();
        match Companion::of_file(target.file()) {
            Ok(list) => {
                for companion in list {
                    checked.push(Checked::new(connection.store(), companion, &target, &builders).await?);
                }
            }
            Err(error) => say("companions", format!("their list cannot be read: {error}")),
        }
        for companion in &checked {
            for problem in &companion.verdict.problems {
                say(&companion.subject(), problem.clone());
            }
        }
        for kind in CompanionKind::ALL {
            let demanded = kind == CompanionKind::Provenance && builders.are_known();
            let met = checked.iter().any(|companion| companion.meets(kind));
            if (demanded || self.require.contains(&kind)) && !met {
                say(kind.as_str(), "there is none that could be verified".to_owned());
            }
        }
        if !builders.are_known() && checked.iter().any(Checked::is_unsigned_word) {
            world.warn("no --builder-key: who signed the provenance was not looked at");
        }

        let list: Vec<_> = problems
            .iter()
            .map(|problem| json!({"subject": problem.subject, "what": problem.what}))
            .collect();
        let json = json!({
            "target": self.path.as_str(),
            "targets_version": trusted.targets().version(),
            "length": target.length(),
            "sha256": hex::encode(target.sha256()),
            "plain_sha256": hex::encode(target.profile().plain.sha256),
            "image": looked_at.as_ref().ok().map(|looked_at| looked_at.as_str()),
            "companions": checked.iter().map(Checked::json).collect::<Vec<_>>(),
            "problems": list,
        });
        output::show(world, &json, || {
            let image = looked_at.as_ref().map(|looked_at| looked_at.words().to_owned());
            let mut rows = vec![vec![
                "image".to_owned(),
                image.unwrap_or_else(|_| "refused".to_owned()),
            ]];
            rows.extend(
                checked
                    .iter()
                    .map(|companion| vec![companion.subject(), companion.words()]),
            );
            let mut text = output::table(&["what", "found"], rows);
            if !problems.is_empty() {
                let rows = problems
                    .iter()
                    .map(|problem| vec![problem.subject.clone(), problem.what.clone()]);
                text += "\n";
                text += &output::table(&["problem with", "what"], rows);
            }
            text
        })?;
        match problems.len() {
            0 => Ok(()),
            count => Err(
                Failure::refused(format!("{count} problems were found with {}", self.path))
                    .next("do not use this image before they are explained"),
            ),
        }
    }
}
