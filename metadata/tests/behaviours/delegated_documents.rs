//! Which delegated documents are taken: the checks of top-level Targets, under the delegator's keys.

use sealift_metadata::Signer as _;
use sealift_metadata::root::RoleName;
use sealift_metadata::trust::{Fault, Limits, Resolver};
use sealift_metadata::uptane::VerifiedTarget;
use serde_json::{Value, json};

use crate::common::*;

/// Two suppliers with a target each: what is wrong with one must not touch the other.
fn suppliers() -> Tree {
    let mut tree = Tree::new();
    for name in ["a", "b"] {
        tree.delegate("targets", name, json!({"paths": [format!("{name}/*")]}));
        tree.put(name, &format!("{name}/fw.img"), name);
    }
    tree.publish();
    tree
}

/// Spoils the role `a`; the code of the refusal. The role `b` has to be as before.
fn spoilt(spoil: impl FnOnce(&mut Tree)) -> &'static str {
    let mut tree = suppliers();
    spoil(&mut tree);
    let mut resolver = tree.resolver();
    let mut searcher = Searcher::default();
    let mut find = |path: &str| searcher.find(&mut resolver, &tree.repo.files, path);
    let error = find("a/fw.img").unwrap_err();
    assert_eq!(find("b/fw.img").unwrap().as_deref(), Some("b"));
    assert!(find("a/other.img").is_err());
    assert!(searcher.stored.keys().all(|file| *file == file_of("b")));
    error.code()
}

fn list(tree: &mut Tree, role: &str, line: Value) {
    tree.repo.doc(RoleName::Snapshot)["meta"][format!("{role}.json")] = line;
    tree.repo.publish_snapshot();
}

fn unlist(tree: &mut Tree, role: &str) {
    let lines = &mut tree.repo.doc(RoleName::Snapshot)["meta"];
    lines.as_object_mut().unwrap().remove(&format!("{role}.json"));
    tree.repo.publish_snapshot();
}

/// U-5.4.4.7-2, T-5.6-7c, X-16: a role that is missing or refused ends the search, and is not passed over.
#[test]
fn a_role_that_is_not_good_ends_the_search() {
    let missing = spoilt(|tree| drop(tree.repo.files.remove("1.a.json")));
    assert_eq!(missing, "unreachable");

    assert_eq!(spoilt(|tree| unlist(tree, "a")), "mix_and_match");

    let expired = spoilt(|tree| {
        tree.doc("a")["expires"] = NOW.into();
        tree.publish();
    });
    assert_eq!(expired, "freeze");

    let unsigned = spoilt(|tree| {
        tree.signers.insert("a".to_owned(), vec![7]);
        tree.publish();
    });
    assert_eq!(unsigned, "signature");

    let other_bytes = spoilt(|tree| tree.repo.files.get_mut("1.a.json").unwrap()[1] ^= 1);
    assert_eq!(other_bytes, "mix_and_match");

    let other_version = spoilt(|tree| {
        let bytes = tree.signed("a");
        tree.repo.files.insert("2.a.json".to_owned(), bytes);
        list(tree, "a", json!({"version": 2}));
    });
    assert_eq!(other_version, "mix_and_match");

    let another_role = spoilt(|tree| {
        let bytes = tree.repo.files["1.snapshot.json"].clone();
        list(tree, "a", json!({"version": 1}));
        tree.repo.files.insert("1.a.json".to_owned(), bytes);
    });
    assert_eq!(another_role, "signature");

    let too_long = spoilt(|tree| tree.repo.files.get_mut("1.a.json").unwrap().push(b' '));
    assert_eq!(too_long, "endless_data");
}

