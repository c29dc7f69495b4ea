//! People who are signed in to the page, as rows. Only a digest of what their cookie holds is kept.

use domain::time::Time;

use crate::Arg::{Int, Text};
use crate::agent::Token;
use crate::{Fault, Tx};

statements! {
    ADD = "INSERT INTO session (id, token, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    TOKEN_OF = "SELECT token.id, hash, principal, role, kinds, token.created_at, created_by, token.expires_at, revoked_at, root,
                       claim_id, metered
                  FROM session JOIN token ON token.id = session.token
                 WHERE session.id = $1 AND session.expires_at > $2 AND token.expires_at > $2 AND revoked_at IS NULL";
    REMOVE = "DELETE FROM session WHERE id = $1";
    FORGET = "DELETE FROM session WHERE expires_at < $1 AND id IN (
                SELECT id FROM session WHERE expires_at < $1 ORDER BY expires_at, id LIMIT 500)";
}

/// Remembers that whoever shows a secret with this digest is who a token stands for, until a moment.
pub async fn add(tx: &mut Tx, id: &str, token: &str, until: Time) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(ADD, &[Text(id), Text(token), Int(now.0), Int(until.0)]).await.map(drop)
}

/// The token by which somebody is signed in now; none where neither they nor their token are good any more.
pub async fn token_of(tx: &mut Tx, id: &str) -> Result<Option<Token>, Fault> {
    let now = tx.now();
    tx.one(TOKEN_OF, &[Text(id), Int(now.0)]).await
}

/// Signs somebody out; false when they were not in.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    Ok(tx.run(REMOVE, &[Text(id)]).await? == 1)
}

/// Forgets up to 500 of those that ended before `then`; returns how many.
pub async fn forget(tx: &mut Tx, then: Time) -> Result<u64, Fault> {
    tx.run(FORGET, &[Int(then.0)]).await
}
