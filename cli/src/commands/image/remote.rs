//! A sealed image on a web server or a store, of which only ranges are read.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clap::Args;
use futures::TryStreamExt;
use reqwest::Certificate;
use sealift_envelope::{AsyncReadAt, HttpSource, OpenError, ReadAt, SourceError};
use sealift_repository::{Object, RepositoryUrl, StoreError, StorePath};
use tokio::runtime::Runtime;

use crate::failure::{Failure, Fault};
use crate::{World, faults, keys};

/// Bytes fetched when it is opened, which hold the header of an image with a few recipients.
const HEAD_BYTES: u64 = 4096;

/// One version of an image elsewhere, read by blocking.
#[derive(Debug)]
pub(super) struct Remote {
    runtime: Runtime,
    place: Place,
    size: u64,
    head: Bytes,
}

#[derive(Debug)]
enum Place {
    Web(HttpSource),
    Store(Object),
}

#[derive(Args, Debug)]
pub(in crate::commands) struct RemoteArgs {
    /// CA certificate that the certificate of an https:// server must come from, and no other [default: those that this
    /// machine trusts]
    #[arg(long, value_name = "CA.pem", requires = "range")]
    ca: Option<PathBuf>,
}

impl RemoteArgs {
    /// Whom to trust at this address; `None` for those that the machine trusts.
    pub(super) fn authorities(
        &self,
        world: &World,
        address: &str,
    ) -> Result<Option<Vec<Certificate>>, Failure> {
        match &self.ca {
            Some(ca) if address.starts_with("https://") => keys::authorities(world, ca).map(Some),
            _ => self.refuse().map(|()| None),
        }
    }

    /// Fails if a CA was given: there is no server to know by it.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        match &self.ca {
            Some(_) => Err(Failure::usage("--ca is for images at an https:// address")
                .next("leave it out, or give the address of the image")),
            None => Ok(()),
        }
    }
}

/// The address, if `input` is one and not a path: also of kinds that are not read here, whose secrets are secrets too.
pub(super) fn address(input: &Path) -> Option<&str> {
    input.to_str().filter(|text| scheme(text).is_some())
}

/// What is before `://`, in small letters.
fn scheme(address: &str) -> Option<String> {
    let (scheme, _) = address.split_once("://")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (!scheme.is_empty() && scheme.chars().all(fits)).then(|| scheme.to_ascii_lowercase())
}

/// The address without what may be a secret in it.
pub(super) fn shown(address: &str) -> String {
    let shown = address.split_once(['?', '#']).map_or(address, |(shown, _)| shown);
    let Some((scheme, rest)) = shown.split_once("://") else {
        return shown.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if let Some((_, host)) = host.rsplit_once('@') {
        return format!("{scheme}://{host}{path}");
    }
    // A password may have a slash in it, so that the rest of it looks like a path.
    match path.rsplit_once('@') {
        Some((_, rest)) if host.contains(':') => format!("{scheme}://…@{rest}"),
        _ => format!("{scheme}://{rest}"),
    }
}

impl Remote {
    /// Finds the image and its length; the version found is the one that is read. A server's certificate must be of one of
    /// `authorities`, or where there are none, of one that this machine trusts.
    pub(super) fn open(address: &str, authorities: Option<Vec<Certificate>>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::io("cannot start the runtime", error))?;
        let what = format!("cannot read {}", shown(address));
        let (place, size, head) = runtime.block_on(async {
            let web_schemes = ["http", "https"].map(|scheme| Some(scheme.to_owned()));
            let (place, size) = if web_schemes.contains(&scheme(address)) {
                let source = web(address, authorities).await?;
                let size = source.size().await;
                let size = size.map_err(|error| Failure::io(what.clone(), error))?;
                (Place::Web(source), size)
            } else {
                let object = stored(address).await?;
                let size = object.size();
                (Place::Store(object), size)
            };
            let head = place.read(0, size.min(HEAD_BYTES)).await;
            let head = head.map_err(|error| failure(what, error))?;
            Ok::<_, Failure>((place, size, head))
        })?;
        Ok(Self {
            runtime,
            place,
            size,
            head,
        })
    }
}

impl ReadAt for Remote {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if self.head[..].read_exact_at(offset, buf).is_ok() {
            return Ok(());
        }
        let read = self.place.read(offset, buf.len() as u64);
        let bytes = self.runtime.block_on(read)?;
        // Both kinds of place promise this; a panic is not the answer to a broken promise.
        if bytes.len() != buf.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf.copy_from_slice(&bytes);
        Ok(())
    }
}

impl Place {
    async fn read(&self, offset: u64, len: u64) -> io::Result<Bytes> {
        match self {
            Self::Web(source) => {
                let len = usize::try_from(len).map_err(io::Error::other)?;
                source.read_at(offset, len).await
            }
            Self::Store(object) => {
                let end = offset.saturating_add(len);
                let mut pieces = object.stream(offset..end).map_err(io::Error::other)?;
                let mut bytes = BytesMut::new();
                while let Some(piece) = pieces.try_next().await.map_err(io::Error::other)? {
                    bytes.extend_from_slice(&piece);
                }
                Ok(bytes.freeze())
            }
        }
    }
}

