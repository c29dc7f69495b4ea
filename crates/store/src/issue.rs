//! The issues of gaps as rows, and what people wrote on them. What is to be said there is in `note`.

pub mod note;

use domain::gap::Key;
use domain::mirror::{Base, Stand};
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, MaybeInt, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "gap, repo, state, number, url, title, stand, labels, base, changed_at, comments, comments_at, tried_at, absent, \
         dirty, lease_until, last_error, failures, rest_until, version"
    };
}

statements! {
    ADD = concat!("INSERT INTO issue (", columns!(), ")
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1) ON CONFLICT (gap) DO NOTHING");
    WRITE = "UPDATE issue SET repo = $2, state = $3, number = $4, url = $5, title = $6, stand = $7, labels = $8, base = $9,
                    changed_at = $10, comments = $11, comments_at = $12, tried_at = $13, absent = $14, dirty = $15,
                    lease_until = $16, last_error = $17, failures = $18, rest_until = $19, version = version + 1
              WHERE gap = $1 AND version = $20";
    LOAD = concat!("SELECT ", columns!(), " FROM issue WHERE gap = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM issue WHERE gap = $1");
    BY_NUMBER = concat!("SELECT ", columns!(), " FROM issue WHERE repo = $1 AND number = $2");
    LIST = concat!("SELECT ", columns!(), " FROM issue WHERE gap > $1 AND repo = $2 ORDER BY gap LIMIT $3");
    REMOVE = "DELETE FROM issue WHERE gap = $1 AND version = $2";
    ELSEWHERE = "SELECT gap FROM issue WHERE repo < $1 UNION ALL SELECT gap FROM issue WHERE repo > $1 LIMIT $2";
    NUDGE = "UPDATE issue SET dirty = 1 WHERE gap = $1 AND dirty = 0 AND state = 'known'";
    TAKE = "UPDATE issue SET lease_until = $2 WHERE gap IN (
              SELECT gap FROM issue WHERE repo = $4 AND state = 'known' AND lease_until <= $1 AND gap IN (
                       SELECT gap FROM issue WHERE dirty = 1
                        UNION SELECT gap FROM issue_note WHERE state IN ('waiting', 'sending'))
               ORDER BY lease_until, gap LIMIT $3 FOR UPDATE SKIP LOCKED)
            RETURNING gap";
    WAITING = "SELECT gap FROM issue WHERE repo = $2 AND state = 'known' AND lease_until <= $1 AND gap IN (
                 SELECT gap FROM issue WHERE dirty = 1
                  UNION SELECT gap FROM issue_note WHERE state IN ('waiting', 'sending')) LIMIT 1";
    RELEASE = "UPDATE issue SET lease_until = $2 WHERE gap = $1";
    MOVE = "UPDATE issue SET repo = $2 WHERE repo = $1";
    MOVE_COMMENTS = "UPDATE issue_comment SET repo = $2 WHERE repo = $1";
    TROUBLED = "SELECT gap, last_error FROM issue
                 WHERE repo = $1 AND last_error <> '' AND state IN ('known', 'refused') ORDER BY gap LIMIT $2";
    COUNT_OPEN = "SELECT COUNT(*) FROM issue WHERE repo = $1 AND stand = 'open'";
    // Of the live ones, which have an index, those that are not merged.
    UNMIRRORED = "SELECT key FROM gap
                   WHERE state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human')
                     AND state <> 'merged' AND depth <= $1 AND sightings > 0
                     AND NOT EXISTS (SELECT 1 FROM issue WHERE issue.gap = gap.key)
                   ORDER BY place, first_at, key LIMIT $2";
    ADD_COMMENT = "INSERT INTO issue_comment (repo, id, gap, author, body, created_at, changed_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)
                   ON CONFLICT (repo, id) DO UPDATE SET body = $5, changed_at = $7
                    WHERE issue_comment.changed_at <= $7";
    COMMENTS = "SELECT id, author, body, created_at, changed_at FROM issue_comment WHERE gap = $1
                 ORDER BY created_at DESC, id DESC LIMIT $2";
}