/// T-5.6-7c, U-5.2.4-1: the Snapshot decides which roles there are, and one that it does not list is not even asked for.
#[test]
fn an_unlisted_role_is_not_asked_for() {
    let mut tree = suppliers();
    unlist(&mut tree, "a");
    let (found, asked) = tree.find("a/fw.img");
    let error = found.unwrap_err();
    assert!(matches!(error.fault(), Fault::NotListedInSnapshot));
    assert_eq!(error.document(), "a.json");
    assert!(asked.is_empty());
}

/// U-5.2.3.2-8: as many keys as the delegator asks for.
#[test]
fn the_delegators_threshold_counts() {
    let mut tree = suppliers();
    tree.signers.insert("c".to_owned(), vec![31, 32]);
    tree.roles.insert("c".to_owned(), empty_targets());
    tree.delegate("targets", "c", json!({"paths": ["c/*"], "threshold": 2}));
    tree.put("c", "c/fw.img", "c");
    tree.publish();
    assert_eq!(tree.find("c/fw.img").0.unwrap().as_deref(), Some("c"));

    tree.signers.insert("c".to_owned(), vec![31]);
    tree.publish();
    assert_eq!(tree.refused("c/fw.img"), "signature");
}

/// T-4.5-5: who may sign less than he gives on gives on no more than that.
#[test]
fn a_delegation_cannot_be_widened() {
    let mut tree = suppliers();
    tree.delegate("a", "c", json!({"paths": ["*", "*/*"]}));
    for path in ["other.img", "a/fw-2.img", "b/other.img"] {
        tree.put("c", path, "c");
    }
    tree.publish();
    assert_eq!(tree.find("a/fw-2.img").0.unwrap().as_deref(), Some("c"));
    for path in ["other.img", "b/other.img"] {
        assert_eq!(tree.find(path).0.unwrap(), None, "{path}");
    }
}

/// An entry outside a role's paths is ignored, and the role stays good.
#[test]
fn entries_outside_the_paths_are_ignored() {
    let mut tree = suppliers();
    tree.put("a", "b/other.img", "a");
    tree.put("a", "b/fw.img", "a");
    tree.publish();
    assert_eq!(tree.find("b/other.img").0.unwrap(), None);
    assert_eq!(tree.find("b/fw.img").0.unwrap().as_deref(), Some("b"));
    assert_eq!(tree.find("a/fw.img").0.unwrap().as_deref(), Some("a"));
}

/// What a client stored is not asked for again while it is current.
#[test]
fn a_stored_role_is_used() {
    let mut tree = suppliers();
    let mut searcher = Searcher::default();
    let mut find = |tree: &Tree| {
        let found = searcher.find(&mut tree.resolver(), &tree.repo.files, "a/fw.img");
        (found.unwrap(), searcher.log.clone())
    };
    let a = Some("a".to_owned());
    assert_eq!(
        find(&tree),
        (
            a.clone(),
            vec!["get 1.a.json".to_owned(), "store a.json".to_owned()]
        )
    );
    assert_eq!(find(&tree), (a, vec![]));

    tree.doc("a")["version"] = 2.into();
    tree.put("a", "a/fw.img", "newer");
    tree.publish_next();
    let log = vec!["get 2.a.json".to_owned(), "store a.json".to_owned()];
    assert_eq!(find(&tree), (Some("newer".to_owned()), log));
}

/// A stored file that is not good is as if it were not there.
#[test]
fn a_stored_role_that_is_not_good_is_fetched() {
    let tree = suppliers();
    let good = tree.signed("a");
    let stored = [
        b"garbage".to_vec(),
        [&good[..], b" "].concat(),
        tree.signed("b"),
        sign(&tree.roles["a"], &[&key(7)]),
    ];
    for bytes in stored {
        let mut searcher = Searcher::default();
        searcher.stored.insert(file_of("a"), bytes);
        let found = searcher.find(&mut tree.resolver(), &tree.repo.files, "a/fw.img");
        assert_eq!(found.unwrap().as_deref(), Some("a"));
        assert_eq!(searcher.log, ["get 1.a.json", "store a.json"]);
        assert_eq!(searcher.stored[&file_of("a")], good);
    }
}

