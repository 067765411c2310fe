//! Targets that several roles have to agree about (TAP 3, Uptane 5.4.4.8).

use sealift_metadata::trust::Fault;
use serde_json::{Value, json};

use crate::common::*;

/// The roles A, B, C, D, of which `threshold` have to agree, each with what it says of `a.img`; then E, which says "E".
fn panel(says: [Option<&str>; 4], threshold: u64, terminating: bool) -> Tree {
    let mut tree = Tree::new();
    let roles = ["A", "B", "C", "D"];
    for (role, content) in roles.into_iter().zip(says) {
        tree.delegate("targets", role, json!({"terminating": terminating}));
        if let Some(content) = content {
            tree.put(role, "a.img", content);
        }
    }
    tree.delegate("targets", "E", json!({}));
    tree.put("E", "a.img", "E");
    set_agreements(&mut tree, json!([{"roles": roles, "threshold": threshold}]));
    tree.publish();
    tree
}

fn set_agreements(tree: &mut Tree, agreements: Value) {
    tree.doc("targets")["custom"] = json!({"sealift_delegations": {"agreements": agreements}});
}

/// U-5.1.2.1-5, U-5.4.4.8-1, U-5.4.4.8-2, U-5.4.4.8-4, TAP3-1: all roles are read, and enough of them have to say the same.
#[test]
fn enough_roles_have_to_agree() {
    let says = [Some("1"), Some("2"), Some("2"), None];
    for (threshold, outcome) in [(1, Ok("1")), (2, Ok("2")), (3, Err("arbitrary_software"))] {
        let (found, asked) = panel(says, threshold, false).find("a.img");
        let found = found.map_err(|error| error.code());
        assert_eq!(
            found,
            outcome.map(|content| Some(content.to_owned())),
            "{threshold}"
        );
        assert_eq!(asked, ["A", "B", "C", "D"]);
    }
}

/// U-5.4.4.8-3: of two groups that are large enough, the one with the earliest role.
#[test]
fn the_group_of_the_earliest_role_wins() {
    let says = [Some("1"), Some("2"), Some("2"), Some("1")];
    let (found, _) = panel(says, 2, false).find("a.img");
    assert_eq!(found.unwrap().as_deref(), Some("1"));
}

/// TAP3-2: whoever withholds one role cannot choose the outcome.
#[test]
fn a_withheld_role_ends_the_search() {
    for role in ["A", "B", "C", "D"] {
        let mut tree = panel([Some("1"), Some("2"), Some("2"), Some("1")], 2, false);
        tree.repo.files.remove(&format!("1.{role}.json"));
        assert_eq!(tree.refused("a.img"), "unreachable", "{role}");
        tree.signers.insert(role.to_owned(), vec![7]);
        tree.publish();
        assert_eq!(tree.refused("a.img"), "signature", "{role}");
    }
}

/// U-5.4.4.7-7: a target that none of them lists is looked for further on, unless they are terminating.
#[test]
fn silence_is_no_disagreement() {
    let silent = [None; 4];
    let (found, asked) = panel(silent, 2, false).find("a.img");
    assert_eq!(found.unwrap().as_deref(), Some("E"));
    assert_eq!(asked, ["A", "B", "C", "D", "E"]);
    let (found, asked) = panel(silent, 2, true).find("a.img");
    assert_eq!(found.unwrap(), None);
    assert_eq!(asked, ["A", "B", "C", "D"]);
}

/// A disagreement is an error that names the target.
#[test]
fn disagreement_is_named() {
    let (found, _) = panel([Some("1"), None, None, None], 2, false).find("a.img");
    let error = found.unwrap_err();
    assert_eq!(error.document(), "A.json");
    assert!(matches!(error.fault(), Fault::NoAgreement { path, threshold: 2 } if path == "a.img"));
}

