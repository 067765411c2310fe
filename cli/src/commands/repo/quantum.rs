//! Which sealed targets would stay shut if P-256 and RSA fell: those of which every stanza is for X-Wing.

use sealift_envelope::{Stanza, Wrap};
use serde_json::{Value, json};

use crate::output;

/// How many targets are told to a person one by one; `--json` tells all.
const MAX_TOLD: usize = 10;

/// What was found, target by target. Key boxes are the Director's; what they are wrapped with is not seen here.
#[derive(Debug, Default)]
pub(super) struct Quantum {
    sealed: u64,
    open: Vec<Open>,
}

/// A target with a stanza that a quantum computer would open, or whose stanzas are not all known, or with none at all.
#[derive(Debug)]
struct Open {
    target: String,
    wraps: Vec<&'static str>,
    unread: bool,
}

/// What is wrapped for whom, in a target's header and key file, as far as they could be read.
#[derive(Debug, Default)]
pub(super) struct Stanzas {
    pub(super) list: Vec<Stanza>,
    /// Both were read, and belong to the target.
    pub(super) complete: bool,
}

impl Quantum {
    /// Takes note of a target's stanzas.
    pub(super) fn note(&mut self, target: &str, stanzas: &Stanzas) {
        self.sealed += 1;
        let mut wraps: Vec<_> = stanzas
            .list
            .iter()
            .map(Stanza::wrap)
            .filter(|wrap| *wrap != Wrap::XWing)
            .map(Wrap::name)
            .collect();
        wraps.sort_unstable();
        wraps.dedup();
        let unread = !stanzas.complete;
        if stanzas.list.is_empty() || !wraps.is_empty() || unread {
            let target = target.to_owned();
            self.open.push(Open {
                target,
                wraps,
                unread,
            });
        }
    }

    pub(super) fn json(&self) -> Value {
        let open: Vec<_> = self
            .open
            .iter()
            .map(|open| json!({"target": open.target, "wraps": open.wraps, "unread": open.unread}))
            .collect();
        json!({"sealed_targets": self.sealed, "not_post_quantum": open})
    }

    /// Nothing where nothing is sealed.
    pub(super) fn text(&self) -> String {
        if self.sealed == 0 {
            return String::new();
        }
        let count = |some: usize| u64::try_from(some).unwrap_or(u64::MAX);
        let safe = self.sealed.saturating_sub(count(self.open.len()));
        let mut text = format!(
            "post-quantum: {safe} of {} sealed targets (every stanza is X-Wing)\n",
            self.sealed
        );
        if self.open.is_empty() {
            return text;
        }
        let rows = self.open.iter().take(MAX_TOLD).map(|open| {
            let unread = open.unread.then_some("what could not be read");
            let wraps: Vec<_> = open.wraps.iter().copied().chain(unread).collect();
            let wraps = match wraps.as_slice() {
                [] => "no stanza to judge by".to_owned(),
                wraps => wraps.join(", "),
            };
            vec![open.target.clone(), wraps]
        });
        text += &output::table(&["not post-quantum", "because of"], rows);
        if self.open.len() > MAX_TOLD {
            let more = self.open.len() - MAX_TOLD;
            text += &format!("and {more} more, which --json names\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use sealift_envelope::KeyId;

    use super::*;

    fn stanza(wrap: Wrap, enc_len: usize) -> Stanza {
        Stanza::new(wrap, KeyId::from_bytes([0; 32]), vec![4; enc_len], [0; 48]).unwrap()
    }

    fn all(list: &[Stanza]) -> Stanzas {
        Stanzas {
            list: list.to_vec(),
            complete: true,
        }
    }

    fn part(list: &[Stanza]) -> Stanzas {
        Stanzas {
            complete: false,
            ..all(list)
        }
    }

    #[test]
    fn one_other_stanza_is_enough() {
        let (p256, x_wing) = (stanza(Wrap::HpkeP256, 65), stanza(Wrap::XWing, 1120));
        let mut quantum = Quantum::default();
        assert_eq!(quantum.text(), "");
        quantum.note("a", &all(&[x_wing.clone(), x_wing.clone()]));
        let more = [x_wing, p256.clone(), p256, stanza(Wrap::RsaOaep, 384)];
        quantum.note("b", &all(&more));
        quantum.note("c", &all(&[]));
        let expected = json!({"sealed_targets": 3, "not_post_quantum": [
            {"target": "b", "wraps": ["hpke-p256", "rsa-oaep"], "unread": false},
            {"target": "c", "wraps": [], "unread": false},
        ]});
        assert_eq!(quantum.json(), expected);
        assert!(quantum.text().starts_with("post-quantum: 1 of 3 sealed targets"));
    }

    /// What was not read may hold any stanza.
    #[test]
    fn what_was_not_seen_whole_does_not_count() {
        let (p256, x_wing) = (stanza(Wrap::HpkeP256, 65), stanza(Wrap::XWing, 1120));
        let mut quantum = Quantum::default();
        quantum.note("a", &part(&[x_wing]));
        quantum.note("b", &part(&[p256]));
        let expected = json!([
            {"target": "a", "wraps": [], "unread": true},
            {"target": "b", "wraps": ["hpke-p256"], "unread": true},
        ]);
        assert_eq!(quantum.json()["not_post_quantum"], expected);
        let text = quantum.text();
        assert!(text.starts_with("post-quantum: 0 of 2 sealed targets"), "{text}");
        assert!(text.contains("hpke-p256, what could not be read"), "{text}");
    }

    #[test]
    fn a_thousand_targets_do_not_fill_the_screen() {
        let mut quantum = Quantum::default();
        let p256 = [stanza(Wrap::HpkeP256, 65)];
        for target in 0..MAX_TOLD {
            quantum.note(&target.to_string(), &all(&p256));
        }
        let text = quantum.text();
        assert_eq!(text.lines().count(), 2 + MAX_TOLD, "{text}");
        for target in MAX_TOLD..1000 {
            quantum.note(&target.to_string(), &all(&p256));
        }
        let text = quantum.text();
        assert_eq!(text.lines().count(), 3 + MAX_TOLD, "{text}");
        assert!(text.ends_with("and 990 more, which --json names\n"), "{text}");
        assert_eq!(quantum.json()["not_post_quantum"].as_array().unwrap().len(), 1000);
    }
}
