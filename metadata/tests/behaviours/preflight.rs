//! The rules of other clients: each is broken by one repository and found there by those, and only those, who have it.

mod broken;
mod of_aktualizr;

use std::collections::BTreeSet;

use broken::{CASES, Case, Keys, Parts, ROLES};
use ed25519_dalek::SigningKey;
use sealift_metadata::preflight::{Documents, Effect, Found, PROFILES, Profile};
use serde_json::{Value, json};

fn parts() -> Parts {
    let public = |n: u8| hex::encode(SigningKey::from_bytes(&[n; 32]).verifying_key());
    let keys: Keys = ROLES.into_iter().zip([1, 2, 3, 4].map(public)).collect();
    Parts::new(&keys)
}

/// The files as Sealift names them; signatures do not count here.
fn documents(parts: &Parts) -> Documents {
    let file = |(role, signed): (&String, &Value)| {
        let mut signatures = vec![json!({"keyid": "aa", "sig": "00"})];
        if parts.signed_twice.as_ref() == Some(role) {
            signatures.push(signatures[0].clone());
        }
        let name = match role.as_str() {
            "timestamp" => "timestamp.json".to_owned(),
            role => format!("1.{}.json", role.replace('/', "%2F")),
        };
        let document = json!({"signatures": signatures, "signed": signed});
        (name, document.to_string().into_bytes())
    };
    parts.signed.iter().map(file).collect()
}

fn all_but_aktualizr() -> impl Iterator<Item = &'static Profile> {
    PROFILES.iter().filter(|profile| profile.name != "aktualizr")
}

fn judged(documents: &Documents) -> Vec<Found> {
    all_but_aktualizr()
        .flat_map(|profile| profile.judge(documents))
        .collect()
}

/// What is found is the rule, and what cannot but be broken with it, by exactly the clients that have them.
fn assert_found(case: &Case, found: &[Found], clients: &[&'static Profile]) {
    let broken: BTreeSet<&str> = case.also.iter().copied().chain([case.rule]).collect();
    let expected: BTreeSet<(&str, &str, Effect)> = clients
        .iter()
        .flat_map(|profile| {
            profile
                .rules
                .iter()
                .map(|(rule, effect)| (profile.name, rule.id, *effect))
        })
        .filter(|(_, rule, _)| broken.contains(rule))
        .collect();
    let found: BTreeSet<_> = found
        .iter()
        .map(|found| (found.client, found.rule.id, found.effect))
        .collect();
    assert_eq!(found, expected, "{}", case.rule);
    assert!(
        found.iter().any(|(_, rule, _)| *rule == case.rule),
        "{}",
        case.rule
    );
}

#[test]
fn a_sound_repository_breaks_no_rule() {
    assert!(judged(&documents(&parts())).is_empty());
    let mut delegating = parts();
    for case in CASES.iter().filter(|case| case.rule == "hash-prefixes") {
        (case.change)(&mut delegating);
    }
    let clients: BTreeSet<&str> = judged(&documents(&delegating))
        .iter()
        .map(|found| found.client)
        .collect();
    assert_eq!(
        clients,
        BTreeSet::from(["go-tuf"]),
        "a delegation is no fault by itself"
    );
}

#[test]
fn each_rule_is_broken_by_one_repository() {
    let clients: Vec<_> = all_but_aktualizr().collect();
    for case in CASES {
        let mut parts = parts();
        (case.change)(&mut parts);
        assert_found(case, &judged(&documents(&parts)), &clients);
    }
}

/// The same repository in the dialect of aktualizr.
fn in_its_dialect(parts: &Parts) -> Vec<(String, Vec<u8>)> {
    let file = |(role, signed): (&String, &Value)| {
        let mut signatures = vec![json!({"keyid": "aa", "method": "ed25519", "sig": "AAAA"})];
        if parts.signed_twice.as_ref() == Some(role) {
            signatures.push(signatures[0].clone());
        }
        let name = match role.as_str() {
            "root" => "1.root.json".to_owned(),
            role => format!("{role}.json"),
        };
        let document = json!({"signatures": signatures, "signed": signed});
        (name, document.to_string().into_bytes())
    };
    parts.signed.iter().map(file).collect()
}

fn for_aktualizr() -> Parts {
    let mut parts = parts();
    for (role, kind) in [
        ("timestamp", "Timestamp"),
        ("snapshot", "Snapshot"),
        ("targets", "Targets"),
    ] {
        parts.role(role)["_type"] = kind.into();
    }
    let meta = json!({"version": 1, "length": 5, "hashes": {"sha256": "00"}});
    parts.role("timestamp")["meta"] = json!({"snapshot.json": meta});
    parts
}

#[test]
fn each_rule_of_aktualizr_is_broken_by_one_repository() {
    let aktualizr = Profile::named("aktualizr").unwrap();
    let judge = |files: Vec<(String, Vec<u8>)>| aktualizr.judge(&files.into_iter().collect());
    assert!(judge(in_its_dialect(&for_aktualizr())).is_empty());
    for case in of_aktualizr::CASES {
        let mut parts = for_aktualizr();
        (case.change)(&mut parts);
        let mut found = judge(in_its_dialect(&parts));
        // Delegated documents of this kit are in the dialect of TUF.
        found.retain(|found| found.rule.id != "dialect" || case.rule == "dialect");
        assert_found(case, &found, &[aktualizr]);
    }
    let mut versioned = in_its_dialect(&for_aktualizr());
    versioned.retain(|(name, _)| name != "targets.json");
    let found = judge(versioned);
    assert_eq!((found.len(), found[0].rule.id), (1, "unversioned-names"));
}

/// What Sealift writes can never be read by aktualizr: that is said first, and once.
#[test]
fn aktualizr_is_told_of_its_dialect_first_and_once() {
    let found = Profile::named("aktualizr").unwrap().judge(&documents(&parts()));
    assert_eq!(
        (found[0].rule.id, found[0].subject.as_str()),
        ("dialect", "every document")
    );
    assert_eq!(found.iter().filter(|found| found.rule.id == "dialect").count(), 1);
}

#[test]
fn every_rule_has_its_repository_and_its_words() {
    let cases: BTreeSet<&str> = CASES
        .iter()
        .chain(of_aktualizr::CASES)
        .map(|case| case.rule)
        .collect();
    for (rule, _) in PROFILES.iter().flat_map(|profile| profile.rules) {
        assert!(
            cases.contains(rule.id) || rule.id == "unversioned-names",
            "{}",
            rule.id
        );
        assert!(!rule.source.is_empty() && !rule.remedy.is_empty(), "{}", rule.id);
    }
}

#[test]
fn whatever_the_bytes_are_every_profile_has_an_answer() {
    let strange: [&[u8]; 6] = [
        b"",
        b"null",
        b"[]",
        b"{\"signed\": 5}",
        b"\xff",
        b"{\"signed\": {\"targets\": []}}",
    ];
    for bytes in strange {
        let names = [
            "1.root.json",
            "timestamp.json",
            "1.snapshot.json",
            "1.targets.json",
            "x",
        ];
        let documents: Documents = names
            .map(|name| (name.to_owned(), bytes.to_vec()))
            .into_iter()
            .collect();
        for profile in PROFILES {
            assert!(!profile.judge(&documents).is_empty(), "{}", profile.name);
        }
    }
}
