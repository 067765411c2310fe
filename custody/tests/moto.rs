//! AWS KMS as moto knows it, a program written by others. It signs PSS with as much salt as fits, and hashes a digest once
//! more: what comes back is verified, so both are found out.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sealift_custody::{HeldSigner, KeyUri, NobodyToAsk};
use sealift_metadata::{KeyType, SignError, Signer as _};

use crate::child;
use crate::signing::sign;

/// Serves until its standard input ends.
const SERVICE: &str = "
import os, sys, boto3
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
address = '%s:%s' % server.get_host_and_port()
kms = boto3.client('kms', endpoint_url='http://' + address, region_name='eu-central-1',
                   aws_access_key_id='test', aws_secret_access_key='test')
for name, spec in ('p256', 'ECC_NIST_P256'), ('rsa', 'RSA_3072'):
    key = kms.create_key(KeySpec=spec, KeyUsage='SIGN_VERIFY')['KeyMetadata']['KeyId']
    kms.create_alias(AliasName='alias/' + name, TargetKeyId=key)
print('listens', address, flush=True)
sys.stdin.read()
os._exit(0)
";

/// The interpreter with the packages of other projects: `SEALIFT_PYTHON`, else the one that the test run installs.
fn python() -> PathBuf {
    let installed = || {
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(3).unwrap().join("venv/bin/python")
    };
    std::env::var_os("SEALIFT_PYTHON").map_or_else(installed, PathBuf::from)
}

fn start() -> Result<(Child, String), String> {
    let python = python();
    let mut command = Command::new(&python);
    let command = command.args(["-c", SERVICE]);
    let mut service = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error} (cargo xtask test makes it)", python.display()))?;
    let lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("listens ").map(str::to_owned));
    address
        .map(|address| (service, address))
        .ok_or_else(|| format!("{} has no moto[server]", python.display()))
}

/// True in the child; the parent runs it beside a service.
fn inside(name: &str) -> bool {
    let name = format!("moto::{name}");
    if child::is_inside(&name) {
        return true;
    }
    match start() {
        Err(reason) => eprintln!("left out: {name}: {reason}"),
        Ok((mut service, address)) => {
            let variables = [
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("AWS_CONFIG_FILE", "/dev/null"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
                ("MOTO", &address),
            ];
            child::run(
                &name,
                &variables.map(|(name, value)| (name, OsString::from(value))),
            );
            drop(service.stdin.take());
            let _ = service.wait();
        }
    }
    false
}

fn open(key: &str) -> HeldSigner {
    let service = std::env::var_os("MOTO").unwrap().into_string().unwrap();
    let uri: KeyUri = format!("awskms://{service}/alias/{key}").parse().unwrap();
    sealift_custody::open_signer(&uri, &NobodyToAsk).unwrap()
}

#[test]
fn p256_signs() {
    if !inside("p256_signs") {
        return;
    }
    let signer = open("p256");
    assert_eq!(signer.public().kind(), KeyType::P256);
    sign(&signer, b"{}").unwrap();
    sign(&signer, &[b' '; 4096]).unwrap();
}

#[test]
fn a_wrong_salt_never_gets_out() {
    if !inside("a_wrong_salt_never_gets_out") {
        return;
    }
    let signer = open("rsa");
    assert_eq!(signer.public().kind(), KeyType::RsaPss);
    let error = sign(&signer, b"{}").unwrap_err();
    assert!(matches!(error, SignError::Wrong { .. }), "{error:?}");
}
