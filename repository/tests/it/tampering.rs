//! What is done to a log behind its back is named.

use futures::TryStreamExt;
use sealift_repository::{Checkpoint, Log, LogError, LogFinding, Store, StorePath};

use crate::kit::faulty::{Fault, faulty};
use crate::kit::memory;
use crate::log::{act, bytes, log, looked_at};

const CHECKPOINT: &str = "repo/log/checkpoint";
const HEAD: &str = "private/log/head";

/// A log of so many entries, and its checkpoints after each batch of 100.
async fn grown(size: u64) -> (Store, Log, Vec<Checkpoint>) {
    let store = memory();
    let log = log(&store);
    let mut held = Vec::new();
    for start in (0..size).step_by(100) {
        let batch: Vec<_> = (start..size.min(start + 100)).map(act).collect();
        held.push(log.append(&batch).await.unwrap());
    }
    (store, log, held)
}

async fn write(store: &Store, name: &str, bytes: Option<Vec<u8>>) {
    let path = StorePath::parse(name).unwrap();
    store.delete(&path).await.unwrap();
    if let Some(bytes) = bytes {
        store.create(&path, bytes).await.unwrap();
    }
}

/// Where each entry of a bundle begins, and its end.
fn seams(bundle: &[u8]) -> Vec<usize> {
    let mut seams = vec![0];
    while let Some(length) = bundle[seams[seams.len() - 1]..].first_chunk() {
        seams.push(seams[seams.len() - 1] + 2 + usize::from(u16::from_be_bytes(*length)));
    }
    seams
}

async fn found(log: &Log) -> Vec<LogFinding> {
    looked_at(log, None).await.1
}

#[tokio::test]
async fn entries_that_are_cut_swapped_or_altered_are_named() {
    for (size, name, first, width) in [
        (300, "repo/log/tile/entries/000", 0, 256),
        (300, "repo/log/tile/entries/001.p/44", 256, 44),
    ] {
        let (store, log, _) = grown(size).await;
        let good = bytes(&store, name).await.unwrap();
        let at = seams(&good);

        let swapped = [
            &good[..at[3]],
            &good[at[5]..at[6]],
            &good[at[4]..at[5]],
            &good[at[3]..at[4]],
            &good[at[6]..],
        ];
        write(&store, name, Some(swapped.concat())).await;
        let wrong = |index| LogFinding::WrongEntry { index: first + index };
        assert_eq!(found(&log).await, [wrong(3), wrong(5)]);
        assert_eq!(
            found(&log).await[0].to_string(),
            format!("entry {} is not the one that was signed", first + 3)
        );

        let mut altered = good.clone();
        altered[at[7] + 10] ^= 1;
        write(&store, name, Some(altered)).await;
        assert_eq!(found(&log).await, [wrong(7)]);
        if width < 256 {
            // It would go into the next bundle.
            let refused = log.append(&[act(1)]).await.unwrap_err();
            assert!(
                matches!(&refused, LogError::Damaged { path, .. } if path == name),
                "{refused}"
            );
        }

        let gone = LogFinding::NoEntries {
            entries: first + 40..first + width,
        };
        for cut in [at[40], at[40] + 1, at[41] - 1] {
            write(&store, name, Some(good[..cut].to_vec())).await;
            assert_eq!(found(&log).await, std::slice::from_ref(&gone));
        }
        write(&store, name, None).await;
        let all = LogFinding::NoEntries {
            entries: first..first + width,
        };
        assert_eq!(found(&log).await, [all]);

        let surplus = LogFinding::Surplus {
            name: name.strip_prefix("repo/log/").unwrap().to_owned(),
        };
        for more in [&good[..at[1]], &[0]] {
            write(&store, name, Some([&good, more].concat())).await;
            assert_eq!(found(&log).await, std::slice::from_ref(&surplus));
        }
        write(&store, name, Some(good)).await;
        assert_eq!(found(&log).await, []);
    }
}

