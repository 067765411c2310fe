//! Names of keys that are held elsewhere: PKCS#11 URIs (RFC 7512), and URIs of keys in AWS KMS.

mod awskms;
mod pkcs11;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use awskms::AwsKmsUri;
pub use pkcs11::Pkcs11Uri;
#[cfg(feature = "pkcs11")]
pub(crate) use pkcs11::Wanted;

/// Longest URI, in bytes.
const MAX_URI_BYTES: usize = 4096;

/// The name of a key that is held elsewhere. Shown as it was given; it never contains a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyUri {
    /// `pkcs11:…`
    Pkcs11(Pkcs11Uri),
    /// `awskms:…`
    AwsKms(AwsKmsUri),
}

impl KeyUri {
    /// Whether `text` means to be such a name. All else is a path; a file of such a name is reached as `./pkcs11:…`.
    pub fn is_one(text: &str) -> bool {
        ["pkcs11", "awskms"].into_iter().any(|scheme| {
            // RFC 3986 §3.1: schemes are equal in any case.
            text.split_once(':')
                .is_some_and(|(given, _)| given.eq_ignore_ascii_case(scheme))
        })
    }
}

impl FromStr for KeyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI_BYTES {
            return Err(UriError::new("the URI", "is too long. Shorten it to 4096 bytes"));
        }
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "pkcs11" => Pkcs11Uri::parse(text, rest).map(Self::Pkcs11),
            "awskms" => AwsKmsUri::parse(text, rest).map(Self::AwsKms),
            _ => Err(UriError::new(
                "the URI",
                "starts with neither `pkcs11:` nor `awskms:`",
            )),
        }
    }
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pkcs11(uri) => uri.fmt(f),
            Self::AwsKms(uri) => uri.fmt(f),
        }
    }
}

/// A key's URI that cannot be understood. It shows no values, since one could be a PIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {why}")]
pub struct UriError {
    what: String,
    why: String,
}

impl UriError {
    fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
        }
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1). `None` for a `%` without two hex digits.
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = digit(*high)? * 16 + digit(*low)?;
        bytes.push(u8::try_from(byte).ok()?);
        rest = tail;
    }
    Some(bytes)
}
