//! `sealift repo show`.

use clap::Args;
use sealift_metadata::root::RoleName;
use sealift_metadata::trust::TrustedRepository;
use serde_json::json;

use crate::failure::Failure;
use crate::store::RepositoryArgs;
use crate::{World, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Show {
    #[command(flatten)]
    repository: RepositoryArgs,
}

impl Show {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let connection = self.repository.connect(world).await?;
        let trusted = connection.walk(world).await?;
        let address = connection.store().address();
        let id = connection.repository_id().as_str();
        let count = trusted.targets().role().targets().len();
        let root = trusted.root().role();
        let roles: Vec<_> = RoleName::ALL
            .iter()
            .map(|role| {
                let (version, expires) = state(&trusted, *role);
                let keys: Vec<String> = root.keys(*role).keyids().map(ToString::to_string).collect();
                (
                    role.as_str(),
                    version,
                    expires,
                    keys,
                    root.keys(*role).threshold(),
                )
            })
            .collect();
        let json = json!({
            "repository": address,
            "repository_id": id,
            "targets": count,
            "roles": roles.iter().map(|(role, version, expires, keys, threshold)| json!({
                "role": role, "version": version, "expires": expires, "key_ids": keys, "threshold": threshold,
            })).collect::<Vec<_>>(),
        });
        output::show(world, &json, || {
            let facts = [
                ("repository", address.clone()),
                ("repository id", id.to_owned()),
                ("targets", count.to_string()),
            ];
            let rows = roles.iter().map(|(role, version, expires, keys, threshold)| {
                vec![
                    (*role).to_owned(),
                    version.to_string(),
                    expires.to_string(),
                    format!("{threshold} of {}", keys.len()),
                    keys.iter()
                        .map(|id| id.chars().take(16).collect())
                        .collect::<Vec<String>>()
                        .join(" "),
                ]
            });
            let header = ["role", "version", "expires", "keys needed", "key ids"];
            format!("{}\n{}", output::facts(&facts), output::table(&header, rows))
        })
    }
}

fn state(trusted: &TrustedRepository, role: RoleName) -> (u64, jiff::Timestamp) {
    match role {
        RoleName::Root => (trusted.root().version(), trusted.root().expires()),
        RoleName::Targets => (trusted.targets().version(), trusted.targets().expires()),
        RoleName::Snapshot => (trusted.snapshot().version(), trusted.snapshot().expires()),
        RoleName::Timestamp => (trusted.timestamp().version(), trusted.timestamp().expires()),
    }
}
