//! `sealift-vehicle`: makes the real clock and generator, and runs the program.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use sealift_vehicle::program::{Arguments, SystemWorld, run};

#[expect(
    clippy::disallowed_methods,
    reason = "the real clock is made here and nowhere else"
)]
#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let world = SystemWorld::new(Instant::now(), jiff::Timestamp::now);
    run(Arguments::parse(), &world).await
}
