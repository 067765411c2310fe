//! The binary itself: exit codes, messages, tokens on standard output.

use crate::kit::Ground;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn server(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealift-server"))
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_lists_the_exit_codes() {
    let output = server(Path::new("/"), &["--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for code in ["64", "69", "70", "74", "78"] {
        assert!(text.contains(code), "{text}");
    }
}

#[test]
fn configuration_mistakes_are_64_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.toml");
    for (text, words) in [
        ("[vehicles]\nlisten_on = 'x'", "listen_on"),
        ("[vehicles]\nlisten = 'x'", "vehicles.listen"),
        ("data_dir = [", "server.toml"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = server(dir.path(), &["--config", "server.toml"]);
        assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    let output = server(dir.path(), &["--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("nowhere.toml"));
}

#[test]
fn with_no_configuration_it_says_what_to_make_first() {
    let dir = tempfile::tempdir().unwrap();
    let output = server(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        stderr(&output).contains("sealift-data/tls"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("next: name the CA of your vehicles' certificates"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_token_is_printed_alone_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let create = [
        "token",
        "create",
        "--name",
        "ci",
        "--scope",
        "vehicles:read",
        "--expires",
        "30",
    ];
    let output = server(dir.path(), &create);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("sealift_") && text.ends_with('\n') && text.lines().count() == 1,
        "{text}"
    );
    let (id, secret) = text
        .trim()
        .strip_prefix("sealift_")
        .unwrap()
        .split_once('.')
        .unwrap();
    let list = String::from_utf8(server(dir.path(), &["token", "list"]).stdout).unwrap();
    assert!(
        list.contains(id) && list.contains("active") && !list.contains(secret),
        "{list}"
    );
    assert_eq!(
        server(dir.path(), &["token", "revoke", id]).status.code(),
        Some(0)
    );
    let list = String::from_utf8(server(dir.path(), &["token", "list"]).stdout).unwrap();
    assert!(list.contains("revoked"), "{list}");
    assert_eq!(
        server(dir.path(), &["token", "revoke", "nobody"]).status.code(),
        Some(64)
    );
}

/// A directory from which the binary starts: demonstration TLS, a fresh repository, every port free.
async fn complete(dir: &Path) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the binary under test has the real clock"
    )]
    let clock = Ground::clock_at(jiff::Timestamp::now());
    Ground::make(dir, &clock).await;
    let tls = dir.join("data/tls");
    std::fs::create_dir_all(&tls).unwrap();
    for (from, to) in [
        (include_str!("../../../keys-example/tls/server.pem"), "server.pem"),
        (
            include_str!("../../../keys-example/tls/server.key.pem"),
            "server.key.pem",
        ),
        (
            include_str!("../../../keys-example/fleet/ca.pem"),
            "client-ca.pem",
        ),
    ] {
        std::fs::write(tls.join(to), from).unwrap();
    }
    let text = "data_dir = 'data'\ndemo = true\n[vehicles]\nlisten = '127.0.0.1:0'\n[operators]\nlisten = '127.0.0.1:0'\n\
        [telemetry]\nlisten = '127.0.0.1:0'\n[repository]\nroot = 'image-root.json'\n[director]\n\
        root = 'director/1.root.json'\ntargets_key = 'director/director-targets.pem'\n\
        snapshot_key = 'director/director-snapshot.pem'\ntimestamp_key = 'director/director-timestamp.pem'\n";
    std::fs::write(dir.join("server.toml"), text).unwrap();
    text.to_owned()
}

#[tokio::test]
async fn a_port_in_use_is_69_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let text = complete(dir.path()).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for section in ["vehicles", "operators", "telemetry"] {
        let config = text.replace(
            &format!("[{section}]\nlisten = '127.0.0.1:0'"),
            &format!("[{section}]\nlisten = '{address}'"),
        );
        std::fs::write(dir.path().join("taken.toml"), config).unwrap();
        let output = server(
            dir.path(),
            &["--config", "taken.toml", "--ready-file", "ready.json"],
        );
        assert_eq!(output.status.code(), Some(69), "{}", stderr(&output));
        let said = stderr(&output);
        assert!(
            said.contains(&address) && said.contains(&format!("{section}.listen")),
            "{said}"
        );
        assert!(!dir.path().join("ready.json").exists());
    }
}

#[tokio::test]
async fn a_public_tls_key_is_78_outside_of_a_demonstration() {
    let dir = tempfile::tempdir().unwrap();
    let text = complete(dir.path()).await;
    std::fs::write(
        dir.path().join("server.toml"),
        text.replace("demo = true", "demo = false"),
    )
    .unwrap();
    let output = server(dir.path(), &["--config", "server.toml"]);
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_stops_with_0_and_logs_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    complete(dir.path()).await;
    let create = [
        "--config",
        "server.toml",
        "token",
        "create",
        "--name",
        "ci",
        "--scope",
        "vehicles:read",
    ];
    let token = String::from_utf8(server(dir.path(), &create).stdout).unwrap();
    let log = std::fs::File::create(dir.path().join("log")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sealift-server"))
        .args(["--config", "server.toml", "--ready-file", "ready.json"])
        .current_dir(dir.path())
        .stderr(log)
        .spawn()
        .unwrap();
    let ready = dir.path().join("ready.json");
    for _ in 0..2000 {
        if ready.exists() || child.try_wait().unwrap().is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let terminated = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(terminated.success());
    let status = child.wait().unwrap();
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("listening") && log.contains("stopped"), "{log}");
    let secret = token.trim().rsplit('.').next().unwrap();
    assert!(!log.contains(secret) && !log.contains("PRIVATE KEY"), "{log}");
}