/// How far an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// About to be opened, or nobody knows whether it was.
    Opening,
    /// It has a number.
    Known,
    /// It was deleted or moved away.
    Gone,
    /// The forge would not open it.
    Refused,
}

impl State {
    const ALL: [Self; 4] = [Self::Opening, Self::Known, Self::Gone, Self::Refused];

    /// The state as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Known => "known",
            Self::Gone => "gone",
            Self::Refused => "refused",
        }
    }
}

/// The issue of a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// The gap.
    pub gap: Key,
    /// The repository.
    pub repo: String,
    /// How far it is.
    pub state: State,
    /// Its number, once it is known.
    pub number: Option<i64>,
    /// Where a person reads it.
    pub url: String,
    /// Its title, as last seen.
    pub title: String,
    /// How it stood, as last seen.
    pub stand: Option<Stand>,
    /// Its labels, as last seen.
    pub labels: Vec<String>,
    /// What both last agreed on; none before it was seen.
    pub base: Option<Base>,
    /// When it was last changed on the forge, as far as was seen.
    pub changed_at: Time,
    /// How many comments it had.
    pub comments: i64,
    /// When the last comment that was read was changed.
    pub comments_at: Time,
    /// When its opening was tried.
    pub tried_at: Time,
    /// How many whole lists since then lacked it.
    pub absent: i64,
    /// Whether it is to be looked at before the next poll.
    pub dirty: bool,
    /// Nobody else works on it until then.
    pub lease_until: Time,
    /// What last went wrong; empty when nothing did.
    pub last_error: String,
    /// How often in a row the forge refused a write to it.
    pub failures: i64,
    /// Until when none is tried for that.
    pub rest_until: Time,
    version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    gap: String,
    repo: String,
    state: String,
    number: Option<i64>,
    url: String,
    title: String,
    stand: String,
    labels: String,
    base: String,
    changed_at: i64,
    comments: i64,
    comments_at: i64,
    tried_at: i64,
    absent: i64,
    dirty: i64,
    lease_until: i64,
    last_error: String,
    failures: i64,
    rest_until: i64,
    version: i64,
}

impl TryFrom<Row> for Mirrored {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column| Fault::Corrupt { table: "issue", column, id: row.gap.clone() };
        let stand = match row.stand.as_str() {
            "" => None,
            word => Some(serde_json::from_value(word.into()).map_err(|_| corrupt("stand"))?),
        };
        let base = match row.base.as_str() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|_| corrupt("base"))?),
        };
        Ok(Self {
            gap: Key::stored(&row.gap).ok_or_else(|| corrupt("gap"))?,
            state: State::ALL.into_iter().find(|state| state.name() == row.state).ok_or_else(|| corrupt("state"))?,
            labels: serde_json::from_str(&row.labels).map_err(|_| corrupt("labels"))?,
            repo: row.repo,
            number: row.number,
            url: row.url,
            title: row.title,
            stand,
            base,
            changed_at: Time(row.changed_at),
            comments: row.comments,
            comments_at: Time(row.comments_at),
            tried_at: Time(row.tried_at),
            absent: row.absent,
            dirty: row.dirty != 0,
            lease_until: Time(row.lease_until),
            last_error: row.last_error,
            failures: row.failures,
            rest_until: Time(row.rest_until),
            version: row.version,
        })
    }
}

impl Mirrored {
    /// An issue that is about to be opened.
    pub fn opening(gap: Key, repo: &str, now: Time, lease_until: Time) -> Self {
        Self {
            gap,
            repo: repo.to_owned(),
            state: State::Opening,
            number: None,
            url: String::new(),
            title: String::new(),
            stand: None,
            labels: Vec::new(),
            base: None,
            changed_at: Time(0),
            comments: 0,
            comments_at: Time(0),
            tried_at: now,
            absent: 0,
            dirty: false,
            lease_until,
            last_error: String::new(),
            failures: 0,
            rest_until: Time(0),
            version: 0,
        }
    }
}

