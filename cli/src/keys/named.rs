//! How a private key is named: a file, a variable, or the URI of a key that is held elsewhere.

use std::path::Path;

use sealift_custody::{KeyUri, UriError};
use zeroize::Zeroizing;

use super::{MAX_PEM_BYTES, read_secret_text};
use crate::failure::{Failure, Fault};

/// Where a private key is. A file of a name like the others is reached as `./env:…`.
pub(crate) enum Named<'a> {
    /// In a PEM file.
    File(&'a Path),
    /// In PEM form in this environment variable: `env:NAME`.
    Variable(&'a str),
    /// In a token or a key service.
    Elsewhere(Box<KeyUri>),
}

impl<'a> Named<'a> {
    /// Reads a name. Not done by the parser of arguments, which would repeat what it cannot take: it may hold a PIN, or
    /// the key itself.
    pub(crate) fn of(name: &'a Path) -> Result<Self, Failure> {
        let Some(text) = name.to_str() else {
            return Ok(Self::File(name));
        };
        if is_a_key(text) {
            return Err(Failure::usage(
                "a key itself stands where its name belongs; take it for known to others",
            )
            .next("put it into a file, or into a variable and write env:NAME"));
        }
        if let Some(variable) = text.strip_prefix("env:") {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            return match !variable.is_empty() && variable.bytes().all(plain) {
                true => Ok(Self::Variable(variable)),
                false => Err(Failure::usage("`env:` is not followed by the name of a variable")
                    .next("write env:NAME, and put the key itself into that variable")),
            };
        }
        if !KeyUri::is_one(text) {
            return Ok(Self::File(name));
        }
        text.parse()
            .map(|uri| Self::Elsewhere(Box::new(uri)))
            .map_err(|error: UriError| {
                Failure::usage("the key's URI cannot be used")
                    .because(error)
                    .next("see docs/operating/keys-elsewhere.md; a file of such a name is given as ./NAME")
            })
    }

    /// The key's PEM text.
    pub(crate) fn pem(&self) -> Result<Zeroizing<String>, Failure> {
        match self {
            Self::File(path) => read_secret_text(path),
            Self::Variable(name) => match crate::world::variable(name) {
                Some(pem) if !pem.is_empty() && pem.len() <= MAX_PEM_BYTES => Ok(pem),
                found => {
                    let what = match found {
                        Some(pem) if !pem.is_empty() => "is too large for a key",
                        _ => "is not set, or not text",
                    };
                    let what = format!("the environment variable {name} {what}");
                    Err(Failure::new(Fault::Key, what)
                        .next(format!("put the private key in PEM form into {name}")))
                }
            },
            Self::Elsewhere(uri) => Err(Failure::usage(format!("the key {uri} cannot be used here"))
                .next("this command needs the key itself: give a PEM file or env:NAME")),
        }
    }
}

/// Whether a text looks like a PEM file, or one in base64 as pipelines keep it, rather than the name of a file.
fn is_a_key(text: &str) -> bool {
    text.contains('\n') || text.contains("-----BEGIN") || text.starts_with("LS0tLS1CRUdJTi")
}
