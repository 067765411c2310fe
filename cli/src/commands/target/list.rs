//! `sealift target list`.

use clap::Args;
use sealift_metadata::uptane::{self, ImageProfile};
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
        let mut rows = Vec::new();
        let mut list = Vec::new();
        for (path, file) in trusted.targets().role().targets() {
            // A target that another tool made has no profile; it is listed all the same, and no vehicle installs it.
            let profile = uptane::image_target(&trusted, path)
                .ok()
                .map(|target| target.profile().clone());
            rows.push(row(path.as_str(), file.length, profile.as_ref()));
            list.push(json!({
                "path": path.as_str(),
                "length": file.length,
                "sha256": file.hashes.sha256().map(hex::encode),
                "sealift": profile.as_ref().map(ImageProfile::to_value),
            }));
        }
        let json = json!({"targets_version": trusted.targets().version(), "targets": list});
        let header = ["path", "version", "counter", "protection", "hardware", "bytes"];
        output::show(world, &json, || output::table(&header, rows))
    }
}

fn row(path: &str, length: u64, profile: Option<&ImageProfile>) -> Vec<String> {
    let field = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let hardware = |profile: &ImageProfile| {
        profile
            .hardware_ids
            .iter()
            .map(|id| id.as_str())
            .collect::<Vec<_>>()
            .join(",")
    };
    vec![
        path.to_owned(),
        field(profile.map(|profile| profile.version.clone())),
        field(profile.map(|profile| profile.release_counter.to_string())),
        field(profile.map(|profile| profile.protection.as_str().to_owned())),
        field(profile.map(hardware)),
        length.to_string(),
    ]
}
