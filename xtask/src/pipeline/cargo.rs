//! Steps that are mostly one call of cargo.

use std::process::Command;

use super::shell::Shell;
use super::steps::Done;
use super::tools;
use crate::failure::Failure;

/// The fuzz targets are a workspace of their own, so cargo has to be sent there.
pub(super) const FUZZ_MANIFEST: &str = "fuzz/Cargo.toml";

pub(super) fn format(shell: &Shell) -> Result<Done, Failure> {
    shell.run("cargo", &["fmt", "--all", "--check"])?;
    shell.run("cargo", &["fmt", "--manifest-path", FUZZ_MANIFEST, "--check"])?;
    Ok(Done::one("workspace and fuzz targets are formatted"))
}

pub(super) fn tidy(shell: &Shell) -> Result<Done, Failure> {
    let printed = shell.run("cargo", &["xtask", "tidy"])?;
    Ok(Done::one(printed.lines().last().unwrap_or_default()))
}

pub(super) fn lint(shell: &Shell) -> Result<Done, Failure> {
    shell.run(
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    )?;
    // The workspace builds these with every feature; an ECU, or a build without tokens, has fewer.
    for (package, features) in [
        ("sealift-envelope", ""),
        ("sealift-envelope", "async"),
        ("sealift-custody", ""),
    ] {
        let lib = ["clippy", "--package", package, "--lib", "--no-default-features"];
        let rest = ["--features", features, "--", "-D", "warnings"];
        shell.run("cargo", &[&lib[..], &rest].concat())?;
    }
    Ok(Done::Passed {
        said:
            "clippy has nothing to say about any target, nor about envelope and custody with fewer features"
                .to_owned(),
        checks: 4,
    })
}

pub(super) fn generated(shell: &Shell) -> Result<Done, Failure> {
    let mut checks = 0;
    for chore in ["keys", "behaviours", "vectors", "corpus"] {
        shell.run("cargo", &["xtask", chore, "--check"])?;
        checks += 1;
    }
    Ok(Done::Passed {
        said: "demonstration keys, list of behaviours, vectors and fuzz seeds are up to date".to_owned(),
        checks,
    })
}

pub(super) fn tests(shell: &Shell) -> Result<Done, Failure> {
    let mut command = Command::new("cargo");
    let nextest = Shell::has("cargo", &["nextest", "--version"]);
    // The suites start the real binaries, which cargo does not build for tests of another package.
    shell.run("cargo", &["build", "--workspace", "--bins"])?;
    if nextest {
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--status-level",
            "fail",
        ]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    tools::peer_environment(shell, &mut command);
    let printed = shell.finish(command)?;
    let checks = if nextest {
        nextest_passed(&printed)
    } else {
        harness_passed(&printed)
    };
    let runner = if nextest { "nextest" } else { "cargo test" };
    Ok(Done::Passed {
        said: format!("{checks} tests by {runner}"),
        checks,
    })
}

pub(super) fn doc_tests(shell: &Shell) -> Result<Done, Failure> {
    let printed = shell.run("cargo", &["test", "--workspace", "--doc"])?;
    let checks = harness_passed(&printed);
    Ok(Done::Passed {
        said: format!("{checks} examples"),
        checks,
    })
}

/// Images beyond 32 bits of length, on disk and into an object store, in a release build: bounded memory is a promise about
/// those.
pub(super) fn big(shell: &Shell) -> Result<Done, Failure> {
    shell.run(
        "cargo",
        &["build", "--release", "--package", "sealift-cli", "--bins"],
    )?;
    let mut command = Command::new("cargo");
    command
        .args([
            "test",
            "--package",
            "sealift-tests",
            "--test",
            "it",
            "big_",
            "--",
            "--nocapture",
        ])
        .env("SEALIFT_BIG", "1")
        .env("SEALIFT_BIN_DIR", shell.root().join("target/release"));
    let printed = shell.finish(command)?;
    let peaks: Vec<&str> = printed.lines().filter(|line| line.contains(": peak ")).collect();
    Ok(Done::Passed {
        said: format!("4 GiB + 1 on disk, 5 GiB + 1 into a store: {}", peaks.join(", ")),
        checks: harness_passed(&printed),
    })
}

pub(super) fn doc(shell: &Shell) -> Result<Done, Failure> {
    let mut command = Command::new("cargo");
    command
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    shell.finish(command)?;
    Ok(Done::one("built, no warning"))
}

pub(super) fn deny(shell: &Shell) -> Result<Done, Failure> {
    if !Shell::has("cargo", &["deny", "--version"]) {
        let why =
            "cargo-deny is not installed (`cargo install cargo-deny --locked` takes minutes)".to_owned();
        return Ok(Done::LeftOut { why });
    }
    shell.run(
        "cargo",
        &["deny", "--workspace", "check", "bans", "licenses", "sources"],
    )?;
    // The advisories live in a repository that a machine without the open network cannot fetch.
    let advisories = shell.run("cargo", &["deny", "--workspace", "check", "advisories"]);
    let said = match advisories {
        Ok(_) => "advisories, bans, licences and sources are as deny.toml allows",
        Err(failure) if failure.to_string().contains("failed to fetch advisory database") => {
            "bans, licences and sources are as deny.toml allows; advisories NOT checked, their database cannot be fetched"
        }
        Err(failure) => return Err(failure),
    };
    Ok(Done::one(said))
}

pub(super) fn clean(shell: &Shell) -> Result<Done, Failure> {
    let (Some(before), Some(after)) = (shell.status_before(), shell.git_status()) else {
        return Ok(Done::LeftOut {
            why: "not a git checkout".to_owned(),
        });
    };
    if before == after {
        return Ok(Done::one("git sees the same tree as before the run"));
    }
    let new: Vec<&str> = after
        .lines()
        .filter(|line| !before.lines().any(|old| old == *line))
        .collect();
    Err(Failure::new(format!(
        "the run changed the checkout:\n{}",
        new.join("\n")
    )))
}

/// `Summary [   1.2s] 345 tests run: 345 passed, 2 skipped`
fn nextest_passed(printed: &str) -> u64 {
    let summary = printed
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Summary"));
    summary.map_or(0, |line| number_before(line, " passed"))
}

/// `test result: ok. 12 passed; 0 failed; …`, once for each test binary.
pub(super) fn harness_passed(printed: &str) -> u64 {
    let results = printed.lines().filter(|line| line.starts_with("test result:"));
    results.map(|line| number_before(line, " passed")).sum()
}

fn number_before(line: &str, word: &str) -> u64 {
    let number = line
        .split_once(word)
        .and_then(|(head, _)| head.rsplit([' ', '.']).next());
    number.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_are_understood() {
        let nextest = "    PASS x\n     Summary [   0.012s] 345 tests run: 344 passed (1 slow), 2 skipped\n";
        assert_eq!(nextest_passed(nextest), 344);
        let harness = "test result: ok. 12 passed; 0 failed;\nnoise\ntest result: ok. 3 passed; 0 failed;\n";
        assert_eq!(harness_passed(harness), 15);
    }
}
