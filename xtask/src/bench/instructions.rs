//! Instructions a byte, counted by Callgrind: the same on a busy machine as on a quiet one, so that two versions can be
//! compared anywhere.
//!
//! Valgrind emulates a processor with AES-NI and AVX2 but without SHA extensions, VAES and AVX-512, so the programs take their
//! software paths for SHA-256 there. The counts compare versions of this code with each other, not with the clock.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::files::{self, PRIVATE, PUBLIC};
use super::meter::measure;
use crate::failure::Failure;

/// Two sizes, so that what every start costs drops out of the difference.
const SIZES_MIB: [u32; 2] = [1, 3];

/// What is counted together, and how the functions' names betray it; the first match counts.
const GROUPS: &[(&str, &[&str])] = &[
    ("SHA-256 of both sides", &["sha2"]),
    ("BLAKE3", &["blake3"]),
    (
        "AES-GCM",
        &[
            "aws_lc",
            "aes",
            "polyval",
            "ghash",
            "universal_hash",
            "ctr",
            "cipher",
        ],
    ),
    ("copies and fills", &["memcpy", "memmove", "memset"]),
];
const OTHERS: &str = "the rest";

/// A Markdown table, or `None`, with a reason on the terminal, where there is no Valgrind.
pub(super) fn table(binaries: &Path, dir: &Path) -> Result<Option<String>, Failure> {
    let valgrind = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if valgrind.is_err() {
        println!("bench: valgrind is not installed, instructions are not counted");
        return Ok(None);
    }
    files::make_keys(dir)?;
    let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).chain([OTHERS]).collect();
    let mut text = format!("| instructions a byte | {} | sum |\n", names.join(" | "));
    text.push_str(&"|---".repeat(names.len() + 2));
    text.push_str("|\n");
    for cipher in ["portable", "aws-lc"] {
        let [small, large] =
            SIZES_MIB.map(|size_mib| seal_and_open(&binaries.join("sealift"), dir, cipher, size_mib));
        let (small, large) = (small?, large?);
        for (what, small, large) in [("seal", &small[0], &large[0]), ("open", &small[1], &large[1])] {
            let bytes = f64::from(SIZES_MIB[1] - SIZES_MIB[0]) * 1_048_576.0;
            let of = |name: &str| (large.of(name) - small.of(name)) / bytes;
            let cells: Vec<String> = names.iter().map(|name| format!("{:.2}", of(name))).collect();
            let sum: f64 = names.iter().map(|name| of(name)).sum();
            // Writing into a String cannot fail.
            let _ = writeln!(text, "| {what}, {cipher} | {} | {sum:.2} |", cells.join(" | "));
        }
    }
    Ok(Some(text))
}

/// Counts of sealing and of opening an image of this size.
fn seal_and_open(sealift: &Path, dir: &Path, cipher: &str, size_mib: u32) -> Result<[Counts; 2], Failure> {
    files::make_image(&dir.join("plain"), size_mib)?;
    let seal = ["image", "seal", "--force", "--cipher", cipher, "--recipient"];
    let open = ["image", "open", "--force", "--cipher", cipher, "--key"];
    let sealed = counted(sealift, dir, &seal, [PUBLIC, "sealed", "plain"])?;
    let opened = counted(sealift, dir, &open, [PRIVATE, "opened", "sealed"])?;
    Ok([sealed, opened])
}

fn counted(
    sealift: &Path,
    dir: &Path,
    args: &[&str],
    [key, output, input]: [&str; 3],
) -> Result<Counts, Failure> {
    let profile = dir.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", profile.display()));
    command.arg(sealift).args(args).arg(dir.join(key)).arg("-o");
    command.arg(dir.join(output)).arg(dir.join(input));
    measure(&mut command)?;
    let text = fs::read_to_string(&profile).map_err(|error| Failure::at(profile.display(), error))?;
    Ok(Counts::parse(&text))
}

/// Instructions executed, by group.
#[derive(Debug, Default)]
struct Counts(HashMap<&'static str, f64>);

impl Counts {
    fn of(&self, group: &str) -> f64 {
        self.0.get(group).copied().unwrap_or_default()
    }

    /// Callgrind's own format: `fl=(id) name` names a file and `fn=(id) name` opens a function, later as `(id)` alone; a line
    /// that starts with a place and a number is the function's own cost; the line after `calls=` is what a call cost, which is
    /// counted where it was spent. A function without a name, as in assembly, goes by its file.
    fn parse(text: &str) -> Self {
        let mut counts = Self::default();
        let (mut files, mut functions) = (HashMap::new(), HashMap::new());
        let (mut file, mut current) = ("", OTHERS);
        let mut of_a_call = false;
        for line in text.lines() {
            if let Some((key @ ("fl" | "fi" | "fe" | "cfi" | "cfl"), value)) = line.split_once('=') {
                let name = resolve(&mut files, value);
                if key == "fl" {
                    file = name;
                }
            } else if let Some((key @ ("fn" | "cfn"), value)) = line.split_once('=') {
                let name = resolve(&mut functions, value);
                if key == "fn" {
                    current = group(if name.starts_with("0x") { file } else { name });
                }
            } else if line.starts_with("calls=") {
                of_a_call = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                let cost = line
                    .split_whitespace()
                    .nth(1)
                    .and_then(|cost| cost.parse::<f64>().ok());
                if !of_a_call {
                    *counts.0.entry(current).or_default() += cost.unwrap_or_default();
                }
                of_a_call = false;
            }
        }
        counts
    }
}

/// The name that `(id) name` gives to the id, or that it had before.
fn resolve<'a>(names: &mut HashMap<&'a str, &'a str>, value: &'a str) -> &'a str {
    let (id, name) = value.split_once(' ').unwrap_or((value, ""));
    names.entry(id).or_insert(name)
}

fn group(function: &str) -> &'static str {
    GROUPS
        .iter()
        .find(|(_, marks)| marks.iter().any(|mark| function.contains(mark)))
        .map_or(OTHERS, |(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_costs_are_counted_and_costs_of_calls_are_not() {
        let profile = "events: Ir\nfl=(1) main.rs\nfn=(1) main\n10 5\ncfi=(2) blake3.S\ncfn=(2) sha2::compress\n\
                       calls=2 20\n11 1000\n+3 7\n\nfl=(1)\nfn=(2)\n20 1000\n* 1\n\nfl=(1)\nfn=(3) aws_lc_0_1_aes\n30 9\n\n\
                       fl=(2)\nfn=(4) 0x00d1\n40 8\ntotals: 1030\n";
        let counts = Counts::parse(profile);
        assert!((counts.of(OTHERS) - 12.0).abs() < 1e-9);
        assert!((counts.of("SHA-256 of both sides") - 1001.0).abs() < 1e-9);
        assert!((counts.of("AES-GCM") - 9.0).abs() < 1e-9);
        assert!((counts.of("BLAKE3") - 8.0).abs() < 1e-9);
    }
}
