//! The committed vectors in `testdata/`: each is opened, and what was released before a failure is compared too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sealift_envelope::{
    Binding, ContentKey, Digest, Header, KeyBox, KeyFile, OpenError, RangedOpener, UnwrapError, UnwrapKey,
    open,
};

use crate::support::make_vectors::{all, content_key, worked_example};
use crate::support::{P256, RSA};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

struct Parsed {
    fields: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn parse(bytes: &[u8]) -> Parsed {
    let end = bytes.windows(2).position(|w| w == b"\n\n").unwrap();
    let text = std::str::from_utf8(&bytes[..end]).unwrap();
    let split = |line: &str| {
        line.split_once(": ")
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .unwrap()
    };
    Parsed {
        fields: text.lines().map(split).collect(),
        body: bytes[end + 2..].to_vec(),
    }
}

fn class(error: &OpenError) -> &'static str {
    match error {
        OpenError::Format(_) => "header",
        OpenError::Unwrap(UnwrapError::NotARecipient { .. }) => "no-recipient",
        OpenError::Unwrap(_) => "unwrap",
        OpenError::Commitment => "commitment",
        OpenError::Chunk { .. } | OpenError::Truncated { .. } | OpenError::PlainLength { .. } => "payload",
        other => panic!("{other}"),
    }
}

fn private(identity: &str) -> Option<&'static dyn UnwrapKey> {
    match identity {
        "p256" => Some(&*P256),
        "rsa3072" => Some(&*RSA),
        _ => None,
    }
}

fn find_key(header: &Header, identity: &str) -> Result<ContentKey, UnwrapError> {
    match private(identity) {
        Some(key) => header.unwrap_with(key, &Binding::in_file()),
        None => Ok(content_key()),
    }
}

/// Opens what the vector is about; gives what was released and how it ended.
fn outcome(kind: &str, identity: &str, body: &[u8]) -> (Vec<u8>, Result<(), OpenError>) {
    let place = Binding::key_file("repository", "dir/file.img");
    let unwrapped = match kind {
        "image" => {
            let mut plain = Vec::new();
            let result = open(body, &mut plain, |header| find_key(header, identity), &mut |_| {});
            return (plain, result.map(drop));
        }
        "key-file" => key_from_file(body, identity, &place),
        "key-file-elsewhere" => {
            key_from_file(body, identity, &Binding::key_file("repository", "dir/other.img"))
        }
        "key-box" => KeyBox::parse(body)
            .map_err(OpenError::Format)
            .and_then(|key_box| {
                let binding = Binding::key_box("repository", "dir/file.img", "vehicle", "ecu");
                Ok(key_box.open(private(identity).unwrap(), &binding)?)
            }),
        other => panic!("{other}"),
    };
    match unwrapped {
        Ok(key) => (key.expose().to_vec(), Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    }
}

fn key_from_file(body: &[u8], identity: &str, binding: &Binding) -> Result<ContentKey, OpenError> {
    let file = KeyFile::parse(body).map_err(OpenError::Format)?;
    Ok(file.unwrap_with(private(identity).unwrap(), binding)?)
}

#[test]
fn every_committed_vector_holds() {
    let mut run = 0;
    for entry in fs::read_dir(testdata()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "vec") {
            continue;
        }
        let name = path.display();
        let Parsed { fields, body } = parse(&fs::read(&path).unwrap());
        let (kind, identity, expect) = (&fields["kind"], &fields["identity"], &fields["expect"]);
        let (released, result) = outcome(kind, identity, &body);
        let ended = result.as_ref().err().map_or("success", class);
        assert_eq!(ended, expect, "{name}: {result:?}");
        let digest = Digest::of(&released);
        assert_eq!(digest.length.to_string(), fields["released-length"], "{name}");
        assert_eq!(hex::encode(digest.sha256), fields["released-sha256"], "{name}");

        if kind == "image" && expect == "success" {
            let mut opener =
                RangedOpener::new(body.as_slice(), |header: &Header| find_key(header, identity)).unwrap();
            let mut whole = Vec::new();
            opener.read_range(0, opener.plain_length(), &mut whole).unwrap();
            assert_eq!(whole, released, "{name}: ranged");
        }
        run += 1;
    }
    assert_eq!(run, all().len());
}

#[test]
fn the_generator_still_makes_the_committed_bytes() {
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("envelope-testdata");
    fs::create_dir_all(&fresh).unwrap();
    let mut differ = Vec::new();
    let mut names = BTreeSet::new();
    for (name, bytes) in all() {
        if fs::read(testdata().join(&name)).ok().as_deref() != Some(&bytes) {
            fs::write(fresh.join(&name), bytes).unwrap();
            differ.push(name.clone());
        }
        assert!(names.insert(name));
    }
    let fresh = fresh.display();
    assert!(
        differ.is_empty(),
        "{differ:?} differ; if that is intended, copy them from {fresh} to testdata/"
    );
}

/// The hex of the worked example in the specification is the image that the code makes.
#[test]
fn the_specification_shows_the_worked_example() {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/envelope-v1.md");
    let spec = fs::read_to_string(spec).unwrap();
    let shown: String = spec
        .split("```hex\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(shown, hex::encode(worked_example()));
    let pem = include_str!("keys/p256.pem");
    assert!(spec.contains(pem.trim()), "the recipient's private key is shown");
}
