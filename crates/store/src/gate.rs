//! What the gate judged and on what, what operators allow, and what draws are made from.

use domain::gate::{Arm, Judgement, Record, Stratum};
use domain::outcome::Weight;
use domain::time::Time;
use serde::Serialize;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! records {
    () => {
        "id, pull, at, head, stratum, word, would, record, judgement"
    };
}

macro_rules! arms {
    () => {
        "stratum, seq, what, at, until, by, owner, reason, evidence"
    };
}

statements! {
    KEEP_STRATUM = "INSERT INTO stratum (id, body, first_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    STRATUM = "SELECT id, body FROM stratum WHERE id = $1";
    // Those that people let merge, and those with most in their favour, so that none is crowded out by names that agents make up.
    STRATA = "SELECT id, body FROM stratum
               ORDER BY CASE WHEN EXISTS (SELECT 1 FROM gate_arm AS a WHERE a.stratum = stratum.id) THEN 0 ELSE 1 END,
                        (SELECT COUNT(*) FROM outcome AS o WHERE o.stratum = stratum.id AND o.weight IN ('good', 'auto')) DESC,
                        first_at DESC, id LIMIT $1";
    APPEND = concat!("INSERT INTO gate_record (", records!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    LATEST = concat!("SELECT ", records!(), " FROM gate_record WHERE pull = $1 ORDER BY at DESC, id DESC LIMIT 1");
    FIND = concat!("SELECT ", records!(), " FROM gate_record WHERE id = $1");
    // Of each pull request that would have been merged: what became of it.
    SHADOW = "SELECT pull, (SELECT p.number FROM pull AS p WHERE p.id = each.pull) AS number,
                     (SELECT o.weight FROM outcome AS o WHERE o.pull = each.pull ORDER BY o.seq DESC LIMIT 1) AS weight,
                     (SELECT o.ended_at FROM outcome AS o WHERE o.pull = each.pull ORDER BY o.seq DESC LIMIT 1) AS ended_at
                FROM (SELECT DISTINCT pull FROM gate_record WHERE stratum = $1 AND would = 1) AS each
               WHERE NOT EXISTS (SELECT 1 FROM outcome AS o WHERE o.pull = each.pull AND o.weight = 'auto')
               ORDER BY COALESCE((SELECT MAX(o.ended_at) FROM outcome AS o WHERE o.pull = each.pull), 0) DESC, pull LIMIT $2";
    ARM = concat!("INSERT INTO gate_arm (", arms!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING");
    ARMED = concat!("SELECT ", arms!(), " FROM gate_arm WHERE stratum = $1 ORDER BY seq DESC LIMIT 1");
    ARMS = concat!("SELECT ", arms!(), " FROM gate_arm WHERE stratum = $1 ORDER BY seq DESC LIMIT $2");
    ALL_ARMED = "SELECT stratum FROM gate_arm WHERE what = 'armed' AND NOT EXISTS (
                      SELECT 1 FROM gate_arm AS later WHERE later.stratum = gate_arm.stratum AND later.seq > gate_arm.seq)
                  ORDER BY stratum";
    // Rows of these are only ever appended, but for the switches, of which the moment tells.
    MARK = "SELECT (SELECT COUNT(*) FROM gate_arm) AS arms, (SELECT COUNT(*) FROM level) AS levels,
                   (SELECT COUNT(*) FROM switch) AS switches, (SELECT COALESCE(MAX(at), 0) FROM switch) AS switched_at";
    SECRET = "SELECT secret FROM gate_secret WHERE place = 1";
    KEEP_SECRET = "INSERT INTO gate_secret (place, secret) VALUES (1, $1) ON CONFLICT (place) DO NOTHING";
}

/// A mark of everything that is allowed: arms, levels and switches. As long as it is the same, none of them changed.
pub async fn mark(tx: &mut Tx) -> Result<String, Fault> {
    let found: Option<(i64, i64, i64, i64)> = tx.one(MARK, &[]).await?;
    let (arms, levels, switches, switched_at) = found.unwrap_or_default();
    Ok(format!("{arms} {levels} {switches} {switched_at}"))
}

/// A judgement as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Judged {
    /// Its id.
    pub id: String,
    /// The pull request.
    pub pull: String,
    /// When.
    pub at: i64,
    /// The commit at its head.
    pub head: String,
    /// The id of its stratum; empty where none is known.
    pub stratum: String,
    /// What followed.
    pub word: String,
    /// 1 where evidence and pull request would have it merged.
    pub would: i64,
    /// On what, as JSON.
    pub record: String,
    /// The judgement, as JSON.
    pub judgement: String,
}

impl Judged {
    /// On what it was judged.
    pub fn record(&self) -> Result<Record, Fault> {
        serde_json::from_str(&self.record).map_err(|_| self.corrupt("record"))
    }

    /// How it was judged.
    pub fn judgement(&self) -> Result<Judgement, Fault> {
        serde_json::from_str(&self.judgement).map_err(|_| self.corrupt("judgement"))
    }

    fn corrupt(&self, column: &'static str) -> Fault {
        Fault::Corrupt { table: "gate_record", column, id: self.id.clone() }
    }
}

