//! `sealift kek list`.

use std::collections::BTreeMap;

use clap::Args;
use sealift_envelope::KeyFile;
use sealift_metadata::uptane::{self, Protection};
use serde_json::json;

use crate::failure::Failure;
use crate::store::RepositoryArgs;
use crate::{World, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct List {
    #[command(flatten)]
    repository: RepositoryArgs,
}

impl List {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let connection = self.repository.connect(world).await?;
        let trusted = connection.walk(world).await?;
        let mut keks: BTreeMap<(String, &'static str), u64> = BTreeMap::new();
        let (mut sealed, mut missing) = (0_u64, 0_u64);
        let mut unreadable = Vec::new();
        for path in trusted.targets().role().targets().keys() {
            let Ok(target) = uptane::image_target(&trusted, path) else {
                continue;
            };
            if target.profile().protection != Protection::SealedV1 {
                continue;
            }
            sealed += 1;
            let Some(bytes) = connection.key_file(path, target.sha256()).await? else {
                missing += 1;
                continue;
            };
            let Ok(file) = KeyFile::parse(&bytes) else {
                unreadable.push(path.as_str());
                continue;
            };
            for stanza in file.stanzas() {
                *keks
                    .entry((stanza.key_id().to_string(), stanza.wrap().name()))
                    .or_default() += 1;
            }
        }
        let list: Vec<_> = keks
            .iter()
            .map(|((id, wrap), files)| json!({"key_id": id, "wrap": wrap, "key_files": files}))
            .collect();
        let json = json!({"sealed_targets": sealed, "without_key_file": missing, "unreadable": unreadable, "keks": list});
        output::show(world, &json, || {
            let rows = keks
                .iter()
                .map(|((id, wrap), files)| vec![id.clone(), (*wrap).to_owned(), files.to_string()]);
            let mut text = output::table(&["kek", "wrap", "key files"], rows);
            text += &format!("{sealed} sealed targets, {missing} without a key file\n");
            for path in &unreadable {
                text += &format!("UNREADABLE key file of {path}\n");
            }
            text
        })?;
        if unreadable.is_empty() {
            return Ok(());
        }
        Err(
            Failure::refused(format!("{} key files cannot be read", unreadable.len()))
                .next("restore them from a backup; nobody else has these wrapped keys"),
        )
    }
}
