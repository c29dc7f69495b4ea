//! Pull requests of the pipeline as rows.

pub mod event;
pub mod hand;
pub mod history;
pub mod say;
pub mod word;

use domain::budget::Amount;
use domain::gap::Key;
use domain::pull::{Hold, Pull, Reviewers, State, There};
use domain::time::Time;

use crate::Arg::{Int, MaybeInt, MaybeText, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, gap, nth, repo, reviewers, state, hold, iteration, epoch, turn, number, url, labels, change, head, tokens, \
         micro_usd, excesses, why, created_at, changed_at, live, dressed, shut, deeds_seen, reviews_seen, look_at, lease_until, \
         looked_at, last_error, failures, reviews_at, version"
    };
}

/// Those that are to be looked at.
macro_rules! due {
    () => {
        "repo = $2 AND look_at <= $1 AND lease_until <= $1"
    };
}

pub mod board;

statements! {
    ADD = concat!("INSERT INTO pull (", columns!(), ") VALUES
            ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
             $27, $28, $29, $30, $31, $32, 1) ON CONFLICT DO NOTHING");
    WRITE = "UPDATE pull SET gap = $2, nth = $3, repo = $4, reviewers = $5, state = $6, hold = $7, iteration = $8, epoch = $9,
                    turn = $10, number = $11, url = $12, labels = $13, change = $14, head = $15, tokens = $16, micro_usd = $17,
                    excesses = $18, why = $19, created_at = $20, changed_at = $21, live = $22, dressed = $23, shut = $24,
                    deeds_seen = $25, reviews_seen = $26, look_at = $27, lease_until = $28, looked_at = $29, last_error = $30,
                    failures = $31, reviews_at = $32, version = version + 1
              WHERE id = $1 AND version = $33";
    LOAD = concat!("SELECT ", columns!(), " FROM pull WHERE id = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM pull WHERE id = $1");
    LIVE_OF_GAP = concat!("SELECT ", columns!(), " FROM pull WHERE gap = $1 AND live = 1 FOR UPDATE");
    LAST_OF_GAP = "SELECT MAX(nth) FROM pull WHERE gap = $1";
    BY_NUMBER = concat!("SELECT ", columns!(), " FROM pull WHERE repo = $1 AND number = $2");
    OF_GAP = concat!("SELECT ", columns!(), " FROM pull WHERE gap = $1 ORDER BY nth DESC LIMIT $2");
    SAME_HEAD = "SELECT id FROM pull WHERE head = $1 AND live = 1 AND id <> $2 AND repo = $3 LIMIT 1";
    SETTLED = "SELECT COUNT(*) FROM (SELECT 1 FROM pull WHERE state IN ('merged', 'closed', 'wontfix') AND number IS NOT NULL
                  AND changed_at >= $1 LIMIT $2) AS counted";
    LIVE = concat!("SELECT ", columns!(), " FROM pull WHERE live = 1 ORDER BY changed_at, id LIMIT $1");
    COUNT_LIVE = "SELECT COUNT(*) FROM pull WHERE live = 1";
    TAKE = concat!("UPDATE pull SET lease_until = $3, look_at = $3 WHERE id IN (SELECT id FROM pull WHERE ", due!(),
               " ORDER BY look_at, id LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id");
    DUE = concat!("SELECT id FROM pull WHERE ", due!(), " LIMIT 1");
    NUDGE = "UPDATE pull SET look_at = 0 WHERE id = $1";
    NUDGE_NUMBER = "UPDATE pull SET look_at = 0 WHERE repo = $1 AND number = $2";
    // One that was nudged meanwhile is to be looked at as soon as it was.
    FREE = "UPDATE pull SET lease_until = 0, look_at = CASE WHEN look_at = $6 THEN $2 ELSE look_at END, looked_at = $3,
                   last_error = $4, failures = $5 WHERE id = $1";
    SETTLE = "UPDATE pull SET settle_at = $2 WHERE id = $1";
    SETTLED_AT = "SELECT settled_at FROM pull WHERE id = $1";
    SETTLED_UNTIL = "UPDATE pull SET settle_at = $2, settled_at = COALESCE($4, settled_at) WHERE id = $1 AND settle_at = $3";
    TO_SETTLE = "UPDATE pull SET settle_at = $3 WHERE id IN (SELECT id FROM pull WHERE repo = $1 AND settle_at <= $2
                   AND state IN ('merged', 'closed', 'wontfix') AND number IS NOT NULL
                   ORDER BY settle_at, id LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id";
    LIST = concat!("SELECT ", columns!(), " FROM pull WHERE changed_at <= $1 AND (changed_at < $1 OR (changed_at = $1 AND id > $2))
               ORDER BY changed_at DESC, id LIMIT $3");
    LIST_IN_STATE = concat!("SELECT ", columns!(), " FROM pull WHERE state = $4 AND changed_at <= $1
                 AND (changed_at < $1 OR (changed_at = $1 AND id > $2))
               ORDER BY changed_at DESC, id LIMIT $3");
}

/// A pull request as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The pull request.
    pub pull: Pull,
    /// What of the forge was taken in.
    pub seen: Seen,
    version: i64,
}