#[tokio::test]
async fn tiles_that_are_exchanged_or_missing_are_named() {
    let (store, log, held) = grown(600).await;
    let full = bytes(&store, "repo/log/tile/0/001").await.unwrap();
    let mut wrong = full.clone();
    wrong.swap(0, 32);
    let name = "tile/0/001".to_owned();
    let entries = 256..512;
    write(&store, "repo/log/tile/0/001", Some(wrong)).await;
    // The checkpoint over the first 300 says nothing then: which they are is not known.
    let (versions, findings) = looked_at(&log, Some(&held[2])).await;
    assert_eq!(
        findings,
        [LogFinding::WrongTile {
            name: name.clone(),
            entries: entries.clone()
        }]
    );
    assert!(
        versions.into_iter().eq((0..256).chain(512..600)),
        "the others are verified"
    );
    for bad in [
        None,
        Some(full[..8160].to_vec()),
        Some([&full[..], &[0; 32]].concat()),
    ] {
        write(&store, "repo/log/tile/0/001", bad).await;
        let gone = LogFinding::NoTile {
            name: name.clone(),
            entries: entries.clone(),
        };
        assert_eq!(looked_at(&log, Some(&held[2])).await.1, [gone]);
    }
    write(&store, "repo/log/tile/0/001", Some(full)).await;

    let edge = bytes(&store, "repo/log/tile/1/000.p/2").await.unwrap();
    write(
        &store,
        "repo/log/tile/1/000.p/2",
        Some([&edge[32..], &edge[..32]].concat()),
    )
    .await;
    let names = vec!["tile/1/000.p/2".to_owned(), "tile/0/002.p/88".to_owned()];
    assert_eq!(found(&log).await, [LogFinding::WrongRoot { names }]);
    assert!(matches!(
        log.append(&[act(1)]).await,
        Err(LogError::Damaged { .. })
    ));
    write(&store, "repo/log/tile/1/000.p/2", None).await;
    let gone = LogFinding::NoTile {
        name: "tile/1/000.p/2".to_owned(),
        entries: 0..512,
    };
    assert_eq!(found(&log).await, [gone]);
    let refused = log.append(&[act(1)]).await.unwrap_err();
    assert!(
        refused.to_string().contains("tile/1/000.p/2: is missing"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_log_that_was_set_back_is_shorter_than_what_was_held() {
    let (store, log, held) = grown(300).await;
    write(&store, CHECKPOINT, Some(held[1].bytes().to_vec())).await;
    let unfinished = LogFinding::Unfinished {
        public: 200,
        head: 300,
    };
    assert_eq!(
        found(&log).await,
        std::slice::from_ref(&unfinished),
        "without one that was held it looks like a death"
    );
    let shorter = LogFinding::Shorter { size: 200, held: 300 };
    assert_eq!(
        looked_at(&log, held.last()).await.1,
        [shorter.clone(), unfinished]
    );

    // Both checkpoints: only those who hold a later one can tell.
    write(&store, HEAD, Some(held[1].bytes().to_vec())).await;
    assert_eq!(found(&log).await, []);
    assert_eq!(looked_at(&log, held.last()).await.1, [shorter]);

    // The head alone: nobody appends over it.
    let (store, log, held) = grown(300).await;
    write(&store, HEAD, Some(held[1].bytes().to_vec())).await;
    assert_eq!(
        found(&log).await,
        [LogFinding::HeadDiffers {
            public: 300,
            head: 200
        }]
    );
    assert!(matches!(
        log.append(&[act(1)]).await,
        Err(LogError::SetBack {
            public: 300,
            head: 200
        })
    ));
    write(&store, HEAD, None).await;
    assert_eq!(
        found(&log).await,
        [LogFinding::HeadDiffers { public: 300, head: 0 }]
    );
    assert!(matches!(
        log.append(&[act(1)]).await,
        Err(LogError::SetBack { head: 0, .. })
    ));

    // All of it.
    write(&store, CHECKPOINT, None).await;
    assert_eq!(
        looked_at(&log, held.last()).await.1,
        [LogFinding::Shorter { size: 0, held: 300 }]
    );
}

#[tokio::test]
async fn another_history_under_the_same_key_is_told_from_the_one_that_was_held() {
    let (own_store, own, held) = grown(300).await;
    let store = memory();
    let other = log(&store);
    // The same but for one entry.
    for batch in [0..200, 200..400] {
        let batch: Vec<_> = batch.map(|n| act(if n == 150 { 0 } else { n })).collect();
        other.append(&batch).await.unwrap();
    }
    assert_eq!(
        looked_at(&other, Some(&held[0])).await.1,
        [],
        "the first hundred are the same"
    );
    for held in &held[1..] {
        let rewritten = LogFinding::Rewritten { held: held.size() };
        assert_eq!(looked_at(&other, Some(held)).await.1, [rewritten]);
    }

    // As long, and for appenders only.
    let short = memory();
    let batches = [act(0)].into_iter().chain((1..200).map(|_| act(7)));
    let head = log(&short).append(&batches.collect::<Vec<_>>()).await.unwrap();
    write(&own_store, CHECKPOINT, Some(held[1].bytes().to_vec())).await;
    write(&own_store, HEAD, Some(head.bytes().to_vec())).await;
    let differs = LogFinding::HeadDiffers {
        public: 200,
        head: 200,
    };
    assert_eq!(found(&own).await, [differs]);
    assert!(matches!(
        own.append(&[act(1)]).await,
        Err(LogError::SetBack {
            public: 200,
            head: 200
        })
    ));
}

#[tokio::test]
async fn a_checkpoint_that_the_key_did_not_sign_is_refused() {
    let (store, log, held) = grown(5).await;
    let text = String::from_utf8(held[0].bytes().to_vec()).unwrap();
    for forged in [
        text.replacen("\n5\n", "\n4\n", 1),
        text.replacen("\n5\n", "\n05\n", 1),
        String::new(),
    ] {
        for path in [CHECKPOINT, HEAD] {
            write(&store, CHECKPOINT, Some(text.clone().into_bytes())).await;
            write(&store, HEAD, Some(text.clone().into_bytes())).await;
            write(&store, path, Some(forged.clone().into_bytes())).await;
            let verified = log.verify(None, |_, _| ()).await;
            assert!(
                matches!(&verified, Err(LogError::Untrusted { path: named, .. }) if named == path),
                "{verified:?}"
            );
            assert!(matches!(
                log.append(&[act(9)]).await,
                Err(LogError::Untrusted { .. })
            ));
        }
    }
}

/// A log in which an appender of entries 5 and 6 died right after the head, and the name of what it put aside.
async fn unfinished() -> (Store, Log, String) {
    for step in 0.. {
        let (store, log, _) = grown(5).await;
        let (broken, _) = faulty(&store, step, Fault::KilledAfter);
        let died = crate::log::log(&broken).append(&[act(5), act(6)]).await;
        assert!(died.is_err(), "it dies before the end");
        if found(&log).await == [LogFinding::Unfinished { public: 5, head: 7 }] {
            let folder = StorePath::parse("private/log/pending").unwrap();
            let aside: Vec<_> = store.list(&folder).try_collect().await.unwrap();
            return (store, log, aside[0].path.to_string());
        }
    }
    unreachable!("every append writes the head")
}

#[tokio::test]
async fn what_a_dead_appender_put_aside_is_compared_with_what_it_signed() {
    let (store, log, aside) = unfinished().await;
    let good = bytes(&store, &aside).await.unwrap();
    let mut altered = good.clone();
    altered[10] ^= 1;
    let short = good[..seams(&good)[1]].to_vec();
    for bad in [None, Some(altered), Some(short)] {
        write(&store, &aside, bad).await;
        let refused = log.append(&[act(7)]).await.unwrap_err();
        assert!(
            matches!(&refused, LogError::Damaged { path, .. } if *path == aside),
            "{refused}"
        );
        assert_eq!(
            looked_at(&log, None).await.0,
            [0, 1, 2, 3, 4],
            "nothing more is public"
        );
    }
    write(&store, &aside, Some(good)).await;
    log.append(&[]).await.unwrap();
    assert_eq!(looked_at(&log, None).await, ((0..7).collect(), vec![]));
    assert_eq!(bytes(&store, &aside).await, None, "nothing is left over");
}

#[tokio::test]
async fn garbage_under_the_name_of_a_tile_is_named_and_not_signed_over() {
    let (store, log, _) = unfinished().await;
    write(&store, "repo/log/tile/0/000.p/7", Some(b"garbage".to_vec())).await;
    let refused = log.append(&[act(7)]).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("repo/log/tile/0/000.p/7: is there already"),
        "{refused}"
    );
    assert_eq!(looked_at(&log, None).await.0, [0, 1, 2, 3, 4]);
    write(&store, "repo/log/tile/0/000.p/7", None).await;
    log.append(&[act(7)]).await.unwrap();
    assert_eq!(looked_at(&log, None).await, ((0..8).collect(), vec![]));
}
