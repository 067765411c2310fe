//! Arguments of `sealift-server`.

use clap::{Parser, Subcommand};
use sealift_wire::Scope;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0   stopped on request, or the command succeeded
  2   wrong arguments
  64  the configuration cannot be used: a foreign field, a bad value, missing key or TLS material
  69  an address cannot be bound (port in use), or the store or database does not answer
  70  the server failed
  74  a local file cannot be read or written
  78  a key is configured that must not be here: one of the Image repository's root or targets
      role, or a public demonstration key without `demo = true`";

/// The Director and the download server.
#[derive(Debug, Parser)]
#[command(name = "sealift-server", version, about, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Configuration file; without it everything lies under ./sealift-data
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Write the bound addresses to this file, as JSON, once every listener is open
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, list and revoke operator tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

/// Operator tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once
    Create {
        /// Whose it is
        #[arg(long)]
        name: String,
        /// What it may do: vehicles:read, vehicles:write, assignments:write, repository:refresh; may be repeated
        #[arg(long = "scope", required = true, value_parser = scope, value_delimiter = ',')]
        scopes: Vec<Scope>,
        /// Days until it expires
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires: u32,
    },
    /// List tokens; never their secrets
    List,
    /// Revoke a token by its id
    Revoke {
        /// The id that `list` shows
        id: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        format!("there is no such scope; use one of {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn scopes_may_be_repeated_or_listed() {
        let parse = |args: &[&str]| Arguments::try_parse_from(args).map(|a| a.command);
        let line = [
            "sealift-server",
            "token",
            "create",
            "--name",
            "ci",
            "--scope",
            "vehicles:read,vehicles:write",
            "--scope",
            "assignments:write",
            "--expires",
            "30",
        ];
        let Ok(Some(Command::Token(TokenCommand::Create { scopes, expires, .. }))) = parse(&line) else {
            panic!("not parsed")
        };
        assert_eq!((scopes.len(), expires), (3, 30));
        assert!(
            parse(&[
                "sealift-server",
                "token",
                "create",
                "--name",
                "x",
                "--scope",
                "root"
            ])
            .is_err()
        );
    }
}
