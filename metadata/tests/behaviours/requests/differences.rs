//! The difference that the reader computes.

use super::*;
use sealift_metadata::request::Difference;

fn difference(request: &Request, repo: &Repo) -> Difference {
    let checked = request.check(Some(&repo.files["1.root.json"]), at(NOW)).unwrap();
    checked.difference()
}

fn pointers(difference: &Difference) -> Vec<&str> {
    difference
        .unnamed
        .iter()
        .map(|other| other.pointer.as_str())
        .collect()
}

/// Targets that come, go and change, each with what it was and will be.
#[test]
fn targets_are_told_by_what_they_are() {
    let repo = repository();
    let changes = vec![put("a.img", 9), put("fw/b.img", 1)];
    let request = Request::change(SigningRole::Targets, basis(&repo), changes, instant(LATER)).unwrap();
    let found = difference(&request, &repo);
    assert_eq!(found.version, (Some(2), 3));
    assert_eq!(found.expires, (Some(instant(EXPIRES)), instant(LATER)));
    let [a, b] = &found.targets[..] else {
        panic!("two targets: {:?}", found.targets)
    };
    let counter = |file: &Option<_>| {
        file.as_ref()
            .and_then(TargetChange::profile)
            .map(|it| it.release_counter)
    };
    assert_eq!(
        (a.path.as_str(), counter(&a.before), counter(&a.after)),
        ("a.img", Some(7), Some(9))
    );
    assert_eq!(
        (b.path.as_str(), counter(&b.before), counter(&b.after)),
        ("fw/b.img", None, Some(1))
    );
    assert_eq!(pointers(&found), [""; 0], "a target of ours is named whole");

    let gone = Request::change(
        SigningRole::Targets,
        basis(&repo),
        vec![remove("a.img")],
        instant(LATER),
    )
    .unwrap();
    let found = difference(&gone, &repo);
    assert!(found.targets[0].before.is_some() && found.targets[0].after.is_none());
    assert_eq!(pointers(&found), [""; 0]);
}

/// Whatever has no typed place is listed where it stands, inside an entry too.
#[test]
fn what_has_no_name_is_listed_as_it_stands() {
    let repo = repository();
    let by_hand = altered(&addition(&repo), |value| {
        value["operations"] = Value::Null;
        let signed = &mut value["document"]["signed"];
        signed["x-more"] = json!({"deep": [1]});
        signed["spec_version"] = "1.0.31".into();
        signed["custom"] = json!({"x-terms": {}});
        signed["targets"]["b.img"]["x"] = 1.into();
        signed["targets"]["b.img"]["custom"]["y/z"] = 2.into();
    });
    let found = difference(&by_hand.unwrap(), &repo);
    assert_eq!(
        pointers(&found),
        [
            "/custom/x-terms",
            "/spec_version",
            "/targets/b.img/custom/y~1z",
            "/targets/b.img/x",
            "/x-more/deep",
        ]
    );
    let other = &found.unnamed[1];
    assert_eq!(
        (&other.before, &other.after),
        (&Some(json!("1.0.34")), &Some(json!("1.0.31")))
    );

    let foreign = altered(&addition(&repo), |value| {
        value["operations"] = Value::Null;
        value["document"]["signed"]["targets"]["b.img"]["custom"]["sealift"]["protection"] = "rot13".into();
    });
    let found = difference(&foreign.unwrap(), &repo);
    let profile = "/targets/b.img/custom/sealift/protection";
    assert!(
        pointers(&found).contains(&profile),
        "a profile that cannot be read is not told as one"
    );
}

