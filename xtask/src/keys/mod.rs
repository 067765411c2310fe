//! `keys-example/`: keys and certificates that everyone may know, the same bytes in every run.

mod certificates;
mod ids;
mod material;

use std::collections::BTreeMap;
use std::fs;

use self::material::{Algorithm, Key};
use crate::failure::Failure;
use crate::tree;

const DIRECTORY: &str = "keys-example";

/// Arguments of `cargo xtask keys`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing, fail if a file differs from what the seed makes
    #[arg(long)]
    check: bool,
}

/// Name below `keys-example/`, algorithm, purpose.
const KEYS: &[(&str, Algorithm, &str)] = &[
    ("image/root", Algorithm::Ed25519, "Image repository, role root"),
    ("image/targets", Algorithm::P256, "Image repository, role targets"),
    (
        "image/snapshot",
        Algorithm::Ed25519,
        "Image repository, role snapshot",
    ),
    (
        "image/timestamp",
        Algorithm::Ed25519,
        "Image repository, role timestamp",
    ),
    ("director/root", Algorithm::Ed25519, "Director, role root"),
    ("director/targets", Algorithm::P256, "Director, role targets"),
    ("director/snapshot", Algorithm::Ed25519, "Director, role snapshot"),
    (
        "director/timestamp",
        Algorithm::Ed25519,
        "Director, role timestamp",
    ),
    ("kek", Algorithm::P256, "the Director's key-encryption key"),
    (
        "kek-x-wing",
        Algorithm::XWing,
        "the Director's key-encryption key, post-quantum",
    ),
    (
        "ecu/gateway.signing",
        Algorithm::Ed25519,
        "ECU gateway, signs its reports",
    ),
    (
        "ecu/gateway.sealing",
        Algorithm::P256,
        "ECU gateway, opens its key boxes",
    ),
    (
        "ecu/camera.signing",
        Algorithm::P256,
        "ECU camera, signs its reports",
    ),
    (
        "ecu/camera.sealing",
        Algorithm::Rsa3072,
        "ECU camera, opens its key boxes",
    ),
    (
        "ecu/telematics.signing",
        Algorithm::P256,
        "ECU telematics, signs its reports",
    ),
    (
        "ecu/telematics.sealing",
        Algorithm::XWing,
        "ECU telematics, opens its key boxes",
    ),
    ("tls/ca", Algorithm::P256, "CA of the server's certificate"),
    (
        "tls/server",
        Algorithm::P256,
        "server, localhost and loopback addresses",
    ),
    ("fleet/ca", Algorithm::P256, "CA of the vehicles' certificates"),
    (
        "fleet/vehicle",
        Algorithm::P256,
        "client certificate of vehicle demo-0001",
    ),
];

/// Rewrites or checks the directory.
///
/// # Errors
/// With `--check`, the first file that differs.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let files = generate()?;
    let root = tree::root().join(DIRECTORY);
    let mut changed = 0_usize;
    for (name, text) in &files {
        let path = root.join(name);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        if args.check {
            let advice = "differs from what the seed makes; run `cargo xtask keys` and look at the change";
            return Err(Failure::new(format!("{DIRECTORY}/{name} {advice}")));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).map_err(|error| Failure::at(path.display(), error))?;
        changed += 1;
    }
    println!("keys: {} files, {changed} written", files.len());
    Ok(())
}

/// All files by their path below `keys-example/`.
fn generate() -> Result<BTreeMap<String, String>, Failure> {
    let mut keys = BTreeMap::new();
    for (name, algorithm, _) in KEYS {
        keys.insert(*name, Key::derive(name, *algorithm)?);
    }
    let mut files = BTreeMap::new();
    for (name, key) in &keys {
        let certified = name.starts_with("tls/") || name.starts_with("fleet/");
        let private = if certified {
            format!("{name}.key.pem")
        } else {
            format!("{name}.pem")
        };
        files.insert(private, key.private_pem()?);
        if !certified {
            files.insert(format!("{name}.pub.pem"), key.public_pem()?);
        }
    }
    files.extend(certificates::issue(&keys)?);
    files.insert("ids.txt".to_owned(), ids::list(&keys)?);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_one_key() {
        let one = Key::derive("a", Algorithm::P256).unwrap();
        let again = Key::derive("a", Algorithm::P256).unwrap();
        let other = Key::derive("b", Algorithm::P256).unwrap();
        assert_eq!(one.private_pem().unwrap(), again.private_pem().unwrap());
        assert_ne!(one.private_pem().unwrap(), other.private_pem().unwrap());
    }

    /// The binaries know keys that seal by the envelope's key id, which is not always a hash of the whole public key.
    #[test]
    fn every_recipient_is_listed_by_its_key_id() {
        let files = generate().unwrap();
        let recipients = files.iter().filter(|(name, _)| name.ends_with(".pub.pem"));
        let ids: Vec<String> = recipients
            .filter_map(|(_, pem)| sealift_envelope::RecipientKey::from_pem(pem).ok())
            .map(|key| key.key_id().to_string())
            .collect();
        assert!(ids.len() >= 5, "{}", ids.len());
        for id in ids {
            assert!(files["ids.txt"].lines().any(|line| line.starts_with(&id)), "{id}");
        }
    }

    /// A signing key is never a sealing key, and no key has two offices.
    #[test]
    fn every_id_is_listed_once() {
        let list = fs::read_to_string(tree::root().join(DIRECTORY).join("ids.txt")).unwrap();
        let ids: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
        let first = |line: &&str| line.split_whitespace().next().unwrap_or_default().to_owned();
        let distinct: std::collections::BTreeSet<String> = ids.iter().map(first).collect();
        assert_eq!(distinct.len(), ids.len());
        assert!(
            distinct
                .iter()
                .all(|id| id.len() == 64 && hex::decode(id).is_ok())
        );
    }
}
