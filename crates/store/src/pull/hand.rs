//! Who stood in which stage of a pull request: appended, never changed.

use domain::pull::{Instance, Stage};

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

statements! {
    APPEND = "INSERT INTO pull_hand (claim_id, pull, stage, principal, lineage, at) VALUES ($1, $2, $3, $4, $5, $6)";
    OF_PULL = "SELECT stage, principal, claim_id, lineage FROM pull_hand WHERE pull = $1 ORDER BY at, claim_id LIMIT $2";
    TOOK_PART = "SELECT DISTINCT stage, principal, claim_id, lineage FROM (
                    SELECT stage, principal, claim_id, lineage FROM pull_word WHERE pull = $1
                    UNION ALL
                    SELECT stage, principal, claim_id, lineage FROM pull_hand WHERE pull = $1 AND stage = 'implementer'
                  ) AS hands LIMIT $2";
    OF_CLAIM = "SELECT stage, principal, claim_id, lineage FROM pull_hand WHERE claim_id = $1";
}

/// The most hands of one pull request that are read: far more than its turns can be.
const HANDS_MAX: i64 = 1_000;

#[derive(sqlx::FromRow)]
struct Row {
    stage: String,
    principal: String,
    claim_id: String,
    lineage: String,
}

impl TryFrom<Row> for (Stage, Instance) {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let stage = Stage::parse(&row.stage);
        let stage =
            stage.ok_or_else(|| Fault::Corrupt { table: "pull_hand", column: "stage", id: row.claim_id.clone() })?;
        Ok((stage, Instance { principal: row.principal, run: row.claim_id, lineage: row.lineage }))
    }
}

/// Remembers that an instance stands in a stage.
pub async fn append(tx: &mut Tx, pull: &str, stage: Stage, who: &Instance) -> Result<(), Fault> {
    let now = tx.now();
    let args = [Text(&who.run), Text(pull), Text(stage.name()), Text(&who.principal), Text(&who.lineage), Int(now.0)];
    tx.run(APPEND, &args).await.map(drop)
}

/// Everybody who stood in a stage of a pull request, in order.
pub async fn of(tx: &mut Tx, pull: &str) -> Result<Vec<(Stage, Instance)>, Fault> {
    let rows: Vec<Row> = tx.all(OF_PULL, &[Text(pull), Int(HANDS_MAX)]).await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Everybody who handed something in for a pull request, and everybody who was its implementer: what one of those pushed may
/// be its head though it was never handed in.
pub async fn took_part(tx: &mut Tx, pull: &str) -> Result<Vec<(Stage, Instance)>, Fault> {
    let rows: Vec<Row> = tx.all(TOOK_PART, &[Text(pull), Int(HANDS_MAX)]).await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Who stands in a stage by this claim.
pub async fn by_claim(tx: &mut Tx, claim_id: &str) -> Result<Option<(Stage, Instance)>, Fault> {
    let row: Option<Row> = tx.one(OF_CLAIM, &[Text(claim_id)]).await?;
    row.map(TryFrom::try_from).transpose()
}
