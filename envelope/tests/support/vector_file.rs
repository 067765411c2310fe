//! The files in `testdata/`: a text header of `key: value` lines, an empty line, the body.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealift_envelope::{Binding, ContentKey, UnwrapKey};
use sha2::{Digest as _, Sha256};

use super::{P256, RSA, X_WING};

/// One vector as it lies in the directory.
pub(crate) struct VectorFile {
    pub(crate) name: String,
    fields: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// What a reader must come to: the class of its failure, or `success`, and what it released by then.
#[derive(PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) class: String,
    pub(crate) length: usize,
    pub(crate) sha256: String,
}

impl Ending {
    pub(crate) fn new(class: &str, released: &[u8]) -> Self {
        Self {
            class: class.to_owned(),
            length: released.len(),
            sha256: hex::encode(Sha256::digest(released)),
        }
    }
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            class,
            length,
            sha256,
        } = self;
        write!(f, "{class} after {length} bytes {sha256:.8}…")
    }
}

impl VectorFile {
    /// Every vector of the directory, by name.
    pub(crate) fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
        let mut all = Vec::new();
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "vec") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                all.push(Self::parse(name, &fs::read(&path).unwrap()));
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn parse(name: String, bytes: &[u8]) -> Self {
        let end = bytes.windows(2).position(|w| w == b"\n\n").unwrap();
        let text = std::str::from_utf8(&bytes[..end]).unwrap();
        let split = |line: &str| {
            let (key, value) = line.split_once(": ").unwrap();
            (key.to_owned(), value.to_owned())
        };
        let fields: BTreeMap<_, _> = text.lines().map(split).collect();
        let body = match fields.get("compressed").map(String::as_str) {
            None => bytes[end + 2..].to_vec(),
            Some("zlib") => miniz_oxide::inflate::decompress_to_vec_zlib(&bytes[end + 2..]).unwrap(),
            Some(other) => panic!("{name}: compressed with {other}"),
        };
        Self { name, fields, body }
    }

    pub(crate) fn field(&self, key: &str) -> &str {
        let value = self.fields.get(key);
        value.unwrap_or_else(|| panic!("{} has no {key}", self.name))
    }

    pub(crate) fn number(&self, key: &str) -> u64 {
        self.field(key).parse().unwrap()
    }

    pub(crate) fn kind(&self) -> &str {
        self.field("kind")
    }

    /// How every reader that goes from beginning to end must end.
    pub(crate) fn ending(&self) -> Ending {
        self.ending_of("released")
    }

    /// How random access must end, chunk by chunk.
    pub(crate) fn ending_at_random(&self) -> Ending {
        match self.field("expect") {
            "payload" => self.ending_of("random-access"),
            _ => self.ending(),
        }
    }

    fn ending_of(&self, what: &str) -> Ending {
        Ending {
            class: self.field("expect").to_owned(),
            length: self.field(&format!("{what}-length")).parse().unwrap(),
            sha256: self.field(&format!("{what}-sha256")).to_owned(),
        }
    }

    /// The content key, where the vector gives it.
    pub(crate) fn content_key(&self) -> Option<ContentKey> {
        let key = hex::decode(self.fields.get("content-key")?).unwrap();
        Some(ContentKey::from_bytes(key.try_into().unwrap()))
    }

    /// The private key that the vector names.
    pub(crate) fn private_key(&self) -> &'static dyn UnwrapKey {
        match self.field("identity") {
            "p256" => &*P256,
            "rsa3072" => &*RSA,
            "x-wing" => &*X_WING,
            other => panic!("{}: identity {other}", self.name),
        }
    }

    /// The place where the wrapped key is used.
    pub(crate) fn binding(&self) -> Binding {
        let place = ["repository", "path", "vehicle", "ecu"].map(|key| self.fields.get(key).cloned());
        match place {
            [Some(repository), Some(path), Some(vehicle), Some(ecu)] => {
                Binding::key_box(repository, path, vehicle, ecu)
            }
            [Some(repository), Some(path), None, None] => Binding::key_file(repository, path),
            [None, None, None, None] => Binding::in_file(),
            _ => panic!("{}: half a place", self.name),
        }
    }
}
