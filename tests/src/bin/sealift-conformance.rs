//! The client under test of the TUF project's conformance suite.

use std::process::ExitCode;

use clap::Parser;
use sealift_metadata::TrustedTime;
use sealift_metadata::time::TimeSource;
use sealift_tests::conformance::{Arguments, Failure, run};

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where this program reads the clock"
)]
fn main() -> ExitCode {
    let now = TrustedTime::new(jiff::Timestamp::now(), TimeSource::SystemClock);
    match start(Arguments::parse(), now) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut cause: Option<&dyn std::error::Error> = Some(failure.as_ref());
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments, now: TrustedTime) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(arguments, now))
}
