//! Gaps as rows, in the order of their rank.

pub mod blocked;
pub mod edge;
pub mod event;
pub mod likeness;
pub mod priority;
pub mod sighting;

use domain::gap::{Gap, Key, Priority, Severity, State};
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, MaybeInt, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "key, kind, name, state, duplicate_of, severity, priority, sightings, jobs, weight, attempts, failures, depth, top, \
         area, lines, first_at, last_at, merged_at, reopened, changed_at, place, claim_id, version"
    };
}

/// A page of gaps by rank, with their issues. The place to go on from is said twice, so that the index is entered there.
macro_rules! page {
    ($filter:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", (SELECT issue.number FROM issue WHERE issue.gap = gap.key AND issue.state = 'known') AS issue_number,
               (SELECT issue.url FROM issue WHERE issue.gap = gap.key AND issue.state = 'known') AS issue_url
               FROM gap WHERE place >= $1 AND (place, first_at, key) > ($1, $2, $3)",
            $filter,
            " ORDER BY place, first_at, key LIMIT $4"
        )
    };
}

macro_rules! live {
    () => {
        " AND state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human')"
    };
}

statements! {
    ADD = concat!("INSERT INTO gap (", columns!(), ") VALUES
            ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, 1)
            ON CONFLICT (key) DO NOTHING");
    WRITE = "UPDATE gap SET kind = $2, name = $3, state = $4, duplicate_of = $5, severity = $6, priority = $7, sightings = $8,
                    jobs = $9, weight = $10, attempts = $11, failures = $12, depth = $13, top = $14, area = $15, lines = $16,
                    first_at = $17, last_at = $18, merged_at = $19, reopened = $20, changed_at = $21, place = $22,
                    claim_id = $23, version = version + 1
              WHERE key = $1 AND version = $24";
    LOAD = concat!("SELECT ", columns!(), " FROM gap WHERE key = $1 FOR UPDATE");
    CLAIMED = concat!("SELECT ", columns!(), " FROM gap WHERE claim_id = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM gap WHERE key = $1");
    CALLED = "SELECT kind FROM gap WHERE name = $1 ORDER BY kind LIMIT 21";
    LIVE = page!(" AND state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human')");
    LIVE_OF_KIND = page!(" AND state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human') AND kind = $5");
    ALL = page!("");
    ALL_OF_KIND = page!(" AND kind = $5");
    IN_STATE = page!(" AND state = $5");
    IN_STATE_OF_KIND = page!(" AND state = $5 AND kind = $6");
    UNTAKEN = "SELECT key FROM gap
                WHERE state IN ('open', 'planned', 'in_progress', 'in_review', 'merged', 'requires_human')
                  AND state IN ('open', 'planned')
                  AND NOT EXISTS (SELECT 1 FROM pull WHERE pull.gap = gap.key AND pull.live = 1)
                ORDER BY place, first_at, key LIMIT $1";
    DUPLICATES = "SELECT key FROM gap WHERE duplicate_of = $1 ORDER BY key LIMIT 201";
    COUNT_LIVE = concat!("SELECT COUNT(*) FROM gap WHERE TRUE", live!());
    STRANDED = "SELECT key, changed_at FROM gap WHERE state = 'requires_human' ORDER BY place, first_at, key LIMIT $1";
    UNCOMPARED = "SELECT key FROM gap WHERE compared_at IS NULL ORDER BY first_at LIMIT $1";
    COMPARED = "UPDATE gap SET compared_at = $2 WHERE key = $1";
    NAMES = "SELECT key FROM gap WHERE key > $1 AND state <> 'duplicate' ORDER BY key LIMIT $2";
    UNCOUNTED = "SELECT key FROM gap WHERE COALESCE(counted_at, 0) <= $1
                  ORDER BY COALESCE(counted_at, 0), key LIMIT $2";
    COUNTED = "UPDATE gap SET counted_at = $2 WHERE key = $1";
    TOTALS = "SELECT kind, state, COUNT(*) AS gaps, CAST(SUM(sightings) AS BIGINT) AS sightings, CAST(SUM(jobs) AS BIGINT) AS jobs,
                     CAST(SUM(attempts) AS BIGINT) AS attempts, CAST(SUM(failures) AS BIGINT) AS failures,
                     CAST(SUM(reopened) AS BIGINT) AS reopened, CAST(SUM(COALESCE(lines, 0)) AS BIGINT) AS lines,
                     COUNT(lines) AS sized, MIN(first_at) AS first_at, MAX(last_at) AS last_at
                FROM gap GROUP BY kind, state ORDER BY kind, state";
}

