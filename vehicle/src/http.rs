//! [`Fetch`] over HTTPS with the vehicle's client certificate. No redirects, no compression, no proxies, no system
//! certificate store: the server's certificate must chain to the provisioned CA.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, IF_RANGE, RANGE};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use crate::durable;
use crate::fetch::{Answer, Body, Fetch, FetchError, Request};
use crate::layout::Layout;

const MAX_PEM_BYTES: u64 = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The real network.
#[derive(Debug)]
pub struct HttpFetch {
    base: String,
    host: String,
    client: reqwest::Client,
}

/// TLS cannot be set up from the provisioned files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSetupError {
    /// A PEM file is missing, unreadable or empty.
    #[error("{} cannot be used as {what}; provision it again", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key do not go together, or no TLS version is left.
    #[error("the client certificate and its key cannot be used for TLS")]
    Tls(#[from] rustls::Error),
    /// The client could not be built.
    #[error("the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
}

impl HttpFetch {
    /// A client for `base` (https) with the provisioned certificate, key and CA of `layout`.
    ///
    /// # Errors
    /// [`HttpSetupError`], naming the file.
    pub fn provisioned(base: &Url, layout: &Layout) -> Result<Self, HttpSetupError> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in certificates(&layout.tls_ca(), "CA certificates")? {
            roots.add(certificate)?;
        }
        let chain = certificates(&layout.tls_certificate(), "the client certificate")?;
        let key = private_key(&layout.tls_key())?;
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::with_tls(base, tls)
    }

    fn with_tls(base: &Url, tls: rustls::ClientConfig) -> Result<Self, HttpSetupError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("sealift-vehicle/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let host = format!(
            "{}:{}",
            base.host_str().unwrap_or_default(),
            base.port_or_known_default().unwrap_or_default()
        );
        Ok(Self {
            base: base.as_str().trim_end_matches('/').to_owned(),
            host,
            client,
        })
    }
}

#[async_trait]
impl Fetch for HttpFetch {
    fn host(&self) -> &str {
        &self.host
    }

    async fn send(&self, request: Request) -> Result<Answer, FetchError> {
        let url = format!("{}{}", self.base, request.path());
        let builder = match request {
            Request::Get { range, if_range, .. } => {
                let mut builder = self.client.get(url);
                if let Some(range) = range {
                    builder = builder.header(RANGE, range.header());
                    if let Some(etag) = if_range {
                        builder = builder.header(IF_RANGE, etag);
                    }
                }
                builder
            }
            Request::Put { body, .. } => self
                .client
                .put(url)
                .header(CONTENT_TYPE, "application/json")
                .body(body),
        };
        let response = builder
            .header(ACCEPT_ENCODING, "identity")
            .send()
            .await
            .map_err(|e| broken("no answer", e))?;
        let headers = response.headers();
        Ok(Answer {
            status: response.status().as_u16(),
            etag: text(headers, &reqwest::header::ETAG),
            content_range: text(headers, &reqwest::header::CONTENT_RANGE),
            content_length: text(headers, &reqwest::header::CONTENT_LENGTH)
                .and_then(|length| length.parse().ok()),
            content_encoding: text(headers, &reqwest::header::CONTENT_ENCODING),
            retry_after: text(headers, &reqwest::header::RETRY_AFTER),
            body: Box::new(HttpBody { response }),
        })
    }
}

#[derive(Debug)]
struct HttpBody {
    response: reqwest::Response,
}

#[async_trait]
impl Body for HttpBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        self.response
            .chunk()
            .await
            .map_err(|error| broken("the connection broke while the body was read", error))
    }
}

fn broken(problem: &'static str, error: reqwest::Error) -> FetchError {
    FetchError {
        problem,
        source: Some(Box::new(error)),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, HttpSetupError> {
    let refused = || HttpSetupError::Pem {
        path: path.to_owned(),
        what,
    };
    let bytes = durable::read_capped(path, MAX_PEM_BYTES)
        .ok()
        .flatten()
        .ok_or_else(refused)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| refused())?;
    if certificates.is_empty() {
        Err(refused())
    } else {
        Ok(certificates)
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, HttpSetupError> {
    let refused = || HttpSetupError::Pem {
        path: path.to_owned(),
        what: "the client's private key",
    };
    let bytes = durable::read_capped(path, MAX_PEM_BYTES)
        .ok()
        .flatten()
        .ok_or_else(refused)?;
    let bytes = zeroize::Zeroizing::new(bytes);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| refused())
}

/// Ways to a server that is not authenticated.
pub mod danger {
    use url::Url;

    use super::{HttpFetch, HttpSetupError};

    /// A client without TLS authentication of either side, for tests against a server on this machine. Signatures are
    /// still checked; who the vehicle is, is not.
    ///
    /// # Errors
    /// [`HttpSetupError`] if the client cannot be built.
    pub fn plain_http(base: &Url) -> Result<HttpFetch, HttpSetupError> {
        tracing::warn!(%base, "requests go to a server that is not authenticated");
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        HttpFetch::with_tls(base, tls)
    }
}
