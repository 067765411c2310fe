//! What the sealed-image format does, one file for each behaviour.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

mod backends;
mod caps;
mod digests;
mod exact;
mod faults;
mod key_box;
mod key_file;
mod memory;
mod one_plaintext;
mod printed;
mod private_keys;
mod properties;
mod ranged;
mod ranged_async;
mod ranged_reader;
mod ranged_serve;
mod ranged_sources;
mod ranged_store;
mod ranged_tamper;
mod recipients;
mod redaction;
mod refuse_header;
mod round_trip;
mod segments;
mod tamper;
mod twice;
mod vectors;
mod worked_example;
mod x_wing;
