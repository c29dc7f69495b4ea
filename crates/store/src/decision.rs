//! Questions of agents to people as rows.

use domain::decision::{Decision, State};
use domain::time::Time;

use crate::Arg::{Int, MaybeInt, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, job, pull, principal, question, options, asked_at, expires_at, state, option, by, at"
    };
}

statements! {
    ADD = concat!("INSERT INTO decision (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    WRITE = "UPDATE decision SET state = $2, option = $3, by = $4, at = $5 WHERE id = $1 AND state = 'open'";
    SET_KEY = "UPDATE decision SET key = $2 WHERE id = $1";
    KEY = "SELECT key FROM decision WHERE id = $1";
    LOAD = concat!("SELECT ", columns!(), " FROM decision WHERE id = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM decision WHERE id = $1");
    EXPIRED = concat!("SELECT ", columns!(), " FROM decision WHERE state = 'open' AND expires_at <= $1
                 ORDER BY expires_at, id LIMIT 50 FOR UPDATE SKIP LOCKED");
    OF_JOB = concat!("SELECT ", columns!(), " FROM decision WHERE job = $1 ORDER BY asked_at DESC, id DESC LIMIT $2");
    OF_PULL = concat!("SELECT ", columns!(), " FROM decision WHERE pull = $1 ORDER BY asked_at DESC, id DESC LIMIT $2");
    OPEN = concat!("SELECT ", columns!(), " FROM decision WHERE state = 'open' AND (expires_at, id) > ($1, $2)
              ORDER BY expires_at, id LIMIT $3");
    ALL = concat!("SELECT ", columns!(), " FROM decision WHERE asked_at <= $1 AND (asked_at < $1 OR (asked_at = $1 AND id > $2))
              ORDER BY asked_at DESC, id LIMIT $3");
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    job: String,
    pull: Option<String>,
    principal: String,
    question: String,
    options: String,
    asked_at: i64,
    expires_at: i64,
    state: String,
    option: Option<i64>,
    by: Option<String>,
    at: Option<i64>,
}

impl TryFrom<Row> for Decision {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column| Fault::Corrupt { table: "decision", column, id: row.id.clone() };
        let state = match (row.state.as_str(), row.option, row.by, row.at) {
            ("open", None, None, None) => State::Open,
            ("answered", Some(option), Some(by), Some(at)) => State::Answered { option, by, at: Time(at) },
            ("expired", None, None, None) => State::Expired,
            _ => return Err(corrupt("state")),
        };
        Ok(Self {
            options: serde_json::from_str(&row.options).map_err(|_| corrupt("options"))?,
            id: row.id,
            job: row.job,
            pull: row.pull,
            principal: row.principal,
            question: row.question,
            asked_at: Time(row.asked_at),
            expires_at: Time(row.expires_at),
            state,
        })
    }
}

fn answer(state: &State) -> (&'static str, Option<i64>, Option<&str>, Option<i64>) {
    match state {
        State::Open => ("open", None, None, None),
        State::Answered { option, by, at } => ("answered", Some(*option), Some(by), Some(at.0)),
        State::Expired => ("expired", None, None, None),
    }
}

/// Adds a question.
pub async fn add(tx: &mut Tx, decision: &Decision) -> Result<(), Fault> {
    let options = serde_json::json!(decision.options).to_string();
    let (state, option, by, at) = answer(&decision.state);
    let args = [
        Text(&decision.id),
        Text(&decision.job),
        MaybeText(decision.pull.as_deref()),
        Text(&decision.principal),
        Text(&decision.question),
        Text(&options),
        Int(decision.asked_at.0),
        Int(decision.expires_at.0),
        Text(state),
        MaybeInt(option),
        MaybeText(by),
        MaybeInt(at),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// Remembers the digest of the key that opens a question by its link.
pub async fn set_key(tx: &mut Tx, id: &str, digest: &str) -> Result<(), Fault> {
    tx.run(SET_KEY, &[Text(id), Text(digest)]).await.map(drop)
}

/// The digest of the key that opens a question by its link; none where there is no such question, or no link.
pub async fn key(tx: &mut Tx, id: &str) -> Result<Option<String>, Fault> {
    Ok(tx.one::<(Option<String>,)>(KEY, &[Text(id)]).await?.and_then(|(key,)| key))
}

/// Writes how a question that stood open stands now.
pub async fn write(tx: &mut Tx, decision: &Decision) -> Result<(), Fault> {
    let (state, option, by, at) = answer(&decision.state);
    let args = [Text(&decision.id), Text(state), MaybeInt(option), MaybeText(by), MaybeInt(at)];
    crate::guarded(tx.run(WRITE, &args).await?)
}

/// A question, held still for this transaction.
pub async fn load(tx: &mut Tx, id: &str) -> Result<Option<Decision>, Fault> {
    tx.one::<Row>(LOAD, &[Text(id)]).await?.map(Decision::try_from).transpose()
}

/// A question, as it stands.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Decision>, Fault> {
    tx.one::<Row>(FIND, &[Text(id)]).await?.map(Decision::try_from).transpose()
}

/// Up to 50 whose time is up and that nobody answered, held still for this transaction.
pub async fn expired(tx: &mut Tx) -> Result<Vec<Decision>, Fault> {
    let now = tx.now();
    tx.all::<Row>(EXPIRED, &[Int(now.0)]).await?.into_iter().map(Decision::try_from).collect()
}

/// The questions of a job, the latest first.
pub async fn of_job(tx: &mut Tx, job: &str, limit: i64) -> Result<Vec<Decision>, Fault> {
    tx.all::<Row>(OF_JOB, &[Text(job), Int(limit)]).await?.into_iter().map(Decision::try_from).collect()
}

/// The questions of all turns of a pull request, the latest first.
pub async fn of_pull(tx: &mut Tx, pull: &str, limit: i64) -> Result<Vec<Decision>, Fault> {
    tx.all::<Row>(OF_PULL, &[Text(pull), Int(limit)]).await?.into_iter().map(Decision::try_from).collect()
}

/// The questions that nobody answered yet, those that expire first first.
pub async fn open(tx: &mut Tx, (after, id): (i64, &str), limit: i64) -> Result<Vec<Decision>, Fault> {
    let rows: Vec<Row> = tx.all(OPEN, &[Int(after), Text(id), Int(limit)]).await?;
    rows.into_iter().map(Decision::try_from).collect()
}

/// All questions, the latest first.
pub async fn all(tx: &mut Tx, (before, id): (i64, &str), limit: i64) -> Result<Vec<Decision>, Fault> {
    let rows: Vec<Row> = tx.all(ALL, &[Int(before), Text(id), Int(limit)]).await?;
    rows.into_iter().map(Decision::try_from).collect()
}
