//! `image open --range` on an address: a store's or a web server's.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kit::{World, bytes, strs};

const KEY: [&str; 5] = ["image", "open", "--key", "kek.pem", "--range"];

/// A web server with one file, which answers ranges or does not; and how many bytes of bodies it has sent.
fn web(file: Vec<u8>, ranges: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/app.sealed?token=s3cret",
        listener.local_addr().unwrap()
    );
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let asked = head
                .lines()
                .find_map(|line| line.strip_prefix("range: bytes=")?.split_once('-'))
                .filter(|_| ranges);
            let (status, range) = match asked {
                Some((first, last)) => {
                    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
                    let total = file.len();
                    let status =
                        format!("206 Partial Content\r\nContent-Range: bytes {first}-{last}/{total}");
                    (status, first..last + 1)
                }
                None => ("200 OK".to_owned(), 0..file.len()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                range.len()
            );
            count.fetch_add(range.len(), Ordering::Relaxed);
            // A client that wants no whole file leaves.
            let _ = stream.write_all(&[head.as_bytes(), &file[range]].concat());
        }
    });
    (url, sent)
}

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
    let (url, sent) = web(sealed, true);
    let output = world.run(&[&KEY[..], &["1000000-1000009", &url]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(output.stdout, bytes(2_000_000)[1_000_000..=1_000_009]);
    assert!(stderr.contains("origin NOT verified"), "{stderr}");
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 4097 + 2 * 16_400, "{sent}");

    let output = world.run(&[&KEY[..], &["0-", &url]].concat());
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
    let (url, sent) = web(sealed.clone(), true);
    for place in [url.as_str(), &address] {
        let output = open(place, "70000-70003");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{place}: {stderr}");
        assert_eq!(output.stdout, bytes(2_000_000)[70_000..=70_003]);
        assert!(stderr.contains("\"origin_verified\":true"), "{stderr}");
    }
    // Header and range lie in the first two segments, the last chunk in the last.
    assert!(sent.load(Ordering::Relaxed) < 4097 + 5 * 65_536);

    let mut altered = sealed.clone();
    altered[100_000] ^= 1;
    let (url, _) = web(altered, true);
    // The chunk is genuine, its segment is not.
    let output = open(&url, "70000-70003");
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let (url, _) = web([&sealed[..], b"more"].concat(), true);
    assert_eq!(
        open(&url, "0-3").status.code(),
        Some(3),
        "another length than the signed one"
    );
}

#[test]
fn addresses_that_do_not_work_say_why() {
    let (world, sealed, address) = world();
    let fails = |code, range: &str, place: &str| world.fails(code, &[&KEY[..], &[range, place]].concat());

    let (url, _) = web(sealed, false);
    let message = fails(3, "0-9", &url);
    assert!(
        message.contains("200") && !message.contains("s3cret"),
        "{message}"
    );
    let message = fails(5, "0-9", &format!("{address}x"));
    assert!(message.contains("there is no"), "{message}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = fails(7, "0-9", &format!("http://{closed}/?token=s3cret"));
    assert!(!message.contains("s3cret"), "{message}");
    fails(2, "0-9", "s3://bucket");
    let message = world.fails(2, &["image", "open", "--key", "kek.pem", "-o", "-", &url]);
    assert!(message.contains("--range 0-"), "{message}");
}