/// A gap and how often its row was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The gap.
    pub gap: Gap,
    place: i64,
    version: i64,
}

impl Stored {
    /// Whether its place is the one that its rank gives.
    pub fn ranks_by_the_rule(&self) -> bool {
        self.place == self.gap.standing().rank().saturating_neg()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    key: String,
    kind: String,
    name: String,
    state: String,
    duplicate_of: Option<String>,
    severity: String,
    priority: Option<String>,
    sightings: i64,
    jobs: i64,
    weight: i64,
    attempts: i64,
    failures: i64,
    depth: i64,
    top: i64,
    area: Option<String>,
    lines: Option<i64>,
    first_at: i64,
    last_at: i64,
    merged_at: Option<i64>,
    reopened: i64,
    changed_at: i64,
    place: i64,
    claim_id: Option<String>,
    version: i64,
}

impl TryFrom<Row> for Stored {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column| Fault::Corrupt { table: "gap", column, id: row.key.clone() };
        let gap = Gap {
            key: Key { kind: row.kind, name: row.name },
            state: State::parse(&row.state).map_err(|_| corrupt("state"))?,
            duplicate_of: match &row.duplicate_of {
                None => None,
                Some(key) => Some(Key::stored(key).ok_or_else(|| corrupt("duplicate_of"))?),
            },
            severity: Severity::parse(&row.severity).map_err(|_| corrupt("severity"))?,
            priority: match &row.priority {
                None => None,
                Some(priority) => Some(Priority::parse(priority).map_err(|_| corrupt("priority"))?),
            },
            sightings: row.sightings,
            jobs: row.jobs,
            weight: row.weight,
            attempts: row.attempts,
            failures: row.failures,
            depth: row.depth,
            top: row.top != 0,
            area: row.area,
            lines: row.lines,
            first_at: Time(row.first_at),
            last_at: Time(row.last_at),
            merged_at: row.merged_at.map(Time),
            reopened: row.reopened,
            changed_at: Time(row.changed_at),
            claim_id: row.claim_id,
        };
        Ok(Self { gap, place: row.place, version: row.version })
    }
}

/// Adds a gap; false when somebody else just did.
pub async fn add(tx: &mut Tx, gap: &Gap) -> Result<bool, Fault> {
    let (key, duplicate_of) = texts(gap);
    Ok(tx.run(ADD, &values(gap, &key, duplicate_of.as_deref())).await? == 1)
}

/// Writes a gap over the one that was decided on.
pub async fn write(tx: &mut Tx, was: &Stored, gap: &Gap) -> Result<(), Fault> {
    let (key, duplicate_of) = texts(gap);
    let mut args = values(gap, &key, duplicate_of.as_deref()).to_vec();
    args.push(Int(was.version));
    crate::guarded(tx.run(WRITE, &args).await?)
}

fn texts(gap: &Gap) -> (String, Option<String>) {
    (gap.key.to_string(), gap.duplicate_of.as_ref().map(Key::to_string))
}

