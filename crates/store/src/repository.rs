//! The repository that issues are mirrored to, as it was last seen, and the names that our labels have there.

use domain::label::{Names, Role};
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "name, id, login, polled_at, next_at, rest_until, last_error, failures, moved_to, also"
    };
}

statements! {
    ADD = concat!("INSERT INTO repository (", columns!(), ") VALUES ($1, '', '', 0, 0, 0, '', 0, '', '[]')
            ON CONFLICT (name) DO NOTHING");
    FIND = concat!("SELECT ", columns!(), " FROM repository WHERE name = $1");
    BY_ID = concat!("SELECT ", columns!(), " FROM repository WHERE id = $1 AND name <> $2 ORDER BY polled_at DESC LIMIT 1");
    // Whoever moves the time polls.
    DUE = "UPDATE repository SET next_at = $3 WHERE name = $1 AND next_at <= $2 AND rest_until <= $2";
    IS_DUE = "SELECT name FROM repository WHERE name = $1 AND next_at <= $2";
    HURRY = "UPDATE repository SET next_at = 0 WHERE name = $1";
    SEEN = "UPDATE repository SET id = $2, login = $3, last_error = '', moved_to = '' WHERE name = $1";
    ALSO = "UPDATE repository SET also = $2 WHERE name = $1";
    POLLED = "UPDATE repository SET polled_at = $2, last_error = '', failures = 0 WHERE name = $1";
    LAST_POLLED = "SELECT MAX(polled_at) FROM repository WHERE polled_at > 0";
    FAILED = "UPDATE repository SET last_error = $2, rest_until = $3, rest_said = $4, failures = failures + 1 WHERE name = $1";
    TRY_AGAIN = "UPDATE repository SET rest_until = 0, next_at = 0 WHERE name = $1 AND rest_said = 0 AND rest_until > 0";
    MOVED = "UPDATE repository SET moved_to = $2, last_error = $3 WHERE name = $1";
    LABELS = "SELECT role, id, name, configured FROM repository_label WHERE repo = $1 ORDER BY role";
    PUT_LABEL = "INSERT INTO repository_label (repo, role, id, name, configured) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (repo, role) DO UPDATE SET id = $3, name = $4, configured = $5";
    FORGET_LABEL = "DELETE FROM repository_label WHERE repo = $1 AND role = $2";
    FOLLOW_LABELS = "UPDATE repository_label SET repo = $2 WHERE repo = $1";
    REMOVE = "DELETE FROM repository WHERE name = $1";
}

/// A repository as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Repository {
    /// Its configured name.
    pub name: String,
    /// Its id; empty before it was first seen.
    pub id: String,
    /// Who we are there.
    pub login: String,
    /// When the last poll that read everything began; 0 for none.
    pub polled_at: i64,
    /// When the next one is due.
    pub next_at: i64,
    /// Nothing is asked of it until then.
    pub rest_until: i64,
    /// What last went wrong; empty when nothing did.
    pub last_error: String,
    /// How often in a row it failed.
    pub failures: i64,
    /// Its name now, where it moved; empty where it did not.
    pub moved_to: String,
    /// The files by which another bot acts on our label, as a JSON list.
    pub also: String,
}

/// The repository of this name; made where it was never seen.
pub async fn held(tx: &mut Tx, name: &str) -> Result<Repository, Fault> {
    tx.run(ADD, &[Text(name)]).await?;
    find(tx, name).await?.ok_or(Fault::Conflict)
}

/// The repository of this name, to look at.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Repository>, Fault> {
    tx.one(FIND, &[Text(name)]).await
}

/// Another name under which the repository of this id was seen, the last one.
pub async fn elsewhere(tx: &mut Tx, id: &str, name: &str) -> Result<Option<Repository>, Fault> {
    tx.one(BY_ID, &[Text(id), Text(name)]).await
}

/// Takes the next poll, if it is due: nobody else polls before `next`.
pub async fn due(tx: &mut Tx, name: &str, next: Time) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.run(DUE, &[Text(name), Int(now.0), Int(next.0)]).await? == 1)
}

