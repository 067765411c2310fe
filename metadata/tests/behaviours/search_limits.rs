//! How much is read for one target, and what is kept of it for the next.

use sealift_metadata::Signer as _;
use sealift_metadata::root::RoleName;
use sealift_metadata::trust::{Limits, Resolver};
use serde_json::json;

use crate::common::*;

fn within(max_roles: usize) -> Limits {
    Limits {
        max_roles,
        ..Limits::IMAGE
    }
}

/// T-5.6-7b: as many roles as the cap are read for a target; one more ends the search with an error.
#[test]
fn the_number_of_roles_has_a_cap() {
    let mut tree = Tree::of(&["targets A", "A B", "B C", "targets D"]);
    tree.put("D", "a.img", "D");
    tree.publish();
    for (max_roles, outcome) in [(3, Err("limit")), (4, Ok(Some("D"))), (5, Ok(Some("D")))] {
        let mut resolver = tree.resolver_within(within(max_roles));
        let found = Searcher::default().find(&mut resolver, &tree.repo.files, "a.img");
        let found = found.as_ref().map(Option::as_deref).map_err(|error| error.code());
        assert_eq!(found, outcome, "{max_roles}");
    }
}

/// T-5.6-7b, T-5.6-7a: ten thousand roles, each delegating to the next.
#[test]
fn a_long_chain_ends_at_the_cap() {
    let signer = key(100);
    let public = signer.public().clone();
    let document = |number: u64| {
        let mut signed = empty_targets();
        let role = json!({"name": format!("role-{}", number + 1), "keyids": [public.keyid().as_str()],
                          "threshold": 1, "terminating": false, "paths": ["*"]});
        signed["delegations"] =
            json!({"keys": {public.keyid().as_str(): public.to_value()}, "roles": [role]});
        signed
    };
    let mut repo = Repo::new();
    repo.doc(RoleName::Targets)["delegations"] = document(0)["delegations"].clone();
    for number in 1..=10_000 {
        repo.doc(RoleName::Snapshot)["meta"][format!("role-{number}.json")] = json!({"version": 1});
    }
    repo.publish();
    let trusted = repo.client().refresh(&repo.files).unwrap();
    let mut resolver = Resolver::new(trusted, Limits::IMAGE, at(NOW));
    let serve = |name: &str| {
        let number = name.strip_prefix("1.role-")?.strip_suffix(".json")?;
        Some(sign(&document(number.parse().ok()?), &[&signer]))
    };
    let mut searcher = Searcher::default();
    let error = searcher.found(&mut resolver, serve, "a.img").unwrap_err();
    assert_eq!(error.code(), "limit");
    assert_eq!(error.document(), "role-65.json");
    assert_eq!(searcher.roles_asked().len(), Limits::IMAGE.max_roles);
}

/// The bytes of one document and of all of one search have caps, announced or not.
#[test]
fn the_bytes_of_a_search_have_caps() {
    let mut tree = Tree::of(&["targets A", "targets B"]);
    tree.put("B", "a.img", "B");
    for role in ["A", "B"] {
        tree.doc(role)["x-pad"] = "x".repeat(2000).into();
    }
    tree.publish();
    let (a, b) = (tree.signed("A").len() as u64, tree.signed("B").len() as u64);
    let try_with = |tree: &Tree, delegated, search_bytes| {
        let limits = Limits {
            delegated,
            search_bytes,
            ..Limits::IMAGE
        };
        let mut resolver = tree.resolver_within(limits);
        let mut searcher = Searcher::default();
        let found = searcher.find(&mut resolver, &tree.repo.files, "a.img");
        (found.map_err(|error| error.code()), searcher.roles_asked().len())
    };
    let found = Ok(Some("B".to_owned()));
    let refused = Err("endless_data");
    assert_eq!(try_with(&tree, b, a + b), (found.clone(), 2));
    assert_eq!(try_with(&tree, b - 1, a + b), (refused.clone(), 1));
    assert_eq!(try_with(&tree, b, a + b - 1), (refused.clone(), 1));
    for role in ["A", "B"] {
        tree.repo.doc(RoleName::Snapshot)["meta"][format!("{role}.json")] = json!({"version": 1});
    }
    tree.repo.publish_snapshot();
    assert_eq!(try_with(&tree, b, a + b), (found, 2));
    assert_eq!(try_with(&tree, b - 1, a + b), (refused.clone(), 2));
    assert_eq!(try_with(&tree, b, a + b - 1), (refused, 2));
}

/// What was read for one target is not read again for the next, up to a limit that bounds memory.
#[test]
fn roles_are_read_once() {
    let mut tree = Tree::of(&["targets C py !", "targets A", "A B"]);
    tree.put("B", "a.img", "a");
    tree.put("B", "b.img", "b");
    tree.publish();
    let read = |limits, second: &[&str]| {
        let mut resolver = tree.resolver_within(limits);
        let mut searcher = Searcher::default();
        let mut find = |path| {
            let found = searcher.find(&mut resolver, &tree.repo.files, path).unwrap();
            // A client without a store of its own.
            searcher.stored.clear();
            (found.unwrap(), searcher.roles_asked())
        };
        assert_eq!(
            find("a.img"),
            ("a".to_owned(), vec!["A".to_owned(), "B".to_owned()])
        );
        let (found, asked) = find("b.img");
        assert_eq!(found, "b");
        assert_eq!(asked, second);
    };
    read(Limits::IMAGE, &[]);

    let both = (tree.signed("A").len() + tree.signed("B").len()) as u64;
    let tight = Limits {
        search_bytes: both,
        ..Limits::IMAGE
    };
    read(tight, &[]);

    // What lies beyond is forgotten before the next search, whose own reading is bounded as ever.
    let mut resolver = tree.resolver_within(tight);
    let mut searcher = Searcher::default();
    let mut asked = |path| {
        searcher.stored.clear();
        assert_eq!(
            searcher.find(&mut resolver, &tree.repo.files, path).unwrap(),
            None
        );
        searcher.roles_asked().join(" ")
    };
    assert_eq!(asked("c.py"), "C");
    assert_eq!(asked("x.img"), "A B");
    assert_eq!(asked("x.img"), "A B", "all three were more than is kept");
    assert_eq!(asked("x.img"), "");
}

/// The caps hold for what was read before, too: a search ends the same way whatever came before it.
#[test]
fn what_was_read_before_counts() {
    let mut tree = Tree::new();
    tree.delegate("targets", "A", json!({"paths": ["a*"]}));
    tree.delegate("targets", "B", json!({"paths": ["a*", "b*"]}));
    tree.put("B", "ab.img", "B");
    tree.put("B", "b.img", "B");
    tree.publish();
    let mut resolver = tree.resolver_within(within(1));
    let mut searcher = Searcher::default();
    let mut find = |path| searcher.find(&mut resolver, &tree.repo.files, path);
    assert_eq!(find("b.img").unwrap().as_deref(), Some("B"));
    assert_eq!(find("ab.img").unwrap_err().code(), "limit");
    assert_eq!(find("b.img").unwrap().as_deref(), Some("B"));
}
