//! What is told of a release: published, published before, or to be published.

use sealift_metadata::companions::Companion;
use sealift_metadata::targets::TargetFile;
use sealift_metadata::uptane::ImageProfile;
use serde_json::{Value, json};

use super::super::builders::Image;
use super::super::object::digest;
use super::Add;
use super::again::Listed;
use super::attached::Attached;
use crate::failure::Failure;
use crate::input::Input;
use crate::{World, output};

impl Add {
    /// What a published release is, in every case.
    pub(super) fn outcome(
        &self,
        file: &TargetFile,
        sha256: &[u8; 32],
        changed: bool,
        versions: &Value,
    ) -> Value {
        let custom = |field| file.custom.as_ref().and_then(|custom| custom.get(field)).cloned();
        json!({
            "target": self.path.as_str(),
            "changed": changed,
            "object": self.path.store_name(sha256),
            "length": file.length,
            "sha256": hex::encode(sha256),
            "sealift": custom(ImageProfile::FIELD),
            "companions": custom(Companion::FIELD).unwrap_or_else(|| json!([])),
            "versions": versions,
        })
    }

    /// The release was published before.
    pub(super) fn show_unchanged(
        &self,
        world: &World,
        Listed { file, sha256, .. }: &Listed,
        versions: &Value,
    ) -> Result<(), Failure> {
        let mut json = self.outcome(file, sha256, false, versions);
        json["dry_run"] = Value::from(self.dry_run);
        output::show(world, &json, || {
            output::facts(&[
                ("published before", self.path.to_string()),
                ("object", self.path.store_name(sha256)),
                ("stored bytes", file.length.to_string()),
                ("sha256", hex::encode(sha256)),
            ])
        })
    }

    /// The release could be published: everything was checked but what only sealing and sending can tell.
    pub(super) async fn rehearse(
        &self,
        world: &World,
        input: Input,
        attached: &Attached,
        versions: &Value,
    ) -> Result<(), Failure> {
        let file = match &input {
            Input::File(file, _) => Some(file),
            Input::Stream(_) => None,
        };
        // Refuses what does not belong together.
        let form = self.presealed.form(file, &self.options)?;
        let input = digest(world, input).await?;
        attached.suit(Image {
            plain: form
                .as_ref()
                .and_then(|(form, _)| form.plain())
                .unwrap_or(&input.sha256),
            object: &input.sha256,
        })?;
        let json = json!({
            "target": self.path.as_str(),
            "changed": true,
            "dry_run": true,
            "input": {"length": input.length, "sha256": hex::encode(input.sha256)},
            "companions": attached.to_value().unwrap_or_else(|| json!([])),
            "versions": versions,
        });
        output::show(world, &json, || {
            output::facts(&[
                ("would publish", self.path.to_string()),
                ("input bytes", input.length.to_string()),
                ("input sha256", hex::encode(input.sha256)),
            ])
        })
    }
}
