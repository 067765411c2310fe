use super::*;

fn refused(text: &str) -> String {
    match Config::parse(text) {
        Err(error) => error.to_string(),
        Ok(raw) => match Config::resolve(raw, Path::new("/etc/sealift")) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted: {text}"),
        },
    }
}

#[test]
fn no_file_gives_everything_under_one_directory() {
    let config = Config::load(None).unwrap();
    assert_eq!(config.data_dir, Path::new("sealift-data"));
    assert_eq!(
        config.vehicles.certificate,
        Path::new("sealift-data/tls/server.pem")
    );
    assert_eq!(
        config.director.root,
        Path::new("sealift-data/director/1.root.json")
    );
    assert_eq!(config.database_url, "sqlite://sealift-data/sealift.db");
    assert!(
        config.repository.url.starts_with("file:///"),
        "{}",
        config.repository.url
    );
    assert!(config.repository.url.ends_with("/sealift-data/repository"));
    assert!(!config.demo);
}

#[test]
fn the_sample_in_the_handbook_parses() {
    let text = include_str!("../../../docs/operating/server.toml");
    let config = Config::resolve(Config::parse(text).unwrap(), Path::new("/etc/sealift")).unwrap();
    assert_eq!(config.director.keks.len(), 1);
    assert!(config.repository.snapshot_key.is_some());
    assert!(config.director.targets_key.passphrase.is_some());
}

#[test]
fn relative_paths_start_at_the_files_directory() {
    let raw = Config::parse(
        "data_dir = 'd'\n[vehicles]\nkey = 'k.pem'\n[director]\nkeks = ['a.pem', '/b.pem', 'pkcs11:token=t']",
    )
    .unwrap();
    let config = Config::resolve(raw, Path::new("/etc/sealift")).unwrap();
    assert_eq!(config.vehicles.key, Path::new("/etc/sealift/k.pem"));
    assert_eq!(
        config.vehicles.certificate,
        Path::new("/etc/sealift/d/tls/server.pem")
    );
    let keks = config.director.keks.iter().map(|kek| kek.place.to_string());
    let keks: Vec<_> = keks.collect();
    assert_eq!(keks, ["/etc/sealift/a.pem", "/b.pem", "pkcs11:token=t"]);
    assert_eq!(config.repository.url, "file:///etc/sealift/d/repository");
}

/// Each of the online roles' keys may be in a file, in a variable, or held elsewhere.
#[test]
fn keys_are_named_alike_for_every_role() {
    for section in ["director", "repository"] {
        let text = format!(
            "[{section}]\nsnapshot_key = 'env:SNAPSHOT'\nsnapshot_passphrase_env = 'P'\n\
             timestamp_key = 'awskms:///alias/timestamp'"
        );
        let raw = Config::parse(&text).unwrap();
        let config = Config::resolve(raw, Path::new("/etc/sealift")).unwrap();
        let (snapshot, timestamp) = match section {
            "director" => (config.director.snapshot_key, config.director.timestamp_key),
            _ => (
                config.repository.snapshot_key.unwrap(),
                config.repository.timestamp_key.unwrap(),
            ),
        };
        assert_eq!(snapshot.place, KeyPlace::Env("SNAPSHOT".to_owned()));
        assert!(snapshot.passphrase.is_some());
        assert!(matches!(timestamp.place, KeyPlace::Elsewhere(_)), "{timestamp:?}");
        assert_eq!(timestamp.place.to_string(), "awskms:///alias/timestamp");
    }
}

#[test]
fn a_foreign_field_is_named() {
    for (text, field) in [
        ("lissten = 1", "lissten"),
        ("[vehicles]\nlisten_on = '0.0.0.0:1'", "listen_on"),
        ("[director]\nroot_key = 'r.pem'", "root_key"),
        ("[repository]\ntargets_key = 't.pem'", "targets_key"),
        ("[unheard]\nx = 1", "unheard"),
    ] {
        assert!(refused(text).contains(field), "{text}");
    }
}

#[test]
fn a_bad_value_is_named_with_its_field() {
    for (text, field) in [
        ("[vehicles]\nlisten = 'localhost'", "vehicles.listen"),
        ("[vehicles]\nmin_tls = '1.1'", "vehicles.min_tls"),
        ("[vehicles]\npublic_url = 'http://a/'", "vehicles.public_url"),
        ("[log]\nformat = 'xml'", "log.format"),
        ("[database]\nurl = 'mysql://x'", "database.url"),
        ("[limits]\nmax_connections = 0", "limits.max_connections"),
        ("[limits]\ndrain_timeout = '1'", "limits.drain_timeout"),
        (
            "[director]\nmetadata_lifetime = '0s'",
            "director.metadata_lifetime",
        ),
        ("[repository]\nsnapshot_key = 's.pem'", "repository.snapshot_key"),
        ("[director]\ntargets_key = 'env:'", "director.targets_key"),
        ("[director]\ntargets_key = 'env:A B'", "director.targets_key"),
        (
            "[director]\ntargets_key = 'pkcs11:tokn=a'",
            "director.targets_key",
        ),
        // It would be taken for the PIN, and never used.
        (
            "[director]\ntargets_key = 'pkcs11:token=a'\ntargets_passphrase_env = 'A'",
            "pin-source",
        ),
        (
            "[director]\ntargets_passphrase_env = 'A'\ntargets_passphrase_file = 'b'",
            "director.targets_passphrase_env",
        ),
    ] {
        let message = refused(text);
        assert!(message.contains(field), "{text}: {message}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/server.toml"))).unwrap_err();
    assert!(error.to_string().contains("/nowhere/server.toml"));
}
