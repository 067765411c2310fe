//! `sealift`: seal, sign, publish, and look after vehicles from a terminal or a pipeline.
//!
//! The real clock and the real generator are made here and nowhere else; every command receives them.

use std::process::ExitCode;

use clap::Parser;
use sealift_cli::{Cli, Fault, World};

fn main() -> ExitCode {
    // The parser repeats what it cannot take, and a key in PEM begins like an option.
    if std::env::args_os().any(|word| word.to_string_lossy().contains("PRIVATE KEY-----")) {
        eprintln!(
            "error: a private key stands on the command line; take it for known to others\n  \
             next: put keys into files, or into variables and write env:NAME"
        );
        return ExitCode::from(2);
    }
    let cli = Cli::parse();
    sealift_cli::speak(&cli);
    sealift_cli::watch();
    tracing_subscriber::fmt()
        .with_writer(|| sealift_cli::Log)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_level(false)
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .init();
    #[expect(clippy::disallowed_methods, reason = "the one reading of the real clock")]
    let now = jiff::Timestamp::now();
    let mut world = World::new(&cli, now, rand_core::UnwrapErr(getrandom::SysRng));
    let Err(failure) = sealift_cli::run(cli, &mut world) else {
        return ExitCode::SUCCESS;
    };
    sealift_cli::report(&world, &failure);
    ExitCode::from(match failure.fault() {
        Fault::Other => 1,
        Fault::Usage => 2,
        Fault::Refused => 3,
        Fault::Key => 4,
        Fault::NotFound => 5,
        Fault::Conflict => 6,
        Fault::Unavailable => 7,
        Fault::Denied => 8,
        Fault::DemoKey => 9,
        Fault::Partial => 10,
        Fault::Incomplete => 11,
        Fault::Attention => 12,
        Fault::LocalIo => 74,
    })
}