async fn web(address: &str, authorities: Option<Vec<Certificate>>) -> Result<HttpSource, Failure> {
    let url = address.parse().map_err(|error: url::ParseError| {
        Failure::usage(format!("{} is not an address", shown(address))).because(error)
    })?;
    // A second installation finds the first in place, which is the same provider.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = reqwest::Client::builder();
    let builder = match authorities {
        Some(list) => builder.tls_certs_only(list),
        None => builder,
    };
    let client = builder
        .connect_timeout(Duration::from_secs(15))
        .read_timeout(Duration::from_secs(60))
        // The address may be signed: it is nobody else's, and where it leads is not for the server to choose.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Failure::new(Fault::Other, "cannot set up HTTP").because(error))?;
    let opened = HttpSource::open(client, url).await;
    opened.map_err(|error| source(format!("cannot read {}", shown(address)), error))
}

/// An object of a store: everything before the last part of its address is the store's.
async fn stored(address: &str) -> Result<Object, Failure> {
    let usage = || {
        Failure::usage(format!("{} is not the address of an object", shown(address)))
            .next("write s3://bucket/path/name or file:///folder/name")
    };
    let (folder, name) = address.rsplit_once('/').ok_or_else(usage)?;
    // What is wrong with it is not told in the words of these errors: they show the whole address.
    let path = StorePath::parse(name).map_err(|_| usage())?;
    let store = RepositoryUrl::parse(folder).map_err(|_| usage())?;
    let opened = store.open().map_err(faults::url)?.open(&path).await;
    opened.map_err(faults::store)?.ok_or_else(|| {
        Failure::new(Fault::NotFound, format!("there is no {}", shown(address)))
            .next("check the address; of targets in a repository, the object's name starts with its hash")
    })
}

/// What a failed read of a place elsewhere means; other errors come back.
pub(super) fn refusal(what: &str, error: OpenError) -> Result<Failure, OpenError> {
    match error {
        OpenError::Read(error) if error.get_ref().is_some_and(is_ours) => Ok(failure(what, error)),
        error => Err(error),
    }
}

fn is_ours(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.is::<SourceError>() || error.is::<StoreError>()
}

fn failure(what: impl Into<String>, error: io::Error) -> Failure {
    let error = match error.downcast::<SourceError>() {
        Ok(error) => return source(what, error),
        Err(error) => error,
    };
    match error.downcast::<StoreError>() {
        Ok(error) => faults::store(error),
        Err(error) => Failure::io(what, error),
    }
}

/// The error says what to do itself, mostly.
fn source(what: impl Into<String>, error: SourceError) -> Failure {
    let fault = match &error {
        SourceError::Status { status: 300..=399 } => Fault::Refused,
        SourceError::Status { status: 404 | 410 } => Fault::NotFound,
        SourceError::Status { status: 401 | 403 } => Fault::Denied,
        SourceError::Status { .. } | SourceError::Client(_) => Fault::Unavailable,
        SourceError::Replaced => Fault::Conflict,
        _ => Fault::Refused,
    };
    let failure = Failure::new(fault, what);
    let next = match &error {
        SourceError::Status { status: 300..=399 } => {
            "redirects are not followed, since the address may be signed; give the address that this one leads to"
        }
        SourceError::Client(client) if is_distrust(&**client) => {
            "check that the address is right; where the server's certificate is of a private CA, give that CA with --ca"
        }
        SourceError::Client(_) => "run the command again when the server answers",
        _ => return failure.because(error),
    };
    failure.because(error).next(next)
}

/// Whether it was the server's certificate. Errors of input and output show what is in them, but not as their source.
fn is_distrust(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return true;
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => is_distrust(inner),
        None => error.source().is_some_and(is_distrust),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{address, shown};

    #[test]
    fn whatever_has_a_scheme_is_an_address() {
        for text in [
            "https://h/a",
            "HTTPS://h/a?s",
            "gs://b/a",
            "ftp://h/a",
            "file:///a",
        ] {
            assert_eq!(address(Path::new(text)), Some(text));
        }
        for text in ["a.img", "-", "/a://b", "://a", "a b://c", "c:/a"] {
            assert_eq!(address(Path::new(text)), None, "{text}");
        }
    }

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for (address, wanted) in [
            ("https://host/a.img", "https://host/a.img"),
            (
                "https://user:pass@host:8443/a@b.img?token=1",
                "https://host:8443/a@b.img",
            ),
            ("https://user:p@ss@host?x=/", "https://host"),
            ("s3://AKIA:ab/SECRET@bucket/a", "s3://…@bucket/a"),
            ("s3://bucket/a@b.img", "s3://bucket/a@b.img"),
            ("GS://bucket/a?token=1", "GS://bucket/a"),
            ("s3://bucket/a#x", "s3://bucket/a"),
            ("file:///images/a.img", "file:///images/a.img"),
        ] {
            assert_eq!(shown(address), wanted);
        }
    }
}