/// U-5.4.4.8-2, TAP3-1: `custom.sealift` has to be the same, all hashes and the length too; other custom fields may differ,
/// and those of the earliest role are given.
#[test]
fn what_has_to_be_the_same() {
    let agree = |bend: fn(&mut Value)| {
        let mut tree = panel([None; 4], 2, true);
        for (role, note) in [("B", "note of B"), ("C", "note of C")] {
            let mut entry = image_entry(&sealed_profile());
            entry["custom"]["content"] = note.into();
            tree.doc(role)["targets"]["a.img"] = entry;
        }
        bend(&mut tree.doc("C")["targets"]["a.img"]);
        tree.publish();
        tree.find("a.img").0.map_err(|error| error.code())
    };
    assert_eq!(agree(|_| ()), Ok(Some("note of B".to_owned())));
    let bends: [fn(&mut Value); 5] = [
        |entry| entry["length"] = 1001.into(),
        |entry| entry["hashes"]["sha256"] = "00".repeat(32).into(),
        |entry| entry["hashes"]["sha512"] = "00".repeat(64).into(),
        |entry| entry["custom"]["sealift"]["release_counter"] = 8.into(),
        |entry| drop(entry["custom"].as_object_mut().unwrap().remove("sealift")),
    ];
    for bend in bends {
        assert_eq!(agree(bend), Err("arbitrary_software"));
    }
}

/// The roles of an agreement speak for themselves: whom they delegate to has no voice.
#[test]
fn an_agreement_does_not_delegate() {
    let mut tree = panel([Some("1"), None, None, None], 2, true);
    tree.delegate("B", "F", json!({}));
    tree.put("F", "a.img", "1");
    tree.publish();
    let (found, asked) = tree.find("a.img");
    assert_eq!(found.unwrap_err().code(), "arbitrary_software");
    assert_eq!(asked, ["A", "B", "C", "D"]);
}

/// A role that is in an agreement can also speak alone, where somebody delegates to it alone.
#[test]
fn an_agreement_does_not_silence_a_role_elsewhere() {
    let mut tree = panel([None; 4], 2, false);
    tree.doc("E")["targets"] = json!({});
    tree.delegate("E", "A", json!({}));
    tree.delegate("A", "F", json!({}));
    tree.put("F", "a.img", "F");
    tree.publish();
    let (found, asked) = tree.find("a.img");
    assert_eq!(found.unwrap().as_deref(), Some("F"));
    assert_eq!(asked, ["A", "B", "C", "D", "E", "F"], "A is not fetched twice");
}

/// Agreements are about neighbours with the same terms; anything else is refused with the document.
#[test]
fn agreements_are_read_strictly() {
    let refused = |agreements: Value, bend: fn(&mut Tree)| {
        let mut tree = panel([None; 4], 2, false);
        set_agreements(&mut tree, agreements);
        bend(&mut tree);
        tree.publish();
        tree.repo
            .client()
            .refresh(&tree.repo.files)
            .map_err(|error| error.code())
            .err()
    };
    let same = |_: &mut Tree| ();
    for good in [
        json!([{"roles": ["A", "B"], "threshold": 1}, {"roles": ["C", "D"], "threshold": 2}]),
        json!([{"roles": ["D", "E"], "threshold": 2}, {"roles": ["A", "B"], "threshold": 2}]),
    ] {
        assert_eq!(refused(good.clone(), same), None, "{good}");
    }
    for bad in [
        json!({}),
        json!([{"roles": ["A", "B"]}]),
        json!([{"roles": ["A", "B"], "threshold": 0}]),
        json!([{"roles": ["A", "B"], "threshold": 3}]),
        json!([{"roles": ["A", "B"], "threshold": 2, "x": 1}]),
        json!([{"roles": [], "threshold": 1}]),
        json!([{"roles": ["A"], "threshold": 1}]),
        json!([{"roles": ["A", "C"], "threshold": 2}]),
        json!([{"roles": ["B", "A"], "threshold": 2}]),
        json!([{"roles": ["A", "A"], "threshold": 2}]),
        json!([{"roles": ["E", "F"], "threshold": 2}]),
        json!([{"roles": [1, 2], "threshold": 2}]),
        json!([{"roles": ["A", "B"], "threshold": 2}, {"roles": ["B", "C"], "threshold": 2}]),
    ] {
        assert_eq!(refused(bad.clone(), same), Some("malformed"), "{bad}");
    }
    let pair = || json!([{"roles": ["A", "B"], "threshold": 2}]);
    let bends: [fn(&mut Tree); 3] = [
        |tree| tree.edge("targets", "B")["paths"] = json!(["b/*"]),
        |tree| tree.edge("targets", "B")["terminating"] = true.into(),
        |tree| {
            let terms = &mut tree.doc("targets")["custom"]["sealift_delegations"];
            terms["hardware_ids"] = json!({"B": ["hw-a"]});
        },
    ];
    for bend in bends {
        assert_eq!(refused(pair(), bend), Some("malformed"));
    }
}
