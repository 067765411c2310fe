//! What the other steps need: looked for, installed where that is harmless (inside `target/`), named where it is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::shell::Shell;
use super::steps::Done;
use crate::failure::Failure;

/// Packages that the Python peers need, frozen.
const REQUIREMENTS: &str = "tests/peers/requirements.txt";
/// Packages that the JavaScript peer needs, with their lock.
const NODE_MANIFESTS: &[&str] = &["tests/peers/package.json", "tests/peers/package-lock.json"];
const VENV: &str = "target/venv";
/// The interpreter that has them.
pub(super) const PYTHON: &str = "target/venv/bin/python";
const NODE: &str = "target/node";
/// Version of cargo-fuzz to install when there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// Programs, how to see that they work, and the Debian packages that bring them.
const PROGRAMS: &[Program] = &[
    (
        "python3",
        &["-c", "import venv, ensurepip"],
        &["python3", "python3-venv"],
    ),
    ("node", &["--version"], &["nodejs"]),
    ("npm", &["--version"], &["npm"]),
    ("openssl", &["version"], &["openssl"]),
];

/// Programs that some tests need and say so when they leave themselves out.
const WELCOME: &[Program] = &[
    ("softhsm2-util", &["--version"], &["softhsm2"]),
    ("faketime", &["--version"], &["faketime"]),
];

/// What the tests on a full disk run `unshare` with. The kernel may refuse it, whatever is installed.
const MOUNT: &[&str] = &[
    "--user",
    "--map-root-user",
    "--mount",
    "mount",
    "-t",
    "tmpfs",
    "tmpfs",
    "/tmp",
];

pub(super) fn check(shell: &Shell) -> Result<Done, Failure> {
    let mut did = Vec::new();
    if let Some(installed) = programs(shell)? {
        did.push(installed);
    }
    did.extend(welcome(shell));
    if !Shell::has("unshare", MOUNT) {
        did.push("tests on a full disk are left out: `unshare` may not mount here".to_owned());
    }
    for component in ["fmt", "clippy"] {
        if !Shell::has("cargo", &[component, "--version"]) {
            return Err(Failure::new(format!(
                "`cargo {component}` is missing: rustup component add rustfmt clippy"
            )));
        }
    }
    did.push(python(shell)?);
    did.push(node(shell)?);
    did.push(cargo_fuzz(shell)?);
    Ok(Done::one(did.join("; ")))
}

type Program = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Debian packages of those programs that are not there.
fn missing(programs: &[Program]) -> BTreeSet<&'static str> {
    let missing = programs
        .iter()
        .filter(|(program, args, _)| !Shell::has(program, args));
    missing
        .flat_map(|(_, _, packages)| packages.iter().copied())
        .collect()
}

/// Installs missing programs with apt-get when that is allowed.
fn programs(shell: &Shell) -> Result<Option<String>, Failure> {
    let packages = missing(PROGRAMS);
    if packages.is_empty() {
        return Ok(None);
    }
    let list = packages.iter().copied().collect::<Vec<_>>().join(" ");
    if !may_install() {
        return Err(Failure::new(format!(
            "please install: {list} (on Debian: sudo apt-get install {list})"
        )));
    }
    install(shell, &packages)?;
    Ok(Some(format!("installed {list} with apt-get")))
}

/// As [`programs`], but what cannot be had is only named: the tests that want it are left out.
fn welcome(shell: &Shell) -> Option<String> {
    let packages = missing(WELCOME);
    let list = packages.iter().copied().collect::<Vec<_>>().join(" ");
    if packages.is_empty() {
        None
    } else if may_install() && install(shell, &packages).is_ok() {
        Some(format!("installed {list} with apt-get"))
    } else {
        Some(format!(
            "tests that need {list} are left out: it is not installed"
        ))
    }
}

fn may_install() -> bool {
    Shell::has("sh", &["-c", "test \"$(id -u)\" = 0 && command -v apt-get"])
}

fn install(shell: &Shell, packages: &BTreeSet<&str>) -> Result<(), Failure> {
    shell.run("apt-get", &["update"])?;
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    args.extend(packages);
    shell.run("apt-get", &args).map(drop)
}

fn python(shell: &Shell) -> Result<String, Failure> {
    let Some(stamp) = Stamp::of(shell, VENV, &[REQUIREMENTS])? else {
        return Ok("no Python packages (tests/peers/requirements.txt is not there)".to_owned());
    };
    if stamp.is_current() {
        return Ok("Python packages present".to_owned());
    }
    shell.run("python3", &["-m", "venv", "--clear", VENV])?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        REQUIREMENTS,
    ];
    shell.run(PYTHON, &pip)?;
    stamp.write()?;
    Ok(format!("installed Python packages in {VENV}"))
}

fn node(shell: &Shell) -> Result<String, Failure> {
    let Some(stamp) = Stamp::of(shell, NODE, NODE_MANIFESTS)? else {
        return Ok("no npm packages (tests/peers/package.json is not there)".to_owned());
    };
    if stamp.is_current() {
        return Ok("npm packages present".to_owned());
    }
    let directory = shell.root().join(NODE);
    fs::create_dir_all(&directory)?;
    for manifest in NODE_MANIFESTS {
        let name = manifest.rsplit('/').next().unwrap_or(manifest);
        fs::copy(shell.root().join(manifest), directory.join(name))
            .map_err(|error| Failure::at(manifest, error))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&directory);
    shell.finish(npm)?;
    stamp.write()?;
    Ok(format!("installed npm packages in {NODE}"))
}

fn cargo_fuzz(shell: &Shell) -> Result<String, Failure> {
    if Shell::has("cargo", &["fuzz", "--version"]) {
        return Ok("cargo-fuzz present".to_owned());
    }
    shell.run(
        "cargo",
        &["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ],
    )?;
    Ok(format!("installed cargo-fuzz {CARGO_FUZZ}"))
}

/// Tells the tests of a child cargo where the peers' packages are.
pub(super) fn peer_environment(shell: &Shell, command: &mut Command) {
    let python = shell.root().join(PYTHON);
    if python.exists() {
        command.env("SEALIFT_PYTHON", python);
    }
    let modules = shell.root().join(NODE).join("node_modules");
    if modules.exists() {
        command.env("SEALIFT_NODE_MODULES", modules);
    }
}

/// Remembers which manifests a directory was made from.
#[derive(Debug)]
struct Stamp {
    path: PathBuf,
    text: String,
}

impl Stamp {
    /// `None` when a manifest is not there.
    fn of(shell: &Shell, directory: &str, manifests: &[&str]) -> Result<Option<Self>, Failure> {
        let mut hash = Sha256::new();
        for manifest in manifests {
            let path = shell.root().join(manifest);
            if !path.exists() {
                return Ok(None);
            }
            hash.update(fs::read(&path).map_err(|error| Failure::at(manifest, error))?);
        }
        let path = shell.root().join(directory).join("made-from.sha256");
        Ok(Some(Self {
            path,
            text: hex::encode(hash.finalize()),
        }))
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    fn write(&self) -> Result<(), Failure> {
        fs::write(&self.path, &self.text).map_err(|error| Failure::at(self.path.display(), error))
    }
}
