//! What a server refuses to start with.

use crate::kit::{Ground, TestRng, config};
use sealift_metadata::{FileSigner, KeyType};
use sealift_server::ambient::Entropy;
use sealift_server::exit::{Code, Failure};
use sealift_server::run::{Parts, serve};
use std::path::Path;

async fn start(dir: &Path, more: &str) -> Result<Parts, Failure> {
    let entropy = Entropy::new(TestRng::new("server"));
    Parts::open(&config(dir, more), &Ground::clock().clock(), &entropy).await
}

fn section(overrides: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("repository.root", "image-root.json"),
        ("repository.snapshot_key", "image-snapshot.pem"),
        ("repository.timestamp_key", "image-timestamp.pem"),
        ("director.root", "director/1.root.json"),
        ("director.targets_key", "director/director-targets.pem"),
        ("director.snapshot_key", "director/director-snapshot.pem"),
        ("director.timestamp_key", "director/director-timestamp.pem"),
    ];
    for (name, value) in overrides {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    let mut text = String::new();
    for section in ["repository", "director"] {
        text.push_str(&format!("[{section}]\n"));
        for (name, value) in &fields {
            if let Some(name) = name.strip_prefix(&format!("{section}.")) {
                let quoted = if value.starts_with('[') {
                    (*value).to_owned()
                } else {
                    format!("'{value}'")
                };
                text.push_str(&format!("{name} = {quoted}\n"));
            }
        }
    }
    text
}

async fn refused(overrides: &[(&str, &str)], code: Code, words: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    Ground::make(dir.path(), &Ground::clock()).await;
    let mut rng = TestRng::new("stranger");
    let stranger = FileSigner::generate(KeyType::Ed25519, &mut rng).unwrap();
    std::fs::write(
        dir.path().join("stranger.pem"),
        stranger.to_pkcs8_pem(None, &mut rng).unwrap().as_bytes(),
    )
    .unwrap();
    let locked = stranger.to_pkcs8_pem(Some(b"sesame"), &mut rng).unwrap();
    std::fs::write(dir.path().join("locked.pem"), locked.as_bytes()).unwrap();
    std::fs::write(
        dir.path().join("demo.pem"),
        include_str!("../../../keys-example/kek.pem"),
    )
    .unwrap();
    let failure = start(dir.path(), &section(overrides)).await.unwrap_err();
    let text = failure.chain();
    assert_eq!(failure.code(), code, "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_complete_configuration_starts() {
    let dir = tempfile::tempdir().unwrap();
    Ground::make(dir.path(), &Ground::clock()).await;
    let parts = start(dir.path(), &section(&[])).await.unwrap();
    parts.stage.ready().await.unwrap();
}

#[tokio::test]
async fn keys_of_offline_roles_must_not_be_here() {
    refused(
        &[("repository.snapshot_key", "image-targets.pem")],
        Code::Keys,
        &["repository.snapshot_key", "targets"],
    )
    .await;
    refused(
        &[("repository.timestamp_key", "image-root.pem")],
        Code::Keys,
        &["repository.timestamp_key", "root"],
    )
    .await;
    refused(
        &[("director.targets_key", "image-targets.pem")],
        Code::Keys,
        &["director.targets_key"],
    )
    .await;
    refused(
        &[("director.targets_key", "director-root.pem")],
        Code::Keys,
        &["director.targets_key", "Director"],
    )
    .await;
}

#[tokio::test]
async fn demonstration_keys_must_not_be_here() {
    refused(
        &[("director.keks", "['demo.pem']")],
        Code::Keys,
        &["director.keks", "demonstration"],
    )
    .await;
}

#[tokio::test]
async fn keys_that_do_not_serve_are_named() {
    refused(
        &[("director.targets_key", "nowhere.pem")],
        Code::Config,
        &["director.targets_key", "sealift director init"],
    )
    .await;
    refused(
        &[("director.targets_key", "stranger.pem")],
        Code::Config,
        &["director.targets_key", "does not list"],
    )
    .await;
    refused(
        &[("director.targets_key", "locked.pem")],
        Code::Config,
        &["director.targets_key", "passphrase"],
    )
    .await;
    refused(
        &[("director.keks", "['nowhere.pem']")],
        Code::Config,
        &["director.keks", "sealift kek create"],
    )
    .await;
    refused(
        &[("director.root", "nowhere.json")],
        Code::Config,
        &["director.root", "sealift director init"],
    )
    .await;
    refused(
        &[("repository.root", "nowhere.json")],
        Code::Config,
        &["repository.root", "pin"],
    )
    .await;
    refused(
        &[("repository.root", "image-root.pem")],
        Code::Config,
        &["repository.root", "not a root"],
    )
    .await;
}

#[tokio::test]
async fn a_store_without_a_repository_is_named() {
    refused(
        &[("repository.url", "file:///nonexistent/sealift")],
        Code::Config,
        &["sealift repo init"],
    )
    .await;
    refused(
        &[("repository.url", "ftp://x")],
        Code::Config,
        &["repository.url"],
    )
    .await;
}

#[tokio::test]
async fn missing_tls_material_comes_with_the_command_that_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    Ground::make(dir.path(), &Ground::clock()).await;
    let entropy = Entropy::new(TestRng::new("server"));
    let config = config(dir.path(), &section(&[]));
    let failure = serve(
        config,
        None,
        Ground::clock().clock(),
        entropy,
        std::future::pending(),
    )
    .await
    .unwrap_err();
    assert_eq!(failure.code(), Code::Config);
    assert!(
        failure.chain().contains("openssl req -x509"),
        "{}",
        failure.chain()
    );
}
