//! Where the real binaries are.

use std::path::{Path, PathBuf};

/// The directory cargo builds into for this profile, found from the running test executable.
///
/// A test runs as `target/PROFILE/deps/it-HASH`, the binaries stand two levels up.
#[must_use]
pub fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    test.ancestors()
        .nth(2)
        .expect("tests run inside target/PROFILE/deps")
        .to_path_buf()
}

/// The cargo target directory, where the test run also keeps its Python and Node packages.
#[must_use]
pub fn target_dir() -> PathBuf {
    profile_dir()
        .parent()
        .expect("PROFILE is inside the target directory")
        .to_path_buf()
}

/// The sources of this package, `tests/`.
#[must_use]
pub fn package_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names a directory with other builds of the binaries to test, for example `target/release`.
const OTHER_BUILD: &str = "SEALIFT_BIN_DIR";

/// The path of one of the project's binaries: beside this build of the tests, or where `SEALIFT_BIN_DIR` says.
///
/// # Panics
/// When it has not been built: cargo builds the binaries of other packages only when asked.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = std::env::var_os(OTHER_BUILD)
        .map_or_else(profile_dir, PathBuf::from)
        .join(name);
    assert!(
        path.is_file(),
        "{} is missing; build it first: cargo build -p sealift-cli -p sealift-server -p sealift-vehicle \
         (cargo xtask test does)",
        path.display()
    );
    path
}
