//! The same contract against an S3 server, when there is one.
//!
//! Set `SEALIFT_TEST_S3_ENDPOINT` and `AWS_ENDPOINT_URL` to its address and the usual `AWS_*` credentials; the bucket is
//! `sealift-test`.

use sealift_repository::{RepositoryUrl, Store};

/// A fresh prefix, or nothing and the reason printed.
fn s3(prefix: &str) -> Option<Store> {
    let Some(endpoint) = std::env::var_os("SEALIFT_TEST_S3_ENDPOINT") else {
        eprintln!("skipped: SEALIFT_TEST_S3_ENDPOINT is not set");
        return None;
    };
    assert_eq!(
        std::env::var_os("AWS_ENDPOINT_URL"),
        Some(endpoint),
        "set AWS_ENDPOINT_URL to the same address"
    );
    let url = format!("s3://sealift-test/{prefix}-{}", std::process::id());
    Some(RepositoryUrl::parse(&url).unwrap().open().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_honours_the_contract() {
    if let Some(store) = s3("contract") {
        crate::contract::honours_the_contract(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_uploads_in_parts_that_appear_whole() {
    if let Some(store) = s3("uploads") {
        crate::uploads::any_length_arrives_whole(&store).await;
        crate::uploads::other_bytes_than_announced_never_appear(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_goes_on_with_an_interrupted_upload() {
    if let Some(store) = s3("resuming") {
        crate::resuming::goes_on_after_an_interruption(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_nothing_of_an_aborted_upload() {
    if let Some(store) = s3("aborting") {
        crate::resuming::an_aborted_upload_is_gone(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_publishers_at_once_lose_nothing() {
    if let Some(store) = s3("races") {
        crate::races::publishers_lose_nothing(store, 16).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_appenders_at_once_lose_nothing() {
    if let Some(store) = s3("log") {
        crate::log::appenders_lose_nothing(store, 16).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_publishers_that_break_leave_a_good_repository() {
    for n in 0.. {
        let Some(store) = s3(&format!("crash-{n}")) else {
            return;
        };
        if !crate::matrix::add_broken_at(store, n).await {
            return;
        }
    }
}
