//! Delegations for some hardware only, and how strictly such terms are read.

use sealift_metadata::root::RoleName;
use serde_json::{Value, json};

use crate::common::*;

/// U-5.2.3.2-6, U-5.4.4.7-6: a delegation for some hardware leads to nothing for other hardware, at any depth, and has to
/// cover all that the image is to be installed on.
#[test]
fn delegations_are_limited_to_hardware() {
    let mut tree = Tree::new();
    tree.delegate("targets", "A", json!({}));
    tree.delegate("A", "C", json!({}));
    tree.delegate("targets", "B", json!({}));
    tree.put("C", "a.img", "C");
    tree.put("B", "a.img", "B");
    let limits = json!({"sealift_delegations": {"hardware_ids": {"A": ["hw-a", "hw-c"]}}});
    tree.doc("targets")["custom"] = limits;
    let below = json!({"sealift_delegations": {"hardware_ids": {"C": ["hw-a", "hw-b"]}}});
    tree.doc("A")["custom"] = below;
    tree.publish();
    let found = |ids: &[&str]| {
        let mut searcher = Searcher {
            hardware: hardware(ids),
            ..Searcher::default()
        };
        let found = searcher.find(&mut tree.resolver(), &tree.repo.files, "a.img");
        (found.unwrap().unwrap(), searcher.roles_asked().join(" "))
    };
    for (ids, who, visited) in [
        (&["hw-a"][..], "C", "A C"),
        (&["hw-c"], "B", "A B"),
        (&["hw-b"], "B", "B"),
        (&["hw-a", "hw-b"], "B", "B"),
        (&["hw-a", "hw-c"], "B", "A B"),
        (&[], "C", "A C"),
    ] {
        assert_eq!(found(ids), (who.to_owned(), visited.to_owned()), "{ids:?}");
    }
}

/// What is said of delegations is read strictly: a term that is not understood is not kept.
#[test]
fn terms_of_delegations_are_strict() {
    let refused = |terms: Value| {
        let mut tree = Tree::of(&["targets a", "targets b"]);
        tree.doc("targets")["custom"] = json!({"sealift_delegations": terms});
        tree.publish();
        tree.repo
            .client()
            .refresh(&tree.repo.files)
            .map_err(|error| error.code())
            .err()
    };
    for good in [
        json!({}),
        json!({"hardware_ids": {}, "agreements": []}),
        json!({"hardware_ids": {"a": ["hw-a"], "b": ["hw-a", "hw-b"]}}),
    ] {
        assert_eq!(refused(good.clone()), None, "{good}");
    }
    for bad in [
        json!([]),
        json!({"hardware": {}}),
        json!({"hardware_ids": []}),
        json!({"hardware_ids": {"c": ["hw-a"]}}),
        json!({"hardware_ids": {"a": []}}),
        json!({"hardware_ids": {"a": "hw-a"}}),
        json!({"hardware_ids": {"a": ["hw-a", "hw-a"]}}),
        json!({"hardware_ids": {"a": [1]}}),
    ] {
        assert_eq!(refused(bad.clone()), Some("malformed"), "{bad}");
    }
    assert_eq!(
        refused(json!({"hardware_ids": {"a": ["hw a"]}})),
        Some("invalid_name")
    );

    let mut repo = Repo::new();
    repo.doc(RoleName::Targets)["custom"] = json!({"sealift_delegations": {}});
    repo.publish();
    assert_eq!(
        repo.client().refused(&repo.files),
        "malformed",
        "nobody to speak of"
    );
}
