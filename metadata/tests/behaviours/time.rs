//! Instants as values.

use sealift_metadata::{TimeSource, TrustedTime};

use crate::common::{at, instant};

/// J, X-24: nothing before the floor; attested before the system clock before what was provisioned.
#[test]
fn the_best_candidate_above_the_floor_is_taken() {
    let clock = at("2026-06-01T00:00:00Z");
    let attested = TrustedTime::new(instant("2026-05-01T00:00:00Z"), TimeSource::Attested);
    let provisioned = TrustedTime::new(instant("2026-07-01T00:00:00Z"), TimeSource::Provisioned);
    let all = [clock, attested, provisioned];
    assert_eq!(
        TrustedTime::select(all, instant("2026-01-01T00:00:00Z")),
        Some(attested)
    );
    assert_eq!(
        TrustedTime::select(all, instant("2026-05-01T00:00:01Z")),
        Some(clock)
    );
    assert_eq!(
        TrustedTime::select(all, instant("2026-06-15T00:00:00Z")),
        Some(provisioned)
    );
    assert_eq!(TrustedTime::select(all, instant("2026-08-01T00:00:00Z")), None);
    assert_eq!(TrustedTime::select([], instant("2026-08-01T00:00:00Z")), None);
}

/// Something that ends at an instant has ended at that instant.
#[test]
fn the_end_is_part_of_the_past() {
    let now = at("2026-06-01T00:00:00Z");
    assert!(now.is_past(instant("2026-06-01T00:00:00Z")));
    assert!(!now.is_past(instant("2026-06-01T00:00:01Z")));
}