/// Adds an issue; false when its gap has one.
pub async fn add(tx: &mut Tx, issue: &Mirrored) -> Result<bool, Fault> {
    let texts = Texts::of(issue);
    Ok(tx.run(ADD, &texts.values(issue)).await? == 1)
}

/// Writes an issue over the one that was decided on.
pub async fn write(tx: &mut Tx, issue: &Mirrored) -> Result<(), Fault> {
    let texts = Texts::of(issue);
    let mut args = texts.values(issue).to_vec();
    args.push(Int(issue.version));
    crate::guarded(tx.run(WRITE, &args).await?)
}

/// What is kept as text.
struct Texts {
    gap: String,
    stand: String,
    labels: String,
    base: String,
}

impl Texts {
    fn of(issue: &Mirrored) -> Self {
        let word = |stand: Stand| serde_json::to_value(stand).ok().and_then(|word| word.as_str().map(str::to_owned));
        Self {
            gap: issue.gap.to_string(),
            stand: issue.stand.and_then(word).unwrap_or_default(),
            labels: serde_json::json!(issue.labels).to_string(),
            base: issue.base.map(|base| serde_json::json!(base).to_string()).unwrap_or_default(),
        }
    }

    fn values<'a>(&'a self, issue: &'a Mirrored) -> [crate::Arg<'a>; 19] {
        [
            Text(&self.gap),
            Text(&issue.repo),
            Text(issue.state.name()),
            MaybeInt(issue.number),
            Text(&issue.url),
            Text(&issue.title),
            Text(&self.stand),
            Text(&self.labels),
            Text(&self.base),
            Int(issue.changed_at.0),
            Int(issue.comments),
            Int(issue.comments_at.0),
            Int(issue.tried_at.0),
            Int(issue.absent),
            Int(i64::from(issue.dirty)),
            Int(issue.lease_until.0),
            Text(&issue.last_error),
            Int(issue.failures),
            Int(issue.rest_until.0),
        ]
    }
}

/// The issue of a gap, held still for this transaction.
pub async fn load(tx: &mut Tx, gap: &Key) -> Result<Option<Mirrored>, Fault> {
    tx.one::<Row>(LOAD, &[Text(&gap.to_string())]).await?.map(Mirrored::try_from).transpose()
}

/// The issue of a gap, to look at.
pub async fn find(tx: &mut Tx, gap: &Key) -> Result<Option<Mirrored>, Fault> {
    tx.one::<Row>(FIND, &[Text(&gap.to_string())]).await?.map(Mirrored::try_from).transpose()
}

/// The issue of this number, to look at.
pub async fn by_number(tx: &mut Tx, repo: &str, number: i64) -> Result<Option<Mirrored>, Fault> {
    tx.one::<Row>(BY_NUMBER, &[Text(repo), Int(number)]).await?.map(Mirrored::try_from).transpose()
}

/// The issues of a repository by gap, after one.
pub async fn list(tx: &mut Tx, repo: &str, after: &str, limit: i64) -> Result<Vec<Mirrored>, Fault> {
    let rows: Vec<Row> = tx.all(LIST, &[Text(after), Text(repo), Int(limit)]).await?;
    rows.into_iter().map(Mirrored::try_from).collect()
}

/// Forgets that a gap has an issue, so that it may get one.
pub async fn remove(tx: &mut Tx, issue: &Mirrored) -> Result<(), Fault> {
    crate::guarded(tx.run(REMOVE, &[Text(&issue.gap.to_string()), Int(issue.version)]).await?)
}

/// The gaps whose issues are in another repository than this.
pub async fn elsewhere(tx: &mut Tx, repo: &str, limit: i64) -> Result<Vec<Key>, Fault> {
    keys(tx.all(ELSEWHERE, &[Text(repo), Int(limit)]).await?, "issue", "gap")
}

