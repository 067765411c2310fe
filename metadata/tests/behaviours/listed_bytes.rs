//! What a document lists about another binds its bytes, and what is not as listed leaves nothing behind.

use sealift_metadata::root::RoleName;
use sealift_metadata::trust::{Refresh, Response, Step, TrustStore};
use serde_json::{Value, json};

use crate::common::{Client, Files, Repo, key, meta, sign};

/// A repository whose Targets are served in a form that differs from the listed one, at the same length.
fn with_other_targets(bytes: impl FnOnce(&Value, usize) -> Vec<u8>) -> Repo {
    let mut repo = Repo::new();
    repo.doc(RoleName::Targets)["x-word"] = "one".into();
    repo.publish();
    let length = repo.files["1.targets.json"].len();
    let other = bytes(&repo.docs[&RoleName::Targets], length);
    assert_eq!(other.len(), length);
    repo.files.insert("1.targets.json".into(), other);
    repo
}

/// T-5.6-1, T-4.4-1: the listed hash comes first: neither a second document of the same version, well signed, nor what is no
/// document at all gets any further.
#[test]
fn targets_of_the_same_version_and_length_are_refused_by_their_hash() {
    let signed_again = |signed: &Value, _| {
        let mut signed = signed.clone();
        signed["x-word"] = "two".into();
        sign(&signed, &[&key(4)])
    };
    let by_a_stranger = |signed: &Value, _| sign(signed, &[&key(99)]);
    let no_document = |_: &Value, length| vec![b'x'; length];
    for repo in [
        with_other_targets(signed_again),
        with_other_targets(by_a_stranger),
        with_other_targets(no_document),
    ] {
        let mut client = repo.client();
        assert_eq!(
            client.refusal(&repo.files),
            ("1.targets.json".into(), "mix_and_match")
        );
        assert_eq!(client.store.targets, None);
    }
}

/// T-4.4-1: a hash alone is enough, where the length is not listed.
#[test]
fn a_hash_without_a_length_binds_the_bytes() {
    let mut repo = Repo::new();
    let mut line = meta(1, &repo.files["1.targets.json"]);
    line.as_object_mut().unwrap().remove("length");
    repo.doc(RoleName::Snapshot)["meta"]["targets.json"] = line;
    repo.publish_snapshot();
    repo.client().refresh(&repo.files).unwrap();
    repo.files.get_mut("1.targets.json").unwrap().push(b' ');
    assert_eq!(
        repo.client().refusal(&repo.files),
        ("1.targets.json".into(), "mix_and_match")
    );
}

type Bend = fn(&mut Repo, RoleName);

/// Ways in which the second version of a document can be bad, though it is listed as it is.
const BENDS: [(&str, Bend); 4] = [
    ("signature", |repo, role| {
        repo.signers.get_mut(&role).unwrap()[0] = 99
    }),
    ("signature", |repo, role| {
        repo.doc(role)["_type"] = "mirrors".into()
    }),
    ("malformed", |repo, role| repo.doc(role)["version"] = 0.into()),
    ("freeze", |repo, role| {
        repo.doc(role)["expires"] = "2026-05-31T00:00:00Z".into();
    }),
];

/// Whether a refused refresh gives nothing more to whoever goes on asking.
fn ends_for_good(client: &Client, files: &Files) -> bool {
    let (store, kind) = (client.store.clone(), client.kind.clone());
    let mut refresh = Refresh::start(store, kind, client.limits, client.time).unwrap();
    while let Ok(step) = refresh.step() {
        match step {
            Step::Fetch(request) => refresh.supply(match files.get(&request.name) {
                Some(bytes) => Response::Found(bytes.clone()),
                None => Response::NotFound,
            }),
            Step::Done(_) => return false,
            Step::Store { .. } | Step::Remove { .. } => {}
        }
    }
    refresh.step().is_err()
}

/// T-5.4-3, T-5.5-1, T-5.6-2: a document is stored when all checks have passed, whole and as it came, and not before: whatever
/// is wrong with it, the store holds the last good one.
#[test]
fn a_refused_document_never_reaches_the_store() {
    for (role, name) in [
        (RoleName::Timestamp, "timestamp.json"),
        (RoleName::Snapshot, "2.snapshot.json"),
        (RoleName::Targets, "2.targets.json"),
    ] {
        let of = |store: &TrustStore| match role {
            RoleName::Timestamp => store.timestamp.clone(),
            RoleName::Snapshot => store.snapshot.clone(),
            _ => store.targets.clone(),
        };
        for (code, bend) in BENDS {
            let mut repo = Repo::new();
            let mut client = repo.client();
            client.refresh(&repo.files).unwrap();
            let before = of(&client.store);
            repo.next();
            bend(&mut repo, role);
            let bytes = repo.signed(role);
            let line = meta(2, &bytes);
            match role {
                RoleName::Targets => {
                    repo.doc(RoleName::Snapshot)["meta"]["targets.json"] = line;
                    repo.publish_snapshot();
                }
                RoleName::Snapshot => {
                    repo.doc(RoleName::Timestamp)["meta"]["snapshot.json"] = line;
                    repo.publish_timestamp();
                }
                _ => {}
            }
            repo.files.insert(name.into(), bytes);
            assert_eq!(client.refusal(&repo.files), (name.to_owned(), code));
            assert!(
                !client.log.contains(&format!("store {role}.json")),
                "{role} {code}"
            );
            assert_eq!(of(&client.store), before, "{role} {code}");
            assert!(ends_for_good(&client, &repo.files), "{role} {code}");
        }
        let mut repo = Repo::new();
        repo.next();
        let mut client = repo.client();
        client.refresh(&repo.files).unwrap();
        assert_eq!(of(&client.store).as_ref(), repo.files.get(name));
    }
}

/// U-5.2.4-2: a root in a snapshot is what older clients want; what it says changes nothing.
#[test]
fn a_root_in_the_snapshot_is_passed_over() {
    let mut repo = Repo::new();
    for version in [1, 9] {
        repo.doc(RoleName::Snapshot)["meta"]["root.json"] = json!({"version": version});
        repo.next();
        assert_eq!(repo.client().refresh(&repo.files).unwrap().root().version(), 1);
    }
}
