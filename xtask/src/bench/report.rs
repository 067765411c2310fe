//! The table, and its place in the documentation.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::meter::Cost;
use super::{files, serve};
use crate::failure::Failure;

const PAGE: &str = "docs/performance.md";

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

/// What was wanted of two rows, and what was found. A goal whose rows are missing is left out.
struct Goal {
    what: &'static str,
    row: &'static str,
    against: &'static str,
    of: fn(&Cost) -> f64,
    wanted: Wanted,
}

enum Wanted {
    AtMost(f64),
    AtLeast(f64),
}

const GOALS: &[Goal] = &[
    Goal {
        what: "seal, to `openssl dgst -sha256`",
        row: files::SEAL,
        against: files::LIMIT,
        of: |cost| cost.wall_seconds,
        wanted: Wanted::AtMost(1.35),
    },
    Goal {
        what: "verify and open, to `openssl dgst -sha256`",
        row: files::OPEN,
        against: files::LIMIT,
        of: |cost| cost.wall_seconds,
        wanted: Wanted::AtMost(1.25),
    },
    Goal {
        what: "`age -r` and `sha256sum` of both sides, to seal",
        row: files::AGE_AND_DIGESTS,
        against: files::SEAL,
        of: |cost| cost.wall_seconds,
        wanted: Wanted::AtLeast(2.5),
    },
    Goal {
        what: "serve, CPU seconds to nginx's",
        row: serve::SERVER,
        against: serve::LIMIT,
        of: |cost| cost.cpu_seconds,
        wanted: Wanted::AtMost(0.85),
    },
];

/// The goals as a Markdown table.
pub(super) fn goals(rows: &[Row]) -> String {
    let mut text = String::from("\n| goal | wanted | found |\n|---|---|---|\n");
    for goal in GOALS {
        let value = |name: &str| {
            rows.iter()
                .find(|row| row.name == name)
                .map(|row| (goal.of)(&row.cost))
        };
        let (Some(value), Some(base)) = (value(goal.row), value(goal.against)) else {
            continue;
        };
        let found = value / base;
        let (wanted, met) = match goal.wanted {
            Wanted::AtMost(limit) => (format!("≤ {limit}"), found <= limit),
            Wanted::AtLeast(limit) => (format!("≥ {limit}"), found >= limit),
        };
        let verdict = if met { "" } else { ", missed" };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "| {} | {wanted} | {found:.2}{verdict} |", goal.what);
    }
    text
}

/// Puts a text between the marks of this name on the page.
pub(super) fn write(root: &Path, mark: &str, text: &str) -> Result<(), Failure> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).map_err(|error| Failure::at(PAGE, error))?;
    let page = between(&page, mark, text)
        .ok_or_else(|| Failure::new(format!("{PAGE} has lost its marks `{mark}`")))?;
    fs::write(&path, page)?;
    Ok(())
}

fn between(page: &str, mark: &str, text: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- {mark}: begin -->\n"),
        format!("<!-- {mark}: end -->"),
    );
    let (head, rest) = page.split_once(&begin)?;
    let (_, tail) = rest.split_once(&end)?;
    Some(format!("{head}{begin}{text}{end}{tail}"))
}

/// Cores and model.
pub(super) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let model = cpus.lines().find_map(|line| {
        line.strip_prefix("model name")?
            .split_once(": ")
            .map(|(_, name)| name)
    });
    format!("{count} cores of {}", model.unwrap_or("an unnamed processor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, seconds: f64) -> Row {
        let cost = Cost {
            wall_seconds: seconds,
            cpu_seconds: seconds,
            peak_mib: 1.0,
        };
        Row::new(name, files::LIMIT, cost)
    }

    #[test]
    fn goals_say_what_was_met_and_what_was_missed() {
        let rows = [
            row(files::LIMIT, 1.0),
            row(files::SEAL, 1.3),
            row(files::OPEN, 1.3),
        ];
        let text = goals(&rows);
        assert!(text.contains("≤ 1.35 | 1.30 |"), "{text}");
        assert!(text.contains("≤ 1.25 | 1.30, missed |"), "{text}");
        assert!(
            !text.contains("nginx"),
            "what was not measured is not judged: {text}"
        );
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb <!-- y: begin -->";
        let written = between(page, "x", "new\n").unwrap();
        assert_eq!(
            written,
            "a\n<!-- x: begin -->\nnew\n<!-- x: end -->\nb <!-- y: begin -->"
        );
        assert!(between(page, "y", "new\n").is_none());
    }
}
