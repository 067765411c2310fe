//! The program `sealift-vehicle`: arguments, real surroundings, cycles, exit status.

use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::backoff::Backoff;
use crate::cycle::{OpenError, Outcome, Surroundings, Vehicle};
use crate::error::CycleError;
use crate::events::Observer;
use crate::http::HttpFetch;
use crate::installer::FileInstaller;
use crate::keys::DemoKeys;
use crate::layout::Layout;
use crate::lock::LockError;
use crate::transport::Policy;
use crate::world::World;

mod listeners;
mod surroundings;

pub use listeners::{JsonLines, Progress};
pub use surroundings::SystemWorld;

const EXIT_CODES: &str = "\
Exit status:
   0  up to date, or installed
   1  the program itself could not start
   2  wrong arguments
  10  update refused; the attack code is printed and goes into the next report
  11  the server could not be reached or could not answer
  12  local state, keys or provisioning cannot be used, or the disk is full
  13  busy: another process works on this directory
  14  the server refused this vehicle or its report
  15  the installer could not take the image; the previous one is untouched";

/// Keeps one vehicle's ECUs up to date: verifies both repositories, downloads, opens, installs, reports.
#[derive(Debug, Parser)]
#[command(name = "sealift-vehicle", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// The provisioned directory (see `sealift vehicle provision`).
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// Run one update cycle and exit (the default).
    #[arg(long, conflicts_with = "poll")]
    once: bool,

    /// Run update cycles for ever, this many seconds apart; longer after failures.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    poll: Option<u64>,

    /// Print events to standard output, one JSON object a line.
    #[arg(long)]
    json: bool,

    /// Accept the published demonstration keys. Everyone has them: never on a real vehicle.
    #[arg(long)]
    demo: bool,
}

/// Runs the program in `world`; `main` supplies the real one.
pub async fn run(arguments: Arguments, world: &dyn World) -> ExitCode {
    let observer: Box<dyn Observer> = if arguments.json {
        Box::new(JsonLines)
    } else {
        Box::new(Progress::new(std::io::stderr().is_terminal()))
    };
    let layout = Layout::new(&arguments.dir);
    let demo = if arguments.demo {
        DemoKeys::Accept
    } else {
        DemoKeys::Refuse
    };
    let vehicle = match Vehicle::open(layout.clone(), demo) {
        Ok(vehicle) => vehicle,
        Err(error) => {
            complain(&error);
            return ExitCode::from(match error {
                OpenError::Lock(LockError::Busy) => 13,
                _ => 12,
            });
        }
    };
    let fetch = match HttpFetch::provisioned(&vehicle.provisioned().server_url, &layout) {
        Ok(fetch) => fetch,
        Err(error) => {
            complain(&error);
            return ExitCode::from(12);
        }
    };
    let installer = FileInstaller::new(layout);
    let surroundings = Surroundings {
        fetch: &fetch,
        world,
        observer: observer.as_ref(),
        installer: &installer,
        policy: Policy::default(),
    };
    match arguments.poll {
        Some(seconds) => poll(&vehicle, surroundings, Duration::from_secs(seconds)).await,
        None => status(&vehicle.cycle(surroundings).await),
    }
}

/// Never returns but by a signal: each cycle starts from what is on disk, so there is nothing to clean up.
async fn poll(vehicle: &Vehicle, surroundings: Surroundings<'_>, every: Duration) -> ExitCode {
    let mut failures = 0_u32;
    loop {
        let ended = vehicle.cycle(surroundings).await;
        let _ = status(&ended);
        let wait = match &ended {
            Ok(_) => {
                failures = 0;
                Backoff {
                    first: every,
                    longest: every,
                }
                .delay(0, surroundings.world.random(), None)
            }
            Err(error) => {
                let longest = every.max(Duration::from_secs(3600));
                let wait = Backoff {
                    first: every,
                    longest,
                }
                .delay(failures, surroundings.world.random(), error.retry_after());
                failures = failures.saturating_add(1);
                wait
            }
        };
        surroundings.world.sleep(wait).await;
    }
}

fn status(ended: &Result<Outcome, CycleError>) -> ExitCode {
    match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// The chain of causes, once, at the edge.
fn complain(error: &dyn Error) {
    let mut text = format!("sealift-vehicle: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    eprintln!("{text}");
}
