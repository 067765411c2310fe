use std::future::{pending, ready};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kms::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kms::error::BoxError;
use tokio::runtime::Builder;

use super::{client, in_time};
use crate::error::Fault;
use crate::uri::KeyUri;

const INSIDE: &str = "SEALIFT_TEST_INSIDE";

/// Notes where a request is about to go, and lets none go there.
#[derive(Debug, Clone, Default)]
struct Barrier(Arc<Mutex<String>>);

impl Intercept for Barrier {
    fn name(&self) -> &'static str {
        "Barrier"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request().uri().clone_into(&mut self.0.lock().unwrap());
        Err("no request leaves this test".into())
    }
}

/// Where the first request for this key goes.
fn address(uri: &str) -> String {
    let Ok(KeyUri::AwsKms(uri)) = uri.parse() else {
        panic!("{uri}");
    };
    let barrier = Barrier::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client(&uri).await.unwrap();
        let request = client.get_public_key().key_id(&uri.key).customize();
        let sent = request.interceptor(barrier.clone()).send().await;
        assert!(sent.is_err());
    });
    barrier.0.lock().unwrap().clone()
}

/// `AWS_ENDPOINT_URL` is where the objects are; whoever keeps those is not asked for keys.
#[test]
fn only_the_uri_names_an_endpoint() {
    if std::env::var_os(INSIDE).is_some() {
        let own = "https://kms.eu-central-1.amazonaws.com/";
        assert_eq!(address("awskms:///alias/kek"), own);
        let arn = "arn:aws:kms:eu-west-3:111122223333:alias/kek";
        let other = "https://kms.eu-west-3.amazonaws.com/";
        assert_eq!(address(&format!("awskms:///{arn}")), other);
        let named = "awskms://127.0.0.1:4566/alias/kek";
        assert_eq!(address(named), "http://127.0.0.1:4566/");
        return;
    }
    // A process cannot safely change its own variables.
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "kms::tests::only_the_uri_names_an_endpoint",
            "--exact",
            "--nocapture",
        ])
        .env_clear()
        .env(INSIDE, "yes")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{errors}"
    );
}

#[test]
fn credentials_are_not_waited_for_for_ever() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let never = runtime.block_on(in_time::<()>(Duration::ZERO, pending()));
    assert_eq!(never.unwrap_err().fault(), Fault::Unavailable);
    let found = runtime.block_on(in_time(Duration::from_secs(3600), ready(Ok(7))));
    assert_eq!(found.unwrap(), 7);
}
