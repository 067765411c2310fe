//! Which sealed targets would stay shut if P-256 and RSA fell: those of which every stanza is for X-Wing.

use sealift_envelope::{Stanza, Wrap};
use serde_json::{Value, json};

use crate::output;

/// What was found, target by target. Key boxes are the Director's; what they are wrapped with is not seen here.
#[derive(Debug, Default)]
pub(super) struct Quantum {
    sealed: u64,
    open: Vec<Open>,
}

/// A target with a stanza that a quantum computer would open, or with none at all to judge by.
#[derive(Debug)]
struct Open {
    target: String,
    wraps: Vec<&'static str>,
}

impl Quantum {
    /// Takes note of a target's stanzas, from its header and its key file.
    pub(super) fn note(&mut self, target: &str, stanzas: &[Stanza]) {
        self.sealed += 1;
        let mut wraps: Vec<_> = stanzas
            .iter()
            .map(Stanza::wrap)
            .filter(|wrap| *wrap != Wrap::XWing)
            .map(Wrap::name)
            .collect();
        wraps.sort_unstable();
        wraps.dedup();
        if stanzas.is_empty() || !wraps.is_empty() {
            let target = target.to_owned();
            self.open.push(Open { target, wraps });
        }
    }

    pub(super) fn json(&self) -> Value {
        let open: Vec<_> = self
            .open
            .iter()
            .map(|open| json!({"target": open.target, "wraps": open.wraps}))
            .collect();
        json!({"sealed_targets": self.sealed, "not_post_quantum": open})
    }

    /// Nothing where nothing is sealed.
    pub(super) fn text(&self) -> String {
        if self.sealed == 0 {
            return String::new();
        }
        let safe = self
            .sealed
            .saturating_sub(u64::try_from(self.open.len()).unwrap_or(u64::MAX));
        let summary = format!(
            "post-quantum: {safe} of {} sealed targets (every stanza is X-Wing)\n",
            self.sealed
        );
        if self.open.is_empty() {
            return summary;
        }
        let rows = self.open.iter().map(|open| {
            let wraps = if open.wraps.is_empty() {
                "no stanza to judge by".to_owned()
            } else {
                open.wraps.join(", ")
            };
            vec![open.target.clone(), wraps]
        });
        summary + &output::table(&["not post-quantum", "because of"], rows)
    }
}

#[cfg(test)]
mod tests {
    use sealift_envelope::KeyId;

    use super::*;

    fn stanza(wrap: Wrap, enc_len: usize) -> Stanza {
        Stanza::new(wrap, KeyId::from_bytes([0; 32]), vec![4; enc_len], [0; 48]).unwrap()
    }

    #[test]
    fn one_other_stanza_is_enough() {
        let (p256, x_wing) = (stanza(Wrap::HpkeP256, 65), stanza(Wrap::XWing, 1120));
        let mut quantum = Quantum::default();
        assert_eq!(quantum.text(), "");
        quantum.note("a", &[x_wing.clone(), x_wing.clone()]);
        quantum.note("b", &[x_wing, p256.clone(), p256, stanza(Wrap::RsaOaep, 384)]);
        quantum.note("c", &[]);
        let expected = json!({"sealed_targets": 3, "not_post_quantum": [
            {"target": "b", "wraps": ["hpke-p256", "rsa-oaep"]}, {"target": "c", "wraps": []},
        ]});
        assert_eq!(quantum.json(), expected);
        assert!(quantum.text().starts_with("post-quantum: 1 of 3 sealed targets"));
    }
}
