use sealift_tests::s3::{S3, environment};
use sealift_tests::world::World;
use tempfile::TempDir;

#[test]
fn an_image_goes_the_whole_way_through_s3() {
    let logs = TempDir::new().unwrap();
    let s3 = match S3::start(logs.path()) {
        Ok(s3) => s3,
        Err(reason) => return println!("left out: {reason}"),
    };
    let url = format!("s3://{}/image-repository", S3::BUCKET);
    let mut world = World::on_store(&url, &environment(s3.address()));
    super::both_kinds_of_ecu(&mut world);
}