/// What of the forge was taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether its first labels were seen on it.
    pub dressed: bool,
    /// Whether it was seen closed since it was last open.
    pub shut: bool,
    /// The last event of its labels.
    pub deeds: i64,
    /// The largest id of a review.
    pub reviews: i64,
    /// When the last review was handed in.
    pub reviews_at: Time,
    /// When it is to be looked at.
    pub look_at: Time,
    /// Nobody else looks at it until then.
    pub lease_until: Time,
    /// When it was last looked at.
    pub looked_at: Time,
    /// What last went wrong; empty when nothing did.
    pub last_error: String,
    /// How often in a row it went wrong.
    pub failures: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    gap: String,
    nth: i64,
    repo: String,
    reviewers: String,
    state: String,
    hold: Option<String>,
    iteration: i64,
    epoch: i64,
    turn: i64,
    number: Option<i64>,
    url: String,
    labels: String,
    change: String,
    tokens: i64,
    micro_usd: i64,
    excesses: i64,
    why: String,
    created_at: i64,
    changed_at: i64,
    dressed: i64,
    shut: i64,
    deeds_seen: i64,
    reviews_seen: i64,
    reviews_at: i64,
    look_at: i64,
    lease_until: i64,
    looked_at: i64,
    last_error: String,
    failures: i64,
    version: i64,
}

impl TryFrom<Row> for Stored {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column| Fault::Corrupt { table: "pull", column, id: row.id.clone() };
        let hold = match &row.hold {
            None => None,
            Some(word) => Some(Hold::ALL.into_iter().find(|hold| hold.name() == word).ok_or_else(|| corrupt("hold"))?),
        };
        let change = match row.change.as_str() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|_| corrupt("change"))?),
        };
        let reviewers = [Reviewers::Bots, Reviewers::People].into_iter().find(|who| who.name() == row.reviewers);
        let pull = Pull {
            gap: Key::stored(&row.gap).ok_or_else(|| corrupt("gap"))?,
            reviewers: reviewers.ok_or_else(|| corrupt("reviewers"))?,
            state: State::parse(&row.state).map_err(|_| corrupt("state"))?,
            there: There {
                number: row.number,
                labels: serde_json::from_str(&row.labels).map_err(|_| corrupt("labels"))?,
                url: row.url,
            },
            hold,
            change,
            id: row.id,
            nth: row.nth,
            repo: row.repo,
            iteration: row.iteration,
            epoch: row.epoch,
            turn: row.turn,
            booked: Amount { tokens: row.tokens, micro_usd: row.micro_usd },
            excesses: row.excesses,
            why: row.why,
            created_at: Time(row.created_at),
            changed_at: Time(row.changed_at),
        };
        let seen = Seen {
            dressed: row.dressed != 0,
            shut: row.shut != 0,
            deeds: row.deeds_seen,
            reviews: row.reviews_seen,
            reviews_at: Time(row.reviews_at),
            look_at: Time(row.look_at),
            lease_until: Time(row.lease_until),
            looked_at: Time(row.looked_at),
            last_error: row.last_error,
            failures: row.failures,
        };
        Ok(Self { pull, seen, version: row.version })
    }
}

/// What is kept as text.
struct Texts {
    gap: String,
    labels: String,
    change: String,
}

impl Texts {
    fn of(pull: &Pull) -> Self {
        Self {
            gap: pull.gap.to_string(),
            labels: serde_json::json!(pull.there.labels).to_string(),
            change: pull.change.as_ref().map(|change| serde_json::json!(change).to_string()).unwrap_or_default(),
        }
    }