/// Keys and thresholds by role; a key that no role uses and a field of a role that is not known are listed as they stand.
#[test]
fn roots_are_told_by_role() {
    let repo = repository();
    let newest = Document::<Root>::parse(&repo.files["2.root.json"]).unwrap();
    let mut draft = RootDraft::next(&newest, instant(LATER));
    let keys = [key(4).public().clone(), key(44).public().clone()];
    draft.set_role(RoleName::Targets, &keys, 2).unwrap();
    draft
        .set_role(RoleName::Timestamp, &[key(45).public().clone()], 1)
        .unwrap();
    let request = Request::root(&draft.finish().unwrap(), basis(&repo).roots);
    let found = difference(&request, &repo);
    let id = |n: u64| key(n).public().keyid().clone();
    let roles: Vec<_> = found
        .roles
        .iter()
        .map(|change| {
            (
                change.role.as_str(),
                change.added.clone(),
                change.removed.clone(),
                change.threshold,
            )
        })
        .collect();
    assert_eq!(
        roles,
        [
            ("timestamp", vec![id(45)], vec![id(2)], (Some(1), 1)),
            ("targets", vec![id(44)], vec![], (Some(1), 2)),
        ]
    );
    assert_eq!(pointers(&found), [""; 0]);

    let stranger = key(46).public().clone();
    let more = altered(&request, |value| {
        let signed = &mut value["document"]["signed"];
        signed["keys"][stranger.keyid().as_str()] = stranger.to_value();
        signed["roles"]["snapshot"]["x"] = 1.into();
        signed["consistent_snapshot"] = false.into();
    });
    let found = difference(&more.unwrap(), &repo);
    let keyid = stranger.keyid().to_string();
    let mut wanted = vec!["/consistent_snapshot".to_owned()];
    for field in ["keytype", "keyval/public", "scheme"] {
        wanted.push(format!("/keys/{keyid}/{field}"));
    }
    wanted.push("/roles/snapshot/x".to_owned());
    assert_eq!(pointers(&found), wanted);
}

/// Delegations by name, with their place; what comes before others decides first.
#[test]
fn delegations_are_told_by_name() {
    let role = |name: &str, n: u64, paths: &str| {
        json!({"name": name, "keyids": [key(n).public().keyid().as_str()], "threshold": 1,
            "paths": [paths], "terminating": false})
    };
    let delegations = |roles: &[Value], keys: &[u64]| {
        let keys = keys.iter().map(|n| key(*n).public().clone());
        let keys: serde_json::Map<_, _> = keys
            .map(|key| (key.keyid().to_string(), key.to_value()))
            .collect();
        json!({"keys": keys, "roles": roles})
    };
    let mut repo = repository();
    let (a, b, c) = (role("a", 51, "a/*"), role("b", 52, "b/*"), role("c", 53, "c/*"));
    repo.doc(RoleName::Targets)["delegations"] = delegations(&[a.clone(), b.clone(), c], &[51, 52, 53]);
    repo.next();
    let mut basis = basis(&repo);
    basis.base = Some(repo.files["3.targets.json"].clone());
    let request = Request::change(SigningRole::Targets, basis, vec![], instant(LATER)).unwrap();
    let told = |after: Value| {
        let by_hand = altered(&request, |value| {
            value["operations"] = Value::Null;
            value["document"]["signed"]["delegations"] = after;
        });
        let found = difference(&by_hand.unwrap(), &repo);
        let changes: Vec<_> = found
            .delegations
            .iter()
            .map(|change| {
                (
                    change.role.clone(),
                    change.before.is_some(),
                    change.after.is_some(),
                    change.place,
                )
            })
            .collect();
        let others: Vec<String> = pointers(&found).into_iter().map(str::to_owned).collect();
        (changes, found.reordered, others)
    };
    let d = role("d", 54, "a/*");
    let mut wider = b.clone();
    wider["paths"] = json!(["*"]);
    wider["x"] = 1.into();
    assert_eq!(
        told(delegations(&[d, a.clone(), wider], &[51, 52, 54])),
        (
            vec![
                ("b".to_owned(), true, true, Some(2)),
                ("c".to_owned(), true, false, None),
                ("d".to_owned(), false, true, Some(0)),
            ],
            false,
            vec!["/delegations/roles/b/x".to_owned()],
        )
    );
    let c = role("c", 53, "c/*");
    let swapped = told(delegations(&[b, a, c], &[51, 52, 53]));
    assert_eq!(swapped, (vec![], true, vec![]));
}