/// T-2.1.2-1: a role whose delegation was taken back is not found, though it is stored and stays in the Snapshot.
#[test]
fn a_revoked_role_is_not_found() {
    let mut tree = suppliers();
    let mut searcher = Searcher::default();
    let find = |searcher: &mut Searcher, tree: &Tree| {
        searcher.find(&mut tree.resolver(), &tree.repo.files, "a/fw.img")
    };
    assert!(find(&mut searcher, &tree).unwrap().is_some());
    let delegations = &mut tree.doc("targets")["delegations"];
    delegations["roles"].as_array_mut().unwrap().remove(0);
    tree.publish_next();
    assert_eq!(find(&mut searcher, &tree).unwrap(), None);
    assert!(searcher.log.is_empty());
}

/// T-6.1-4: a role with new keys does not speak through the file that the old ones signed.
#[test]
fn a_stored_role_is_checked_with_todays_keys() {
    let mut tree = suppliers();
    let mut searcher = Searcher::default();
    let mut find = |tree: &Tree| {
        let found = searcher.find(&mut tree.resolver(), &tree.repo.files, "a/fw.img");
        (found.map_err(|error| error.code()), searcher.log.clone())
    };
    assert!(find(&tree).0.unwrap().is_some());

    let fresh = key(55).public().clone();
    let delegations = &mut tree.doc("targets")["delegations"];
    delegations["keys"][fresh.keyid().as_str()] = fresh.to_value();
    tree.edge("targets", "a")["keyids"] = json!([fresh.keyid().as_str()]);
    tree.publish_next();
    assert_eq!(find(&tree), (Err("signature"), vec!["get 1.a.json".to_owned()]));
}

/// U-5.4.4.7-2: a role that two delegators know under different keys has, for each target, to be signed by the keys of the one
/// who leads there. What was taken on one way is not taken on the other.
#[test]
fn a_role_is_verified_for_each_delegator() {
    let mut tree = Tree::new();
    for parent in ["parent-a", "parent-b"] {
        let team = json!({"paths": [format!("{}/*", parent.replace("parent", "team"))]});
        tree.delegate("targets", parent, team.clone());
        tree.delegate(parent, "release", team);
    }
    let other = key(66).public().clone();
    tree.doc("parent-b")["delegations"]["keys"] = json!({other.keyid().as_str(): other.to_value()});
    tree.edge("parent-b", "release")["keyids"] = json!([other.keyid().as_str()]);
    tree.put("release", "team-a/fw.img", "good");
    tree.put("release", "team-b/fw.img", "malicious");
    tree.publish();

    let mut resolver = tree.resolver();
    let mut searcher = Searcher::default();
    let mut find = |path| searcher.find(&mut resolver, &tree.repo.files, path);
    for _ in 0..2 {
        assert_eq!(find("team-a/fw.img").unwrap().as_deref(), Some("good"));
        assert_eq!(find("team-b/fw.img").unwrap_err().code(), "signature");
    }
}

/// The same where the keys are the same and one delegator asks for more of them.
#[test]
fn a_role_is_verified_with_each_threshold() {
    let mut tree = Tree::new();
    tree.signers.insert("release".to_owned(), vec![61, 62]);
    tree.roles.insert("release".to_owned(), empty_targets());
    for (team, threshold) in [("team-a/*", 1), ("team-b/*", 2)] {
        let parent = team.replace("team", "parent").replace("/*", "");
        tree.delegate("targets", &parent, json!({"paths": [team]}));
        tree.delegate(
            &parent,
            "release",
            json!({"paths": [team], "threshold": threshold}),
        );
    }
    tree.signers.insert("release".to_owned(), vec![61]);
    tree.put("release", "team-a/fw.img", "good");
    tree.put("release", "team-b/fw.img", "signed by one");
    tree.publish();

    let mut resolver = tree.resolver();
    let mut searcher = Searcher::default();
    let mut find = |path| searcher.find(&mut resolver, &tree.repo.files, path);
    assert_eq!(find("team-a/fw.img").unwrap().as_deref(), Some("good"));
    assert_eq!(find("team-b/fw.img").unwrap_err().code(), "signature");
}

