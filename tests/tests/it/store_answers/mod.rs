//! A store that answers 412, 429, 500 and 503, or takes what it is sent and answers into the void: at the first request of
//! every publishing command, at the second, and so on to its last.

mod commands;
mod judge;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sealift_tests::process::{Program, Run};
use sealift_tests::rng::image;
use sealift_tests::s3::environment;
use sealift_tests::stand_in::{Act, BUCKET, Fate, StandIn};
use sealift_tests::world::World;
use tempfile::TempDir;

use self::commands::Command;
use self::judge::State;

/// Commands that run at once: most of their time they wait before they ask again.
const AT_ONCE: usize = 4;
/// The key of everything that is stored begins with it.
const PREFIX: &str = "repository";

/// What happens at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// 429, then 500, then 503, each without effect.
    Busy,
    /// It takes effect and the connection ends.
    Lost,
    /// 412 to a write, without effect: as if somebody had been faster, who is not to be seen.
    Precondition,
}

impl Answer {
    /// Gives it at request `at`; `struck` says whether there was one that it fits.
    fn rule(self, at: usize, struck: Arc<AtomicBool>) -> impl FnMut(&Act) -> Fate + Send + 'static {
        let mut number = 0;
        let mut fates = match self {
            Self::Busy => vec![Fate::Refused(503), Fate::Refused(500), Fate::Refused(429)],
            Self::Lost => vec![Fate::AnswerLost],
            Self::Precondition => vec![Fate::Refused(412)],
        };
        move |act| {
            let counts = self != Self::Precondition || *act != Act::Other;
            number += usize::from(counts);
            if !counts || number <= at {
                return Fate::Done;
            }
            let fate = fates.pop().unwrap_or(Fate::Done);
            struck.fetch_or(fate != Fate::Done, Ordering::SeqCst);
            fate
        }
    }
}

/// A repository on the stand-in that stays as it is: every command runs on a copy of it.
struct Scene {
    world: World,
    store: StandIn,
    before: State,
    _folder: TempDir,
}

/// One copy, and a place for what one command keeps.
struct Copy {
    store: StandIn,
    folder: TempDir,
}

impl Scene {
    /// A repository with `a.img` and `b.img`, the list of before the second one, and a second root to be published.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = StandIn::start(folder.path());
        let url = format!("s3://{BUCKET}/{PREFIX}");
        let world = World::on_store(&url, &environment(store.address()));
        for name in ["a.img", "b.img"] {
            let path = world.image(name, &image(name, 20_000));
            world.publish(name, "hw", 1, &path);
        }
        let mut scene = Self {
            world,
            store,
            before: State::default(),
            _folder: folder,
        };
        let tree = scene.copy().tree(PREFIX);
        let root = std::fs::read(scene.world.path("keys/1.root.json")).unwrap();
        scene.before = judge::accepted(tree.path(), &root, "in the beginning");
        commands::prepare(&scene.world, tree.path());
        scene
    }

    fn copy(&self) -> Copy {
        let folder = TempDir::new().unwrap();
        let bodies = folder.path().join("bodies");
        std::fs::create_dir(&bodies).unwrap();
        Copy {
            store: self.store.twin(&bodies),
            folder,
        }
    }

    /// Gives `answer` at every request of `command`, and has `check` look at what came of it. Returns how often.
    fn at_every_request(
        &self,
        answer: Answer,
        command: impl Fn(&Copy) -> Program + Sync,
        check: impl Fn(&Copy, &Run, &str) + Sync,
    ) -> usize {
        let (next, struck) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let over = AtomicBool::new(false);
        let work = || {
            while !over.load(Ordering::SeqCst) {
                let at = next.fetch_add(1, Ordering::SeqCst);
                let copy = self.copy();
                let strikes = Arc::new(AtomicBool::new(false));
                copy.store.rule(answer.rule(at, Arc::clone(&strikes)));
                let run = copy.surround(command(&copy)).run();
                copy.store.behave();
                if strikes.load(Ordering::SeqCst) {
                    struck.fetch_add(1, Ordering::SeqCst);
                    check(&copy, &run, &format!("{answer:?} at request {at}: {run}"));
                } else {
                    over.store(true, Ordering::SeqCst);
                    let _ = run.ok();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(work);
            }
        });
        struck.into_inner()
    }
}

impl Copy {
    /// Has a command of the scene's world use this copy.
    fn surround(&self, program: Program) -> Program {
        let program = program.env("SEALIFT_STATE", self.folder.path().join("state"));
        let environment = environment(self.store.address()).into_iter();
        environment.fold(program, |program, (name, value)| program.env(&name, value))
    }

    /// The repository as files, the directory that holds `repo/` and `private/`.
    fn tree(&self, prefix: &str) -> TempDir {
        let tree = TempDir::new().unwrap();
        self.store.download(prefix, tree.path());
        tree
    }

    /// A path of this copy's own.
    fn text(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// What each command came to, as one line of the table in `docs/proof.md`.
fn every_command(answer: Answer, codes: &[i32]) {
    let scene = Scene::new();
    for command in Command::ALL {
        let refused = AtomicUsize::new(0);
        let struck = scene.at_every_request(
            answer,
            |copy| command.program(&scene, copy),
            |copy, run, label| {
                let code = run.code().unwrap();
                assert!(codes.contains(&code), "{label}");
                if code != 0 {
                    refused.fetch_add(1, Ordering::SeqCst);
                    if command == Command::Init {
                        // Run again it makes another root, which does not fit what is there.
                        let made = copy.tree(command.prefix()).path().join("repo/timestamp.json");
                        return assert!(!made.exists(), "{label}");
                    }
                    let again = copy.surround(command.program(&scene, copy)).run();
                    assert_eq!(again.code(), Some(0), "{label}\n{again}");
                }
                let tree = copy.tree(command.prefix());
                let root = command.pinned(&scene, copy);
                let state = judge::accepted(tree.path(), &root, label);
                assert!(command.is_done(&scene.before, &state), "{label}");
                judge::goes_on(&scene.world, tree.path(), &root, label);
            },
        );
        assert!(struck > 1, "{command:?}: there are more requests than that");
        println!(
            "| {} | {answer:?} | {struck} | {} |",
            command.name(),
            refused.into_inner()
        );
    }
}

#[test]
fn a_busy_store_is_asked_again() {
    every_command(Answer::Busy, &[0]);
}

#[test]
fn an_answer_that_is_lost_is_no_failure() {
    every_command(Answer::Lost, &[0]);
}

#[test]
fn a_condition_that_does_not_hold_is_overcome_or_a_conflict() {
    every_command(Answer::Precondition, &[0, 6]);
}
