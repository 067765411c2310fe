//! The store's contract against an S3 server: moto, from the Python packages, for as long as the step runs.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::cargo;
use super::shell::Shell;
use super::steps::Done;
use super::tools;
use crate::failure::Failure;

/// The bucket that the tests use.
const BUCKET: &str = "sealift-test";

pub(super) fn run(shell: &Shell) -> Result<Done, Failure> {
    let python = shell.root().join(tools::PYTHON);
    if !python.exists() {
        let why = format!("{} is missing; the step `tools` makes it", tools::PYTHON);
        return Ok(Done::LeftOut { why });
    }
    let moto = Moto::start(shell)?;
    let endpoint = format!("http://{}", moto.address);
    let mut command = Command::new("cargo");
    command
        .args(["test", "--package", "sealift-repository", "--test", "it", "s3::"])
        .env("SEALIFT_TEST_S3_ENDPOINT", &endpoint)
        .env("AWS_ENDPOINT_URL", &endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let checks = cargo::harness_passed(&shell.finish(command)?);
    Ok(Done::Passed {
        said: format!("{checks} tests of the store against moto"),
        checks,
    })
}

/// A running server, killed when dropped.
#[derive(Debug)]
struct Moto {
    child: Child,
    address: SocketAddr,
}

impl Moto {
    fn start(shell: &Shell) -> Result<Self, Failure> {
        // moto cannot choose a port itself, so it is given one that was free a moment ago.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = File::create(shell.root().join("target/xtask/logs/moto.log"))?;
        let child = Command::new(shell.root().join(tools::PYTHON))
            .args([
                "-m",
                "moto.server",
                "-H",
                "127.0.0.1",
                "-p",
                &address.port().to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| Failure::at("moto", error))?;
        let mut moto = Self { child, address };
        for _ in 0..600 {
            if let Ok(stream) = TcpStream::connect(address) {
                return make_bucket(stream, address).map(|()| moto);
            }
            if moto.child.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new("moto did not start; see target/xtask/logs/moto.log"))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // One that has ended already is only reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_bucket(mut stream: TcpStream, address: SocketAddr) -> Result<(), Failure> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "PUT /{BUCKET} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    let status = answer.lines().next().unwrap_or("nothing");
    Err(Failure::new(format!("moto made no bucket: it said {status}")))
}
