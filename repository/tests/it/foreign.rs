//! TUF clients written by others accept what is published here.

use sealift_repository::Store;

use crate::kit::{World, disk, later, start};

#[tokio::test]
async fn placeholder() {
    let _ = (disk(), start(), later(0));
    let _: fn(Store) -> _ = World::new;
}
