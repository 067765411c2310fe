//! What a server refuses to start with.

use crate::kit::{Ground, TestRng, config};
use sealift_metadata::authoring::RootDraft;
use sealift_metadata::root::RoleName;
use sealift_metadata::{Document, FileSigner, KeyType, Root, Signer};
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

/// D-key-1, D-key-2, T-2.1.1-2, T-6.1-1, U-5.3.1-8: with a key of a root, or of the Image repository's targets, the
/// server does not start.
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
        &["director.targets_key", "director.targets_passphrase_file"],
    )
    .await;
    refused(
        &[("director.keks", "['locked.pem']")],
        Code::Config,
        &["director.keks", "director.kek_passphrase_file"],
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
    assert!(failure.next().unwrap().contains("sealift ca create"));
}

/// The Director's second root: the same keys, signed by `signers`.
async fn second_root(dir: &Path, signers: &[&dyn Signer]) {
    let first = std::fs::read(dir.join("director/1.root.json")).unwrap();
    let first = Document::<Root>::parse(&first).unwrap();
    let mut draft = RootDraft::next(&first, first.expires());
    if let Some(own) = signers.get(1) {
        draft
            .set_role(RoleName::Root, &[own.public().clone()], 1)
            .unwrap();
    }
    let mut bytes = draft.sign(signers).await.unwrap();
    if signers.len() == 1 {
        let at = bytes.windows(6).position(|w| w == b"\"sig\":").unwrap() + 8;
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    }
    std::fs::write(dir.join("director/2.root.json"), bytes).unwrap();
}

/// T-6.1-2, T-6.2.1-3: and the first stays to be had.
#[tokio::test]
async fn a_later_root_is_served_if_the_one_before_signed_it() {
    let dir = tempfile::tempdir().unwrap();
    Ground::make(dir.path(), &Ground::clock()).await;
    let old = std::fs::read_to_string(dir.path().join("director-root.pem")).unwrap();
    let old = FileSigner::from_pem(&old, None).unwrap();
    let new = FileSigner::generate(KeyType::Ed25519, &mut TestRng::new("new root")).unwrap();
    second_root(dir.path(), &[&old, &new]).await;
    let parts = start(dir.path(), &section(&[])).await.unwrap();
    assert_eq!(
        parts.stage.director_root(2).unwrap(),
        std::fs::read(dir.path().join("director/2.root.json")).unwrap()
    );
    assert!(parts.stage.director_root(1).is_some() && parts.stage.director_root(3).is_none());

    second_root(dir.path(), &[&old]).await;
    let failure = start(dir.path(), &section(&[])).await.unwrap_err();
    assert_eq!(failure.code(), Code::Config);
    assert!(failure.chain().contains("2.root.json"), "{}", failure.chain());
}
