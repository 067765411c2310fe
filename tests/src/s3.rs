//! An S3 service on this machine, when its package is installed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use crate::process::{Daemon, Program};

/// How often a port may be lost to another process.
const ATTEMPTS: u32 = 5;

/// The interpreter with the peers' packages: `SEALIFT_PYTHON`, else the one the test run installs.
///
/// # Errors
/// A sentence why there is none.
pub fn python() -> Result<PathBuf, String> {
    let installed = crate::bins::target_dir().join("venv/bin/python");
    match std::env::var_os("SEALIFT_PYTHON").map(PathBuf::from) {
        Some(path) => Ok(path),
        None if installed.is_file() => Ok(installed),
        None => Err(format!(
            "no Python packages: {} is missing (cargo xtask test makes it)",
            installed.display()
        )),
    }
}

/// A running moto server. Dropping it kills it.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    _daemon: Daemon,
}

impl S3 {
    /// Name of the bucket that [`Self::start`] makes.
    pub const BUCKET: &str = "fleet";

    /// Starts the service with an empty bucket.
    ///
    /// # Errors
    /// A sentence why it cannot be had here.
    pub fn start(logs: &Path) -> Result<Self, String> {
        let python = python()?;
        let probe = Program::new("python", &python)
            .args(["-c", "import moto.server, boto3"])
            .run();
        if probe.code() != Some(0) {
            return Err(format!("{} has no moto[server]", python.display()));
        }
        let (address, daemon) = (0..ATTEMPTS)
            .find_map(|_| listening(&python, logs))
            .ok_or_else(|| format!("moto found no free port in {ATTEMPTS} attempts"))?;
        let script = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1', \
             aws_access_key_id='test', aws_secret_access_key='test').create_bucket(Bucket=sys.argv[2])";
        let _ = Program::new("python", &python)
            .args(["-c", script, &format!("http://{address}"), Self::BUCKET])
            .run()
            .ok();
        Ok(Self {
            address,
            _daemon: daemon,
        })
    }

    /// Puts every file below `dir` into the bucket, under `prefix/`.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    pub fn upload(&self, dir: &Path, prefix: &str) {
        self.script(
            "for p in pathlib.Path(d).rglob('*'):\n  if p.is_file(): c.upload_file(str(p), b, f'{x}/{p.relative_to(d)}')",
            dir,
            prefix,
        );
    }

    /// Gets every object under `prefix/` into `dir`.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    pub fn download(&self, prefix: &str, dir: &Path) {
        self.script(
            "for page in c.get_paginator('list_objects_v2').paginate(Bucket=b, Prefix=x + '/'):\n  \
             for o in page.get('Contents', []):\n    p = pathlib.Path(d) / o['Key'][len(x) + 1:]\n    \
             p.parent.mkdir(parents=True, exist_ok=True)\n    c.download_file(b, o['Key'], str(p))",
            dir,
            prefix,
        );
    }

    /// Runs lines of Python with a client `c`, a bucket `b`, a directory `d` and a prefix `x`.
    #[track_caller]
    fn script(&self, lines: &str, dir: &Path, prefix: &str) {
        let python = python().expect("it was there when the service was started");
        let client = "import boto3, pathlib, sys\n_, u, b, d, x = sys.argv\n\
            c = boto3.client('s3', endpoint_url=u, region_name='us-east-1', aws_access_key_id='test', \
            aws_secret_access_key='test')\n";
        let _ = Program::new("python", python)
            .args(["-c", &format!("{client}{lines}")])
            .args([&format!("http://{}", self.address), Self::BUCKET])
            .arg(dir)
            .arg(prefix)
            .run()
            .ok();
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Starts moto on a port that is free now. `None` when another process took it meanwhile: moto cannot choose its own.
fn listening(python: &Path, logs: &Path) -> Option<(SocketAddr, Daemon)> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|socket| socket.local_addr())
        .ok()?;
    let program = Program::new("moto", python).args(["-m", "moto.server", "-H", "127.0.0.1", "-p"]);
    let mut daemon = program.arg(address.port().to_string()).spawn(logs, "s3");
    let listens = daemon.wait_for("listening S3", |daemon| match daemon.ended() {
        Some(_) => Some(false),
        None => TcpStream::connect(address).ok().map(|_| true),
    });
    listens.then_some((address, daemon))
}

/// Environment that points an S3 client at `address`.
#[must_use]
pub fn environment(address: SocketAddr) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ENDPOINT", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
