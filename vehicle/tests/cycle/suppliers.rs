//! Images that suppliers list in roles of their own: found, kept, and refused where a supplier may not sign.

use std::fs;

use jiff::ToSpan;
use sealift_vehicle::Outcome;

use crate::happy::firmware;
use crate::kit::{CAMERA, Fleet, GATEWAY, Sealing, Supplier, VEHICLE};

/// A vehicle whose gateway is to install `sup/a.img`, which a supplier lists.
async fn supplied(supplier: Supplier) -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.image.suppliers.push(supplier);
    fleet.release("sup/a.img", &firmware(1), 1).await;
    fleet.hand_over("sup/a.img", "supplier").await;
    fleet.assign(GATEWAY, "sup/a.img").await;
    fleet
}

/// The metadata of images that were asked for since the last call.
fn asked(fleet: &Fleet) -> Vec<String> {
    let log = fleet.server.take_log();
    let paths = log.into_iter().map(|(path, _)| path);
    paths
        .filter_map(|path| path.strip_prefix("/repo/").map(str::to_owned))
        .filter(|name| !name.contains('/'))
        .collect()
}

/// The names of what is kept of roles.
fn kept(fleet: &Fleet) -> Vec<String> {
    let entries = fs::read_dir(fleet.layout().delegated()).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn refusal(fleet: &Fleet) -> String {
    let reports = fleet.server.reports();
    reports.last().unwrap()[GATEWAY].attacks_detected.join(" ")
}

/// U-5.4.4.2-14, U-5.4.4.7-1: after the top-level Targets and before the image; what is kept of the role is in a directory of its
/// own, and is not fetched again while it is what the Snapshot lists.
#[tokio::test]
async fn an_image_in_a_suppliers_role_is_installed() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.delegate(Supplier::new("../sup plier", &["sup/*"])).await;
    for (path, seed) in [("sup/a.img", 1), ("sup/b.img", 2)] {
        fleet.release(path, &firmware(seed), 1).await;
        fleet.hand_over(path, "../sup plier").await;
    }
    fleet.assign(GATEWAY, "sup/a.img").await;

    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);

    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
    let version = fleet.image.version;
    let expected = [
        "2.root.json".to_owned(),
        "timestamp.json".to_owned(),
        format!("{version}.snapshot.json"),
        format!("{version}.targets.json"),
        format!("{version}...%2Fsup%20plier.json"),
    ];
    assert_eq!(asked(&fleet), expected);
    assert_eq!(kept(&fleet), ["..%2Fsup%20plier.json"]);
    let four = [
        "delegated",
        "root.json",
        "snapshot.json",
        "targets.json",
        "timestamp.json",
    ];
    let mut names: Vec<_> = fs::read_dir(fleet.path("trust/image"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, four);

    fleet.assign(GATEWAY, "sup/b.img").await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(2));
    assert_eq!(
        asked(&fleet),
        ["2.root.json", "timestamp.json"],
        "the role is kept"
    );
}

/// U-5.4.4.2-14, U-5.4.4.7-5: the top-level Targets first, then the roles in the order of the delegations. The first that lists
/// the target is the one that counts, whatever a later one says.
#[tokio::test]
async fn roles_are_asked_in_their_order() {
    let mut fleet = Fleet::new(Sealing::P256).await;
    for name in ["first", "second", "third"] {
        fleet.delegate(Supplier::new(name, &["sup/*"])).await;
    }
    fleet.release("sup/a.img", &firmware(1), 1).await;
    fleet.hand_over("sup/a.img", "second").await;
    fleet.release("sup/b.img", &firmware(2), 1).await;
    fleet.direct(GATEWAY, "sup/a.img", VEHICLE, GATEWAY);
    fleet.direct(CAMERA, "sup/b.img", VEHICLE, CAMERA);
    fleet.publish_director().await;

    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);

    let version = fleet.image.version;
    let roles = [format!("{version}.first.json"), format!("{version}.second.json")];
    assert_eq!(asked(&fleet)[4..], roles, "and for sup/b.img nobody");

    fleet.release("sup/a.img", &firmware(3), 2).await;
    fleet.hand_over("sup/a.img", "third").await;
    let theirs = fleet.supplier("third").listed.clone();
    let ours = std::mem::take(&mut fleet.supplier("second").listed);
    fleet.assign(GATEWAY, "sup/a.img").await;
    fleet.supplier("second").listed = ours;
    fleet.publish_image().await;
    assert_eq!(
        fleet.refused().await,
        "arbitrary_software",
        "the second says otherwise"
    );
    fleet.supplier("second").listed = theirs;
    fleet.publish_image().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(3));
}

