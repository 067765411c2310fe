//! One vector and its file: a text header, an empty line, the body. `envelope/testdata/README.md` describes both.

use miniz_oxide::deflate::compress_to_vec_zlib;
use sha2::{Digest as _, Sha256};

use super::segments::Claim;
use super::world::{CONTENT_KEY, Place};

/// Level of zlib, the highest that keeps to its format's usual effort.
const ZLIB_LEVEL: u8 = 9;

/// How a reader must refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Header,
    NoRecipient,
    Unwrap,
    Commitment,
    Payload,
    Segment,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::NoRecipient => "no-recipient",
            Self::Unwrap => "unwrap",
            Self::Commitment => "commitment",
            Self::Payload => "payload",
            Self::Segment => "segment",
        }
    }
}

/// Whose key opens the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    Nobody,
    ContentKey([u8; 32]),
    P256,
    Rsa3072,
    XWing,
}

/// One fact about the format.
#[derive(Debug, Clone)]
pub(super) struct Vector {
    name: String,
    comment: String,
    kind: &'static str,
    identity: Identity,
    place: Vec<(&'static str, String)>,
    expect: Option<Class>,
    released: Vec<u8>,
    at_random: Vec<u8>,
    body: Vec<u8>,
}

impl Vector {
    fn new(kind: &'static str, name: &str, comment: &str, body: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            comment: comment.to_owned(),
            kind,
            identity: Identity::P256,
            place: Vec::new(),
            expect: None,
            released: Vec::new(),
            at_random: Vec::new(),
            body,
        }
    }

    /// A sealed image, opened with the content key of every vector.
    pub(super) fn image(name: &str, comment: &str, body: Vec<u8>) -> Self {
        Self::new("image", name, comment, body).with(Identity::ContentKey(CONTENT_KEY))
    }

    /// A key file that P-256 opens to the content key of every vector.
    pub(super) fn key_file(name: &str, comment: &str, place: Place<'_>, body: Vec<u8>) -> Self {
        let mut vector = Self::new("key-file", name, comment, body).opens_to(&CONTENT_KEY);
        vector.place = vec![
            ("repository", place.repository.to_owned()),
            ("path", place.path.to_owned()),
        ];
        vector
    }

    /// A key box that P-256 opens to the content key of every vector.
    pub(super) fn key_box(name: &str, comment: &str, place: Place<'_>, body: Vec<u8>) -> Self {
        let mut vector = Self::key_file(name, comment, place, body);
        vector.kind = "key-box";
        vector.place.push(("vehicle", place.vehicle.to_owned()));
        vector.place.push(("ecu", place.ecu.to_owned()));
        vector
    }

    /// A list for the first bytes of [`super::world::plaintext`], which nobody has to open.
    pub(super) fn segment_list(name: &str, comment: &str, claim: Claim, body: Vec<u8>) -> Self {
        let mut vector = Self::new("segment-list", name, comment, body).with(Identity::Nobody);
        vector.place = vec![
            ("algorithm", claim.algorithm.to_owned()),
            ("segment-size", claim.segment_size.to_string()),
            ("object-length", claim.object_length.to_string()),
            ("received-length", claim.received.to_string()),
        ];
        vector
    }

    pub(super) fn with(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    pub(super) fn opens_to(mut self, plain: &[u8]) -> Self {
        self.released = plain.to_vec();
        self
    }

    /// Refused before anything is released.
    pub(super) fn fails(mut self, class: Class) -> Self {
        self.expect = Some(class);
        self.released.clear();
        self
    }

    /// Refused in the body: a stream releases `stream` first; chunk by chunk, random access gets `at_random`.
    pub(super) fn fails_after(mut self, stream: &[u8], at_random: &[u8]) -> Self {
        self.expect = Some(Class::Payload);
        self.released = stream.to_vec();
        self.at_random = at_random.to_vec();
        self
    }

    /// A segment is refused; those in `passed` are not.
    pub(super) fn fails_but_for(mut self, passed: &[u8]) -> Self {
        self.expect = Some(Class::Segment);
        self.released = passed.to_vec();
        self
    }

    /// Name and bytes of the file.
    pub(super) fn file(&self) -> (String, Vec<u8>) {
        let mut lines = vec![("comment", self.comment.clone()), ("kind", self.kind.to_owned())];
        match self.identity {
            Identity::Nobody => {}
            Identity::ContentKey(key) => {
                lines.push(("identity", "content-key".to_owned()));
                lines.push(("content-key", hex::encode(key)));
            }
            Identity::P256 => lines.push(("identity", "p256".to_owned())),
            Identity::Rsa3072 => lines.push(("identity", "rsa3072".to_owned())),
            Identity::XWing => lines.push(("identity", "x-wing".to_owned())),
        }
        lines.extend(self.place.iter().cloned());
        lines.push(("expect", self.expect.map_or("success", Class::name).to_owned()));
        lines.push(("released-length", self.released.len().to_string()));
        lines.push(("released-sha256", hex::encode(Sha256::digest(&self.released))));
        if self.expect == Some(Class::Payload) {
            lines.push(("random-access-length", self.at_random.len().to_string()));
            lines.push((
                "random-access-sha256",
                hex::encode(Sha256::digest(&self.at_random)),
            ));
        }
        let packed = compress_to_vec_zlib(&self.body, ZLIB_LEVEL);
        let worth_it = packed.len() < self.body.len() / 2;
        if worth_it {
            lines.push(("compressed", "zlib".to_owned()));
        }
        let mut bytes = Vec::new();
        for (key, value) in lines {
            bytes.extend_from_slice(format!("{key}: {value}\n").as_bytes());
        }
        bytes.push(b'\n');
        bytes.extend_from_slice(if worth_it { &packed } else { &self.body });
        (format!("{}.vec", self.name), bytes)
    }
}