fn values<'a>(gap: &'a Gap, key: &'a str, duplicate_of: Option<&'a str>) -> [crate::Arg<'a>; 23] {
    [
        Text(key),
        Text(&gap.key.kind),
        Text(&gap.key.name),
        Text(gap.state.name()),
        MaybeText(duplicate_of),
        Text(gap.severity.name()),
        MaybeText(gap.priority.map(Priority::name)),
        Int(gap.sightings),
        Int(gap.jobs),
        Int(gap.weight),
        Int(gap.attempts),
        Int(gap.failures),
        Int(gap.depth),
        Int(i64::from(gap.top)),
        MaybeText(gap.area.as_deref()),
        MaybeInt(gap.lines),
        Int(gap.first_at.0),
        Int(gap.last_at.0),
        MaybeInt(gap.merged_at.map(|at| at.0)),
        Int(gap.reopened),
        Int(gap.changed_at.0),
        Int(gap.standing().rank().saturating_neg()),
        MaybeText(gap.claim_id.as_deref()),
    ]
}

/// The gap of this key, held still for this transaction.
pub async fn load(tx: &mut Tx, key: &Key) -> Result<Option<Stored>, Fault> {
    tx.one::<Row>(LOAD, &[Text(&key.to_string())]).await?.map(Stored::try_from).transpose()
}

/// The gap that is worked on under this claim, held still for this transaction.
pub async fn claimed(tx: &mut Tx, claim_id: &str) -> Result<Option<Stored>, Fault> {
    tx.one::<Row>(CLAIMED, &[Text(claim_id)]).await?.map(Stored::try_from).transpose()
}

/// The gap of this key, to look at.
pub async fn find(tx: &mut Tx, key: &Key) -> Result<Option<Gap>, Fault> {
    let row = tx.one::<Row>(FIND, &[Text(&key.to_string())]).await?;
    Ok(row.map(Stored::try_from).transpose()?.map(|stored| stored.gap))
}

/// The keys of the gaps that are called so, 21 at most: nobody chooses among more.
pub async fn called(tx: &mut Tx, name: &str) -> Result<Vec<Key>, Fault> {
    let kinds: Vec<(String,)> = tx.all(CALLED, &[Text(name)]).await?;
    Ok(kinds.into_iter().map(|(kind,)| Key { kind, name: name.to_owned() }).collect())
}

/// A gap in a list, with its issue where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// The gap.
    pub gap: Gap,
    /// The number of its issue and where a person reads it.
    pub issue: Option<(i64, String)>,
}

#[derive(sqlx::FromRow)]
struct RankedRow {
    #[sqlx(flatten)]
    row: Row,
    issue_number: Option<i64>,
    issue_url: Option<String>,
}

/// Which gaps to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Those that are still to be closed.
    #[default]
    Live,
    /// Every one.
    All,
    /// Those that stand so.
    In(State),
}

/// A place in the order of ranks: the rank negated, when it was first reported, and its key.
pub type Place = (i64, i64, String);

/// Where a gap stands in that order.
pub fn place(gap: &Gap) -> Place {
    (gap.standing().rank().saturating_neg(), gap.first_at.0, gap.key.to_string())
}

/// Gaps by rank, after a place.
pub async fn by_rank(
    tx: &mut Tx,
    which: Which,
    kind: Option<&str>,
    after: &Place,
    limit: i64,
) -> Result<Vec<Ranked>, Fault> {
    let (place, first_at, key, limit) = (Int(after.0), Int(after.1), Text(&after.2), Int(limit));
    let rows: Vec<RankedRow> = match (which, kind) {
        (Which::Live, None) => tx.all(LIVE, &[place, first_at, key, limit]).await?,
        (Which::Live, Some(kind)) => tx.all(LIVE_OF_KIND, &[place, first_at, key, limit, Text(kind)]).await?,
        (Which::All, None) => tx.all(ALL, &[place, first_at, key, limit]).await?,
        (Which::All, Some(kind)) => tx.all(ALL_OF_KIND, &[place, first_at, key, limit, Text(kind)]).await?,
        (Which::In(state), None) => tx.all(IN_STATE, &[place, first_at, key, limit, Text(state.name())]).await?,
        (Which::In(state), Some(kind)) => {
            tx.all(IN_STATE_OF_KIND, &[place, first_at, key, limit, Text(state.name()), Text(kind)]).await?
        }
    };
    let read = |ranked: RankedRow| {
        let gap = Stored::try_from(ranked.row)?.gap;
        Ok(Ranked { gap, issue: ranked.issue_number.zip(ranked.issue_url) })
    };
    rows.into_iter().map(read).collect()
}

