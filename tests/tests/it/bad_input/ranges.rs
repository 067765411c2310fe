//! Ranges over HTTPS: empty, inverted, past the end, several, malformed.

use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, RANGE,
};
use sealift_tests::https::Https;
use sealift_tests::rng::image;
use sealift_tests::world::World;

struct Scene {
    world: World,
    client: Https,
    url: String,
    bytes: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let path = world.image("app.img", &image("ranges", 100_000));
        world.publish("ecu/brain/app.img", "hw-brain", 1, &path);
        world.start_server();
        let vehicle = world.provision("VIN-1", &["BRAIN-1,hardware=hw-brain,primary"]);
        let object = world.tree().object("ecu/brain/app.img");
        let name = object
            .strip_prefix(world.tree().served())
            .unwrap()
            .display()
            .to_string();
        let url = format!("https://{}/repo/{name}", world.vehicles_address());
        let (client, bytes) = (world.client_of(&vehicle), std::fs::read(object).unwrap());
        Self {
            world,
            client,
            url,
            bytes,
        }
    }

    fn get(&self, headers: &[(http::HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.world.block_on(async {
            let mut request = self.client.client().get(&self.url);
            for (name, value) in headers {
                request = request.header(name, *value);
            }
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            (status, headers, response.bytes().await.unwrap().to_vec())
        })
    }

    fn range(&self, range: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.get(&[(RANGE, range)])
    }
}

#[test]
fn single_ranges_give_exactly_their_bytes() {
    let scene = Scene::new();
    let length = scene.bytes.len();
    let wanted = [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=0-".to_owned(), 0..length),
        ("bytes=16399-16400".to_owned(), 16399..16401),
        (format!("bytes={}-", length - 1), length - 1..length),
        (format!("bytes=50000-{}", length * 2), 50000..length),
        ("bytes=-1".to_owned(), length - 1..length),
        ("bytes=-70000".to_owned(), length - 70000..length),
        (format!("bytes=-{}", u64::MAX), 0..length),
        (format!("bytes=0-{}", u64::MAX), 0..length),
    ];
    for (text, range) in wanted {
        let (status, headers, body) = scene.range(&text);
        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{text}");
        assert_eq!(body, scene.bytes[range.clone()], "{text}");
        let content = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        assert_eq!(headers[CONTENT_RANGE], content.as_str(), "{text}");
    }
}

#[test]
fn ranges_that_nothing_satisfies_are_416() {
    let scene = Scene::new();
    let length = scene.bytes.len();
    for text in [
        format!("bytes={length}-"),
        format!("bytes={}-{}", length + 5, length + 9),
        "bytes=-0".to_owned(),
    ] {
        let (status, headers, body) = scene.range(&text);
        assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{text}");
        assert_eq!(
            headers[CONTENT_RANGE],
            format!("bytes */{length}").as_str(),
            "{text}"
        );
        assert!(body.len() < 4096, "{text}");
    }
}

#[test]
fn malformed_ranges_give_the_whole_object_or_an_error_but_never_wrong_bytes() {
    let scene = Scene::new();
    let texts = [
        "bytes=5-2",
        "bytes=",
        "bytes=-",
        "bytes=abc",
        "bytes=1",
        "bytes=1-2-3",
        "bytes 0-5",
        "lines=0-5",
        "bytes=0x1-0x2",
        "bytes=+1-5",
        "bytes=-+5",
        "bytes=1.5-3",
        "bytes=99999999999999999999999-",
        "bytes=0-99999999999999999999999",
        "bytes=,",
        "bytes=0-0,",
        "=0-5",
        "-",
    ];
    for text in texts {
        let (status, headers, body) = scene.range(text);
        match status {
            StatusCode::OK => assert_eq!(body, scene.bytes, "{text}"),
            StatusCode::BAD_REQUEST | StatusCode::RANGE_NOT_SATISFIABLE => {
                assert!(body.len() < 4096, "{text}")
            }
            StatusCode::PARTIAL_CONTENT => {
                let content = headers[CONTENT_RANGE].to_str().unwrap().to_owned();
                let (first, rest) = content.strip_prefix("bytes ").unwrap().split_once('-').unwrap();
                let last: usize = rest.split_once('/').unwrap().0.parse().unwrap();
                assert_eq!(
                    body,
                    scene.bytes[first.parse().unwrap()..=last],
                    "{text}: {content}"
                );
            }
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn several_ranges_never_give_corrupt_bytes() {
    let scene = Scene::new();
    let many = (0..2000)
        .map(|start| format!("{start}-{start}"))
        .collect::<Vec<_>>()
        .join(",");
    for text in [
        "bytes=0-1,5-9".to_owned(),
        "bytes=0-,0-,0-".to_owned(),
        "bytes=5-9,0-1".to_owned(),
        format!("bytes={many}"),
    ] {
        let (status, headers, body) = scene.range(&text);
        let shown = &text[..text.len().min(40)];
        match status {
            StatusCode::OK => assert_eq!(body, scene.bytes, "{shown}"),
            StatusCode::PARTIAL_CONTENT => {
                assert!(
                    headers[CONTENT_TYPE]
                        .to_str()
                        .unwrap()
                        .starts_with("multipart/byteranges"),
                    "{shown}"
                );
            }
            StatusCode::BAD_REQUEST | StatusCode::RANGE_NOT_SATISFIABLE => {}
            other => panic!("{shown}: {other}"),
        }
        assert!(
            body.len() < 2 * scene.bytes.len(),
            "{shown}: a small question must not have a huge answer"
        );
    }
}

#[test]
fn a_changed_object_is_not_continued() {
    let scene = Scene::new();
    let (status, headers, _) = scene.range("bytes=0-9");
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    let etag = headers[ETAG].to_str().unwrap().to_owned();
    assert!(etag.starts_with('"'), "a strong validator: {etag}");
    assert!(headers.get(ACCEPT_RANGES).is_none_or(|value| value == "bytes"));
    let (status, _, body) = scene.get(&[(RANGE, "bytes=10-19"), (IF_RANGE, &etag)]);
    assert_eq!(
        (status, body.as_slice()),
        (StatusCode::PARTIAL_CONTENT, &scene.bytes[10..20])
    );
    for other in ["\"another\"", "W/\"weak\"", "Tue, 01 Jan 2030 00:00:00 GMT"] {
        let (status, _, body) = scene.get(&[(RANGE, "bytes=10-19"), (IF_RANGE, other)]);
        assert_eq!(
            (status, body.len()),
            (StatusCode::OK, scene.bytes.len()),
            "{other}"
        );
    }
}

#[test]
fn head_tells_the_length_and_sends_nothing() {
    let scene = Scene::new();
    let (status, headers, body) = scene.world.block_on(async {
        let response = scene.client.client().head(&scene.url).send().await.unwrap();
        (
            response.status(),
            response.headers().clone(),
            response.bytes().await.unwrap(),
        )
    });
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        headers[CONTENT_LENGTH].to_str().unwrap(),
        scene.bytes.len().to_string()
    );
    assert!(body.is_empty());
}

#[test]
fn names_outside_the_repository_are_not_found() {
    let scene = Scene::new();
    let base = format!("https://{}", scene.world.vehicles_address());
    let paths = [
        "/repo/targets/../../private/keys",
        "/repo/targets/%2e%2e/%2e%2e/private",
        "/repo/targets//etc/passwd",
        "/repo/targets/..%2f..%2fprivate%2fkeys",
        "/repo/segments/xyz",
        "/repo/0.root.json",
        "/repo/%00",
        "/repo/targets/",
        "/private/keys/ecu",
        "/repo/../private",
        "/repo/targets/none/0000.img",
    ];
    for path in paths {
        let answer = scene.world.block_on(async {
            let response = scene
                .client
                .client()
                .get(format!("{base}{path}"))
                .send()
                .await
                .unwrap();
            (response.status(), response.bytes().await.unwrap())
        });
        assert!(answer.0.is_client_error(), "{path}: {}", answer.0);
        assert!(answer.1.len() < 4096, "{path}");
    }
}
