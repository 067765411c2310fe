//! Every verb × every store operation × every fault: the repository is accepted afterwards, by our client and by others; the
//! same verb again does what was wanted, and the next publish succeeds. Prints the table in `docs/proof.md`.

mod case;
mod look;
mod peers;
mod verb;

use std::sync::Arc;

use sealift_repository::Store;

use self::case::{Case, End};
use self::look::Trees;
use self::verb::{Listed, NEXT, Verb, add, line};
use crate::kit::faulty::{Fault, faulty, interrupted};
use crate::kit::{World, disk, later, memory};

/// The columns, in the table's order. No fault: somebody else is faster.
const FAULTS: [(Option<Fault>, &str); 8] = [
    (Some(Fault::KilledBefore), "killed before"),
    (Some(Fault::KilledAfter), "killed after"),
    (Some(Fault::Refused), "refused"),
    (Some(Fault::AnswerLost), "answer lost"),
    (Some(Fault::Delayed), "delayed"),
    (None, "overtaken"),
    (Some(Fault::Torn), "torn"),
    (Some(Fault::TornInPlace), "torn in place"),
];

/// How many cases there were, and in how many of them the repository waits for somebody to mend it.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    cases: u32,
    stuck: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_survives_every_fault_at_every_operation() {
    let trees = Arc::new(Trees::new());
    let mut rows = Vec::new();
    for verb in Verb::ALL {
        let trees = Arc::clone(&trees);
        rows.push(tokio::spawn(async move { row(verb, &trees).await }));
    }
    println!(
        "| verb |{}",
        FAULTS.map(|(_, name)| format!(" {name} |")).concat()
    );
    println!("|---|{}", "---|".repeat(FAULTS.len()));
    for (verb, row) in Verb::ALL.into_iter().zip(rows) {
        println!("| {} |{}", verb.name(), row.await.unwrap());
    }
    peers::judge(&trees).await;
}

async fn row(verb: Verb, trees: &Trees) -> String {
    let template = verb.world().await;
    let mut row = String::new();
    for (fault, name) in FAULTS {
        let cell = match fault {
            None => overtaken(verb, &template, trees).await,
            Some(Fault::Delayed) => delayed(verb, &template, trees).await,
            Some(fault) => sweep(verb, fault, &template, trees).await,
        };
        assert!(cell.cases > 0, "{verb:?}: {name}");
        assert!(
            cell.stuck == 0 || fault == Some(Fault::TornInPlace),
            "{verb:?}: {name}: stuck {} times",
            cell.stuck
        );
        row += &match cell.stuck {
            0 => format!(" {} |", cell.cases),
            stuck => format!(" {}, {stuck} stuck |", cell.cases),
        };
    }
    row
}

/// One fault at operation 0, 1, 2 …, until it no longer strikes.
async fn sweep(verb: Verb, fault: Fault, template: &World, trees: &Trees) -> Cell {
    let mut cell = Cell::default();
    for at in 0.. {
        let world = template.copied_to(memory()).await;
        let label = format!("{verb:?}, {fault:?} at operation {at}");
        let case = Case::begin(verb, &world, trees, label).await;
        let (broken, trigger) = faulty(&world.store, at, fault);
        let outcome = verb.run(&world, &broken, later(1)).await;
        if !trigger.reached() {
            outcome.unwrap();
            break;
        }
        if !trigger.harmless() {
            let case = match fault {
                Fault::TornInPlace => case.may_void_drafts(),
                _ => case,
            };
            cell.cases += 1;
            cell.stuck += u32::from(case.end(outcome).await == End::Stuck);
        }
    }
    cell
}

/// Who comes after a publisher that gave up.
#[derive(Clone, Copy, Debug)]
enum Follower {
    /// The same verb once more.
    Same,
    /// Somebody with another image.
    Another,
}

/// Every write is lost on its way and its publisher gives up. It arrives before each operation that it could meet of whoever
/// comes next, or after the last one.
async fn delayed(verb: Verb, template: &World, trees: &Trees) -> Cell {
    let mut cell = Cell::default();
    for at in writes(verb, template).await {
        for follower in [Follower::Same, Follower::Another] {
            for arrival in 0.. {
                cell.cases += 1;
                if !arrives(verb, template, trees, at, follower, arrival).await {
                    break;
                }
            }
        }
    }
    cell
}