fn keys(rows: Vec<(String,)>, table: &'static str, column: &'static str) -> Result<Vec<Key>, Fault> {
    rows.into_iter().map(|(key,)| Key::stored(&key).ok_or(Fault::Corrupt { table, column, id: key })).collect()
}

/// Lets the issue of a gap be looked at soon.
pub async fn nudge(tx: &mut Tx, gap: &Key) -> Result<(), Fault> {
    tx.run(NUDGE, &[Text(&gap.to_string())]).await.map(drop)
}

/// Takes issues of a repository that are to be looked at, or on which something is to be said; nobody else takes them
/// until `until`.
pub async fn take(tx: &mut Tx, repo: &str, until: Time, limit: i64) -> Result<Vec<Key>, Fault> {
    let now = tx.now();
    keys(tx.all(TAKE, &[Int(now.0), Int(until.0), Int(limit), Text(repo)]).await?, "issue", "gap")
}

/// Whether an issue of a repository is to be taken now.
pub async fn waits(tx: &mut Tx, repo: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.one::<(String,)>(WAITING, &[Int(now.0), Text(repo)]).await?.is_some())
}

/// Lets others take an issue again from `at` on.
pub async fn release(tx: &mut Tx, gap: &Key, at: Time) -> Result<(), Fault> {
    tx.run(RELEASE, &[Text(&gap.to_string()), Int(at.0)]).await.map(drop)
}

/// Follows a repository to its new name.
pub async fn follow(tx: &mut Tx, from: &str, to: &str) -> Result<(), Fault> {
    tx.run(MOVE_COMMENTS, &[Text(from), Text(to)]).await?;
    tx.run(MOVE, &[Text(from), Text(to)]).await.map(drop)
}

/// The gaps of whose issues the forge last refused something, each with what it said.
pub async fn troubled(tx: &mut Tx, repo: &str, limit: i64) -> Result<Vec<(String, String)>, Fault> {
    tx.all(TROUBLED, &[Text(repo), Int(limit)]).await
}

/// How many issues of a repository stood open when they were last seen.
pub async fn count_open(tx: &mut Tx, repo: &str) -> Result<i64, Fault> {
    let count: Option<(i64,)> = tx.one(COUNT_OPEN, &[Text(repo)]).await?;
    Ok(count.map_or(0, |(count,)| count))
}

/// The gaps that are to have an issue and have none, by rank.
pub async fn unmirrored(tx: &mut Tx, depth_max: i64, limit: i64) -> Result<Vec<Key>, Fault> {
    keys(tx.all(UNMIRRORED, &[Int(depth_max), Int(limit)]).await?, "gap", "key")
}

/// What somebody wrote on an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Comment {
    /// Its id on the forge.
    pub id: i64,
    /// Who wrote it.
    pub author: String,
    /// What it says, as it stands: data.
    pub body: String,
    /// When it was written.
    pub created_at: i64,
    /// When it was last changed.
    pub changed_at: i64,
}

/// Remembers what somebody wrote; a later version replaces an earlier one.
pub async fn add_comment(tx: &mut Tx, repo: &str, gap: &Key, comment: &Comment) -> Result<(), Fault> {
    let gap = gap.to_string();
    let args = [
        Text(repo),
        Int(comment.id),
        Text(&gap),
        Text(&comment.author),
        Text(&comment.body),
        Int(comment.created_at),
        Int(comment.changed_at),
    ];
    tx.run(ADD_COMMENT, &args).await.map(drop)
}

/// What was written on the issue of a gap, the latest first.
pub async fn comments(tx: &mut Tx, gap: &Key, limit: i64) -> Result<Vec<Comment>, Fault> {
    tx.all(COMMENTS, &[Text(&gap.to_string()), Int(limit)]).await
}
