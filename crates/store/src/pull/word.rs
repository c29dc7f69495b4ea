//! What agents handed in for pull requests, each as JSON: appended, never changed.

use domain::pull::{Instance, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Arg::{Int, Text};
use crate::{Fault, Tx};

macro_rules! columns {
    () => {
        "id, pull, stage, pass, claim_id, principal, lineage, model, prompt, head, iteration, epoch, verdict, body, at"
    };
}

statements! {
    APPEND = concat!("INSERT INTO pull_word (", columns!(), ", seq)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                    (SELECT COALESCE(MAX(seq), 0) + 1 FROM pull_word WHERE pull = $2))");
    OF_PULL = concat!("SELECT ", columns!(), " FROM pull_word WHERE pull = $1 ORDER BY seq DESC LIMIT $2");
    OF_CLAIM = concat!("SELECT ", columns!(), " FROM pull_word WHERE claim_id = $1 ORDER BY seq DESC LIMIT 1");
    FIRST = concat!("SELECT ", columns!(), " FROM pull_word WHERE stage = 'reviewer' AND pass = 'final' AND iteration = 0
              AND at >= $1 ORDER BY at DESC, id LIMIT $2");
    LATEST = concat!("SELECT ", columns!(), " FROM pull_word WHERE pull = $1 AND stage = $2 AND pass = 'final'
               ORDER BY seq DESC LIMIT 1");
}

/// The first thing that a reviewer says, before it knows what the change is for, and what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Blind.
    First,
    /// What counts.
    Final,
}

impl Pass {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Final => "final",
        }
    }
}

/// What an agent handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Word {
    /// Its id.
    pub id: String,
    /// The pull request.
    pub pull: String,
    /// The stage.
    pub stage: String,
    /// `first` or `final`.
    pub pass: String,
    /// The claim.
    pub claim_id: String,
    /// In whose name.
    pub principal: String,
    /// From which token.
    pub lineage: String,
    /// Which model, as it says itself.
    pub model: String,
    /// The hash of the prompt under which it worked.
    pub prompt: String,
    /// The commit that it is about.
    pub head: String,
    /// In which round.
    pub iteration: i64,
    /// Since which opening.
    pub epoch: i64,
    /// What it says in a word.
    pub verdict: String,
    /// All of it.
    pub body: String,
    /// When.
    pub at: i64,
}

impl Word {
    /// All of it, read.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.body).map_err(|_| Fault::Corrupt {
            table: "pull_word",
            column: "body",
            id: self.id.clone(),
        })
    }
}

/// What is to be appended.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The pull request.
    pub pull: &'a domain::pull::Pull,
    /// The stage.
    pub stage: Stage,
    /// Whether it counts.
    pub pass: Pass,
    /// Who hands it in.
    pub who: &'a Instance,
    /// Which model, as it says itself.
    pub model: &'a str,
    /// The hash of its prompt.
    pub prompt: &'a str,
    /// What it says in a word.
    pub verdict: &'a str,
    /// All of it.
    pub body: String,
}

/// Appends what an agent handed in.
pub async fn append(tx: &mut Tx, id: &str, new: New<'_>) -> Result<(), Fault> {
    let now = tx.now();
    let args = [
        Text(id),
        Text(&new.pull.id),
        Text(new.stage.name()),
        Text(new.pass.name()),
        Text(&new.who.run),
        Text(&new.who.principal),
        Text(&new.who.lineage),
        Text(new.model),
        Text(new.prompt),
        Text(new.pull.head().unwrap_or_default()),
        Int(new.pull.iteration),
        Int(new.pull.epoch),
        Text(new.verdict),
        Text(&new.body),
        Int(now.0),
    ];
    tx.run(APPEND, &args).await.map(drop)
}

/// What was handed in for a pull request, the latest first.
pub async fn of(tx: &mut Tx, pull: &str, limit: i64) -> Result<Vec<Word>, Fault> {
    tx.all(OF_PULL, &[Text(pull), Int(limit)]).await
}

/// What was last handed in under a claim.
pub async fn by_claim(tx: &mut Tx, claim_id: &str) -> Result<Option<Word>, Fault> {
    tx.one(OF_CLAIM, &[Text(claim_id)]).await
}

/// The last word of a stage that counts.
pub async fn latest(tx: &mut Tx, pull: &str, stage: Stage) -> Result<Option<Word>, Fault> {
    tx.one(LATEST, &[Text(pull), Text(stage.name())]).await
}

/// What reviewers said of first drafts since a moment, the latest first.
pub async fn of_first_drafts(tx: &mut Tx, since: domain::time::Time, limit: i64) -> Result<Vec<Word>, Fault> {
    tx.all(FIRST, &[Int(since.0), Int(limit)]).await
}
