//! `awskms:` URIs: `awskms://[HOST[:PORT]]/KEY`.

use std::fmt;
use std::net::IpAddr;

use super::UriError;

/// Bytes of a key's name that AWS allows, at most (`KeyId` of its requests).
const MAX_KEY_BYTES: usize = 2048;

/// A key in AWS KMS: a key id, an alias (`alias/NAME`) or the ARN of either, and optionally the address of the service.
///
/// The service is spoken to over HTTPS; over plain HTTP only at a loopback address, where test doubles listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsKmsUri {
    text: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) key: String,
    pub(crate) region: Option<String>,
}

impl AwsKmsUri {
    pub(super) fn parse(text: &str, rest: &str) -> Result<Self, UriError> {
        let fail = |why: &str| UriError::new("the URI", why);
        let form =
            "must be `awskms:///KEY` or `awskms://HOST:PORT/KEY`; KEY is a key id, `alias/NAME` or an ARN";
        let rest = rest.strip_prefix("//").ok_or_else(|| fail(form))?;
        let (host, key) = rest.split_once('/').ok_or_else(|| fail(form))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:.".contains(&byte);
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(plain) {
            return Err(fail(form));
        }
        let region = match key.split(':').collect::<Vec<_>>().as_slice() {
            [_] => None,
            // arn:PARTITION:kms:REGION:ACCOUNT:key/ID or …:alias/NAME
            ["arn", _, "kms", region, _, name]
                if !region.is_empty() && (name.starts_with("key/") || name.starts_with("alias/")) =>
            {
                Some((*region).to_owned())
            }
            _ => return Err(fail("holds an ARN that names no key of KMS")),
        };
        Ok(Self {
            text: text.to_owned(),
            endpoint: endpoint(host)?,
            key: key.to_owned(),
            region,
        })
    }
}

impl fmt::Display for AwsKmsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn endpoint(authority: &str) -> Result<Option<String>, UriError> {
    if authority.is_empty() {
        return Ok(None);
    }
    let fail = || UriError::new("the URI", "has an address that is not HOST or HOST:PORT");
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(fail());
    }
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address: Option<IpAddr> = match inner {
        Some(inner) => Some(IpAddr::V6(inner.parse().map_err(|_| fail())?)),
        None => host.parse().ok().filter(IpAddr::is_ipv4),
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if address.is_none() && (host.is_empty() || !host.bytes().all(named)) {
        return Err(fail());
    }
    let local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    let scheme = if local { "http" } else { "https" };
    Ok(Some(format!("{scheme}://{authority}")))
}