    fn values<'a>(&'a self, pull: &'a Pull, seen: &'a Seen) -> [crate::Arg<'a>; 32] {
        [
            Text(&pull.id),
            Text(&self.gap),
            Int(pull.nth),
            Text(&pull.repo),
            Text(pull.reviewers.name()),
            Text(pull.state.name()),
            MaybeText(pull.hold.map(Hold::name)),
            Int(pull.iteration),
            Int(pull.epoch),
            Int(pull.turn),
            MaybeInt(pull.there.number),
            Text(&pull.there.url),
            Text(&self.labels),
            Text(&self.change),
            Text(pull.head().unwrap_or_default()),
            Int(pull.booked.tokens),
            Int(pull.booked.micro_usd),
            Int(pull.excesses),
            Text(&pull.why),
            Int(pull.created_at.0),
            Int(pull.changed_at.0),
            Int(i64::from(pull.state.is_live())),
            Int(i64::from(seen.dressed)),
            Int(i64::from(seen.shut)),
            Int(seen.deeds),
            Int(seen.reviews),
            Int(seen.look_at.0),
            Int(seen.lease_until.0),
            Int(seen.looked_at.0),
            Text(&seen.last_error),
            Int(seen.failures),
            Int(seen.reviews_at.0),
        ]
    }
}

/// Adds a pull request; false when its gap has a live one.
pub async fn add(tx: &mut Tx, pull: &Pull) -> Result<bool, Fault> {
    let texts = Texts::of(pull);
    Ok(tx.run(ADD, &texts.values(pull, &Seen::default())).await? == 1)
}

/// Writes a pull request over the one that was decided on, and gives it as it stands then.
pub async fn write(tx: &mut Tx, was: &Stored, pull: &Pull, seen: &Seen) -> Result<Stored, Fault> {
    let texts = Texts::of(pull);
    let mut args = texts.values(pull, seen).to_vec();
    args.push(Int(was.version));
    crate::guarded(tx.run(WRITE, &args).await?)?;
    Ok(Stored { pull: pull.clone(), seen: seen.clone(), version: was.version + 1 })
}

/// The pull request with this id, held still for this transaction.
pub async fn load(tx: &mut Tx, id: &str) -> Result<Option<Stored>, Fault> {
    tx.one::<Row>(LOAD, &[Text(id)]).await?.map(Stored::try_from).transpose()
}

/// The pull request with this id, to look at.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Stored>, Fault> {
    tx.one::<Row>(FIND, &[Text(id)]).await?.map(Stored::try_from).transpose()
}

/// The live pull request of a gap, held still for this transaction.
pub async fn live_of(tx: &mut Tx, gap: &Key) -> Result<Option<Stored>, Fault> {
    tx.one::<Row>(LIVE_OF_GAP, &[Text(&gap.to_string())]).await?.map(Stored::try_from).transpose()
}

/// How many pull requests a gap has had.
pub async fn count_of(tx: &mut Tx, gap: &Key) -> Result<i64, Fault> {
    let row: Option<(Option<i64>,)> = tx.one(LAST_OF_GAP, &[Text(&gap.to_string())]).await?;
    Ok(row.and_then(|(nth,)| nth).unwrap_or(0))
}

/// The pull request that has this number in a repository.
pub async fn numbered(tx: &mut Tx, repo: &str, number: i64) -> Result<Option<Stored>, Fault> {
    tx.one::<Row>(BY_NUMBER, &[Text(repo), Int(number)]).await?.map(Stored::try_from).transpose()
}

/// The pull requests of a gap, the latest first.
pub async fn of_gap(tx: &mut Tx, gap: &Key, limit: i64) -> Result<Vec<Stored>, Fault> {
    tx.all::<Row>(OF_GAP, &[Text(&gap.to_string()), Int(limit)]).await?.into_iter().map(Stored::try_from).collect()
}

/// Whether another live pull request of ours than this one has a head.
pub async fn has_head(tx: &mut Tx, head: &str, pull: &Pull) -> Result<bool, Fault> {
    let other: Option<(String,)> = tx.one(SAME_HEAD, &[Text(head), Text(&pull.id), Text(&pull.repo)]).await?;
    Ok(other.is_some())
}

