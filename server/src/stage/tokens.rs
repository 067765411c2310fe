//! Operator tokens: `sealift_ID.SECRET`, of which the inventory keeps the id and the SHA-256 of the secret.

use super::{Stage, StageError};
use crate::ambient::Entropy;
use crate::db::{DbError, Inventory, TokenRow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sealift_wire::{ProblemKind, Scope};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const PREFIX: &str = "sealift_";
const SECRET_BYTES: usize = 32;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 256;

/// A token that was just made. Its text is shown once and kept nowhere.
pub struct NewToken {
    /// Public part, for `list` and `revoke`.
    pub id: String,
    /// The whole token.
    pub text: Zeroizing<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl NewToken {
    /// Makes a token and records it.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn create(
        db: &dyn Inventory,
        entropy: &Entropy,
        name: &str,
        scopes: &[Scope],
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, DbError> {
        let id = hex::encode(entropy.bytes::<8>());
        let secret = Zeroizing::new(entropy.bytes::<SECRET_BYTES>());
        let expires_at = now + lifetime;
        let mut scopes: Vec<_> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
        scopes.sort();
        scopes.dedup();
        db.insert_token(&TokenRow {
            id: id.clone(),
            name: name.to_owned(),
            hash: Sha256::digest(*secret).into(),
            scopes,
            created_at: now,
            expires_at,
            revoked_at: None,
        })
        .await?;
        let text = Zeroizing::new(format!("{PREFIX}{id}.{}", URL_SAFE_NO_PAD.encode(*secret)));
        Ok(Self { id, text, expires_at })
    }
}

impl Stage {
    /// Lets the holder of `token` do what needs `scope`; returns the token's id.
    ///
    /// # Errors
    /// `unauthenticated` for a token that is not good, without saying why; `missing-scope` for one that is.
    pub async fn authorise(&self, token: &str, scope: Scope, now: Timestamp) -> Result<String, StageError> {
        let refuse = || {
            StageError::refused(
                ProblemKind::Unauthenticated,
                "the token is unknown, expired or revoked",
            )
            .advise("make one with `sealift-server token create`")
        };
        let (id, secret) = parts(token).ok_or_else(refuse)?;
        let row = self.db.token(id).await?.ok_or_else(refuse)?;
        let hash: [u8; 32] = Sha256::digest(*secret).into();
        let same = bool::from(hash.ct_eq(&row.hash));
        if !same || row.revoked_at.is_some() || now >= row.expires_at {
            return Err(refuse());
        }
        if !row.scopes.iter().any(|held| held == scope.name()) {
            let detail = format!("the token `{}` lacks the scope {scope}", row.name);
            return Err(StageError::refused(ProblemKind::MissingScope, detail));
        }
        Ok(row.id)
    }
}

fn parts(token: &str) -> Option<(&str, Zeroizing<[u8; SECRET_BYTES]>)> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('.')?;
    let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret).ok()?);
    let secret: [u8; SECRET_BYTES] = decoded.as_slice().try_into().ok()?;
    Some((id, Zeroizing::new(secret)))
}
