//! Kill switches as rows: what is in the table is switched off.

use domain::switch::Scope;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    PUT = "INSERT INTO switch (scope, by, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT (scope) DO NOTHING";
    REMOVE = "DELETE FROM switch WHERE scope = $1";
    ALL = "SELECT scope, by, reason, at FROM switch ORDER BY scope LIMIT $1";
}

/// How many switches there may be: more scopes than that are one.
pub const SWITCHES_MAX: i64 = 200;

/// Something that is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Off {
    /// What.
    pub scope: String,
    /// Who switched it off.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: i64,
}

impl Off {
    /// What is switched off.
    pub fn scope(&self) -> Result<Scope, Fault> {
        let corrupt = || Fault::Corrupt { table: "switch", column: "scope", id: self.scope.clone() };
        Scope::parse(&self.scope).map_err(|_| corrupt())
    }
}

/// Switches something off; false when it was off before.
pub async fn put(tx: &mut Tx, scope: &Scope, by: &str, reason: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(PUT, &[Text(&scope.to_string()), Text(by), Text(reason), Int(now.0)]).await? == 1)
}

/// Switches something on again; false when it was on.
pub async fn remove(tx: &mut Tx, scope: &Scope) -> Result<bool, Fault> {
    Ok(tx.run(REMOVE, &[Text(&scope.to_string())]).await? == 1)
}

/// Everything that is switched off.
pub async fn all(tx: &mut Tx) -> Result<Vec<Off>, Fault> {
    tx.all(ALL, &[Int(SWITCHES_MAX)]).await
}

/// What covers a job of a kind that works on a repository, if anything does. One that cannot be read covers everything.
pub async fn covering(tx: &mut Tx, kind: &str, repo: Option<&str>) -> Result<Option<(Scope, Off)>, Fault> {
    for off in all(tx).await? {
        let scope = off.scope()?;
        if scope.covers(kind, repo) {
            return Ok(Some((scope, off)));
        }
    }
    Ok(None)
}
