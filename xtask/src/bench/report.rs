//! The table, and its place in the documentation.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::Args;
use super::meter::Cost;
use crate::failure::Failure;

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->";

/// The median of one candidate, and the candidate that it is compared with.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    against: &'static str,
    cost: Cost,
}

impl Row {
    pub(super) fn new(name: &str, against: &'static str, cost: Cost) -> Self {
        Self {
            name: name.to_owned(),
            against,
            cost,
        }
    }
}

/// The rows as a Markdown table.
pub(super) fn table(rows: &[Row], size_mib: u32) -> String {
    let gib = f64::from(size_mib) / 1024.0;
    let mut text = String::from(
        "| what | seconds | GB/s | ratio | CPU-s/GiB | CPU ratio | peak MiB |\n|---|---|---|---|---|---|---|\n",
    );
    for Row { name, against, cost } in rows {
        let base = rows
            .iter()
            .find(|row| row.name == *against)
            .map_or(*cost, |row| row.cost);
        let rate = f64::from(size_mib) * 1_048_576.0 / cost.wall_seconds / 1e9;
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {rate:.2} | {:.2} | {:.2} | {:.2} | {:.0} |",
            cost.wall_seconds,
            cost.wall_seconds / base.wall_seconds,
            cost.cpu_seconds / gib,
            cost.cpu_seconds / base.cpu_seconds,
            cost.peak_mib,
        );
    }
    text
}

/// Puts the table between the marks of the page.
pub(super) fn write(root: &Path, table: &str, args: &Args) -> Result<(), Failure> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).map_err(|error| Failure::at(PAGE, error))?;
    let (head, rest) = page
        .split_once(BEGIN)
        .ok_or_else(|| Failure::new(format!("{PAGE} has lost its marks")))?;
    let (_, tail) = rest
        .split_once(END)
        .ok_or_else(|| Failure::new(format!("{PAGE} has lost its marks")))?;
    let machine = machine();
    let what = format!(
        "{} MiB, median of {}, {machine}. Ratios: to `openssl dgst -sha256`, and to nginx.",
        args.size_mib, args.runs
    );
    fs::write(&path, format!("{head}{BEGIN}{what}\n\n{table}{END}{tail}"))?;
    Ok(())
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let model = cpus.lines().find_map(|line| {
        line.strip_prefix("model name")?
            .split_once(": ")
            .map(|(_, name)| name)
    });
    format!("{count} cores of {}", model.unwrap_or("an unnamed processor"))
}
