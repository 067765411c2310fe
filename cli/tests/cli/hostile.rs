//! A store that is in other hands: it can change every byte that it holds, and has none of the keys.

use std::fs;

use crate::kit::{ONLINE, SIGN, World, bytes, files, strs};

fn world() -> World {
    let world = World::new();
    world.repository();
    world.write("image", bytes(200_000));
    world
}

/// Adds a target with the kek as the Director.
fn add(world: &World, path: &str, counter: &str) {
    world.ok(&strs(&world.add(
        "image",
        path,
        counter,
        &["--director", "kek.pub.pem"],
    )));
}

#[test]
fn nothing_is_signed_under_a_root_that_the_store_itself_offers() {
    let world = world();
    add(&world, "app.img", "1");
    let url = world.url();
    let before = files(&world.path("repo"));
    let at = ["--repository", url.as_str()];
    let unpinned = [
        [&["repo", "refresh"], &at[..], &ONLINE].concat(),
        [&["repo", "publish", "--new-root", "1.root.json"], &at[..], &SIGN].concat(),
        [&["target", "remove", "--path", "app.img"], &at[..], &SIGN].concat(),
        [
            &["kek", "rotate", "--old", "kek.pem", "--new", "new.pub.pem"],
            &at[..],
        ]
        .concat(),
    ];
    world.key("p256", "new");
    for args in &unpinned {
        let message = world.fails(2, args);
        assert!(message.contains("--root ROOT.json is missing"), "{message}");
    }
    let mut unpinned_add = world.add("image", "b.img", "1", &["--director", "kek.pub.pem"]);
    let place = unpinned_add.iter().position(|arg| arg == "--root").unwrap();
    drop(unpinned_add.drain(place..place + 2));
    world.fails(2, &strs(&unpinned_add));
    assert_eq!(files(&world.path("repo")), before);

    // A root of somebody else's that names the same signers, with a list of targets of somebody else's.
    world.key("ed25519", "evil");
    let evil = format!("file://{}", world.path("evil").display());
    let init = [
        "repo",
        "init",
        "--root-key",
        "evil.pem",
        "--root-out",
        "evil.json",
    ];
    world.ok(&[&init[..], &["--repository", &evil], &SIGN].concat());
    fs::rename(world.path("repo"), world.path("good")).unwrap();
    fs::rename(world.path("evil"), world.path("repo")).unwrap();
    let before = files(&world.path("repo"));
    let pinned = world.add("image", "b.img", "1", &["--director", "kek.pub.pem"]);
    world.fails(3, &strs(&pinned));
    assert_eq!(files(&world.path("repo")), before);
}

#[test]
fn a_range_made_by_another_recipient_is_not_of_verified_origin() {
    let world = world();
    let added = world.json(&strs(&world.add(
        "image",
        "app.img",
        "1",
        &["--recipient", "kek.pub.pem", "--segment-size", "64KiB"],
    )));
    let good = world.read(&format!(
        "repo/repo/targets/{}",
        added["object"].as_str().unwrap()
    ));
    let url = world.url();
    let open = [
        "image",
        "open",
        "--key",
        "kek.pem",
        "--metadata-root",
        "1.root.json",
        "--repository",
    ];
    let open = [&open[..], &[&url, "--target", "app.img"]].concat();
    world.write("app.sealed", &good);
    let output = world.run(&[&open[..], &["--range", "60000-150000", "app.sealed"]].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stdout == bytes(200_000)[60_000..=150_000]);

    // Chunk 5 is another's, made with the content key that every recipient has: it opens.
    world.write("app.sealed", forged(&world, &good, 5));
    let unwitnessed = [
        "image",
        "open",
        "--key",
        "kek.pem",
        "--range",
        "90000-90003",
        "app.sealed",
    ];
    assert_eq!(world.run(&unwitnessed).stdout, [0xee; 4]);
    let args = [&open[..], &["--range", "90000-90003", "app.sealed"]].concat();
    let message = world.fails(3, &args);
    assert!(message.contains("not the signed one"), "{message}");
    assert!(world.run(&args).stdout.is_empty());
    // What the forgery does not touch is still good.
    let output = world.run(&[&open[..], &["--range", "150000-", "app.sealed"]].concat());
    assert!(output.stdout == bytes(200_000)[150_000..]);
    let whole = [&open[..], &["-o", "back", "app.sealed"]].concat();
    world.fails(3, &whole);
}

/// `sealed` with chunk `index` replaced by 0xee bytes, by a holder of kek.pem.
fn forged(world: &World, sealed: &[u8], index: usize) -> Vec<u8> {
    use sealift_envelope::{Binding, Header, PrivateKey, SealParams, danger};
    let key = String::from_utf8(world.read("kek.pem")).unwrap();
    let key = PrivateKey::from_pkcs8_pem(&key, None).unwrap();
    let (header, start) = Header::parse(sealed).unwrap();
    let content_key = header.unwrap_with(&key, &Binding::in_file()).unwrap();
    let salt = sealed[start - 56..start - 32].try_into().unwrap();
    let params = SealParams {
        plain_length: header.plain_length(),
        media_type: header.media_type().to_owned(),
        envelope_id: *header.envelope_id(),
        ..SealParams::default()
    };
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let plan = danger::plan_with_key(params, content_key, salt, &mut rng).unwrap();
    let (mut sealer, mut chunks) = (plan.sealer().unwrap(), Vec::new());
    let length = header.plain_length().unwrap();
    sealer
        .update(&vec![0xee; usize::try_from(length).unwrap()], &mut chunks)
        .unwrap();
    sealer.finish(&mut chunks).unwrap();
    let mut forged = sealed.to_vec();
    let place = index * 16_400;
    forged[start + place..start + place + 16_400].copy_from_slice(&chunks[place..place + 16_400]);
    forged
}

/// Copies a folder with everything in it.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

#[test]
fn nothing_is_signed_over_a_store_that_was_set_back() {
    let world = world();
    let url = world.url();
    let at = [
        "--repository",
        url.as_str(),
        "--root",
        "1.root.json",
        "--memory",
        "memory",
    ];
    add(&world, "vulnerable.img", "1");
    copy(&world.path("repo"), &world.path("backup"));
    world.ok(&[&["target", "remove", "--path", "vulnerable.img"], &at[..], &SIGN].concat());
    let removed = files(&world.path("memory"));
    // Four documents, and the lock of those who read and write them.
    assert_eq!(removed.len(), 5);

    fs::remove_dir_all(world.path("repo")).unwrap();
    fs::rename(world.path("backup"), world.path("repo")).unwrap();
    let before = files(&world.path("repo"));
    let new = world.add(
        "image",
        "b.img",
        "1",
        &["--director", "kek.pub.pem", "--memory", "memory"],
    );
    for args in [
        strs(&new),
        [&["repo", "refresh"], &at[..], &ONLINE].concat(),
        [&["repo", "verify"], &at[..]].concat(),
        [&["target", "list"], &at[..]].concat(),
    ] {
        let message = world.fails(3, &args);
        assert!(message.contains("rollback"), "{message}");
    }
    assert_eq!(files(&world.path("repo")), before);
}
