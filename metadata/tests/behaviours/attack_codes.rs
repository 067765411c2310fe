//! The codes in reports.

use std::collections::BTreeSet;

use sealift_metadata::trust::Attack;

/// U-5.4.4.2-19, U-5.4.4.2-20: every attack has a code of its own, of the form that reports take, and is found by it.
#[test]
fn codes_are_distinct_and_reportable() {
    let codes: BTreeSet<&str> = Attack::ALL.into_iter().map(Attack::code).collect();
    assert_eq!(codes.len(), Attack::ALL.len());
    for attack in Attack::ALL {
        let code = attack.code();
        assert!(
            !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        );
        assert_eq!(Attack::from_code(code), Some(attack));
        assert_eq!(attack.to_string(), code);
    }
    assert_eq!(Attack::from_code("Rollback"), None);
}
