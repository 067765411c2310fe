//! `cargo xtask test`: everything that must hold before a change is merged, one line for each step.

mod cargo;
mod conformance;
mod fuzz;
mod peers;
mod s3;
mod shell;
mod steps;
mod tools;

use std::time::{Duration, Instant};

use self::shell::Shell;
use self::steps::{Done, STEPS, Step};
use crate::failure::Failure;
use crate::tree;

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run this step only (may be given several times); `--list` names them
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leave out the steps that take minutes
    #[arg(long)]
    fast: bool,
    /// Name the steps and stop
    #[arg(long)]
    list: bool,
}

/// Runs the steps in order, all of them even after a failure, and ends with the tally.
///
/// # Errors
/// At least one step failed, or a step named by `--only` does not exist.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.list {
        for step in STEPS {
            println!(
                "{:<11} {}{}",
                step.name,
                step.what,
                if step.slow { " (not with --fast)" } else { "" }
            );
        }
        return Ok(());
    }
    if let Some(unknown) = args
        .only
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        return Err(Failure::new(format!(
            "there is no step `{unknown}`; `cargo xtask test --list` names them"
        )));
    }
    let shell = Shell::new(&tree::root())?;
    let mut tally = Tally::default();
    for step in STEPS.iter().filter(|step| chosen(step, args)) {
        tally.add(step, &shell);
    }
    tally.conclude()
}

fn chosen(step: &Step, args: &Args) -> bool {
    if args.only.is_empty() {
        !(args.fast && step.slow)
    } else {
        args.only.iter().any(|name| name == step.name)
    }
}

/// Checks so far: each test case counts, and so does each step that is not made of test cases.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    left_out: u64,
}

impl Tally {
    fn add(&mut self, step: &Step, shell: &Shell) {
        let start = stopwatch();
        let outcome = (step.run)(&shell.for_step(step.name));
        let took = seconds(start.elapsed());
        match outcome {
            Ok(Done::Passed { said, checks }) => {
                self.passed += checks;
                println!("ok      {:<11} {took:>7}  {said}", step.name);
            }
            Ok(Done::LeftOut { why }) => {
                self.left_out += 1;
                println!("skipped {:<11} {took:>7}  {why}", step.name);
            }
            Err(failure) => {
                self.failed += 1;
                println!("FAILED  {:<11} {took:>7}  {failure}", step.name);
            }
        }
    }

    fn conclude(self) -> Result<(), Failure> {
        let Self {
            passed,
            failed,
            left_out,
        } = self;
        if left_out > 0 {
            println!("{left_out} step(s) skipped, each with its reason above");
        }
        println!("{passed} passed, {failed} failed");
        if failed == 0 {
            Ok(())
        } else {
            Err(Failure::new(format!("{failed} step(s) failed")))
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock of the chores: it measures how long a step takes"
)]
fn stopwatch() -> Instant {
    Instant::now()
}