/// Whether a poll is due.
pub async fn is_due(tx: &mut Tx, name: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.one::<(String,)>(IS_DUE, &[Text(name), Int(now.0)]).await?.is_some())
}

/// Lets the next poll be due at once.
pub async fn hurry(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    tx.run(HURRY, &[Text(name)]).await.map(drop)
}

/// Remembers what a repository says of itself.
pub async fn seen(tx: &mut Tx, name: &str, id: &str, login: &str) -> Result<(), Fault> {
    tx.run(SEEN, &[Text(name), Text(id), Text(login)]).await.map(drop)
}

/// Remembers the files by which another bot acts on our label, as a JSON list.
pub async fn also(tx: &mut Tx, name: &str, files: &str) -> Result<(), Fault> {
    tx.run(ALSO, &[Text(name), Text(files)]).await.map(drop)
}

/// Remembers that everything was read, in a poll that began at `began`.
pub async fn polled(tx: &mut Tx, name: &str, began: Time) -> Result<(), Fault> {
    tx.run(POLLED, &[Text(name), Int(began.0)]).await.map(drop)
}

/// When a repository was last read in full; none when none ever was.
pub async fn last_polled(tx: &mut Tx) -> Result<Option<Time>, Fault> {
    let last: Option<(Option<i64>,)> = tx.one(LAST_POLLED, &[]).await?;
    Ok(last.and_then(|(at,)| at).map(Time))
}

/// Remembers what went wrong, and leaves the repository in peace until `rest`; `said` tells whether the forge asked for it.
pub async fn failed(tx: &mut Tx, name: &str, why: &str, rest: Time, said: bool) -> Result<(), Fault> {
    tx.run(FAILED, &[Text(name), Text(why), Int(rest.0), Int(i64::from(said))]).await.map(drop)
}

/// Leaves the repository in peace no longer, unless the forge asked for it.
pub async fn try_again(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    tx.run(TRY_AGAIN, &[Text(name)]).await.map(drop)
}

/// Remembers that the repository is elsewhere, or that another stands in its place.
pub async fn moved(tx: &mut Tx, name: &str, to: &str, why: &str) -> Result<(), Fault> {
    tx.run(MOVED, &[Text(name), Text(to), Text(why)]).await.map(drop)
}

/// Follows a repository from one name to another: its labels and issues are those of the new name.
pub async fn follow(tx: &mut Tx, from: &str, to: &str) -> Result<(), Fault> {
    tx.run(FOLLOW_LABELS, &[Text(from), Text(to)]).await?;
    crate::issue::follow(tx, from, to).await?;
    tx.run(REMOVE, &[Text(from)]).await.map(drop)
}

/// A label of ours as it is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What it is for.
    pub role: Role,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The names of our labels there, as far as they are known; one that was found under another name than is configured now
/// is not.
pub async fn labels(tx: &mut Tx, repo: &str, configured: &Names) -> Result<Vec<Label>, Fault> {
    let rows: Vec<(String, String, String, String)> = tx.all(LABELS, &[Text(repo)]).await?;
    let known = |(role, id, name, under): (String, String, String, String)| {
        let role = Role::ALL.into_iter().find(|known| known.key() == role)?;
        (under == configured.of(role)).then_some(Label { role, id, name })
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Remembers a label, and under which configured name it was found.
pub async fn put_label(tx: &mut Tx, repo: &str, label: &Label, configured: &Names) -> Result<(), Fault> {
    let under = configured.of(label.role);
    let args = [Text(repo), Text(label.role.key()), Text(&label.id), Text(&label.name), Text(under)];
    tx.run(PUT_LABEL, &args).await.map(drop)
}

/// Forgets a label that is not there any more.
pub async fn forget_label(tx: &mut Tx, repo: &str, role: Role) -> Result<(), Fault> {
    tx.run(FORGET_LABEL, &[Text(repo), Text(role.key())]).await.map(drop)
}