/// What an operator said of a stratum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Said {
    /// The stratum.
    pub stratum: String,
    /// Which of it, from 1.
    pub seq: i64,
    /// `armed` or `disarmed`.
    pub what: String,
    /// When.
    pub at: i64,
    /// Until when it holds; the same moment where it was disarmed.
    pub until: i64,
    /// Who said so.
    pub by: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// What the gate said then, as JSON.
    pub evidence: String,
}

impl Said {
    /// The word that holds, where it is one to merge.
    pub fn arm(&self) -> Option<Arm> {
        let arm = || Arm { since: Time(self.at), until: Time(self.until), owner: self.owner.clone() };
        (self.what == "armed").then(arm)
    }
}

/// What became of a pull request that would have been merged.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Would {
    /// The pull request.
    pub pull: String,
    /// Its number on the forge.
    pub number: Option<i64>,
    weight: Option<String>,
    /// When it ended.
    pub ended_at: Option<i64>,
}

impl Would {
    /// What its outcome is to the gate; none while it has none.
    pub fn weight(&self) -> Result<Option<Weight>, Fault> {
        let corrupt = || Fault::Corrupt { table: "outcome", column: "weight", id: self.pull.clone() };
        self.weight.as_deref().map(|word| Weight::parse(word).ok_or_else(corrupt)).transpose()
    }
}

/// Remembers what a stratum's id stands for.
pub async fn keep_stratum(tx: &mut Tx, stratum: &Stratum) -> Result<(), Fault> {
    let now = tx.now();
    let (id, body) = (stratum.id(), serde_json::json!(stratum).to_string());
    tx.run(KEEP_STRATUM, &[Text(&id), Text(&body), Int(now.0)]).await.map(drop)
}

/// What a stratum's id stands for.
pub async fn stratum(tx: &mut Tx, id: &str) -> Result<Option<Stratum>, Fault> {
    tx.one::<(String, String)>(STRATUM, &[Text(id)]).await?.map(read_stratum).transpose()
}

/// The strata that were met: those that an operator ever armed first, and then by how much speaks for them.
pub async fn strata(tx: &mut Tx, limit: i64) -> Result<Vec<Stratum>, Fault> {
    tx.all::<(String, String)>(STRATA, &[Int(limit)]).await?.into_iter().map(read_stratum).collect()
}

fn read_stratum((id, body): (String, String)) -> Result<Stratum, Fault> {
    serde_json::from_str(&body).map_err(|_| Fault::Corrupt { table: "stratum", column: "body", id })
}

/// Appends a judgement.
pub async fn append(tx: &mut Tx, judged: &Judged) -> Result<(), Fault> {
    let args = [
        Text(&judged.id),
        Text(&judged.pull),
        Int(judged.at),
        Text(&judged.head),
        Text(&judged.stratum),
        Text(&judged.word),
        Int(judged.would),
        Text(&judged.record),
        Text(&judged.judgement),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// The last judgement of a pull request.
pub async fn latest(tx: &mut Tx, pull: &str) -> Result<Option<Judged>, Fault> {
    tx.one(LATEST, &[Text(pull)]).await
}

/// One judgement.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Judged>, Fault> {
    tx.one(FIND, &[Text(id)]).await
}

/// The pull requests of a stratum that would have been merged, those that ended last first, and what became of them.
pub async fn shadow(tx: &mut Tx, stratum: &str, limit: i64) -> Result<Vec<Would>, Fault> {
    tx.all(SHADOW, &[Text(stratum), Int(limit)]).await
}

/// Remembers what an operator said; what another said meanwhile is a conflict.
pub async fn say(tx: &mut Tx, said: &Said) -> Result<(), Fault> {
    let args = [
        Text(&said.stratum),
        Int(said.seq),
        Text(&said.what),
        Int(said.at),
        Int(said.until),
        Text(&said.by),
        Text(&said.owner),
        Text(&said.reason),
        Text(&said.evidence),
    ];
    crate::guarded(tx.run(ARM, &args).await?)
}

/// What was last said of a stratum.
pub async fn said(tx: &mut Tx, stratum: &str) -> Result<Option<Said>, Fault> {
    tx.one(ARMED, &[Text(stratum)]).await
}

/// The strata that operators let merge, all of them.
pub async fn armed(tx: &mut Tx) -> Result<Vec<String>, Fault> {
    Ok(tx.all::<(String,)>(ALL_ARMED, &[]).await?.into_iter().map(|(stratum,)| stratum).collect())
}

/// Everything that was said of a stratum, the latest first.
pub async fn sayings(tx: &mut Tx, stratum: &str, limit: i64) -> Result<Vec<Said>, Fault> {
    tx.all(ARMS, &[Text(stratum), Int(limit)]).await
}

/// What draws are made from; none before the first.
pub async fn secret(tx: &mut Tx) -> Result<Option<String>, Fault> {
    Ok(tx.one::<(String,)>(SECRET, &[]).await?.map(|(secret,)| secret))
}

/// Keeps what draws are made from, unless there is something already.
pub async fn keep_secret(tx: &mut Tx, secret: &str) -> Result<(), Fault> {
    tx.run(KEEP_SECRET, &[Text(secret)]).await.map(drop)
}
