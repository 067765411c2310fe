//! The program itself, against a TLS server that asks for the vehicle's certificate.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::happy::firmware;
use crate::http::router;
use crate::kit::{Fleet, GATEWAY, Sealing, Server};

/// A CA for both sides, written where the vehicle looks; gives the server's half.
fn certificates(fleet: &Fleet) -> rustls::ServerConfig {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        (certificate, key)
    };
    let (client, client_key) = issue("vehicle.example");
    fs::create_dir_all(fleet.path("tls")).unwrap();
    fs::write(fleet.path("tls/ca.pem"), ca.pem()).unwrap();
    fs::write(fleet.path("tls/client.pem"), client.pem()).unwrap();
    fs::write(fleet.path("tls/client.key.pem"), client_key.serialize_pem()).unwrap();

    let (server, server_key) = issue("127.0.0.1");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let key = PrivateKeyDer::try_from(server_key.serialize_der()).unwrap();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls
}

/// Serves `server` over TLS from a task and sends the vehicle there.
async fn serve(fleet: &Fleet, server: Arc<Server>) {
    let tls = TlsAcceptor::from(Arc::new(certificates(fleet)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = fs::read_to_string(fleet.path("vehicle.toml")).unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    fs::write(
        fleet.path("vehicle.toml"),
        config.replace("https://ota.example", &address),
    )
    .unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = tls.accept(stream).await else {
                continue;
            };
            let service = TowerToHyperService::new(router(Arc::clone(&server)));
            tokio::spawn(async move {
                let _ = Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

async fn run(dir: &Path, arguments: &'static [&'static str]) -> Output {
    let dir = dir.to_owned();
    let program = move || {
        Command::new(env!("CARGO_BIN_EXE_sealift-vehicle"))
            .arg("--dir")
            .arg(dir)
            .args(arguments)
            .output()
            .unwrap()
    };
    tokio::task::spawn_blocking(program).await.unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program under test uses the real clock, so its metadata must be fresh"
)]
async fn fleet() -> Fleet {
    let mut fleet = Fleet::at(jiff::Timestamp::now(), Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_updates_over_mutual_tls_and_tells_in_json() {
    let mut fleet = fleet().await;
    let server = Arc::new(std::mem::take(&mut fleet.server));
    serve(&fleet, Arc::clone(&server)).await;

    let output = run(&fleet.path(""), &["--once", "--json"]).await;

    assert!(output.status.success(), "{output:?}");
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    let events: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let range = events.iter().find(|event| event["event"] == "range").unwrap();
    assert_eq!(range["start"], 0);
    assert_eq!(events.last().unwrap()["outcome"], "installed");
    assert!(
        output.stderr.is_empty(),
        "silent when piped: {}",
        String::from_utf8_lossy(&output.stderr)
    );

    let output = run(&fleet.path(""), &["--once"]).await;
    assert!(output.status.success());
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");

    server.put("/director/timestamp.json", "{}");
    let output = run(&fleet.path(""), &[]).await;
    assert_eq!(output.status.code(), Some(10));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("malformed"),
        "{output:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_tell_what_to_do() {
    let fleet = fleet().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _ = certificates(&fleet);
    let config = fs::read_to_string(fleet.path("vehicle.toml")).unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    fs::write(
        fleet.path("vehicle.toml"),
        config.replace("https://ota.example", &address),
    )
    .unwrap();

    assert_eq!(run(&fleet.path(""), &["--nonsense"]).await.status.code(), Some(2));
    let empty = tempfile::tempdir().unwrap();
    let output = run(empty.path(), &["--once"]).await;
    assert_eq!(output.status.code(), Some(12));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("provision"),
        "{output:?}"
    );

    let held = fleet.open();
    assert_eq!(run(&fleet.path(""), &["--once"]).await.status.code(), Some(13));
    drop(held);

    let help = run(&fleet.path(""), &["--help"]).await;
    let help = String::from_utf8(help.stdout).unwrap();
    for code in ["10", "11", "12", "13", "14", "15"] {
        assert!(help.contains(&format!("  {code}  ")), "{help}");
    }
}
