//! Sealift's own rules: its reader, asked.

use std::error::Error;

use crate::document::{Document, FormatError, Role};
use crate::preflight::Rule;
use crate::preflight::documents::role_of;
use crate::{Root, Snapshot, Targets, Timestamp};

pub(in crate::preflight) static READER: Rule = Rule {
    id: "reader",
    source: "docs/spec/uptane-profile.md",
    remedy: "correct the field that is named, and sign the document again",
    find: |documents| {
        let refused = documents.files().filter_map(|(name, file)| {
            let error = match role_of(name) {
                "root" => read::<Root>(&file.bytes),
                "timestamp" => read::<Timestamp>(&file.bytes),
                "snapshot" => read::<Snapshot>(&file.bytes),
                _ => read::<Targets>(&file.bytes),
            };
            error.err().map(|error| format!("{name}: {}", chain(&error)))
        });
        refused.collect()
    },
};

pub(in crate::preflight) static CASE_TWINS: Rule = Rule {
    id: "case-twins",
    source: "a store on a file system that ignores case has one file for both",
    remedy: "give the two targets names that differ in more than the case of letters",
    find: |documents| {
        let mut names: Vec<_> = documents
            .targets()
            .map(|item| (item.name.to_lowercase(), item.name))
            .collect();
        names.sort_unstable();
        names.dedup();
        let twins = names.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        twins
            .map(|pair| format!("{} and {}", pair[0].1, pair[1].1))
            .collect()
    },
};

fn read<R: Role>(bytes: &[u8]) -> Result<(), FormatError> {
    Document::<R>::parse(bytes).map(drop)
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
