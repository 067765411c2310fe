//! A process killed anywhere: the next one finishes, and fetches no verified segment twice.

use std::collections::BTreeSet;
use std::fs;

use sealift_vehicle::{Event, Outcome};

use crate::happy::firmware;
use crate::kit::{Fleet, GATEWAY, Sealing, Trick};

fn segments(events: &[Event]) -> BTreeSet<u64> {
    let index = |event: &Event| {
        if let Event::Segment { index, .. } = event {
            Some(*index)
        } else {
            None
        }
    };
    events.iter().filter_map(index).collect()
}

fn ranges(events: &[Event]) -> Vec<(u64, u64)> {
    let range = |event: &Event| {
        if let Event::Range { start, end } = event {
            Some((*start, *end))
        } else {
            None
        }
    };
    events.iter().filter_map(range).collect()
}

async fn assigned() -> Fleet {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    fleet
}

/// U-5.4.2.1.2-7, U-5.4.4-2: at every point of a cycle; counters of reports rise through all of it.
#[tokio::test]
async fn killed_after_every_event_the_next_process_goes_on() {
    for kill in 1.. {
        let fleet = assigned().await;
        if let Some(ended) = fleet.cycle_killed_after(kill).await {
            assert_eq!(ended.unwrap(), Outcome::Installed);
            assert!(kill > 20, "the cycle has many points to die at, not {kill}");
            return;
        }
        let before = fleet.recorder.take();
        assert!(
            fleet.installed(GATEWAY).is_none_or(|image| image == firmware(1)),
            "never half an image"
        );
        fleet.server.take_log();

        let ended = fleet.cycle().await.unwrap();

        let after = fleet.recorder.take();
        let done = before
            .iter()
            .any(|event| matches!(event, Event::Installed { .. }));
        assert_eq!(
            ended,
            if done {
                Outcome::UpToDate
            } else {
                Outcome::Installed
            },
            "killed after {kill}"
        );
        assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
        assert_eq!(fleet.left_overs(), [""; 0]);
        let held = segments(&before);
        for (start, end) in ranges(&after) {
            let fetched: BTreeSet<u64> = (start / 65_536..=end / 65_536).collect();
            assert!(
                fetched.is_disjoint(&held),
                "killed after {kill}: {fetched:?} again, {held:?} held"
            );
        }
    }
}

#[tokio::test]
async fn killed_again_and_again_each_segment_is_fetched_once() {
    let fleet = assigned().await;
    let mut seen: Vec<Event> = Vec::new();
    // Each process lives long enough for one segment more.
    loop {
        let held = segments(&seen).len();
        let mut kill = 0;
        let ended = loop {
            kill += 1;
            let ended = fleet.cycle_killed_after(kill).await;
            seen.extend(fleet.recorder.take());
            if ended.is_some() || segments(&seen).len() > held {
                break ended;
            }
        };
        if let Some(ended) = ended {
            ended.unwrap();
            break;
        }
    }
    let all: Vec<u64> = seen
        .iter()
        .filter_map(|event| {
            if let Event::Segment { index, .. } = event {
                Some(*index)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

/// A vehicle whose download was cut short, and the last segment that it has.
async fn killed_with_three_segments() -> (Fleet, u64) {
    let fleet = assigned().await;
    for kill in 1.. {
        assert!(fleet.cycle_killed_after(kill).await.is_none());
        if let Some(last) = segments(&fleet.recorder.take()).last().filter(|last| **last >= 2) {
            return (fleet, *last);
        }
    }
    unreachable!("every kill gets further")
}

fn journal(fleet: &Fleet) -> std::path::PathBuf {
    let name = fleet
        .left_overs()
        .into_iter()
        .find(|name| name.ends_with(".journal"))
        .unwrap();
    fleet.path("state/download").join(name)
}

#[tokio::test]
async fn a_damaged_journal_starts_from_zero() {
    let (fleet, _) = killed_with_three_segments().await;
    let path = journal(&fleet);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let events = fleet.recorder.take();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::JournalDiscarded { .. }))
    );
    assert_eq!(segments(&events).len(), 6);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn a_torn_record_costs_one_segment() {
    let (fleet, last) = killed_with_three_segments().await;
    let path = journal(&fleet);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(segments(&fleet.recorder.take()), (last..=5).collect());
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn a_part_file_that_lost_its_bytes_starts_from_zero() {
    let (fleet, _) = killed_with_three_segments().await;
    fs::remove_file(journal(&fleet).with_extension("part")).unwrap();
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    assert_eq!(segments(&fleet.recorder.take()).len(), 6);
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn bytes_that_rotted_on_disk_are_caught_by_the_flat_gate() {
    let (fleet, _) = killed_with_three_segments().await;
    let part = journal(&fleet).with_extension("part");
    let mut bytes = fs::read(&part).unwrap();
    bytes[70_000] ^= 1;
    fs::write(&part, bytes).unwrap();
    let error = fleet.cycle().await.unwrap_err();
    assert_eq!(error.exit_code(), 12, "storage, not an attack: {error}");
    assert_eq!(fleet.installed(GATEWAY), None);
    assert_eq!(fleet.left_overs(), [""; 0], "a useless file is removed");
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
}

#[tokio::test]
async fn a_broken_connection_is_resumed_within_the_cycle() {
    let fleet = assigned().await;
    fleet.server.trick(&fleet.object("a.img"), 1, Trick::Cut(200_000));
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::Installed);
    let events = fleet.recorder.take();
    assert_eq!(ranges(&events)[1].0, 3 * 65_536);
    assert!(events.iter().any(|event| matches!(event, Event::Retry { .. })));
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

#[tokio::test]
async fn a_download_that_nobody_wants_any_more_is_removed() {
    let (mut fleet, _) = killed_with_three_segments().await;
    assert_eq!(fleet.left_overs().len(), 2);
    fleet.directed.clear();
    fleet.publish_director().await;
    assert_eq!(fleet.cycle().await.unwrap(), Outcome::UpToDate);
    assert_eq!(fleet.left_overs(), [""; 0]);
}
