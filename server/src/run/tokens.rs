//! `sealift-server token …`

use super::compose;
use crate::ambient::{Clock, Entropy};
use crate::cli::TokenCommand;
use crate::config::Config;
use crate::db::{DbError, Inventory, SqliteInventory};
use crate::exit::{Code, Failure};
use crate::stage::NewToken;
use jiff::SignedDuration;

/// Runs one command on the inventory; it need not be stopped for it.
pub(crate) async fn run(
    config: &Config,
    command: TokenCommand,
    clock: &Clock,
    entropy: &Entropy,
) -> Result<(), Failure> {
    let db = compose::database(config).await?;
    let done = act(&db, command, clock, entropy).await;
    db.close().await;
    done
}

async fn act(
    db: &SqliteInventory,
    command: TokenCommand,
    clock: &Clock,
    entropy: &Entropy,
) -> Result<(), Failure> {
    let failed = |error: DbError| Failure::new(Code::Unavailable, "the inventory failed").because(error);
    match command {
        TokenCommand::Create {
            name,
            scopes,
            expires,
        } => {
            let lifetime = SignedDuration::from_hours(24 * i64::from(expires));
            let token = NewToken::create(db, entropy, &name, &scopes, lifetime, clock.now())
                .await
                .map_err(failed)?;
            // The token alone on standard output, so that `TOKEN=$(…)` works.
            println!("{}", token.text.as_str());
            eprintln!(
                "token {} for {name}, until {}; it is not shown again",
                token.id, token.expires_at
            );
        }
        TokenCommand::List => {
            for token in db.tokens().await.map_err(failed)? {
                let state = if token.revoked_at.is_some() {
                    "revoked"
                } else if clock.now() >= token.expires_at {
                    "expired"
                } else {
                    "active"
                };
                println!(
                    "{}  {state:<8} until {}  {}  {}",
                    token.id,
                    token.expires_at,
                    token.scopes.join(","),
                    token.name
                );
            }
        }
        TokenCommand::Revoke { id } => {
            if !db.revoke_token(&id, clock.now()).await.map_err(failed)? {
                let text = format!("there is no token {id}; see `sealift-server token list`");
                return Err(Failure::new(Code::Config, text));
            }
            eprintln!("token {id} is revoked");
        }
    }
    Ok(())
}
