//! The kit (worlds, attackers, oracles) and the cross-crate suites.
