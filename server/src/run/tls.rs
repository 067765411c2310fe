//! TLS of the two HTTPS listeners: rustls with aws-lc-rs, and nothing weaker than was configured.

use crate::config::{MinTls, TlsListener};
use crate::exit::{Code, Failure};
use crate::signing::DemoKeys;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

static MODERN: &[&SupportedProtocolVersion] = &[&TLS13];
static COMPATIBLE: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// The operators' side: no client certificates.
pub(crate) fn operators(listener: &TlsListener, demo: DemoKeys) -> Result<Arc<ServerConfig>, Failure> {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions(listener.min_tls))
        .map_err(unusable(listener))?
        .with_no_client_auth();
    let (chain, key) = material(listener, demo)?;
    finish(builder.with_single_cert(chain, key).map_err(unusable(listener))?)
}

/// The vehicles' side: a client certificate under `client_ca` is required.
pub(crate) fn vehicles(
    listener: &TlsListener,
    client_ca: &Path,
    demo: DemoKeys,
) -> Result<Arc<ServerConfig>, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for ca in certificates("vehicles.client_ca", client_ca, demo)? {
        roots.add(ca).map_err(|error| {
            Failure::new(
                Code::Config,
                format!("vehicles.client_ca: {} holds an unusable CA", client_ca.display()),
            )
            .because(error)
        })?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| Failure::new(Code::Config, "vehicles.client_ca cannot be used").because(error))?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(listener.min_tls))
        .map_err(unusable(listener))?
        .with_client_cert_verifier(verifier);
    let (chain, key) = material(listener, demo)?;
    finish(builder.with_single_cert(chain, key).map_err(unusable(listener))?)
}

fn finish(mut config: ServerConfig) -> Result<Arc<ServerConfig>, Failure> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn versions(min: MinTls) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        MinTls::V1_3 => MODERN,
        MinTls::V1_2 => COMPATIBLE,
    }
}

fn unusable(listener: &TlsListener) -> impl FnOnce(rustls::Error) -> Failure {
    let text = format!(
        "{0}.certificate {1} and {0}.key {2} do not make a TLS server",
        listener.section,
        listener.certificate.display(),
        listener.key.display()
    );
    move |error| Failure::new(Code::Config, text).because(error)
}

type Material = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn material(listener: &TlsListener, demo: DemoKeys) -> Result<Material, Failure> {
    let chain = certificates(
        &format!("{}.certificate", listener.section),
        &listener.certificate,
        demo,
    )?;
    let field = format!("{}.key", listener.section);
    let key =
        PrivateKeyDer::from_pem_file(&listener.key).map_err(|error| missing(&field, &listener.key, error))?;
    Ok((chain, key))
}

fn certificates(field: &str, path: &Path, demo: DemoKeys) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| missing(field, path, error))?;
    if chain.is_empty() {
        let text = format!("{field}: {} holds no certificate in PEM", path.display());
        return Err(Failure::new(Code::Config, text));
    }
    for certificate in &chain {
        demo.check(field, &[&spki_sha256(certificate).unwrap_or_default()])?;
    }
    Ok(chain)
}

/// Lower-hex SHA-256 of a certificate's SubjectPublicKeyInfo.
fn spki_sha256(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(hex::encode(Sha256::digest(certificate.public_key().raw)))
}

/// Says how the material is made, since a first start always lacks it.
fn missing(field: &str, path: &Path, error: rustls_pki_types::pem::Error) -> Failure {
    let how = if field.ends_with("client_ca") {
        "name the CA of your vehicles' certificates; for a trial, `sealift ca create --out fleet-ca` makes \
         fleet-ca/ca.pem"
    } else {
        "name the server's certificate and key; for a trial, `sealift ca create --out server-ca` and `sealift ca \
         issue-server --ca-cert server-ca/ca.pem --ca-key server-ca/ca.key.pem --name localhost --ip 127.0.0.1 --out tls` \
         make tls/server.pem and tls/server.key.pem"
    };
    Failure::new(Code::Config, format!("{field}: cannot read {}", path.display()))
        .because(error)
        .advise(format!(
            "{how}. docs/operating shows a whole set-up; for a demonstration, set `demo = true` and name the files under \
             keys-example/"
        ))
}
