//! Gathering signatures: whatever comes back from the signers, in whatever order, the good ones are kept and the rest named.

use std::num::NonZeroU32;

use proptest::prelude::*;
use sealift_metadata::authoring::{AuthoringError, Missing, Standing, gather, sign_document};
use sealift_metadata::threshold::RoleKeys;
use sealift_metadata::{Document, Signer, Targets};
use serde_json::{Value, json};

use crate::common::{EXPIRES, key, now};

fn draft(version: u64) -> Value {
    json!({"_type": "targets", "spec_version": "1.0.34", "version": version, "expires": EXPIRES, "targets": {}})
}

fn keys(name: &str, numbers: &[u64], threshold: u32) -> RoleKeys {
    let keys = numbers.iter().map(|n| key(*n).public().clone());
    RoleKeys::new(
        name,
        keys.map(|key| (key.keyid().clone(), Some(key))).collect(),
        NonZeroU32::new(threshold).unwrap(),
    )
}

fn keyid(n: u64) -> String {
    key(n).public().keyid().to_string()
}

fn signed(signed: &Value, numbers: &[u64]) -> Vec<u8> {
    let keys: Vec<_> = numbers.iter().map(|n| key(*n)).collect();
    let signers: Vec<&dyn Signer> = keys.iter().map(|key| key as _).collect();
    now(sign_document(signed, &signers)).unwrap()
}

/// A copy with these entries, as a careless tool may write it.
fn copy(signed: &Value, entries: &[(u64, &str)]) -> Vec<u8> {
    let signatures: Vec<Value> = entries
        .iter()
        .map(|(n, sig)| json!({"keyid": keyid(*n), "sig": sig}))
        .collect();
    json!({"signed": signed, "signatures": signatures})
        .to_string()
        .into_bytes()
}

fn sig(signed_part: &Value, n: u64) -> String {
    let value: Value = serde_json::from_slice(&signed(signed_part, &[n])).unwrap();
    value["signatures"][0]["sig"].as_str().unwrap().to_owned()
}

fn standings(signed: &Value, copies: &[Vec<u8>], sets: &[&RoleKeys]) -> Vec<(usize, String, Standing)> {
    let copies: Vec<&[u8]> = copies.iter().map(Vec::as_slice).collect();
    let gathered = gather(signed, &copies, sets).unwrap();
    let list = gathered.signatures.into_iter();
    list.map(|judged| (judged.copy, judged.keyid, judged.standing))
        .collect()
}

proptest! {
    /// Any subset of the holders, in any order, some more than once: the same document, and complete when enough have signed.
    #[test]
    fn signatures_come_in_any_order(order in Just([31u64, 32, 33, 31, 33]).prop_shuffle(), count in 0usize..=5) {
        let (draft, set) = (draft(4), keys("targets", &[31, 32, 33], 2));
        let copies: Vec<Vec<u8>> = order[..count].iter().map(|n| signed(&draft, &[*n])).collect();
        let copies: Vec<&[u8]> = copies.iter().map(Vec::as_slice).collect();
        let gathered = gather(&draft, &copies, &[&set]).unwrap();
        let mut distinct = order[..count].to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(&gathered.document, &signed(&draft, &distinct));
        let verified = Document::<Targets>::parse(&gathered.document).unwrap().verify(&set);
        prop_assert_eq!(verified.is_ok(), distinct.len() >= 2);
        prop_assert_eq!(gathered.missing.is_empty(), distinct.len() >= 2);
        let good = [Standing::Counts, Standing::Surplus];
        let kept = gathered.signatures.iter().filter(|judged| good.contains(&judged.standing)).count();
        prop_assert_eq!(kept, distinct.len());
    }
}

/// A damaged copy that comes first does not shut out the good signature of the same key.
#[test]
fn a_wrong_signature_does_not_stand_in_the_way_of_a_good_one() {
    let (draft, set) = (draft(4), keys("targets", &[31], 1));
    let good = signed(&draft, &[31]);
    let other = sig(&draft, 32);
    for junk in ["", "zz", "00", other.as_str()] {
        let copies = [copy(&draft, &[(31, junk)]), good.clone()];
        assert_eq!(
            standings(&draft, &copies, &[&set]),
            [(0, keyid(31), Standing::Wrong), (1, keyid(31), Standing::Counts)]
        );
        let gathered = gather(&draft, &[&copies[0], &copies[1]], &[&set]).unwrap();
        assert_eq!(gathered.document, good);
        assert!(gathered.missing.is_empty());
        let alone = gather(&draft, &[&copies[0]], &[&set]).unwrap();
        assert_eq!((alone.missing[0].found, alone.missing[0].needed), (0, 1));
    }
}

