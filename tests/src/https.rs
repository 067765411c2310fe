//! HTTPS clients with and without a certificate, and the TLS side of a dishonest server.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate chain with its private key, both PEM.
#[derive(Clone)]
pub struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// Reads both files.
    ///
    /// # Panics
    /// When one cannot be read.
    #[must_use]
    pub fn read(certificate: &Path, key: &Path) -> Self {
        let read =
            |path: &Path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            certificate: read(certificate),
            key: read(key),
        }
    }
}

/// TLS settings of a server that shows `identity`, asks no client certificate and speaks HTTP/1.1.
///
/// # Panics
/// When the PEM files cannot be used.
#[must_use]
pub fn server_config(identity: &Identity) -> ServerConfig {
    let chain = CertificateDer::pem_slice_iter(&identity.certificate).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(&identity.key).expect("a private key in PEM");
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain.expect("certificates in PEM"), key)
        .expect("the key fits the certificate")
}

/// A client that trusts one CA.
#[derive(Clone, Debug)]
pub struct Https {
    client: reqwest::Client,
}

impl Https {
    /// Trusts the CA in the file `ca`, shows `identity` if given.
    ///
    /// # Panics
    /// When a PEM file cannot be used.
    #[must_use]
    pub fn new(ca: &Path, identity: Option<&Identity>) -> Self {
        // A second installation in the same process changes nothing.
        let _ = aws_lc_rs::default_provider().install_default();
        let ca = std::fs::read(ca).unwrap_or_else(|error| panic!("{}: {error}", ca.display()));
        let ca = reqwest::Certificate::from_pem_bundle(&ca).expect("certificates in PEM");
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(ca)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(60));
        if let Some(identity) = identity {
            let pem = [identity.key.as_slice(), b"\n", &identity.certificate].concat();
            builder =
                builder.identity(reqwest::Identity::from_pem(&pem).expect("a key and certificates in PEM"));
        }
        Self {
            client: builder.build().expect("a client can be built"),
        }
    }

    /// The client, for requests of any kind.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }
}