/// A role that is delegated to no longer signs nothing, though its file is kept and its keys are what they were.
#[tokio::test]
async fn a_revoked_role_is_not_asked_though_its_file_is_kept() {
    let mut fleet = supplied(Supplier::new("supplier", &["sup/*"])).await;
    fleet.cycle().await.unwrap();
    assert_eq!(kept(&fleet), ["supplier.json"]);
    let stored = fs::read(fleet.layout().delegated().join("supplier.json")).unwrap();
    fleet.supplier("supplier").revoked = true;
    fleet.publish_image().await;
    fleet.assign(CAMERA, "sup/a.img").await;
    asked(&fleet);

    assert_eq!(fleet.refused().await, "arbitrary_software");

    assert_eq!(refusal(&fleet), "arbitrary_software");
    assert!(asked(&fleet).iter().all(|name| !name.contains("supplier")));
    assert_eq!(fleet.installed(CAMERA), None);
    assert_eq!(kept(&fleet), [""; 0], "and what has no use any more is forgotten");
    fs::write(fleet.layout().delegated().join("supplier.json"), stored).unwrap();
    assert_eq!(fleet.refused().await, "arbitrary_software");
    fleet.supplier("supplier").revoked = false;
    fleet.publish_image().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

/// U-5.4.4.7-6: the Director names a target that the role lists and may not sign: for its path, or for its hardware.
#[tokio::test]
async fn what_a_supplier_may_not_sign_is_not_installed() {
    let outside = Supplier::new("supplier", &["other/*", "sup/*/*"]);
    let mut elsewhere = Supplier::new("supplier", &["sup/*"]);
    elsewhere.hardware = vec!["hw-b"];
    for supplier in [outside, elsewhere] {
        let mut fleet = supplied(supplier).await;
        assert_eq!(fleet.refused().await, "arbitrary_software");
        assert_eq!(refusal(&fleet), "arbitrary_software");
        assert!(asked(&fleet).iter().all(|name| !name.contains("supplier")));
        assert_eq!(fleet.installed(GATEWAY), None);
        let supplier = fleet.supplier("supplier");
        supplier.paths = vec!["sup/*"];
        supplier.hardware = vec!["hw-a", "hw-b"];
        fleet.publish_image().await;
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    }
}

/// U-5.4.4.7-2, X-16: a role that cannot be had, or is not what it must be, leaves open who may sign its targets: none of them is
/// taken, not even from a later role. A target that it has nothing to do with is installed.
#[tokio::test]
async fn a_bad_role_is_no_bar_to_its_siblings() {
    for (trouble, code) in [
        ("missing", "unreachable"),
        ("expired", "freeze"),
        ("bent", "mix_and_match"),
    ] {
        let mut fleet = supplied(Supplier::new("supplier", &["sup/*"])).await;
        fleet.delegate(Supplier::new("second", &["sup/*"])).await;
        fleet.delegate(Supplier::new("sibling", &["sib/*"])).await;
        fleet.release("sib/b.img", &firmware(2), 1).await;
        fleet.hand_over("sib/b.img", "sibling").await;
        let everything = fleet.supplier("supplier").listed.clone();
        fleet.supplier("second").listed = everything;
        if trouble == "expired" {
            fleet.supplier("supplier").expires = Some(Fleet::now() - 1.hours());
        }
        fleet.publish_image().await;
        let file = format!("/repo/{}.supplier.json", fleet.image.version);
        let good = fleet.server.file(&file).unwrap();
        match trouble {
            "missing" => fleet.server.remove(&file),
            "bent" => fleet.server.put(file.as_str(), good.slice(1..)),
            _ => {}
        }

        assert_eq!(fleet.refused().await, code);
        assert_eq!(refusal(&fleet), code);
        let others = ["second", "sibling"];
        assert!(
            !asked(&fleet)
                .iter()
                .any(|name| others.iter().any(|other| name.contains(other)))
        );

        fleet.direct(CAMERA, "sib/b.img", VEHICLE, CAMERA);
        fleet.publish_director().await;
        assert_eq!(fleet.refused().await, code, "one refusal is all of the set's");
        assert_eq!((fleet.installed(GATEWAY), fleet.installed(CAMERA)), (None, None));

        fleet.assign(CAMERA, "sib/b.img").await;
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed, "{trouble}");
        assert_eq!(fleet.installed(CAMERA).unwrap(), firmware(2));
    }
}

/// What is kept is believed no more than what is fetched.
#[tokio::test]
async fn a_kept_file_that_is_damaged_is_fetched_again() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [Damage; 3] = [
        |_| Vec::new(),
        |good| good[1..].to_vec(),
        |good| [good, vec![b' '; 8 << 20]].concat(),
    ];
    for damage in damages {
        let mut fleet = supplied(Supplier::new("supplier", &["sup/*"])).await;
        fleet.cycle().await.unwrap();
        let file = fleet.layout().delegated().join("supplier.json");
        let good = fs::read(&file).unwrap();
        fs::write(&file, damage(good.clone())).unwrap();
        fleet.assign(CAMERA, "sup/a.img").await;
        asked(&fleet);
        assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
        assert_eq!(
            asked(&fleet)[2..],
            [format!("{}.supplier.json", fleet.image.version)]
        );
        assert_eq!(fs::read(&file).unwrap(), good);
    }
}
