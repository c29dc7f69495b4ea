//! Tokens: who may ask. Only a hash of each is kept.

use domain::agent::{Principal, Role};
use domain::time::Time;
use serde::{Deserialize, Serialize};

use crate::Arg::{Int, MaybeText, Text};
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO token (id, hash, principal, role, kinds, created_at, created_by, expires_at, root, claim_id, metered)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    FIND = "SELECT id, hash, principal, role, kinds, created_at, created_by, expires_at, revoked_at, root, claim_id, metered
              FROM token WHERE id = $1";
    LIST = "SELECT id, hash, principal, role, kinds, created_at, created_by, expires_at, revoked_at, root, claim_id, metered
              FROM token WHERE id > $1 ORDER BY id LIMIT $2";
    LIST_IN_FORCE = "SELECT id, hash, principal, role, kinds, created_at, created_by, expires_at, revoked_at, root, claim_id, metered
              FROM token WHERE id > $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY id LIMIT $3";
    REVOKE = "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    REVOKE_OF_CLAIM = "UPDATE token SET revoked_at = $2 WHERE claim_id = $1 AND revoked_at IS NULL";
    ANY = "SELECT id FROM token WHERE principal <> $1 AND principal <> $2 LIMIT 1";
    FORGET = "DELETE FROM token WHERE id IN (
                SELECT id FROM token WHERE (principal IN ($2, $3) OR claim_id IS NOT NULL)
                   AND (expires_at < $1 OR revoked_at < $1)
                 ORDER BY id LIMIT 500)";
}

/// A token as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Token {
    /// Its public id.
    pub id: String,
    /// The hash of its text; never shown.
    #[serde(skip)]
    pub hash: String,
    /// Whom it stands for.
    pub principal: String,
    /// In what role.
    pub role: String,
    /// The kinds of job it is limited to, comma-separated; empty for all.
    pub kinds: String,
    /// When it was made.
    pub created_at: i64,
    /// By whom.
    pub created_by: String,
    /// Until when it is good.
    pub expires_at: i64,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// The token that an operator made and from which it comes: itself, unless it was made for one claim.
    pub root: String,
    /// The claim for which alone it is good.
    pub claim_id: Option<String>,
    /// 1 where somebody else meters what is spent under it, which it may not say itself.
    #[serde(default)]
    pub metered: i64,
}

impl Token {
    /// Whom the token stands for.
    pub fn principal(&self) -> Result<Principal, Fault> {
        let role = Role::parse(&self.role).map_err(|_| Fault::Corrupt {
            table: "token",
            column: "role",
            id: self.id.clone(),
        })?;
        let kinds = self.kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
        let lineage = if self.root.is_empty() { self.id.clone() } else { self.root.clone() };
        let (name, token, claim) = (self.principal.clone(), self.id.clone(), self.claim_id.clone());
        Ok(Principal { name, role, kinds, token, lineage, claim, metered: self.metered != 0 })
    }
}

/// Remembers a token.
pub async fn add(tx: &mut Tx, token: &Token) -> Result<(), Fault> {
    let args = [
        Text(&token.id),
        Text(&token.hash),
        Text(&token.principal),
        Text(&token.role),
        Text(&token.kinds),
        Int(token.created_at),
        Text(&token.created_by),
        Int(token.expires_at),
        Text(&token.root),
        MaybeText(token.claim_id.as_deref()),
        Int(token.metered),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// The token with this public id.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Token>, Fault> {
    tx.one(FIND, &[Text(id)]).await
}

/// Tokens after this id, in order of their making.
pub async fn list(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Token>, Fault> {
    tx.all(LIST, &[Text(after), Int(limit)]).await
}

/// The same without those that are revoked or have expired.
pub async fn list_in_force(tx: &mut Tx, after: &str, now: Time, limit: i64) -> Result<Vec<Token>, Fault> {
    tx.all(LIST_IN_FORCE, &[Text(after), Int(now.0), Int(limit)]).await
}

/// Revokes a token; false when there is none or it was revoked before.
pub async fn revoke(tx: &mut Tx, id: &str, now: Time) -> Result<bool, Fault> {
    Ok(tx.run(REVOKE, &[Text(id), Int(now.0)]).await? == 1)
}

/// Revokes what was made for one claim.
pub async fn revoke_of_claim(tx: &mut Tx, claim_id: &str, now: Time) -> Result<(), Fault> {
    tx.run(REVOKE_OF_CLAIM, &[Text(claim_id), Int(now.0)]).await.map(drop)
}

/// Whether any token was ever made, but for those of two principals.
pub async fn any(tx: &mut Tx, but_for: [&str; 2]) -> Result<bool, Fault> {
    Ok(tx.one::<(String,)>(ANY, &but_for.map(Text)).await?.is_some())
}

/// Forgets up to 500 tokens of two principals, or of single claims, that ended before `then`; returns how many. Those of
/// others are few, and say who could ever come in.
pub async fn forget(tx: &mut Tx, of: [&str; 2], then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0), Text(of[0]), Text(of[1])]).await
}
