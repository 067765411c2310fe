//! Paths of every resource, relative to the listener's base URL, with a leading slash.
//!
//! Arguments are already valid names (`[A-Za-z0-9._-]`, target paths also `/`), so nothing is escaped here.

/// Prefix of vehicle certificates' only URI SAN; the vehicle id follows.
pub const VEHICLE_URN_PREFIX: &str = "urn:sealift:vehicle:";
/// Base of the operator API.
pub const API: &str = "/api/v1";
/// Where a vehicle puts its manifest.
pub const MANIFEST: &str = "/director/manifest";
/// All vehicles.
pub const VEHICLES: &str = "/api/v1/vehicles";
/// Asks for snapshot and timestamp to be signed anew.
pub const REPOSITORY_REFRESH: &str = "/api/v1/repository/refresh";
/// Alive.
pub const HEALTHZ: &str = "/healthz";
/// Able to serve: store and database answer.
pub const READYZ: &str = "/readyz";
/// Prometheus text exposition.
pub const METRICS: &str = "/metrics";

/// The URI that a vehicle's certificate carries.
pub fn vehicle_urn(id: &str) -> String {
    format!("{VEHICLE_URN_PREFIX}{id}")
}

/// Image repository metadata; `name` such as `1.root.json`.
pub fn repo_metadata(name: &str) -> String {
    format!("/repo/{name}")
}

/// A target's object; `store_name` as `TargetPath::store_name` gives it (`dir/HASH.file`).
pub fn repo_target(store_name: &str) -> String {
    format!("/repo/targets/{store_name}")
}

/// A segment list by the lower-hex SHA-256 of its bytes.
pub fn repo_segments(sha256: &str) -> String {
    format!("/repo/segments/{sha256}")
}

/// Director metadata of the vehicle that asks.
pub fn director_metadata(name: &str) -> String {
    format!("/director/{name}")
}

/// A key box that is not inline, by the lower-hex SHA-256 of its bytes.
pub fn director_key_box(sha256: &str) -> String {
    format!("/director/keyboxes/{sha256}")
}

/// One vehicle.
pub fn vehicle(id: &str) -> String {
    format!("{VEHICLES}/{id}")
}

/// Revocation of one vehicle.
pub fn vehicle_revoke(id: &str) -> String {
    format!("{VEHICLES}/{id}/revoke")
}

/// What one ECU is to install.
pub fn assignment(vehicle: &str, serial: &str) -> String {
    format!("{VEHICLES}/{vehicle}/ecus/{serial}/assignment")
}

/// Director metadata of a vehicle, for the operator who provisions it.
pub fn vehicle_director_metadata(vehicle: &str, name: &str) -> String {
    format!("{VEHICLES}/{vehicle}/director/{name}")
}

/// The Director's root of version `n`, for the operator.
pub fn director_root(n: u64) -> String {
    format!("{API}/director/roots/{n}")
}
