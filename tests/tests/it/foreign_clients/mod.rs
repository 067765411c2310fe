//! TUF clients that are not ours download what we published, and refuse it when it was touched.

mod by_library;
mod by_process;
pub(super) mod in_process;

use std::path::PathBuf;

use sealift_tests::rng::image;
use sealift_tests::world::World;

/// A target in a sub-directory: the place where clients disagree most.
const TARGET: &str = "ecu/brain/app.img";

/// A repository after several publications.
fn published() -> (World, PathBuf) {
    let world = World::new();
    for version in 1..=3 {
        let path = world.image("app.img", &image(&format!("foreign {version}"), 100_000));
        world.publish(
            &format!("ecu/brain/app-{version}.img"),
            "hw-brain",
            version,
            &path,
        );
        let _ = world
            .target_add("flat.img", "hw-brain", version, &path)
            .arg("--replace")
            .run()
            .ok();
    }
    let path = world.image("app.img", &image("foreign", 2_000_000));
    world.publish(TARGET, "hw-brain", 4, &path);
    let tree = world.tree().served();
    (world, tree)
}