/// The highest-ranking gaps that are left to a person, each with when it came to that.
pub async fn stranded(tx: &mut Tx, limit: i64) -> Result<Vec<(String, i64)>, Fault> {
    tx.all(STRANDED, &[Int(limit)]).await
}

/// The highest-ranking gaps that nobody works on and that have no pull request under way.
pub async fn untaken(tx: &mut Tx, limit: i64) -> Result<Vec<Key>, Fault> {
    keys(tx.all(UNTAKEN, &[Int(limit)]).await?)
}

/// The duplicates that a gap stands for, 201 at most.
pub async fn duplicates(tx: &mut Tx, key: &Key) -> Result<Vec<Key>, Fault> {
    keys(tx.all(DUPLICATES, &[Text(&key.to_string())]).await?)
}

/// How many gaps are still to be closed.
pub async fn count_live(tx: &mut Tx) -> Result<i64, Fault> {
    let count: Option<(i64,)> = tx.one(COUNT_LIVE, &[]).await?;
    Ok(count.map_or(0, |(count,)| count))
}

/// Gaps whose names have yet to be compared with all others, the first reported first.
pub async fn uncompared(tx: &mut Tx, limit: i64) -> Result<Vec<Key>, Fault> {
    keys(tx.all(UNCOMPARED, &[Int(limit)]).await?)
}

/// Says that a gap's name was compared with all others.
pub async fn compared(tx: &mut Tx, key: &Key) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(COMPARED, &[Text(&key.to_string()), Int(now.0)]).await.map(drop)
}

/// The keys of gaps that stand for themselves, in order, after a key.
pub async fn names(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Key>, Fault> {
    keys(tx.all(NAMES, &[Text(after), Int(limit)]).await?)
}

/// Gaps whose blocked jobs were last counted at `then` or before, or never.
pub async fn uncounted(tx: &mut Tx, then: Time, limit: i64) -> Result<Vec<Key>, Fault> {
    keys(tx.all(UNCOUNTED, &[Int(then.0), Int(limit)]).await?)
}

/// Says that a gap's blocked jobs were counted.
pub async fn counted(tx: &mut Tx, key: &Key) -> Result<(), Fault> {
    let now = tx.now();
    tx.run(COUNTED, &[Text(&key.to_string()), Int(now.0)]).await.map(drop)
}

fn keys(rows: Vec<(String,)>) -> Result<Vec<Key>, Fault> {
    let read = |(key,): (String,)| Key::stored(&key).ok_or(Fault::Corrupt { table: "gap", column: "key", id: key });
    rows.into_iter().map(read).collect()
}

fn priority(text: &str, key: &Key) -> Result<Priority, Fault> {
    Priority::parse(text).map_err(|_| Fault::Corrupt { table: "gap", column: "priority", id: key.to_string() })
}

/// How many gaps of a kind stand so, and what there is to say of them together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Total {
    /// The kind.
    pub kind: String,
    /// How they stand.
    pub state: String,
    /// How many.
    pub gaps: i64,
    /// How often they were reported.
    pub sightings: i64,
    /// How many jobs they block, each gap counted for itself.
    pub jobs: i64,
    /// How often somebody began to work on one.
    pub attempts: i64,
    /// How many of those attempts failed.
    pub failures: i64,
    /// How often one was opened again.
    pub reopened: i64,
    /// How many lines they change, as far as anybody said.
    pub lines: i64,
    /// Of how many that was said.
    pub sized: i64,
    /// When the first was first reported.
    pub first_at: i64,
    /// When the last was last reported.
    pub last_at: i64,
}

/// Every gap, summed up by kind and state.
pub async fn totals(tx: &mut Tx) -> Result<Vec<Total>, Fault> {
    tx.all(TOTALS, &[]).await
}
