use super::*;
use crate::pin::PinSource;

fn pkcs11(text: &str) -> Pkcs11Uri {
    match text.parse() {
        Ok(KeyUri::Pkcs11(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

fn kms(text: &str) -> AwsKmsUri {
    match text.parse() {
        Ok(KeyUri::AwsKms(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

fn refusal(text: &str) -> String {
    text.parse::<KeyUri>().unwrap_err().to_string()
}

#[test]
fn pkcs11_attributes() {
    let uri = pkcs11(
        "pkcs11:token=Director%20HSM;manufacturer=Acme;model=X1;serial=00%3a01;slot-id=7;object=kek-2026;id=%00%ff;\
         type=private?pin-source=file:/run/pin&module-path=/usr/lib/hsm.so",
    );
    assert_eq!(uri.token.label.as_deref(), Some("Director HSM"));
    assert_eq!(uri.token.manufacturer.as_deref(), Some("Acme"));
    assert_eq!(uri.token.model.as_deref(), Some("X1"));
    assert_eq!(uri.token.serial.as_deref(), Some("00:01"));
    assert_eq!(uri.token.slot, Some(7));
    assert_eq!(uri.object.as_deref(), Some(&b"kek-2026"[..]));
    assert_eq!(uri.id.as_deref(), Some(&[0, 0xff][..]));
    assert_eq!(uri.pin_source, Some(PinSource::File("/run/pin".into())));
    assert_eq!(
        uri.module.as_deref(),
        Some(std::path::Path::new("/usr/lib/hsm.so"))
    );
    assert_eq!(pkcs11("pkcs11:").token, Wanted::default());
    assert_eq!(pkcs11("PKCS11:token=a;").token.label.as_deref(), Some("a"));
}

#[test]
fn where_the_pin_is() {
    let source = |value: &str| pkcs11(&format!("pkcs11:?pin-source={value}")).pin_source.unwrap();
    for same in ["/etc/pin", "file:/etc/pin", "file:///etc/pin", "file:%2fetc/pin"] {
        assert_eq!(source(same), PinSource::File("/etc/pin".into()), "{same}");
    }
    assert_eq!(source("env:TOKEN_PIN"), PinSource::Env("TOKEN_PIN".into()));
    for bad in ["|/bin/get-pin", "pin", "file:pin", "env:", ""] {
        assert!(
            refusal(&format!("pkcs11:?pin-source={bad}")).contains("pin-source"),
            "{bad}"
        );
    }
}

#[test]
fn a_pin_in_the_uri_is_refused_and_not_repeated() {
    let refusal = refusal("pkcs11:token=a?pin-value=4711");
    assert!(refusal.contains("pin-source"), "{refusal}");
    assert!(!refusal.contains("4711"), "{refusal}");
}

#[test]
fn what_is_not_understood_is_refused() {
    for (text, reason) in [
        ("pkcs11:tokn=a", "`tokn`"),
        ("pkcs11:token=a;token=b", "twice"),
        ("pkcs11:token", "without `=`"),
        ("pkcs11:token=%2", "hex digits"),
        ("pkcs11:token=%+1", "hex digits"),
        ("pkcs11:token=%ff", "UTF-8"),
        ("pkcs11:slot-id=-1", "number"),
        ("pkcs11:type=public", "private"),
        ("pkcs11:library-version=3", "library-version"),
        ("pkcs11:?module-path=softhsm.so", "absolute"),
        ("pkcs11:?module-name=softhsm", "module-path"),
        ("file:/a.pem", "neither"),
        ("", "neither"),
    ] {
        assert!(refusal(text).contains(reason), "{text}: {}", refusal(text));
    }
    assert!(refusal(&format!("pkcs11:token={}", "a".repeat(5000))).contains("long"));
}

#[test]
fn keys_of_kms() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let uri = kms(&format!("awskms:///{id}"));
    assert_eq!((uri.key.as_str(), uri.region, uri.endpoint), (id, None, None));
    assert_eq!(kms("awskms:///alias/director-kek").key, "alias/director-kek");
    let arn = format!("arn:aws:kms:eu-central-1:111122223333:key/{id}");
    let uri = kms(&format!("awskms:///{arn}"));
    assert_eq!((uri.key, uri.region.as_deref()), (arn, Some("eu-central-1")));
    let uri = kms("awskms:///arn:aws-cn:kms:cn-north-1:111122223333:alias/kek");
    assert_eq!(uri.region.as_deref(), Some("cn-north-1"));
}

/// Plain HTTP would show the decrypted secret to the network.
#[test]
fn plain_http_only_at_home() {
    let endpoint = |host: &str| kms(&format!("awskms://{host}/alias/k")).endpoint.unwrap();
    assert_eq!(endpoint("localhost:4566"), "http://localhost:4566");
    assert_eq!(endpoint("127.0.0.1:4566"), "http://127.0.0.1:4566");
    assert_eq!(endpoint("[::1]:80"), "http://[::1]:80");
    assert_eq!(endpoint("kms.example.com"), "https://kms.example.com");
    assert_eq!(endpoint("10.0.0.1:8443"), "https://10.0.0.1:8443");
    assert_eq!(endpoint("localhost.example.com"), "https://localhost.example.com");
    assert_eq!(endpoint("[2001:db8::1]"), "https://[2001:db8::1]");
}

#[test]
fn kms_refusals() {
    for text in [
        "awskms:",
        "awskms:///",
        "awskms:alias/a",
        "awskms://host",
        "awskms:///a b",
        "awskms:///alias/a?x=y",
        "awskms:///arn:aws:s3:eu-central-1:111122223333:key/a",
        "awskms:///arn:aws:kms::111122223333:key/a",
        "awskms:///arn:aws:kms:eu-central-1:111122223333:grant/a",
        "awskms://user@host/alias/a",
        "awskms://host:99999/alias/a",
        "awskms://[::1/alias/a",
        "awskms://:80/alias/a",
    ] {
        assert!(text.parse::<KeyUri>().is_err(), "{text}");
    }
}

#[test]
fn files_and_uris() {
    for path in ["a/b.pem", "./pkcs11:a", "C:/pkcs11", "pkcs11", ""] {
        assert!(!KeyUri::is_one(path), "{path}");
    }
    assert!(KeyUri::is_one("pkcs11:token=a") && KeyUri::is_one("AWSKMS:nonsense"));
    let text = "awskms://127.0.0.1:1/alias/a";
    assert_eq!(kms(text).to_string(), text);
}
