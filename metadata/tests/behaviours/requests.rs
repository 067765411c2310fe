//! Signing requests: what a signer is shown is what he signs, by nothing but the root that he trusts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sealift_metadata::authoring::{RootDraft, Standing, sign_document};
use sealift_metadata::request::{Basis, Request, RequestError, SigningRole, TargetChange, TargetOperation};
use sealift_metadata::root::RoleName;
use sealift_metadata::{Document, Root, Signer};
use serde_json::{Value, json};

use crate::common::{EXPIRES, NOW, Repo, at, image_entry, instant, key, now, path, sealed_profile, sign};

mod altered;
mod differences;

const LATER: &str = "2028-01-01T00:00:00Z";

/// A repository with two roots and one target, `a.img`, in version 2 of Targets.
fn repository() -> Repo {
    let mut repo = Repo::new();
    repo.put("a.img", image_entry(&sealed_profile()));
    repo.rotate(|repo| {
        repo.signers.insert(RoleName::Root, vec![1, 5]);
    });
    repo.next();
    repo
}

fn basis(repo: &Repo) -> Basis {
    Basis {
        roots: vec![
            repo.files["1.root.json"].clone(),
            repo.files["2.root.json"].clone(),
        ],
        base: Some(repo.files["2.targets.json"].clone()),
        ..Basis::default()
    }
}

fn put(name: &str, counter: u64) -> TargetOperation {
    let mut profile = sealed_profile();
    profile["release_counter"] = counter.into();
    TargetOperation::Put {
        path: path(name),
        entry: image_entry(&profile),
    }
}

fn remove(name: &str) -> TargetOperation {
    TargetOperation::Remove { path: path(name) }
}

/// A request to add `b.img`.
fn addition(repo: &Repo) -> Request {
    Request::change(
        SigningRole::Targets,
        basis(repo),
        vec![put("b.img", 8)],
        instant(LATER),
    )
    .unwrap()
}

/// The same request after somebody changed its JSON.
fn altered(request: &Request, change: impl FnOnce(&mut Value)) -> Result<Request, RequestError> {
    let mut value: Value = serde_json::from_slice(&request.to_vec()).unwrap();
    change(&mut value);
    Request::parse(value.to_string().as_bytes())
}

fn signed_by(request: &Request, numbers: &[u64]) -> Vec<u8> {
    let keys: Vec<_> = numbers.iter().map(|n| key(*n)).collect();
    let signers: Vec<&dyn Signer> = keys.iter().map(|key| key as _).collect();
    now(sign_document(request.signed(), &signers)).unwrap()
}

/// The file says the same after a round trip, with the signatures it has gathered, byte for byte.
#[test]
fn a_request_survives_its_file() {
    let repo = repository();
    let request = addition(&repo).with_note("for Friday");
    assert_eq!(Request::parse(&request.to_vec()).unwrap(), request);
    let signed = request
        .clone()
        .with_signatures(&signed_by(&request, &[4]))
        .unwrap();
    let read = Request::parse(&signed.to_vec()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.document(), signed_by(&request, &[4]));
    assert_eq!(read.note(), "for Friday");
    assert!(matches!(
        request
            .clone()
            .with_signatures(&sign(&json!({"version": 9}), &[&key(4)])),
        Err(RequestError::OtherDraft)
    ));
}

/// The draft in a request is a TUF document; signed by enough people it is the next version that clients accept.
#[test]
fn a_gathered_request_is_the_next_version() {
    let mut repo = Repo::new();
    repo.signers.insert(RoleName::Targets, vec![4, 41, 42]);
    repo.thresholds.insert(RoleName::Targets, 2);
    repo.root_signed_also_by(&[]);
    repo.publish();
    let basis = Basis {
        roots: vec![repo.files["1.root.json"].clone()],
        base: Some(repo.files["1.targets.json"].clone()),
        ..Basis::default()
    };
    let request =
        Request::change(SigningRole::Targets, basis, vec![put("b.img", 8)], instant(LATER)).unwrap();
    let pin = repo.files["1.root.json"].clone();
    let checked = request.check(Some(&pin), at(NOW)).unwrap();
    assert_eq!(checked.gather(&[]).unwrap().missing[0].may_sign.len(), 3);
    let copies = [signed_by(&request, &[42]), signed_by(&request, &[4])];
    let gathered = checked.gather(&[&copies[0], &copies[1]]).unwrap();
    assert!(gathered.missing.is_empty());
    let complete = request.clone().with_signatures(&gathered.document).unwrap();
    let verified = complete
        .check(Some(&pin), at(NOW))
        .unwrap()
        .check_signatures()
        .unwrap();
    assert!(
        verified
            .signatures
            .iter()
            .all(|judged| judged.standing == Standing::Counts)
    );
    let targets = Document::<sealift_metadata::Targets>::parse(&complete.document()).unwrap();
    assert_eq!(targets.version(), 2);
    assert!(checked.is_stale(2) && !checked.is_stale(1));
}

