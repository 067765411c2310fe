//! `pkcs11:` URIs (RFC 7512), as far as they name a private key.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{UriError, percent_decode};
use crate::pin::PinSource;

/// A private key in a token.
///
/// Understood are `token`, `manufacturer`, `model`, `serial` and `slot-id` to choose the token, `object` and `id` to choose
/// the key, `type=private`, and `pin-source` and `module-path`. Anything else is refused, so that nothing is taken for
/// chosen which is not. So is `pin-value`: a URI is no place for a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11Uri {
    text: String,
    pub(crate) token: Wanted,
    pub(crate) object: Option<Vec<u8>>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) pin_source: Option<PinSource>,
    pub(crate) module: Option<PathBuf>,
}

/// Which token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) label: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) slot: Option<u64>,
}

impl Pkcs11Uri {
    pub(super) fn parse(text: &str, rest: &str) -> Result<Self, UriError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self {
            text: text.to_owned(),
            token: Wanted::default(),
            object: None,
            id: None,
            pin_source: None,
            module: None,
        };
        let mut seen = Vec::new();
        for attribute in path.split(';').chain(query.split('&')) {
            // `pkcs11:` alone and a `;` at the end are legal.
            if attribute.is_empty() {
                continue;
            }
            let (name, value) = attribute
                .split_once('=')
                .ok_or_else(|| UriError::new("the URI", "has an attribute without `=`"))?;
            if seen.contains(&name) {
                return Err(UriError::new(format!("`{name}`"), "is there twice"));
            }
            seen.push(name);
            let value = percent_decode(value)
                .ok_or_else(|| UriError::new(format!("`{name}`"), "has a `%` without two hex digits"))?;
            uri.set(name, value)?;
        }
        Ok(uri)
    }

    fn set(&mut self, name: &str, value: Vec<u8>) -> Result<(), UriError> {
        let fail = |why: &str| UriError::new(format!("`{name}`"), why);
        let utf8 = |value: Vec<u8>| String::from_utf8(value).map_err(|_| fail("is not UTF-8"));
        match name {
            "token" => self.token.label = Some(utf8(value)?),
            "manufacturer" => self.token.manufacturer = Some(utf8(value)?),
            "model" => self.token.model = Some(utf8(value)?),
            "serial" => self.token.serial = Some(utf8(value)?),
            "slot-id" => {
                let slot = utf8(value)?.parse().map_err(|_| fail("is not a number"))?;
                self.token.slot = Some(slot);
            }
            "object" => self.object = Some(value),
            "id" => self.id = Some(value),
            "type" if value == b"private" => {}
            "type" => return Err(fail("must be `private`: the private key is named")),
            "module-path" => self.module = Some(module(&utf8(value)?)?),
            "pin-source" => self.pin_source = Some(pin_source(&utf8(value)?)?),
            "pin-value" => {
                return Err(fail(
                    "would show the PIN to everybody on this machine. Use `pin-source=file:/…` or `pin-source=env:NAME`",
                ));
            }
            "module-name" => return Err(fail("is not supported. Give the whole path in `module-path`")),
            _ => {
                return Err(fail(
                    "is not supported. Known are token, manufacturer, model, serial, slot-id, object, id, type, \
                     pin-source and module-path",
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn module(path: &str) -> Result<PathBuf, UriError> {
    let path = Path::new(path);
    // A bare name would be searched for, and whatever is found would run with our rights.
    if !path.is_absolute() {
        return Err(UriError::new("`module-path`", "must be an absolute path"));
    }
    Ok(path.to_owned())
}

fn pin_source(text: &str) -> Result<PinSource, UriError> {
    let fail = |why| Err(UriError::new("`pin-source`", why));
    if let Some(name) = text.strip_prefix("env:") {
        return match name {
            "" => fail("names no variable. Write `env:NAME`"),
            name => Ok(PinSource::Env(name.to_owned())),
        };
    }
    let path = match text.strip_prefix("file:") {
        Some(path) => path.strip_prefix("//").unwrap_or(path),
        None => text,
    };
    if Path::new(path).is_absolute() {
        Ok(PinSource::File(PathBuf::from(path)))
    } else {
        fail("must be `file:/ABSOLUTE/PATH` or `env:NAME`; a program is never run for it")
    }
}
