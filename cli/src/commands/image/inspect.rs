//! `sealift image inspect`: what a file says about itself. Nothing is opened and nothing is verified.

use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{Header, KeyBox, KeyFile, MAX_HEADER_LEN, MAX_KEY_FILE_LEN, Stanza};
use serde_json::{Value, json};
use std::io::Read;

use super::{extent, remote};
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::{World, faults, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Inspect {
    /// Sealed image, key file or key box, `-` for stdin
    #[arg(default_value = "-")]
    file: PathBuf,
}

impl Inspect {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        if let Some(address) = remote::address(&self.file) {
            let what = format!(
                "{} is an address, and only files are inspected",
                remote::shown(address)
            );
            return Err(Failure::usage(what).next("fetch its first 64 KiB and inspect those"));
        }
        let mut input = Input::open(&self.file)?;
        // Enough for any header and any key file; the body of an image is not read.
        let cap = MAX_HEADER_LEN.max(MAX_KEY_FILE_LEN) as u64;
        let mut bytes = Vec::new();
        (&mut input)
            .take(cap.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::file("read", &self.file, error))?;
        // A pipe whose end was read has a length, too.
        let found = bytes.len() as u64;
        let file_length = input.length().or((found <= cap).then_some(found));
        let shown = input::shown(&self.file);
        let fail = |what: &str| format!("{shown} is no {what} that can be read");
        if bytes.starts_with(b"SEALIFT\0") {
            let (header, _) =
                Header::parse(&bytes).map_err(|error| faults::format(fail("sealed image"), error))?;
            if let Some(mismatch) = file_length.and_then(|length| extent::mismatch(&header, length)) {
                world.warn(mismatch.told(&shown));
            }
            return image(world, &header, file_length);
        }
        if bytes.starts_with(b"SEALKEY\0") {
            let file = KeyFile::parse(&bytes).map_err(|error| faults::format(fail("key file"), error))?;
            let json = json!({
                "kind": "key file",
                "envelope_digest": file.envelope_digest().to_string(),
                "recipients": stanzas(file.stanzas()),
            });
            return output::show(world, &json, || {
                let facts = [
                    ("kind", "key file".to_owned()),
                    ("envelope", file.envelope_digest().to_string()),
                ];
                output::facts(&facts) + &recipients(file.stanzas())
            });
        }
        let key_box = KeyBox::parse(&bytes).map_err(|_| {
            Failure::refused(format!("{shown} is no sealed image, key file or key box"))
                .next("check that the right file was given and that it is whole")
        })?;
        let stanza = std::slice::from_ref(key_box.stanza());
        let json = json!({
            "kind": "key box",
            "envelope_digest": key_box.envelope_digest().to_string(),
            "recipients": stanzas(stanza),
        });
        output::show(world, &json, || {
            let facts = [
                ("kind", "key box".to_owned()),
                ("envelope", key_box.envelope_digest().to_string()),
            ];
            output::facts(&facts) + &recipients(stanza)
        })
    }
}

fn image(world: &World, header: &Header, file_length: Option<u64>) -> Result<(), Failure> {
    let digest = header.digest();
    let json = json!({
        "kind": "sealed image",
        "version": 1,
        "suite": "Cobblestone-256",
        "plain_length": header.plain_length(),
        "sealed_length": file_length,
        "announced_sealed_length": header.sealed_length(),
        "media_type": header.media_type(),
        "envelope_id": hex::encode(header.envelope_id()),
        "envelope_digest": header.envelope_digest().to_string(),
        "header": {"length": digest.length, "sha256": hex::encode(digest.sha256)},
        "recipients": stanzas(header.stanzas()),
    });
    output::show(world, &json, || {
        let unknown = || "not stated".to_owned();
        let facts = [
            ("kind", "sealed image, version 1, Cobblestone-256".to_owned()),
            (
                "plain bytes",
                header
                    .plain_length()
                    .map_or_else(unknown, |length| length.to_string()),
            ),
            (
                "sealed bytes",
                file_length.map_or_else(unknown, |length| length.to_string()),
            ),
            ("media type", header.media_type().to_owned()),
            ("envelope id", hex::encode(header.envelope_id())),
            ("envelope", header.envelope_digest().to_string()),
            ("header bytes", digest.length.to_string()),
            ("header sha256", hex::encode(digest.sha256)),
        ];
        output::facts(&facts) + &recipients(header.stanzas())
    })
}

fn stanzas(list: &[Stanza]) -> Value {
    list.iter()
        .map(|stanza| json!({"wrap": stanza.wrap().name(), "key_id": stanza.key_id().to_string()}))
        .collect()
}

fn recipients(list: &[Stanza]) -> String {
    if list.is_empty() {
        return "\nno recipients inside\n".to_owned();
    }
    let rows = list
        .iter()
        .map(|stanza| vec![stanza.wrap().name().to_owned(), stanza.key_id().to_string()]);
    format!("\n{}", output::table(&["wrap", "recipient key id"], rows))
}