/// How many were merged or closed since then, counted up to so many.
pub async fn settled(tx: &mut Tx, since: Time, most: i64) -> Result<i64, Fault> {
    let row: Option<(i64,)> = tx.one(SETTLED, &[Int(since.0), Int(most)]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Those of which anything is still to become, those that stand so longest first.
pub async fn live(tx: &mut Tx, limit: i64) -> Result<Vec<Stored>, Fault> {
    tx.all::<Row>(LIVE, &[Int(limit)]).await?.into_iter().map(Stored::try_from).collect()
}

/// How many are live.
pub async fn count_live(tx: &mut Tx) -> Result<i64, Fault> {
    let row: Option<(i64,)> = tx.one(COUNT_LIVE, &[]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Takes up to so many that are to be looked at in a repository, and keeps others away from them until then.
pub async fn take(tx: &mut Tx, repo: &str, until: Time, limit: i64) -> Result<Vec<String>, Fault> {
    let now = tx.now();
    let rows: Vec<(String,)> = tx.all(TAKE, &[Int(now.0), Text(repo), Int(until.0), Int(limit)]).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether any is to be looked at.
pub async fn waits(tx: &mut Tx, repo: &str) -> Result<bool, Fault> {
    let now = tx.now();
    Ok(tx.one::<(String,)>(DUE, &[Int(now.0), Text(repo)]).await?.is_some())
}

/// Lets one be looked at soon.
pub async fn nudge(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.run(NUDGE, &[Text(id)]).await.map(drop)
}

/// The same by its number.
pub async fn nudge_number(tx: &mut Tx, repo: &str, number: i64) -> Result<bool, Fault> {
    Ok(tx.run(NUDGE_NUMBER, &[Text(repo), Int(number)]).await? == 1)
}

/// Lets others look at one again that was taken until `lease`: from then on, or sooner where it was nudged meanwhile.
pub async fn free(
    tx: &mut Tx,
    id: &str,
    (lease, look_at): (Time, Time),
    (error, failures): (&str, i64),
) -> Result<(), Fault> {
    let now = tx.now();
    let args = [Text(id), Int(look_at.0), Int(now.0), Text(error), Int(failures), Int(lease.0)];
    tx.run(FREE, &args).await.map(drop)
}

/// Lets it be found out at a moment what became of one, or whether it was taken back.
pub async fn settle(tx: &mut Tx, id: &str, at: Time) -> Result<(), Fault> {
    tx.run(SETTLE, &[Text(id), Int(at.0)]).await.map(drop)
}

/// The same by whoever took it until then, with when it was looked at where that could be: one that ended anew meanwhile stays to
/// be found out at once.
pub async fn settled_until(tx: &mut Tx, id: &str, (lease, at): (Time, Time), seen: Option<Time>) -> Result<(), Fault> {
    let seen = seen.map(|seen| seen.0);
    tx.run(SETTLED_UNTIL, &[Text(id), Int(at.0), Int(lease.0), MaybeInt(seen)]).await.map(drop)
}

/// When it was last looked at what became of one; the beginning of time where it never was.
pub async fn settled_at(tx: &mut Tx, id: &str) -> Result<Time, Fault> {
    let row: Option<(i64,)> = tx.one(SETTLED_AT, &[Text(id)]).await?;
    Ok(Time(row.map_or(0, |(at,)| at)))
}

/// Takes up to so many that ended of which that is to be found out by now, and keeps others away from them until then.
pub async fn to_settle(tx: &mut Tx, repo: &str, until: Time, limit: i64) -> Result<Vec<String>, Fault> {
    let now = tx.now();
    let rows: Vec<(String,)> = tx.all(TO_SETTLE, &[Text(repo), Int(now.0), Int(until.0), Int(limit)]).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Pull requests, those that changed last first, in a state or in any.
pub async fn list(
    tx: &mut Tx,
    state: Option<State>,
    (before, id): (i64, &str),
    limit: i64,
) -> Result<Vec<Stored>, Fault> {
    let args = [Int(before), Text(id), Int(limit)];
    let rows: Vec<Row> = match state {
        Some(state) => tx.all(LIST_IN_STATE, &[&args[..], &[Text(state.name())]].concat()).await?,
        None => tx.all(LIST, &args).await?,
    };
    rows.into_iter().map(Stored::try_from).collect()
}
