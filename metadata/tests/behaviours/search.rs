//! In which order delegations are followed, and where the search ends.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sealift_metadata::TargetPath;
use sealift_metadata::trust::{Response, SearchStep};
use serde_json::json;

use crate::common::*;

/// U-5.4.4.7-1, U-5.4.4.7-5, U-5.4.4.7-8, U-5.4.4.7-9, T-5.6-7a: the graphs of tuf-conformance. A terminating delegation ends
/// the search behind its descendants, no role is visited twice, and the end is "not found".
#[test]
fn roles_are_visited_depth_first() {
    for (delegations, visited) in [
        (&["targets A"][..], "A"),
        (&["targets A", "targets B"], "A B"),
        (&["targets A", "targets B", "B C"], "A B C"),
        (&["targets A", "targets B", "A C", "A D"], "A C D B"),
        (&["targets A", "targets B", "A C", "C D"], "A C D B"),
        (&["targets A", "targets B", "A C !", "A D"], "A C"),
        (&["targets A", "targets B", "A C !", "C D"], "A C D"),
        (&["targets A py", "targets B", "A C"], "B"),
        (&["targets A", "targets B", "A C py", "C D"], "A B"),
        (&["targets A", "targets B", "B C", "C D", "D B"], "A B C D"),
        (&["targets A", "targets B", "B C", "A C"], "A C B"),
        (&["targets A", "targets B", "B C", "A C py"], "A B C"),
        (&["targets A", "A A"], "A"),
        (&["targets A py !", "targets B"], "B"),
    ] {
        let mut tree = Tree::of(delegations);
        tree.publish();
        let (found, asked) = tree.find("missingpath");
        assert_eq!(found.unwrap(), None, "{delegations:?}");
        assert_eq!(asked.join(" "), visited, "{delegations:?}");
    }
}

/// U-5.4.4.7-6, T-4.5-5, T-4.5-6: the tree of tuf-conformance. Every delegation on the way has to cover the target.
#[test]
fn every_delegation_on_the_way_covers_the_target() {
    let mut tree = Tree::new();
    tree.delegate("targets", "A", json!({"paths": ["*.doc", "*.md", "foo-?.tgz"]}));
    tree.delegate("targets", "B", json!({"paths": ["releases/*/*"]}));
    tree.delegate("B", "C", json!({"paths": ["releases/x/*"]}));
    tree.delegate("B", "D", json!({"paths": ["releases/y/*.zip"]}));
    tree.put("targets", "targetfile", "top");
    for path in ["README.md", "releases/README.md", "foo-1.tgz", "foo-alpha.tgz"] {
        tree.put("A", path, "A");
    }
    tree.put("C", "releases/x/x_v1", "C");
    tree.put("D", "releases/y/y_v1.zip", "D");
    tree.put("D", "releases/z/z_v1.zip", "D");
    tree.publish();
    for (path, content, visited) in [
        ("targetfile", Some("top"), ""),
        ("README.md", Some("A"), "A"),
        ("releases/x/x_v1", Some("C"), "B C"),
        ("releases/y/y_v1.zip", Some("D"), "B D"),
        ("releases/z/z_v1.zip", None, "B"),
        ("releases/README.md", None, ""),
        ("foo-1.tgz", Some("A"), "A"),
        ("foo-alpha.tgz", None, ""),
        ("README.MD", None, ""),
    ] {
        let (found, asked) = tree.find(path);
        assert_eq!(found.unwrap().as_deref(), content, "{path}");
        assert_eq!(asked.join(" "), visited, "{path}");
    }
}

/// U-5.2.3.2-9: a chain of three, and who is in it.
#[test]
fn a_suppliers_supplier_can_sign() {
    let mut tree = Tree::of(&["targets tier-1", "tier-1 tier-2", "tier-2 tier-3"]);
    tree.put("tier-3", "a.img", "deep");
    tree.publish();
    let files = &tree.repo.files;
    let found = Searcher::default()
        .found(&mut tree.resolver(), |name| files.get(name).cloned(), "a.img")
        .unwrap()
        .unwrap();
    let chain: Vec<_> = found.chain().iter().map(|role| role.as_str()).collect();
    assert_eq!(chain, ["tier-1", "tier-2", "tier-3"]);
    assert_eq!(found.path(), &TargetPath::new("a.img").unwrap());
}

