//! Bad input, named: a clear error, the documented code, no panic, nothing half-written, nothing lost.

mod configuration;
mod full_disk;
mod port_in_use;
mod ranges;
mod sealed_images;
mod store_fails;

/// Exit codes of `sealift`.
mod exit {
    pub(super) const REFUSED: i32 = 3;
    pub(super) const KEY: i32 = 4;
    pub(super) const UNAVAILABLE: i32 = 7;
    pub(super) const LOCAL_IO: i32 = 74;
}
