//! The address of a repository, and opening it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, RetryConfig};
use url::{Host, Url};

use crate::backend::disk::Disk;
use crate::backend::object::Object;
use crate::error::BoxError;
use crate::path::StorePath;
use crate::store::Store;

/// A request to S3 that takes longer has failed; a part of 8 MiB fits through a slow line in this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const RETRIES: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// Where a repository is: `file:///absolute/folder`, `s3://bucket/prefix` or `memory:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUrl {
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    S3 {
        bucket: String,
        prefix: Option<StorePath>,
    },
    Memory,
}

/// An address that cannot be parsed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Not one of the three forms.
    #[error("{url:?}: {why}; write file:///absolute/folder, s3://bucket/prefix or memory:")]
    Malformed {
        /// The address, as given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The endpoint for S3 is plain HTTP and not on this machine.
    #[error(
        "AWS_ENDPOINT_URL {endpoint:?}: plain http is accepted for loopback only; use https, or set AWS_ALLOW_HTTP=true"
    )]
    PlainHttp {
        /// The endpoint.
        endpoint: String,
    },
    /// The S3 client could not be made from the AWS_* environment.
    #[error("{url}: the AWS_* settings do not make an S3 client")]
    Settings {
        /// The repository's address.
        url: String,
        /// What the client's builder said.
        source: BoxError,
    },
}

impl RepositoryUrl {
    /// Parses an address.
    ///
    /// # Errors
    /// [`UrlError::Malformed`], with the reason.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let bad = |why| UrlError::Malformed {
            url: text.chars().take(256).collect(),
            why,
        };
        let url = Url::parse(text).map_err(|_| bad("not an absolute URL"))?;
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(bad("a query, fragment, user or password has no place here"));
        }
        let place = match url.scheme() {
            "file" if url.host().is_some() => return Err(bad("a file URL has three slashes and no host")),
            "file" => Place::File(url.to_file_path().map_err(|()| bad("not an absolute folder"))?),
            "s3" => {
                let bucket = url
                    .host_str()
                    .filter(|b| !b.is_empty())
                    .ok_or_else(|| bad("the bucket is missing"))?;
                let prefix = match url.path().trim_matches('/') {
                    "" => None,
                    path => Some(
                        StorePath::parse(path)
                            .map_err(|_| bad("the prefix holds characters outside [A-Za-z0-9._/-]"))?,
                    ),
                };
                Place::S3 {
                    bucket: bucket.to_owned(),
                    prefix,
                }
            }
            "memory" if matches!(url.path(), "" | "/") && url.host().is_none() => Place::Memory,
            _ => return Err(bad("unknown kind of store")),
        };
        Ok(Self { place })
    }

    /// The folder of a `file:` address.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::File(folder) => Some(folder),
            _ => None,
        }
    }

    /// Opens the store. Touches neither disk nor network: the first operation does.
    ///
    /// S3 takes credentials, region and endpoint from the usual `AWS_*` variables. Every call for `memory:` makes a new,
    /// empty store.
    ///
    /// # Errors
    /// [`UrlError::PlainHttp`], [`UrlError::Settings`].
    pub fn open(&self) -> Result<Store, UrlError> {
        let backend: Arc<dyn crate::backend::Backend> = match &self.place {
            Place::File(folder) => Arc::new(Disk::new(folder.clone())),
            Place::Memory => Arc::new(Object::new(InMemory::new(), "memory:")),
            Place::S3 { bucket, prefix } => {
                let client = s3(bucket, &self.to_string())?;
                let address = self.to_string();
                match prefix {
                    Some(prefix) => {
                        Arc::new(Object::new(PrefixStore::new(client, prefix.as_str()), &address))
                    }
                    None => Arc::new(Object::new(client, &address)),
                }
            }
        };
        Ok(Store::new(backend))
    }
}

impl std::fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::File(folder) => match Url::from_file_path(folder) {
                Ok(url) => write!(f, "{url}"),
                Err(()) => write!(f, "file://{}", folder.display()),
            },
            Place::S3 {
                bucket,
                prefix: Some(prefix),
            } => write!(f, "s3://{bucket}/{prefix}"),
            Place::S3 { bucket, prefix: None } => write!(f, "s3://{bucket}"),
            Place::Memory => f.write_str("memory:"),
        }
    }
}

fn s3(bucket: &str, url: &str) -> Result<object_store::aws::AmazonS3, UrlError> {
    let builder = AmazonS3Builder::from_env();
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let allowed = builder.get_config_value(&AmazonS3ConfigKey::Client(
        object_store::ClientConfigKey::AllowHttp,
    ));
    let allow_http = match endpoint {
        Some(endpoint) if endpoint.starts_with("http://") => {
            if allowed.as_deref() != Some("true") && !is_loopback(&endpoint) {
                return Err(UrlError::PlainHttp { endpoint });
            }
            true
        }
        _ => false,
    };
    builder
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(
            ClientOptions::new()
                .with_timeout(REQUEST_TIMEOUT)
                .with_connect_timeout(CONNECT_TIMEOUT)
                .with_allow_http(allow_http),
        )
        .with_retry(RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        })
        .build()
        .map_err(|e| UrlError::Settings {
            url: url.to_owned(),
            source: e.into(),
        })
}

fn is_loopback(endpoint: &str) -> bool {
    match Url::parse(endpoint).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_parse_and_print_themselves() {
        for text in [
            "file:///var/lib/sealift",
            "s3://bucket",
            "s3://bucket/a/b",
            "memory:",
        ] {
            assert_eq!(RepositoryUrl::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            RepositoryUrl::parse("s3://bucket/a/").unwrap().to_string(),
            "s3://bucket/a"
        );
        assert_eq!(
            RepositoryUrl::parse("file:///a%20b").unwrap().folder().unwrap(),
            std::path::Path::new("/a b")
        );
    }

    #[test]
    fn everything_else_is_refused_with_the_reason() {
        for text in [
            "",
            "repo",
            "/var/lib",
            "file://host/dir",
            "s3:///prefix",
            "s3://user:secret@bucket",
            "s3://bucket/a%20b",
            "s3://bucket?x=1",
            "https://example.org/repo",
            "memory://x",
        ] {
            assert!(
                matches!(RepositoryUrl::parse(text), Err(UrlError::Malformed { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn only_loopback_counts_as_loopback() {
        for yes in ["http://127.0.0.1:5000", "http://[::1]:5000", "http://localhost"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in [
            "http://127.0.0.1.example.org",
            "http://10.0.0.1",
            "http://localhost.example.org",
        ] {
            assert!(!is_loopback(no), "{no}");
        }
    }
}
