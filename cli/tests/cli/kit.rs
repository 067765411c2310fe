//! One temporary world: keys, a repository, and the binary to run on them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A folder with everything in it.
#[derive(Debug)]
pub(crate) struct World {
    dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Names in the folder, hidden ones too: nothing temporary may stay behind.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| name.starts_with('.'))
            .collect()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("TMPDIR", self.dir.path())
            .env("SEALIFT_STATE", self.path("state"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn run_with_env(&self, args: &[&str], name: &str, value: &str) -> Output {
        self.run_with(args, &[(name, value)])
    }

    /// Runs with these variables besides.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let variables = variables.iter().copied();
        self.command(args).envs(variables).output().unwrap()
    }

    pub(crate) fn run_piped(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // The child may refuse before it has read everything; a broken pipe is then right.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// Starts with a pipe for standard input that stays open.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdin(Stdio::piped()).spawn().unwrap()
    }

    /// Runs, demands success, returns stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "sealift {args:?}: {}\n{stderr}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs with `--json`, demands success, returns the result.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.ok(&args)).unwrap()
    }

    /// Runs with `--json`, demands this exit code, returns the lines of the record.
    pub(crate) fn record(&self, code: i32, args: &[&str]) -> Vec<Value> {
        self.record_with(code, args, &[])
    }

    /// The same with these variables besides.
    pub(crate) fn record_with(&self, code: i32, args: &[&str], variables: &[(&str, &str)]) -> Vec<Value> {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let output = self.run_with(&args, variables);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "sealift {args:?}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Runs, demands this exit code, returns stderr. A failure says what, and never panics.
    pub(crate) fn fails(&self, code: i32, args: &[&str]) -> String {
        refused(code, args, &self.run(args))
    }

    /// A key pair NAME.pem and NAME.pub.pem, unencrypted.
    pub(crate) fn key(&self, kind: &str, name: &str) {
        self.ok(&[
            "key",
            "generate",
            kind,
            "-o",
            &format!("{name}.pem"),
            "--unencrypted",
        ]);
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path("repo").display())
    }

    /// Keys of all roles and an empty repository.
    pub(crate) fn repository(&self) {
        for role in ["root", "targets", "snapshot", "timestamp"] {
            self.key("ed25519", role);
        }
        self.key("p256", "kek");
        let url = self.url();
        let mut args = vec!["repo", "init", "--repository", &url, "--root-key", "root.pem"];
        args.extend(SIGN);
        self.ok(&args);
    }

    /// `target add` of INPUT as PATH.
    pub(crate) fn add<'a>(
        &self,
        input: &'a str,
        path: &'a str,
        counter: &'a str,
        more: &[&'a str],
    ) -> Vec<String> {
        let url = self.url();
        let mut args = vec![
            "target",
            "add",
            "--repository",
            &url,
            "--root",
            "1.root.json",
            "--path",
            path,
        ];
        args.extend([
            "--hardware-id",
            "hw-a",
            "--release-counter",
            counter,
            "--version",
            "1.0",
        ]);
        args.extend(SIGN);
        args.extend(more);
        args.push(input);
        args.into_iter().map(str::to_owned).collect()
    }
}

/// The signing keys of [`World::repository`].
pub(crate) const SIGN: [&str; 6] = [
    "--targets-key",
    "targets.pem",
    "--snapshot-key",
    "snapshot.pem",
    "--timestamp-key",
    "timestamp.pem",
];

/// The online keys of [`World::repository`].
pub(crate) const ONLINE: [&str; 4] = [
    "--snapshot-key",
    "snapshot.pem",
    "--timestamp-key",
    "timestamp.pem",
];

pub(crate) fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

pub(crate) fn refused(code: i32, args: &[&str], output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "sealift {args:?}\n{stderr}");
    assert!(stderr.contains("error"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Bytes that repeat nowhere near.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

/// Every file below a folder, relative, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}
