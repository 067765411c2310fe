//! Seeds of documents beside an image.

use super::{Seed, seed};

/// An in-toto statement with SLSA provenance, in base64.
const STATEMENT: &str = concat!(
    "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2",
    "IjoiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYiJ9fV0s",
    "InByZWRpY2F0ZVR5cGUiOiJodHRwczovL3Nsc2EuZGV2L3Byb3ZlbmFuY2UvdjEiLCJwcmVkaWNhdGUiOnsicnVuRGV0YWls",
    "cyI6eyJidWlsZGVyIjp7ImlkIjoiYiJ9fX19",
);

pub(super) fn companion() -> Vec<Seed> {
    let envelope = |payload: &str| {
        format!(
            r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[{{"sig":"MAYCAQECAQE="}}]}}"#
        )
    };
    vec![
        seed("provenance", envelope(STATEMENT)),
        seed("other-payload", envelope("e30=")),
        seed("spdx", r#"{"spdxVersion":"SPDX-2.3"}"#),
        seed("cyclonedx", r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#),
        seed(
            "bundle",
            r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#,
        ),
        seed("twice", r#"{"spdxVersion":"SPDX-2.2","spdxVersion":"SPDX-2.3"}"#),
    ]
}