/// U-5.1.2.1-2, U-5.2.3.2-2, U-5.4.4.7-3, U-5.4.4.7-5: who delegates comes before whom he delegates to, and these come in their order.
#[test]
fn the_first_who_lists_a_target_decides() {
    let mut tree = Tree::of(&["targets A", "targets B", "A C"]);
    for (role, wins) in [("B", "B"), ("C", "C"), ("A", "A"), ("targets", "targets")] {
        tree.put(role, "a.img", role);
        tree.publish();
        assert_eq!(tree.find("a.img").0.unwrap().as_deref(), Some(wins));
    }
}

/// U-5.1.2.1-3, U-5.4.4.7-4: behind a terminating delegation nobody is asked.
#[test]
fn a_terminating_delegation_is_the_last() {
    let mut tree = Tree::of(&["targets A !", "targets B"]);
    tree.put("B", "a.img", "B");
    tree.publish();
    assert_eq!(tree.find("a.img").0.unwrap(), None);

    tree.edge("targets", "A")["terminating"] = false.into();
    tree.publish();
    assert_eq!(tree.find("a.img").0.unwrap().as_deref(), Some("B"));
}

/// a terminating delegation below another one ends the search of its parent's siblings too.
#[test]
fn a_terminating_delegation_ends_the_whole_search() {
    let mut tree = Tree::of(&["targets A", "targets B", "A C !"]);
    tree.put("B", "a.img", "B");
    tree.publish();
    assert_eq!(tree.find("a.img").0.unwrap(), None);
}

/// T-4.5-4: every target is looked for in its bin, and what another bin lists is ignored.
#[test]
fn bins_by_hash() {
    let mut tree = Tree::new();
    for bin in 0..16 {
        let prefix = format!("{bin:x}");
        tree.delegate(
            "targets",
            &format!("bin-{prefix}"),
            json!({"path_hash_prefixes": [prefix]}),
        );
    }
    // The SHA-256 of the names begins with b and f.
    tree.put("bin-b", "fw/a.img", "right bin");
    tree.put("bin-0", "fw/b.img", "wrong bin");
    tree.publish();
    let (found, asked) = tree.find("fw/a.img");
    assert_eq!(found.unwrap().as_deref(), Some("right bin"));
    assert_eq!(asked, ["bin-b"]);
    let (found, asked) = tree.find("fw/b.img");
    assert_eq!(found.unwrap(), None);
    assert_eq!(asked.len(), 1);
    assert_ne!(asked, ["bin-0"]);
}

/// A name that no target can have is looked for all the same, as other clients do.
#[test]
fn names_that_are_no_paths_are_not_found() {
    let mut tree = Tree::of(&["targets A"]);
    tree.publish();
    let (found, asked) = tree.find("nonexistent artifact");
    assert_eq!(found.unwrap(), None);
    assert_eq!(asked, ["A"]);
}

/// U-5.2.7-4: odd role names are encoded where they are asked for.
#[test]
fn odd_role_names_are_asked_for() {
    let mut tree = Tree::of(&["targets ../A", "targets ?"]);
    tree.put("?", "a.img", "odd");
    tree.publish();
    let mut searcher = Searcher::default();
    let found = searcher.find(&mut tree.resolver(), &tree.repo.files, "a.img");
    assert_eq!(found.unwrap().as_deref(), Some("odd"));
    assert_eq!(
        searcher.log,
        [
            "get 1...%2FA.json",
            "store ..%2FA.json",
            "get 1.%3F.json",
            "store %3F.json"
        ]
    );
}

