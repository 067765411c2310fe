//! Results: a table or plain lines for people, one JSON document for machines, both on stdout.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::{Failure, Fault};
use crate::{World, voice};

/// Prints `json` with `--json`, else `plain`.
pub(crate) fn show(world: &World, json: &Value, plain: impl FnOnce() -> String) -> Result<(), Failure> {
    let text = if world.json() {
        format!("{json:#}\n")
    } else {
        plain()
    };
    write_stdout(&text)
}

/// Prints one line of a record with `--json`, nothing without.
pub(crate) fn event(world: &World, json: &Value) -> Result<(), Failure> {
    if world.json() {
        write_stdout(&format!("{json}\n"))?;
    }
    Ok(())
}

/// Prints a summary beside an artefact that went to stdout: the summary then goes to stderr.
pub(crate) fn show_beside(world: &World, json: &Value, plain: impl FnOnce() -> String) {
    if world.json() {
        voice::say(&json.to_string());
    } else if !world.quiet() {
        voice::say(plain().trim_end());
    }
}

fn write_stdout(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // The reader of the pipe has what it wanted (`sealift … | head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(Fault::LocalIo, "cannot write to stdout").because(error)),
        Ok(()) => Ok(()),
    }
}

/// A borderless table with a header line; empty rows give only the header.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    let mut text = table
        .lines()
        .map(|line| line.trim().to_owned() + "\n")
        .collect::<String>();
    if text.is_empty() {
        text.push('\n');
    }
    text
}

/// Aligned `name  value` lines.
pub(crate) fn facts(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    pairs
        .iter()
        .map(|(name, value)| format!("{name:width$}  {value}\n"))
        .collect()
}
