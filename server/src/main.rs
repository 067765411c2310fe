//! `sealift-server`: makes the real clock and the real generator, and says how it ended.

use clap::Parser;
use sealift_server::ambient::{Clock, Entropy};
use sealift_server::cli::Arguments;
use sealift_server::run;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the real clock is made"
    )]
    let clock = Clock::new(jiff::Timestamp::now);
    let entropy = Entropy::new(rand_core::UnwrapErr(getrandom::SysRng));
    match run::main(arguments, clock, entropy) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sealift-server: {}", failure.chain());
            if let Some(next) = failure.next() {
                eprintln!("  next: {next}");
            }
            ExitCode::from(failure.code().number())
        }
    }
}