/// Which operations write.
async fn writes(verb: Verb, template: &World) -> Vec<u64> {
    let mut writes = Vec::new();
    for at in 0.. {
        let world = template.copied_to(memory()).await;
        let (broken, trigger) = faulty(&world.store, at, Fault::Delayed);
        let outcome = verb.run(&world, &broken, later(1)).await;
        if !trigger.reached() {
            break;
        }
        if trigger.late().is_some() {
            outcome.unwrap_err();
            writes.push(at);
        }
    }
    writes
}

/// One case of [`delayed`]. Says whether there was such an operation.
async fn arrives(
    verb: Verb,
    template: &World,
    trees: &Trees,
    at: u64,
    follower: Follower,
    arrival: u64,
) -> bool {
    let world = template.copied_to(memory()).await;
    let label = format!("{verb:?}, write {at} arrives at operation {arrival} of {follower:?}");
    let case = Case::begin(verb, &world, trees, label).await;
    let (broken, trigger) = faulty(&world.store, at, Fault::Delayed);
    verb.run(&world, &broken, later(1)).await.unwrap_err();
    let late = trigger.late().unwrap();
    let (path, backend) = (late.path().clone(), Arc::clone(world.store.backend()));
    let arriving = late.clone();
    // With operations on other paths it makes no difference which is first.
    let (store, arrived) = interrupted(&world.store, arrival, Some(path), async move {
        arriving.arrive(backend.as_ref()).await;
    });
    if matches!(follower, Follower::Same) || verb == Verb::Init {
        // Refused where what arrives has done it already, which the case knows.
        let _ = verb.run(&world, &store, later(2)).await;
    }
    let more = match follower {
        Follower::Same => Listed::new(),
        Follower::Another => {
            add(&world, &store, NEXT, later(2)).await.unwrap();
            Listed::from([line(NEXT)])
        }
    };
    if !arrived.reached() {
        late.arrive(world.store.backend().as_ref()).await;
    }
    case.end_after(&more).await;
    arrived.reached()
}

/// Another publisher does all of his work before operation 0, 1, 2 … of this one. Both are told that it is done, and it is.
async fn overtaken(verb: Verb, template: &World, trees: &Trees) -> Cell {
    let mut cell = Cell::default();
    for at in 0.. {
        let world = template.copied_to(memory()).await;
        let label = format!("{verb:?}, overtaken at operation {at}");
        let case = Case::begin(verb, &world, trees, label).await;
        let other = world.clone();
        let (store, trigger) = interrupted(&world.store, at, None, async move {
            if verb == Verb::Init {
                verb.run(&other, &other.store, later(1)).await.unwrap();
            }
            add(&other, &other.store, NEXT, later(1)).await.unwrap();
        });
        let outcome = verb.run(&world, &store, later(1)).await;
        if !trigger.reached() {
            outcome.unwrap();
            break;
        }
        cell.cases += 1;
        case.end_overtaken(outcome).await;
    }
    cell
}

/// The disk's own conditions: there a state is the digest of the content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_disk_as_in_memory() {
    let trees = Trees::new();
    let template = Verb::Add.world().await;
    for fault in [Fault::KilledAfter, Fault::AnswerLost, Fault::Torn] {
        for at in 0.. {
            let (_folder, store) = disk();
            let world = template.copied_to(store).await;
            let case = Case::begin(Verb::Add, &world, &trees, format!("{fault:?} at {at}")).await;
            let (broken, trigger) = faulty(&world.store, at, fault);
            let outcome = Verb::Add.run(&world, &broken, later(1)).await;
            if !trigger.reached() {
                outcome.unwrap();
                break;
            }
            if !trigger.harmless() {
                assert_eq!(case.end(outcome).await, End::GoesOn);
            }
        }
    }
}

/// An image is added to a new repository in `store`, and that breaks at one operation, in a way that depends on its number.
/// Says whether there was such an operation.
pub(crate) async fn add_broken_at(store: Store, step: u64) -> bool {
    let trees = Trees::new();
    let template = Verb::Add.world().await;
    let world = template.copied_to(store).await;
    let fault = Fault::ANYWHERE[usize::try_from(step % 4).unwrap()];
    let case = Case::begin(Verb::Add, &world, &trees, format!("{fault:?} at {step}")).await;
    let (broken, trigger) = faulty(&world.store, step, fault);
    let outcome = Verb::Add.run(&world, &broken, later(1)).await;
    assert_eq!(case.end(outcome).await, End::GoesOn);
    trigger.reached()
}
