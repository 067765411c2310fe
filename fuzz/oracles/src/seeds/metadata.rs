//! Seeds of the signed documents.

use super::{Seed, seed};
use crate::edit::script;
use crate::trust_world;

pub(super) fn canonical_json() -> Vec<Seed> {
    [
        ("object", r#"{"b": [1, -2, true, null], "a": {"": "\u00e9\"\\"}}"#),
        ("duplicate-key", r#"{"a": 1, "a": 2}"#),
        ("duplicate-key-escaped", r#"{"a": 1, "\u0061": 2}"#),
        ("float", r#"{"a": 1.0}"#),
        ("exponent", r#"{"a": 1e3}"#),
        ("too-large", r#"{"a": 9007199254740993}"#),
        ("minus-zero", r#"{"a": -0}"#),
        ("trailing", r#"{"a": 1} x"#),
        ("not-nfc", r#"{"a": "e\u0301"}"#),
        ("lone-surrogate", r#"{"a": "\ud800"}"#),
        ("astral", r#"{"\ud83d\ude00": 1, "\uffff": 2}"#),
        ("control", r#"{"a": "\u0000\n"}"#),
        ("prefix-keys", r#"{"pkg": 1, "pkg 1": 2, "a!": 3, "a": 4}"#),
        ("byte-order-mark", "\u{feff}{}"),
    ]
    .map(|(name, text)| seed(name, text))
    .into_iter()
    .chain([seed("deep", [vec![b'['; 70], vec![b']'; 70]].concat())])
    .collect()
}

/// The genuine documents of one role, and what a forger would try first.
pub(super) fn documents(role: &str) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, bytes) in trust_world::world()
        .documents
        .iter()
        .filter(|(name, _)| name.ends_with(role))
    {
        let text = String::from_utf8_lossy(bytes);
        seeds.push(seed(name.clone(), bytes.clone()));
        seeds.push(seed(
            format!("{name}-later"),
            text.replacen("\"version\":1", "\"version\":9", 1),
        ));
        seeds.push(seed(
            format!("{name}-threshold-0"),
            text.replacen("\"threshold\":1", "\"threshold\":0", 1),
        ));
        seeds.push(seed(
            format!("{name}-renamed"),
            text.replacen(&format!("\"{}\"", &role[..4]), "\"other\"", 1),
        ));
    }
    seeds
}

pub(super) fn trust_sequence() -> Vec<Seed> {
    const NONE: u8 = 8;
    const HUGE: u8 = 10;
    const CHANGED: u8 = 15;
    let newest = |generation: u8| (generation - 1) << 4;
    let changed = |place| [vec![newest(3) | CHANGED], script(0, place, 1)].concat();
    vec![
        seed(
            "first-refresh",
            vec![0, newest(3), NONE, newest(3), newest(3), newest(3)],
        ),
        seed("nothing-new", vec![3, NONE, newest(3)]),
        seed(
            "one-generation-on",
            vec![2, NONE, newest(3), newest(3), newest(3)],
        ),
        seed("rollback", vec![3, NONE, newest(2)]),
        seed("freeze", vec![1, NONE, newest(1)]),
        seed("revoked-timestamp-key", vec![1, newest(3), NONE, newest(1)]),
        seed(
            "recovery-after-rotation",
            vec![1, newest(3), NONE, newest(2), newest(2), newest(2)],
        ),
        // 0x59: the sixth genuine document, the snapshot of the second generation.
        seed("mix-and-match", vec![0, newest(3), NONE, newest(3), 0x59]),
        seed("endless-timestamp", vec![2, NONE, HUGE]),
        seed("endless-root", vec![2, HUGE]),
        seed("silence", vec![2]),
        seed("changed-root", [vec![0], changed(40)].concat()),
        seed("changed-timestamp", [vec![2, NONE], changed(60)].concat()),
        seed(
            "changed-snapshot",
            [vec![2, NONE, newest(3)], changed(60)].concat(),
        ),
        seed(
            "changed-targets",
            [vec![2, NONE, newest(3), newest(3)], changed(60)].concat(),
        ),
    ]
}

pub(super) fn manifest() -> Vec<Seed> {
    let genuine = &trust_world::world().manifest;
    let text = String::from_utf8_lossy(genuine);
    vec![
        seed("genuine", genuine.clone()),
        seed(
            "other-counter",
            text.replacen("\"report_counter\":3", "\"report_counter\":4", 1),
        ),
        seed("other-vehicle", text.replacen("vehicle-1", "vehicle-2", 1)),
        seed("primary-renamed", text.replace("\"primary\"", "\"tertiary\"")),
        seed("cut", &genuine[..genuine.len() - 1]),
    ]
}
