//! Objects and metadata of the Image repository, whole and by range.

use crate::kit::{BreakingStore, World};
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use sealift_wire::ProblemKind;

fn plain(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[tokio::test]
async fn an_object_comes_whole_with_its_labels() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", &plain(100_000), 1).await;
    let answer = world.get(&vehicle, &image.url()).await.ok();
    assert_eq!(answer.body, image.object);
    assert_eq!(
        answer.header("etag"),
        format!("\"{}\"", hex::encode(image.sha256))
    );
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.header("content-length"), image.object.len().to_string());
    assert_eq!(answer.header("content-type"), "application/octet-stream");
}

/// U-5.3.1-1: objects are had whole or in ranges.
#[tokio::test]
async fn ranges_cross_the_pieces_that_the_store_is_read_in() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world
        .publish_plain("fw/big.img", &plain(3 * 1024 * 1024 + 17), 1)
        .await;
    let length = image.object.len();
    for (range, wanted) in [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=1048570-1048590".to_owned(), 1_048_570..1_048_591),
        ("bytes=5-2500000".to_owned(), 5..2_500_001),
        (format!("bytes={}-", length - 3), length - 3..length),
        ("bytes=-17".to_owned(), length - 17..length),
    ] {
        let request = Request::get(image.url())
            .header("range", &range)
            .body(Body::empty())
            .unwrap();
        let answer = world.ask(&vehicle, request).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {}-{}/{length}", wanted.start, wanted.end - 1)
        );
        assert_eq!(answer.header("content-length"), wanted.len().to_string());
        assert!(answer.body == image.object[wanted], "{range}");
    }
}

#[tokio::test]
async fn what_cannot_be_satisfied_is_416_with_the_length() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_plain("a.img", b"0123456789", 1).await;
    for range in ["bytes=10-", "bytes=5-2", "bytes=", "bytes=x-y", "bytes=-0"] {
        let request = Request::get(image.url())
            .header("range", range)
            .body(Body::empty())
            .unwrap();
        let answer = world.ask(&vehicle, request).await;
        answer.problem(ProblemKind::RangeNotSatisfiable);
        assert_eq!(answer.header("content-range"), "bytes */10", "{range}");
    }
    let request = Request::get(image.url())
        .header("range", "bytes=0-1,4-5")
        .body(Body::empty())
        .unwrap();
    let answer = world.ask(&vehicle, request).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (StatusCode::OK, b"0123456789".as_slice())
    );
}

#[tokio::test]
async fn conditions_are_honoured() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_plain("a.img", b"0123456789", 1).await;
    let tag = format!("\"{}\"", hex::encode(image.sha256));
    let with = |name: &str, value: &str| {
        Request::get(image.url())
            .header("range", "bytes=2-3")
            .header(name, value)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(world.ask(&vehicle, with("if-range", &tag)).await.body, b"23");
    assert_eq!(
        world.ask(&vehicle, with("if-range", "\"other\"")).await.body,
        b"0123456789"
    );
    let answer = world.ask(&vehicle, with("if-none-match", &tag)).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(answer.header("etag"), tag);
    let absent = image.url().replace(&hex::encode(image.sha256), &"0".repeat(64));
    let request = Request::get(absent).header("if-none-match", "*");
    world
        .ask(&vehicle, request.body(Body::empty()).unwrap())
        .await
        .problem(ProblemKind::NotFound);
}

#[tokio::test]
async fn head_says_what_get_would() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_plain("a.img", b"0123456789", 1).await;
    let request = Request::builder()
        .method(Method::HEAD)
        .uri(image.url())
        .header("range", "bytes=0-1");
    let answer = world.ask(&vehicle, request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), "10");
}

/// U-5.3.1-1: the timestamp by its bare name, as it was signed.
#[tokio::test]
async fn metadata_are_served_byte_for_byte_and_only_timestamp_is_asked_for_again() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    world.publish_plain("a.img", b"x", 1).await;
    let on_disk =
        |name: &str| std::fs::read(world.dir.path().join("data/repository/repo").join(name)).unwrap();
    for (name, caching) in [
        ("timestamp.json", "no-cache"),
        ("1.root.json", "public, max-age=31536000, immutable"),
    ] {
        let answer = world.get(&vehicle, &format!("/repo/{name}")).await.ok();
        assert_eq!(answer.body, on_disk(name));
        assert_eq!(answer.header("cache-control"), caching);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let answer = world
        .operator_as("none", Method::GET, "/repo/timestamp.json", None)
        .await
        .ok();
    assert_eq!(answer.body, on_disk("timestamp.json"));
}

#[tokio::test]
async fn what_is_private_has_no_name() {
    let mut world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_sealed("fw/camera.img", b"secret", 1).await;
    let keys = format!("private/keys/{}.keys", image.path.store_name(&image.sha256));
    assert!(world.dir.path().join("data/repository").join(&keys).exists());
    for path in [
        format!("/{keys}"),
        format!("/repo/../{keys}"),
        format!("/repo/targets/../../{keys}"),
        format!("/repo/targets/..%2F..%2F{}", keys.replace('/', "%2F")),
        format!("/repo/targets/{}.keys", image.path.store_name(&image.sha256)),
        "/repo/2.root.json".to_owned(),
        "/repo/root.json".to_owned(),
        "/repo/targets/fw/camera.img".to_owned(),
        "/repo/segments/short".to_owned(),
        format!("/repo/segments/{}", "0".repeat(64)),
        "/repo/companions/short".to_owned(),
        format!("/repo/companions/{}", "0".repeat(64)),
        "/nothing".to_owned(),
    ] {
        world.get(&vehicle, &path).await.problem(ProblemKind::NotFound);
    }
    let request = Request::post("/repo/timestamp.json").body(Body::empty()).unwrap();
    world
        .ask(&vehicle, request)
        .await
        .problem(ProblemKind::MethodNotAllowed);
}

#[tokio::test]
async fn companions_are_served_by_their_digest() {
    let world = World::new().await;
    let vehicle = world.vehicle("v1").await;
    let put = sealift_repository::companions::put(&world.store, b"a bill")
        .await
        .unwrap();
    let path = format!("/repo/companions/{}", hex::encode(put.sha256));
    let answer = world.get(&vehicle, &path).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (StatusCode::OK, b"a bill".as_slice())
    );
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.header("etag"), format!("\"{}\"", hex::encode(put.sha256)));
    let upper = path.replace(&hex::encode(put.sha256), &hex::encode_upper(put.sha256));
    world.get(&vehicle, &upper).await.problem(ProblemKind::NotFound);
}

#[tokio::test]
async fn a_store_that_fails_half_way_breaks_the_answer_off() {
    let mut hammer = None;
    let mut world = World::build("", |store| {
        let (broken, hand) = BreakingStore::around(store);
        hammer = Some(hand);
        broken
    })
    .await;
    let hammer = hammer.unwrap();
    let vehicle = world.vehicle("v1").await;
    let image = world.publish_plain("big.img", &plain(4 * 1024 * 1024), 1).await;
    hammer.fail_from(2 * 1024 * 1024);
    let request = Request::get(image.url()).body(Body::empty()).unwrap();
    let response = world.ask_open(&vehicle, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err());
    let request = Request::get(image.url())
        .header("range", "bytes=0-9")
        .body(Body::empty())
        .unwrap();
    assert_eq!(world.ask(&vehicle, request).await.body.len(), 10);

    hammer.take_down();
    let answer = world.get(&vehicle, &image.url()).await;
    answer.problem(ProblemKind::Unavailable);
    assert!(!answer.header("retry-after").is_empty());
}
