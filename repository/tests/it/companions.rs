//! Companions of targets in a store.

use sealift_metadata::companions::{Companion, CompanionKind};
use sealift_repository::companions::{self, Found};
use sealift_repository::{CheckOptions, Code, Depth, Operation, PublishError, Store, check, paths};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::kit::{World, later, memory};

const BYTES: &[u8] = b"a bill of materials";

fn companion() -> Companion {
    Companion {
        kind: CompanionKind::Sbom,
        sha256: Sha256::digest(BYTES).into(),
        length: 19,
        media_type: "application/spdx+json".to_owned(),
    }
}

async fn overwrite(store: &Store, bytes: Option<&[u8]>) {
    let path = paths::companion(&companion().sha256).unwrap();
    store.delete(&path).await.unwrap();
    if let Some(bytes) = bytes {
        store.create(&path, bytes.to_vec()).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_put_is_got_and_nothing_else_is() {
    let store = memory();
    assert_eq!(
        companions::get(&store, &companion()).await.unwrap(),
        Found::Nothing
    );
    for _ in 0..2 {
        let content = companions::put(&store, BYTES).await.unwrap();
        assert_eq!((content.length, content.sha256), (19, companion().sha256));
    }
    let found = companions::get(&store, &companion()).await.unwrap();
    assert_eq!(found, Found::Signed(BYTES.into()));
    for other in [&b"a bill of materialz"[..], &BYTES[1..], b"a bill of materials!"] {
        overwrite(&store, Some(other)).await;
        let found = companions::get(&store, &companion()).await.unwrap();
        assert_eq!(found, Found::Other, "{other:?}");
    }
    let mut short = companion();
    short.length = 18;
    overwrite(&store, Some(BYTES)).await;
    assert_eq!(companions::get(&store, &short).await.unwrap(), Found::Other);
}

#[tokio::test]
async fn a_check_and_a_publisher_know_them() {
    let world = World::new(memory()).await;
    let Operation::Add { path, mut file } = world.target("radio/a.img", b"image").await else {
        panic!("an addition")
    };
    file.custom = Some(json!({"companions": [companion().to_value()]}));
    companions::put(&world.store, BYTES).await.unwrap();
    let publish = async |file| {
        let operation = Operation::Replace {
            path: path.clone(),
            file,
        };
        world.publisher().publish(&vec![operation], later(0)).await
    };
    publish(file.clone()).await.unwrap();
    let codes = async || {
        let options = CheckOptions {
            depth: Depth::Bytes,
            ..CheckOptions::default()
        };
        let report = check(&world.store, &world.pinned(), later(0), options)
            .await
            .unwrap();
        let found: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        found
    };
    // The target has no profile here, which the check says.
    assert_eq!(codes().await, [Code::BadProfile]);
    overwrite(&world.store, Some(b"a bill of materialz")).await;
    assert_eq!(codes().await, [Code::WrongBytes, Code::BadProfile]);
    overwrite(&world.store, None).await;
    assert_eq!(codes().await, [Code::MissingObject, Code::BadProfile]);
    // What is listed stays listed; anew it would not be.
    file.custom = Some(json!({"companions": [companion().to_value()], "anything": "new"}));
    let missing = publish(file.clone()).await.unwrap_err();
    assert!(matches!(missing, PublishError::MissingObject { .. }), "{missing}");
    overwrite(&world.store, Some(&BYTES[1..])).await;
    let cut = publish(file.clone()).await.unwrap_err();
    assert!(matches!(cut, PublishError::MissingObject { .. }), "{cut}");
    overwrite(&world.store, Some(BYTES)).await;
    publish(file.clone()).await.unwrap();
    file.custom = Some(json!({"companions": "broken"}));
    let broken = publish(file).await.unwrap_err();
    assert!(matches!(broken, PublishError::BadTarget { .. }), "{broken}");
}