/// Within one search, too: a way that leads to a role through the wrong keys ends it, even if another would be right.
#[test]
fn the_first_way_to_a_role_decides() {
    let mut tree = Tree::new();
    tree.delegate("targets", "A", json!({}));
    tree.delegate("targets", "B", json!({}));
    tree.delegate("A", "C", json!({}));
    tree.delegate("B", "C", json!({}));
    let other = key(66).public().clone();
    tree.doc("A")["delegations"]["keys"] = json!({other.keyid().as_str(): other.to_value()});
    tree.edge("A", "C")["keyids"] = json!([other.keyid().as_str()]);
    tree.put("C", "a.img", "C");
    tree.publish();
    assert_eq!(tree.refused("a.img"), "signature");
}

/// U-5.4.4.5-5, X-11: the version of a role has its floor in the Snapshot alone. It does not go back, unless new Snapshot keys say that
/// somebody else may have driven it up; what is stored of the role itself does not matter.
#[test]
fn the_floor_of_a_role_is_in_the_snapshot() {
    let mut tree = suppliers();
    let mut client = tree.repo.client();
    let mut searcher = Searcher::default();
    let mut find = |tree: &Tree| {
        let trusted = client.refresh(&tree.repo.files).map_err(|error| error.code())?;
        let mut resolver = Resolver::new(trusted, Limits::IMAGE, at(NOW));
        let found = searcher.find(&mut resolver, &tree.repo.files, "a/fw.img");
        found.map_err(|error| error.code())
    };
    tree.doc("a")["version"] = 9.into();
    tree.put("a", "a/fw.img", "driven up");
    tree.publish_next();
    assert_eq!(find(&tree), Ok(Some("driven up".to_owned())));

    tree.doc("a")["version"] = 2.into();
    tree.put("a", "a/fw.img", "recovered");
    tree.publish_next();
    assert_eq!(find(&tree), Err("rollback"));

    tree.repo
        .rotate(|repo| drop(repo.signers.insert(RoleName::Snapshot, vec![77])));
    tree.publish_next();
    assert_eq!(find(&tree), Ok(Some("recovered".to_owned())));
}

/// A repository without versions in its names.
#[test]
fn roles_without_versions_in_names() {
    let mut tree = suppliers();
    tree.repo.doc(RoleName::Root)["consistent_snapshot"] = false.into();
    tree.repo.serve_root(&[]);
    tree.publish();
    for name in ["snapshot", "targets", "a", "b"] {
        let bytes = tree.repo.files.remove(&format!("1.{name}.json")).unwrap();
        tree.repo.files.insert(format!("{name}.json"), bytes);
    }
    assert_eq!(tree.find("a/fw.img").0.unwrap().as_deref(), Some("a"));
}

/// What a search finds becomes a target for vehicles if it has a profile.
#[test]
fn what_is_found_needs_a_profile() {
    let mut tree = suppliers();
    tree.doc("a")["targets"]["a/sealed.img"] = image_entry(&sealed_profile());
    tree.publish();
    let found = |path: &str| {
        let files = &tree.repo.files;
        let serve = |name: &str| files.get(name).cloned();
        let found = Searcher::default().found(&mut tree.resolver(), serve, path);
        VerifiedTarget::of(found.unwrap().unwrap())
    };
    let target = found("a/sealed.img").unwrap();
    assert_eq!(target.path().as_str(), "a/sealed.img");
    assert_eq!(target.length(), 1000);
    assert_eq!(found("a/fw.img").unwrap_err().code(), "malformed");
}
