//! The tree of commands.

mod ca;
mod director;
mod draft;
mod image;
mod kek;
mod key;
mod repo;
mod root;
mod target;
mod vehicle;

use clap::{Parser, Subcommand};

use crate::World;
use crate::failure::Failure;

const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   failed for a reason not listed here
  2   wrong usage
  3   input refused: bad format or failed verification
  4   key or passphrase problem
  5   not found
  6   conflict: exists already, or changed meanwhile
  7   store or server unavailable
  8   not permitted
  9   demonstration key without --demo
  10  a part was done, the rest failed for several reasons
  11  signatures are missing: have more people sign, then run the command again
  12  nothing fails yet, and something needs attention (repo check)
  74  local disk, pipe or terminal failed
  130, 143  interrupted by SIGINT, SIGTERM; unfinished files are removed";

/// Seal, sign and publish over-the-air updates.
///
/// Images are sealed on this machine, signed into a TUF/Uptane repository in an object store, and assigned to
/// vehicles through the server. Start with `sealift key generate`, `sealift repo init` and `sealift target add`.
#[derive(Debug, Parser)]
#[command(name = "sealift", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// Print results as JSON on stdout, failures and remarks as JSON lines on stderr
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,

    /// Nothing on stderr but warnings and failures; the result on stdout remains
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,

    /// Accept the public demonstration keys (their private halves are known to everyone)
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) demo: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make and look at key pairs
    #[command(subcommand)]
    Key(key::Command),
    /// Seal, open and inspect single images
    #[command(subcommand)]
    Image(image::Command),
    /// Make, publish, refresh and check an Image repository
    #[command(subcommand)]
    Repo(repo::Command),
    /// Add, remove and list the images of a repository
    #[command(subcommand)]
    Target(target::Command),
    /// Make, rotate and revoke the keys of a repository, and have people sign that
    #[command(subcommand)]
    Root(root::Command),
    /// Have people sign a list of targets, in any order, on any machines
    #[command(subcommand)]
    Draft(draft::Command),
    /// Prepare the Director's own root and online keys
    #[command(subcommand)]
    Director(director::Command),
    /// Make, list and rotate the Director's key-encryption keys
    #[command(subcommand)]
    Kek(kek::Command),
    /// Register, provision and assign vehicles through the server's operator API
    #[command(subcommand)]
    Vehicle(vehicle::Command),
    /// Make the certificates of a small or test set-up
    #[command(subcommand)]
    Ca(ca::Command),
}

/// Runs one command.
///
/// # Errors
/// Whatever made the command fail, in a form to be told to the user.
pub fn run(cli: Cli, world: &mut World) -> Result<(), Failure> {
    match cli.command {
        Command::Key(command) => command.run(world),
        Command::Image(command) => command.run(world),
        Command::Repo(command) => command.run(world),
        Command::Target(command) => command.run(world),
        Command::Root(command) => command.run(world),
        Command::Draft(command) => command.run(world),
        Command::Director(command) => command.run(world),
        Command::Kek(command) => command.run(world),
        Command::Vehicle(command) => command.run(world),
        Command::Ca(command) => command.run(world),
    }
}

/// Runs the asynchronous part of a command.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start the runtime", error))?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_tree_of_commands_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
