//! What a target says of its object has to fit the object before clients see it.

use sealift_metadata::uptane::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};
use sealift_repository::{Operation, PublishError, paths};
use serde_json::json;

use crate::kit::{World, memory, start};

#[tokio::test]
async fn a_description_that_does_not_fit_the_object_is_not_published() {
    let world = World::new(memory()).await;
    let Operation::Add { path, file } = world.target("a.img", b"image").await else {
        panic!("an addition")
    };
    // Both lists are in the store; only one has a digest for each segment, which is one.
    for digests in [1, 2] {
        world
            .store
            .create(
                &paths::segments(&[digests; 32]).unwrap(),
                vec![0; 32 * usize::from(digests)],
            )
            .await
            .unwrap();
    }
    let described = |digests: u8, header: u64| {
        let profile = ImageProfile {
            plain: FileDigest {
                length: 5,
                sha256: *file.object_digest().unwrap(),
            },
            header: Some(FileDigest {
                length: header,
                sha256: [6; 32],
            }),
            segments: Some(Segments {
                alg: SegmentAlgorithm::Sha256,
                size: 1 << 20,
                length: 32 * u64::from(digests),
                sha256: [digests; 32],
            }),
            protection: Protection::SealedV1,
            release_counter: 1,
            hardware_ids: [sealift_metadata::HardwareId::new("radio-a").unwrap()].into(),
            version: "1.0".to_owned(),
        };
        let mut file = file.clone();
        file.custom = Some(json!({"sealift": profile.to_value()}));
        vec![Operation::Add {
            path: path.clone(),
            file,
        }]
    };
    for (change, field) in [
        (described(2, 5), "segments.length"),
        (described(1, 6), "header.length"),
    ] {
        let refused = world.publisher().publish(&change, start()).await.unwrap_err();
        let PublishError::BadTarget { source, .. } = refused else {
            panic!("{field}: {refused}")
        };
        assert!(source.to_string().contains(field), "{source}");
    }
    world
        .publisher()
        .publish(&described(1, 5), start())
        .await
        .unwrap();
}