/// Any root of the repository is a good pin; no root, another repository's, and a newer one are told apart.
#[test]
fn a_request_is_checked_from_the_signers_own_root() {
    let mut repo = repository();
    let request = addition(&repo);
    for pin in ["1.root.json", "2.root.json"] {
        request.check(Some(&repo.files[pin]), at(NOW)).unwrap();
    }
    assert!(matches!(
        request.check(None, at(NOW)),
        Err(RequestError::PinMissing)
    ));
    let other = Repo::director("VIN-1");
    assert!(matches!(
        request.check(Some(&other.files["1.root.json"]), at(NOW)),
        Err(RequestError::NotPinned { count: 2 })
    ));
    repo.rotate(|_| {});
    assert!(matches!(
        request.check(Some(&repo.files["3.root.json"]), at(NOW)),
        Err(RequestError::OldRoots { newest: 2, pinned: 3 })
    ));
    assert!(matches!(
        request.check(Some(&repo.files["1.root.json"]), at(LATER)),
        Err(RequestError::Expired { .. })
    ));
}

/// U-5.4.4.3-3: a next root asks the keys of the last root and its own.
#[test]
fn a_root_request_asks_old_and_new_keys() {
    let repo = repository();
    let newest = Document::<Root>::parse(&repo.files["2.root.json"]).unwrap();
    let mut draft = RootDraft::next(&newest, instant(LATER));
    let keys = [key(5).public().clone(), key(6).public().clone()];
    draft.set_role(RoleName::Root, &keys, 2).unwrap();
    let request = Request::root(&draft.finish().unwrap(), basis(&repo).roots);
    let pin = repo.files["1.root.json"].clone();
    let checked = request.check(Some(&pin), at(NOW)).unwrap();
    let missing = |numbers: &[u64]| {
        let gathered = checked.gather(&[&signed_by(&request, numbers)]).unwrap();
        let names = gathered.missing.into_iter();
        names
            .map(|missing| (missing.role, missing.found))
            .collect::<Vec<_>>()
    };
    let (old, new) = ("root, version 2".to_owned(), "root, version 3".to_owned());
    assert_eq!(missing(&[1]), [(new.clone(), 0)]);
    assert_eq!(missing(&[6]), [(old, 0), (new.clone(), 1)]);
    assert_eq!(missing(&[1, 5]), [(new, 1)]);
    assert_eq!(missing(&[5, 6]), []);
}

/// The first root and the first Targets have nothing to be checked from: their keys are their own.
#[test]
fn a_repository_is_founded_by_requests() {
    let mut draft = RootDraft::new(instant(LATER));
    for (role, n) in RoleName::ALL.into_iter().zip(1..) {
        draft.set_role(role, &[key(n).public().clone()], 1).unwrap();
    }
    let draft = draft.finish().unwrap();
    let root = Request::root(&draft, vec![]);
    let checked = root.check(None, at(NOW)).unwrap();
    assert_eq!(checked.gather(&[]).unwrap().missing.len(), 1);
    assert!(
        checked
            .gather(&[&signed_by(&root, &[1])])
            .unwrap()
            .missing
            .is_empty()
    );
    let basis = Basis {
        next_root: Some(draft.signed().clone()),
        ..Basis::default()
    };
    let targets = Request::change(SigningRole::Targets, basis, vec![], instant(LATER)).unwrap();
    let checked = targets.check(None, at(NOW)).unwrap();
    assert_eq!(
        checked.next_root(),
        Some(root.digest()),
        "both requests are of one root"
    );
    assert!(
        checked
            .gather(&[&signed_by(&targets, &[4])])
            .unwrap()
            .missing
            .is_empty()
    );
    assert!(checked.difference().unnamed.is_empty());
    let pin = repository().files["1.root.json"].clone();
    assert!(matches!(
        root.check(Some(&pin), at(NOW)),
        Err(RequestError::NotYours)
    ));
    let nobodys = Request::change(SigningRole::Targets, Basis::default(), vec![], instant(LATER)).unwrap();
    assert!(matches!(
        nobodys.check(None, at(NOW)),
        Err(RequestError::NextRoot { .. })
    ));
}

/// While keys rotate, Targets are signed by the keys of the root that is and of the one that is to follow.
#[test]
fn targets_are_signed_for_the_next_root_too() {
    let repo = repository();
    let newest = Document::<Root>::parse(&repo.files["2.root.json"]).unwrap();
    let mut draft = RootDraft::next(&newest, instant(LATER));
    draft
        .set_role(RoleName::Targets, &[key(44).public().clone()], 1)
        .unwrap();
    let mut with = basis(&repo);
    with.next_root = Some(draft.finish().unwrap().signed().clone());
    let request = Request::change(SigningRole::Targets, with, vec![], instant(LATER)).unwrap();
    let pin = repo.files["2.root.json"].clone();
    let checked = request.check(Some(&pin), at(NOW)).unwrap();
    let missing = |numbers: &[u64]| {
        let gathered = checked.gather(&[&signed_by(&request, numbers)]).unwrap();
        gathered
            .missing
            .into_iter()
            .map(|missing| missing.role)
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(&[4]), ["targets, root 3"]);
    assert_eq!(missing(&[44]), ["targets, root 2"]);
    assert_eq!(missing(&[4, 44]), [""; 0]);
    let skipped = altered(&request, |value| value["next_root"]["version"] = 4.into()).unwrap();
    assert!(matches!(
        skipped.check(Some(&pin), at(NOW)),
        Err(RequestError::NextRoot {
            expected: 3,
            source: None
        })
    ));
}

