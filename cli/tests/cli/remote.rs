//! `image open --range` on an address: a store's or a web server's.

use std::net::TcpListener;

use crate::kit::{World, bytes, strs};
use crate::web::Web;

const KEY: [&str; 5] = ["image", "open", "--key", "kek.pem", "--range"];

/// A repository with one target, its sealed bytes, and their address on the store.
fn world() -> (World, Vec<u8>, String) {
    let world = World::new();
    world.repository();
    world.write("image", bytes(2_000_000));
    let args = ["--recipient", "kek.pub.pem", "--segment-size", "64KiB"];
    let added = world.json(&strs(&world.add("image", "app.img", "1", &args)));
    let object = format!("repo/targets/{}", added["object"].as_str().unwrap());
    let sealed = world.read(&format!("repo/{object}"));
    let address = format!("{}/{object}", world.url());
    (world, sealed, address)
}

#[test]
fn a_range_of_an_image_on_a_web_server_costs_its_chunks() {
    let (world, sealed, _) = world();
    let web = Web::with_ranges(sealed);
    let url = web.url();
    let output = world.run(&[&KEY[..], &["1000000-1000009", url]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(output.stdout, bytes(2_000_000)[1_000_000..=1_000_009]);
    assert!(stderr.contains("origin NOT verified"), "{stderr}");
    let sent = web.sent();
    assert!(sent < 4097 + 2 * 16_400, "{sent}");

    let output = world.run(&[&KEY[..], &["0-", url]].concat());
    assert!(output.stdout == bytes(2_000_000));
}

#[test]
fn what_a_web_server_gives_is_checked_against_signed_segments() {
    let (world, sealed, address) = world();
    let repository = world.url();
    let origin = [
        "--metadata-root",
        "1.root.json",
        "--target",
        "app.img",
        "--repository",
        &repository,
    ];
    let open = |url: &str, range: &str| {
        let args = [&KEY[..], &[range], &origin, &["--json", url]].concat();
        world.run(&args)
    };
    let web = Web::with_ranges(sealed.clone());
    for place in [web.url(), &address] {
        let output = open(place, "70000-70003");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{place}: {stderr}");
        assert_eq!(output.stdout, bytes(2_000_000)[70_000..=70_003]);
        assert!(stderr.contains("\"origin_verified\":true"), "{stderr}");
    }
    // Header and range lie in the first two segments, the last chunk in the last.
    assert!(web.sent() < 4097 + 5 * 65_536);

    let mut altered = sealed.clone();
    altered[100_000] ^= 1;
    let web = Web::with_ranges(altered);
    // The chunk is genuine, its segment is not.
    let output = open(web.url(), "70000-70003");
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let web = Web::with_ranges([&sealed[..], b"more"].concat());
    assert_eq!(
        open(web.url(), "0-3").status.code(),
        Some(3),
        "another length than the signed one"
    );
}

#[test]
fn addresses_that_do_not_work_say_why() {
    let (world, sealed, address) = world();
    let fails = |code, range: &str, place: &str| world.fails(code, &[&KEY[..], &[range, place]].concat());

    let web = Web::whole(sealed);
    let url = web.url();
    let message = fails(3, "0-9", url);
    assert!(
        message.contains("200") && !message.contains("s3cret"),
        "{message}"
    );
    let message = fails(5, "0-9", &format!("{address}x"));
    assert!(message.contains("there is no"), "{message}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = fails(7, "0-9", &format!("http://{closed}/?token=s3cret"));
    assert!(!message.contains("s3cret"), "{message}");
    let message = fails(2, "0-9", "http://127.0.0.1:99999/?token=s3cret");
    assert!(!message.contains("s3cret"), "{message}");
    fails(2, "0-9", "s3://bucket");
    let message = world.fails(2, &["image", "open", "--key", "kek.pem", "-o", "-", url]);
    assert!(message.contains("--range 0-"), "{message}");
}
