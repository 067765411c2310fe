//! Which targets a delegation covers.

use proptest::prelude::*;
use sealift_metadata::delegation::{PathPattern, PathSet};

fn pattern(text: &str) -> PathPattern {
    PathPattern::new(text).unwrap()
}

/// T-4.5-6: shell patterns, where a wildcard stays within its segment and case matters. The rows with sets were checked
/// against Python's `fnmatch`, which python-tuf uses.
#[test]
fn patterns_match_within_segments() {
    for (text, yes, no) in [
        (
            "a.img",
            &["a.img"][..],
            &["a.imG", "a-img", "a.img/", "/a.img", ""][..],
        ),
        (
            "*.img",
            &["a.img", ".img", "a.img.img"],
            &["d/a.img", "a.img.x", "a.IMG"],
        ),
        (
            "foo-?.tgz",
            &["foo-1.tgz", "foo-é.tgz"],
            &["foo-.tgz", "foo-12.tgz", "foo-/.tgz"],
        ),
        ("a/*", &["a/b", "a/"], &["a", "a/b/c", "b/b"]),
        ("*/*", &["a/b"], &["a", "a/b/c"]),
        ("**", &["a", "ab"], &["a/b"]),
        ("", &[""], &["a", "/"]),
        ("*a*b*", &["ab", "xaxbx", "aab", "abab"], &["ba", "a", ""]),
        ("[a-c]x", &["ax", "cx"], &["dx", "-x", "x", "[a-c]x"]),
        ("[!a-c]x", &["dx", "-x", "!x"], &["ax", "x", "/x"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[-a]", &["a", "-"], &["b"]),
        ("[]a]", &["]", "a"], &["[", "b"]),
        ("[!]a]", &["b", "["], &["]", "a"]),
        ("[a-c-e]", &["b", "-", "e"], &["d"]),
        ("[c-a]", &[], &["a", "b", "c", "-"]),
        ("[^a]", &["^", "a"], &["b"]),
        ("[*]", &["*"], &["a"]),
        ("[ab", &["[ab"], &["a"]),
        ("[]", &["[]"], &["]"]),
        ("[!]", &["[!]"], &["a"]),
        ("[a/b]", &["[a/b]"], &["a", "b"]),
        ("\\*", &["\\x"], &["*"]),
    ] {
        for path in yes {
            assert!(pattern(text).matches(path), "{text} matches {path}");
        }
        for path in no {
            assert!(!pattern(text).matches(path), "{text} does not match {path}");
        }
    }
}

/// T-4.5-4: bins by the hash of the path.
#[test]
fn hash_prefixes_match() {
    let prefixes = |list: &[&str]| PathSet::HashPrefixes(list.iter().map(|&text| text.to_owned()).collect());
    let digest = "b26504b755cce982a0991245b7c7bf4a103988fd5c421cffcd9600e5edad191c";
    for (list, covered) in [
        (&[digest][..], true),
        (&[&digest[..2]], true),
        (&["zz", &digest[..1]], true),
        (&[""], true),
        (&["zz"], false),
        (&[], false),
    ] {
        assert_eq!(prefixes(list).contains("fw/a.img"), covered, "{list:?}");
    }
    assert!(!prefixes(&[&digest.to_uppercase()]).contains("fw/a.img"));
}

/// U-5.2.3.2-5: a delegation without paths covers nothing.
#[test]
fn no_paths_match_nothing() {
    assert!(!PathSet::Patterns(Vec::new()).contains("a"));
}

/// A delegation can be compared with that of its parent: yes means yes for every path.
#[test]
fn wider_patterns_cover_narrower_ones() {
    for (wide, narrow, covers) in [
        ("*", "*", true),
        ("*", "a.img", true),
        ("*", "*/*", false),
        ("acme/*", "acme/*.img", true),
        ("acme/*", "acme/fw-?.img", true),
        ("acme/*", "*", false),
        ("acme/*", "*/fw", false),
        ("acme/*", "[a]cme/x", false),
        ("?", "*", false),
        ("??", "?a", true),
        ("a?", "?a", false),
        ("[ab]*", "[ab]x*", true),
        ("[ab]*", "[abc]x", false),
        ("*-fw-*", "a*-fw-*", true),
        ("*-fw-*", "a*-fx-*", false),
        ("?", "[ab]", true),
    ] {
        assert_eq!(pattern(wide).covers(&pattern(narrow)), covers, "{wide} {narrow}");
    }
}

/// The obvious matcher, which tries everything.
fn naive(pattern: &[char], path: &[char]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (['*', rest @ ..], _) => {
            naive(rest, path) || matches!(path, [first, more @ ..] if *first != '/' && naive(pattern, more))
        }
        (['?', rest @ ..], [first, more @ ..]) => *first != '/' && naive(rest, more),
        ([wanted, rest @ ..], [first, more @ ..]) => wanted == first && naive(rest, more),
        _ => false,
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// T-4.5-6: the matcher and the obvious one agree.
    #[test]
    fn the_matcher_agrees_with_the_obvious_one(text in "[ab*?/]{0,8}", path in "[ab/]{0,8}") {
        prop_assert_eq!(pattern(&text).matches(&path), naive(&chars(&text), &chars(&path)));
    }

    /// What covers a pattern matches all its paths.
    #[test]
    fn covering_is_never_wrong(wide in "[ab*?]{0,5}", narrow in "[ab*?]{0,5}", path in "[ab]{0,6}") {
        let (wide, narrow) = (pattern(&wide), pattern(&narrow));
        if wide.covers(&narrow) && narrow.matches(&path) {
            prop_assert!(wide.matches(&path));
        }
    }
}

/// A pattern of stars over a long name ends soon: it is a name of 1000 characters, and no power of it.
#[test]
fn many_stars_end() {
    let text = "*a".repeat(400);
    assert!(!pattern(&text).matches(&"a".repeat(399)));
    assert!(!pattern(&format!("{text}b")).matches(&"a".repeat(1000)));
}

/// A pattern has a longest length.
#[test]
fn patterns_have_a_cap() {
    assert!(PathPattern::new(&"a".repeat(1024)).is_some());
    assert!(PathPattern::new(&"a".repeat(1025)).is_none());
}
