//! What runs set aside and spent, and what is booked on each day.

use domain::budget::{Amount, Spend};
use domain::pull::Stage;

use crate::Arg::{Int, MaybeInt, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "claim_id, job, pull, stage, day, reserved_tokens, reserved_micro_usd, tokens, micro_usd, settled, at"
    };
}

statements! {
    ADD = concat!("INSERT INTO spend (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    WRITE = "UPDATE spend SET tokens = $2, micro_usd = $3, settled = $4 WHERE claim_id = $1 AND settled <= $4";
    LOAD = concat!("SELECT ", columns!(), " FROM spend WHERE claim_id = $1 FOR UPDATE");
    FIND = concat!("SELECT ", columns!(), " FROM spend WHERE claim_id = $1");
    OF_PULL = concat!("SELECT ", columns!(), " FROM spend WHERE pull = $1 ORDER BY at, claim_id LIMIT $2");
    OF_DAY = concat!("SELECT ", columns!(), " FROM spend WHERE day = $1 ORDER BY at, claim_id LIMIT $2");
    BEGIN_DAY = "INSERT INTO spend_day (day, tokens, micro_usd) VALUES ($1, 0, 0) ON CONFLICT (day) DO NOTHING";
    DAY = "SELECT tokens, micro_usd FROM spend_day WHERE day = $1 FOR UPDATE";
    LOOK_AT_DAY = "SELECT tokens, micro_usd FROM spend_day WHERE day = $1";
    BOOK = "UPDATE spend_day SET tokens = tokens + $2, micro_usd = micro_usd + $3 WHERE day = $1";
}

/// What one run set aside and spent, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The claim.
    pub claim_id: String,
    /// The job.
    pub job: String,
    /// The pull request.
    pub pull: String,
    /// The stage.
    pub stage: Stage,
    /// The day on which it is booked.
    pub day: i64,
    /// How much.
    pub spend: Spend,
    /// When it began.
    pub at: i64,
}

#[derive(sqlx::FromRow)]
struct Stored {
    claim_id: String,
    job: String,
    pull: String,
    stage: String,
    day: i64,
    reserved_tokens: i64,
    reserved_micro_usd: i64,
    tokens: Option<i64>,
    micro_usd: Option<i64>,
    settled: i64,
    at: i64,
}

impl TryFrom<Stored> for Row {
    type Error = Fault;

    fn try_from(row: Stored) -> Result<Self, Fault> {
        let corrupt = |column| Fault::Corrupt { table: "spend", column, id: row.claim_id.clone() };
        let stage = Stage::parse(&row.stage).ok_or_else(|| corrupt("stage"))?;
        // What makes no sense is not counted as little: nothing more begins until somebody looks.
        let numbers = [Some(row.reserved_tokens), Some(row.reserved_micro_usd), row.tokens, row.micro_usd];
        if numbers.into_iter().flatten().any(|number| number < 0) {
            return Err(corrupt("tokens"));
        }
        let spend = Spend {
            reserved: Amount { tokens: row.reserved_tokens, micro_usd: row.reserved_micro_usd },
            tokens: row.tokens,
            micro_usd: row.micro_usd,
            settled: row.settled != 0,
        };
        Ok(Self { claim_id: row.claim_id, job: row.job, pull: row.pull, stage, day: row.day, spend, at: row.at })
    }
}

/// Remembers that a run begins.
pub async fn add(tx: &mut Tx, row: &Row) -> Result<(), Fault> {
    let args = [
        Text(&row.claim_id),
        Text(&row.job),
        Text(&row.pull),
        Text(row.stage.name()),
        Int(row.day),
        Int(row.spend.reserved.tokens),
        Int(row.spend.reserved.micro_usd),
        MaybeInt(row.spend.tokens),
        MaybeInt(row.spend.micro_usd),
        Int(i64::from(row.spend.settled)),
        Int(row.at),
    ];
    tx.run(ADD, &args).await.map(drop)
}

/// Writes what a run has spent; what is settled stays settled.
pub async fn write(tx: &mut Tx, claim_id: &str, spend: Spend) -> Result<(), Fault> {
    let args = [Text(claim_id), MaybeInt(spend.tokens), MaybeInt(spend.micro_usd), Int(i64::from(spend.settled))];
    crate::guarded(tx.run(WRITE, &args).await?)
}

/// What the run of a claim has spent, held still for this transaction.
pub async fn load(tx: &mut Tx, claim_id: &str) -> Result<Option<Row>, Fault> {
    tx.one::<Stored>(LOAD, &[Text(claim_id)]).await?.map(Row::try_from).transpose()
}

/// The same, to look at.
pub async fn find(tx: &mut Tx, claim_id: &str) -> Result<Option<Row>, Fault> {
    tx.one::<Stored>(FIND, &[Text(claim_id)]).await?.map(Row::try_from).transpose()
}

/// The runs of a pull request, in order.
pub async fn of(tx: &mut Tx, pull: &str, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all::<Stored>(OF_PULL, &[Text(pull), Int(limit)]).await?.into_iter().map(Row::try_from).collect()
}

/// The runs of a day, in order.
pub async fn on(tx: &mut Tx, day: i64, limit: i64) -> Result<Vec<Row>, Fault> {
    tx.all::<Stored>(OF_DAY, &[Int(day), Int(limit)]).await?.into_iter().map(Row::try_from).collect()
}

/// What is booked on a day, held still for this transaction.
pub async fn booked(tx: &mut Tx, day: i64) -> Result<Amount, Fault> {
    tx.run(BEGIN_DAY, &[Int(day)]).await?;
    amount(tx.one(DAY, &[Int(day)]).await?, day)
}

/// The same, to look at.
pub async fn booked_so_far(tx: &mut Tx, day: i64) -> Result<Amount, Fault> {
    amount(Some(tx.one(LOOK_AT_DAY, &[Int(day)]).await?.unwrap_or((0, 0))), day)
}

fn amount(row: Option<(i64, i64)>, day: i64) -> Result<Amount, Fault> {
    match row {
        Some((tokens, micro_usd)) if tokens >= 0 && micro_usd >= 0 => Ok(Amount { tokens, micro_usd }),
        Some(_) => Err(Fault::Corrupt { table: "spend_day", column: "tokens", id: day.to_string() }),
        None => Err(Fault::Conflict),
    }
}

/// Books more, or less, on a day.
pub async fn book(tx: &mut Tx, day: i64, more: Amount) -> Result<(), Fault> {
    crate::guarded(tx.run(BOOK, &[Int(day), Int(more.tokens), Int(more.micro_usd)]).await?)
}