/// A delegated role is signed by the keys that the documents above it name, each verified by the one before.
#[test]
fn a_delegated_role_is_reached_through_its_chain() {
    let delegating = |name: &str, n: u64| {
        let public = key(n).public().clone();
        json!({
            "keys": {public.keyid().as_str(): public.to_value()},
            "roles": [{"name": name, "keyids": [public.keyid().as_str()], "threshold": 1,
                "paths": ["sup/*"], "terminating": false}],
        })
    };
    let mut repo = Repo::new();
    repo.doc(RoleName::Targets)["delegations"] = delegating("sup", 51);
    repo.publish();
    let mut sup = repo.docs[&RoleName::Targets].clone();
    sup["delegations"] = delegating("sup-ci", 52);
    let sup = sign(&sup, &[&key(51)]);
    let basis = Basis {
        roots: vec![repo.files["1.root.json"].clone()],
        chain: vec![
            ("targets".to_owned(), repo.files["1.targets.json"].clone()),
            ("sup".to_owned(), sup.clone()),
        ],
        ..Basis::default()
    };
    let role = SigningRole::Delegated("sup-ci".to_owned());
    let make = |role, basis| Request::change(role, basis, vec![put("sup/a.img", 1)], instant(LATER)).unwrap();
    let request = make(role.clone(), basis.clone());
    let pin = repo.files["1.root.json"].clone();
    let checked = request.check(Some(&pin), at(NOW)).unwrap();
    assert!(
        checked
            .gather(&[&signed_by(&request, &[52])])
            .unwrap()
            .missing
            .is_empty()
    );
    assert!(
        !checked
            .gather(&[&signed_by(&request, &[51])])
            .unwrap()
            .missing
            .is_empty()
    );

    let refused = |role: &SigningRole, change: &dyn Fn(&mut Basis)| {
        let mut basis = basis.clone();
        change(&mut basis);
        make(role.clone(), basis).check(Some(&pin), at(NOW)).unwrap_err()
    };
    let stranger = SigningRole::Delegated("stranger".to_owned());
    assert!(matches!(
        refused(&stranger, &|_| {}),
        RequestError::NotDelegated { .. }
    ));
    for cut in [0, 1] {
        let error = refused(&role, &|basis| basis.chain.truncate(cut));
        assert!(matches!(error, RequestError::NotDelegated { .. }), "{cut}");
    }
    let swapped = refused(&role, &|basis| basis.chain.reverse());
    assert!(matches!(swapped, RequestError::NotDelegated { .. }));
    let forged = refused(&role, &|basis| {
        basis.chain[1].1 = repo.files["1.targets.json"].clone()
    });
    assert!(matches!(forged, RequestError::Chain { .. }));
    let misplaced = refused(&SigningRole::Targets, &|_| {});
    assert!(matches!(misplaced, RequestError::Surplus { field: "chain", .. }));
}

/// Overtaken by another publisher: the same changes on the newer base, and nobody's signature is carried along.
#[test]
fn a_stale_request_is_rebased() {
    let mut repo = repository();
    let request = addition(&repo).with_note("for Friday");
    let request = request
        .clone()
        .with_signatures(&signed_by(&request, &[4]))
        .unwrap();
    repo.put("c.img", image_entry(&sealed_profile()));
    repo.next();
    let mut newer = basis(&repo);
    newer.base = Some(repo.files["3.targets.json"].clone());
    let rebased = request.rebase(newer.clone(), instant(LATER)).unwrap();
    let pin = repo.files["1.root.json"].clone();
    let checked = rebased.check(Some(&pin), at(NOW)).unwrap();
    assert_eq!(checked.version(), 4);
    assert_eq!(checked.gather(&[]).unwrap().signatures, []);
    let changed: Vec<String> = checked
        .difference()
        .targets
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    assert_eq!(changed, ["b.img"], "what the other publisher did is in the base");
    assert_eq!(rebased.note(), "for Friday");

    let gone = Request::change(
        SigningRole::Targets,
        basis(&repo),
        vec![remove("a.img")],
        instant(LATER),
    )
    .unwrap();
    repo.doc(RoleName::Targets)["targets"]
        .as_object_mut()
        .unwrap()
        .remove("a.img");
    repo.next();
    newer.base = Some(repo.files["4.targets.json"].clone());
    assert!(matches!(
        gone.rebase(newer.clone(), instant(LATER)),
        Err(RequestError::NotListed { .. })
    ));
    let by_hand = altered(&request, |value| value["operations"] = Value::Null).unwrap();
    assert!(matches!(
        by_hand.rebase(newer, instant(LATER)),
        Err(RequestError::NotRebasable)
    ));
}