/// Every kind of signature that does not help is named with its copy and its key.
#[test]
fn what_does_not_count_is_named() {
    let (this, older) = (draft(4), draft(3));
    let set = keys("targets", &[31, 32, 33], 2);
    let good = sig(&this, 31);
    let copies = [
        copy(&this, &[(31, &good), (31, &good)]),
        signed(&this, &[40]),
        signed(&older, &[32]),
        signed(&this, &[32]),
        signed(&this, &[33]),
    ];
    assert_eq!(
        standings(&this, &copies, &[&set]),
        [
            (0, keyid(31), Standing::Counts),
            (0, keyid(31), Standing::Duplicate),
            (1, keyid(40), Standing::Foreign),
            (2, keyid(32), Standing::OtherDraft),
            (3, keyid(32), Standing::Counts),
            (4, keyid(33), Standing::Surplus),
        ]
    );
    let copies: Vec<&[u8]> = copies.iter().map(Vec::as_slice).collect();
    let gathered = gather(&this, &copies, &[&set]).unwrap();
    assert_eq!(
        gathered.document,
        signed(&this, &[31, 32, 33]),
        "the surplus is kept, the foreign one is not"
    );
}

/// A signature over another draft is never counted for this one, even if somebody files it there.
#[test]
fn a_signature_moved_to_another_draft_is_wrong() {
    let (this, older) = (draft(4), draft(3));
    let set = keys("targets", &[31], 1);
    let moved = copy(&this, &[(31, &sig(&older, 31))]);
    assert_eq!(
        standings(&this, &[moved], &[&set]),
        [(0, keyid(31), Standing::Wrong)]
    );
}

/// U-5.4.4.3-3: two sets of keys each reach their threshold on their own; a key in both counts in both.
#[test]
fn old_and_new_keys_are_gathered_together() {
    let draft = draft(4);
    let old = keys("old", &[31, 32], 2);
    let new = keys("new", &[32, 33, 34], 2);
    let gathered = |numbers: &[u64]| gather(&draft, &[&signed(&draft, numbers)], &[&old, &new]).unwrap();
    let public = |n: u64| key(n).public().keyid().clone();
    let mut may_sign = vec![public(33), public(34)];
    may_sign.sort();
    let missing = |role: &str, found, may_sign| Missing {
        role: role.to_owned(),
        needed: 2,
        found,
        may_sign,
    };
    assert_eq!(
        gathered(&[32]).missing,
        [
            missing("old", 1, vec![public(31)]),
            missing("new", 1, may_sign.clone())
        ]
    );
    assert_eq!(gathered(&[31, 32]).missing, [missing("new", 1, may_sign)]);
    assert_eq!(gathered(&[31, 32, 34]).missing, []);
    let copies = [
        signed(&draft, &[31, 32]),
        signed(&draft, &[33]),
        signed(&draft, &[34]),
    ];
    let last = standings(&draft, &copies, &[&old, &new]).pop().unwrap();
    assert_eq!(
        last,
        (2, keyid(34), Standing::Surplus),
        "both sets were complete without it"
    );
}

/// A key whose scheme is not supported can be listed; nobody is told to sign with it, and nothing under it counts.
#[test]
fn an_unsupported_key_is_foreign() {
    let draft = draft(4);
    let unknown = key(31).public().keyid().clone();
    let set = RoleKeys::new("targets", [(unknown, None)].into(), NonZeroU32::MIN);
    let copies = [signed(&draft, &[31])];
    assert_eq!(
        standings(&draft, &copies, &[&set]),
        [(0, keyid(31), Standing::Foreign)]
    );
    let gathered = gather(&draft, &[&copies[0]], &[&set]).unwrap();
    assert_eq!(gathered.missing[0].may_sign, []);
}

/// What is no copy at all is refused with its number.
#[test]
fn a_copy_that_cannot_be_read_is_named() {
    let (draft, set) = (draft(4), keys("targets", &[31], 1));
    let good = signed(&draft, &[31]);
    for bad in [
        "",
        "[]",
        "{\"signatures\":[]}",
        "{\"signed\":{},\"signatures\":[{\"keyid\":1,\"sig\":\"\"}]}",
    ] {
        let error = gather(&draft, &[&good, bad.as_bytes()], &[&set]).unwrap_err();
        assert!(matches!(error, AuthoringError::Copy { copy: 1, .. }), "{bad}");
    }
}