/// A step without an answer, after the end, or before a beginning is an error and not a result.
#[test]
fn steps_out_of_order_are_refused() {
    let mut tree = Tree::of(&["targets A"]);
    tree.put("A", "a.img", "A");
    tree.publish();
    let mut resolver = tree.resolver();
    assert!(resolver.step().is_err(), "before a search");

    let none = hardware(&[]);
    resolver.search("a.img", &none);
    assert!(matches!(resolver.step().unwrap(), SearchStep::Recall(_)));
    assert!(resolver.step().is_err(), "without an answer");
    assert!(resolver.step().is_err(), "after an error");

    // A new search begins afresh, also in the middle of another.
    resolver.search("b.img", &none);
    assert!(matches!(resolver.step().unwrap(), SearchStep::Recall(_)));
    let mut searcher = Searcher::default();
    assert!(
        searcher
            .find(&mut resolver, &tree.repo.files, "a.img")
            .unwrap()
            .is_some()
    );
    assert!(resolver.step().is_err(), "after the end");
    assert_eq!(resolver.repository().targets().version(), 1);
}

/// An answer that came for another search is not taken for this one.
#[test]
fn a_late_answer_is_not_taken() {
    let mut tree = Tree::of(&["targets A", "targets B"]);
    tree.publish();
    let mut resolver = tree.resolver();
    resolver.search("a.img", &hardware(&[]));
    assert!(matches!(resolver.step().unwrap(), SearchStep::Recall(_)));
    resolver.supply(Response::Found(tree.signed("B")));
    resolver.search("a.img", &hardware(&[]));
    assert!(matches!(resolver.step().unwrap(), SearchStep::Recall(_)));
    assert!(resolver.step().is_err());
}

/// U-5.2.3.2-2: delegations are read in the order in which they are written.
#[test]
fn order_survives_reading() {
    let names = ["z", "a", "m", "b"];
    let mut tree = Tree::new();
    for name in names {
        tree.delegate("targets", name, json!({}));
    }
    tree.publish();
    let trusted = tree.repo.client().refresh(&tree.repo.files).unwrap();
    let read: Vec<String> = trusted
        .targets()
        .role()
        .delegations()
        .unwrap()
        .roles
        .iter()
        .map(|role| role.name.to_string())
        .collect();
    assert_eq!(read, names);
}

/// The search of TUF 5.6.7 as python-tuf has it, over edges `(from, to, covers, terminating)`.
fn order(edges: &[(usize, usize, bool, bool)]) -> Vec<usize> {
    let (mut open, mut visited, mut order) = (vec![0], BTreeSet::new(), Vec::new());
    while let Some(role) = open.pop() {
        if !visited.insert(role) {
            continue;
        }
        order.push(role);
        let mut children = Vec::new();
        for &(_, to, _, terminating) in edges.iter().filter(|edge| edge.0 == role && edge.2) {
            children.push(to);
            if terminating {
                open.clear();
                break;
            }
        }
        open.extend(children.into_iter().rev());
    }
    order.split_off(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// T-5.6-7a, U-5.4.4.7-5: whatever the graph, the order is that of TUF.
    #[test]
    fn any_graph_is_searched_in_the_order_of_tuf(
        edges in prop::collection::vec((0_usize..6, 1_usize..6, prop::bool::weighted(0.8), prop::bool::weighted(0.2)), 0..14),
    ) {
        let mut pairs = BTreeSet::new();
        let edges: Vec<_> = edges.into_iter().filter(|edge| pairs.insert((edge.0, edge.1))).collect();
        let name = |role: usize| ["targets", "A", "B", "C", "D", "E"][role];
        let mut tree = Tree::of(&["targets A", "targets B", "targets C", "targets D", "targets E"]);
        tree.doc("targets").as_object_mut().unwrap().remove("delegations");
        for &(from, to, covers, terminating) in &edges {
            let paths = if covers { ["*"] } else { ["*.py"] };
            tree.delegate(name(from), name(to), json!({"paths": paths, "terminating": terminating}));
        }
        tree.publish();
        let (found, asked) = tree.find("a.img");
        prop_assert_eq!(found.unwrap(), None);
        let expected: Vec<_> = order(&edges).into_iter().map(name).collect();
        prop_assert_eq!(asked, expected);
    }
}
