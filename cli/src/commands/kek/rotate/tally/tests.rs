use super::*;

/// A tally of three key files that have neither key.
fn strangers() -> Tally {
    Tally {
        old: "abc".to_owned(),
        other_kek: 3,
        ..Tally::default()
    }
}

#[test]
fn a_wrong_key_is_said_shortly() {
    let verdict = strangers().verdict();
    assert_eq!(
        verdict,
        "none of the 3 key files has the old key abc or the new one"
    );
}

/// Each of these ends the run with its own fault; the short sentence would name another.
#[test]
fn beside_other_faults_a_wrong_key_is_one_of_several() {
    let stranded = Tally {
        goes: true,
        stranded: 1,
        ..strangers()
    };
    let expected = "not every key file is rotated: 3 have neither key, 1 that no list names have the old key";
    assert_eq!(stranded.verdict(), expected);
    let unfinished = Tally {
        unfinished: 2,
        ..strangers()
    };
    let expected =
        "not every key file is rotated: 3 have neither key, 2 came while it ran and were not looked at";
    assert_eq!(unfinished.verdict(), expected);
}

#[test]
fn several_keys_on_purpose_are_no_part_of_a_verdict() {
    let tally = Tally {
        allow_other_kek: true,
        goes: true,
        dry_run: true,
        stranded: 3,
        ..strangers()
    };
    let expected = "not every key file would be rotated: 3 that no list names have the old key";
    assert_eq!(tally.verdict(), expected);
    assert!(tally.advice(0).contains("no list names"));
}

/// Each count alone keeps the old key.
#[test]
fn whatever_is_open_keeps_the_old_key() {
    let none = Tally {
        goes: true,
        ..Tally::default()
    };
    assert!(none.may_be_destroyed());
    let open = |change: fn(&mut Tally)| {
        let mut tally = Tally {
            goes: true,
            ..Tally::default()
        };
        change(&mut tally);
        assert_eq!(tally.hindrances().len(), 1, "{tally:?}");
        assert!(!tally.may_be_destroyed(), "{tally:?}");
    };
    open(|tally| tally.old_left = 1);
    open(|tally| tally.unknown = 1);
    open(|tally| tally.missing = 1);
    open(|tally| tally.failed = 1);
    open(|tally| tally.other_kek = 1);
    open(|tally| tally.unfinished = 1);
    open(|tally| tally.present = 1);
    open(|tally| tally.needing_old = 1);
}

/// A dry run looks ahead: what it would take out is not left, and nothing may be destroyed yet.
#[test]
fn a_dry_run_counts_what_would_be_left() {
    let mut tally = Tally {
        goes: true,
        dry_run: true,
        changed: 3,
        old_left: 3,
        ..Tally::default()
    };
    assert_eq!((tally.removed(), tally.left()), (3, 0));
    assert!(tally.hindrances().is_empty() && !tally.may_be_destroyed());
    tally.old_left = 4;
    assert_eq!(tally.left(), 1);
    tally.goes = false;
    assert_eq!((tally.removed(), tally.left()), (0, 4));
}

#[test]
fn an_id_that_is_nowhere_is_answered_with_those_that_are() {
    let mut tally = Tally {
        by_id: true,
        ..strangers()
    };
    assert!(tally.doubt().unwrap().ends_with("Keys that are there: none"));
    tally.keys = (0..10).map(|key| (format!("k{key}"), 2)).collect();
    let doubt = tally.doubt().unwrap();
    assert!(doubt.contains("k0 (2 key files), k1"), "{doubt}");
    assert!(
        doubt.ends_with("k7 (2 key files), 2 more, see `sealift kek list`"),
        "{doubt}"
    );
    tally.keys.insert("abc".to_owned(), 1);
    assert_eq!(tally.doubt(), None);
}
