//! The shapes of payloads by kind: proposed by the sweep, accepted or refused by a person, and then held to.

use std::collections::BTreeSet;

use domain::agent::Right;
use domain::payload::{self, Shape};
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde_json::{Map, Value, json};
use store::kind::{self, Row};

use crate::desk::Desk;
use crate::page::{Ask, Page};
use crate::{Call, No, Plane};

/// The most kinds that one sweep looks at: work that has more has names for kinds.
const KINDS_MAX: i64 = 500;

/// Who proposes.
const SWEEP: &str = "register-jobs";

impl Plane {
    /// Every kind whose payloads agree on a shape, by name.
    pub async fn list_kinds(&self, call: &Call, ask: &Ask) -> Result<Page<Row>, No> {
        let (_, after) = ask.place((0, ""))?;
        let mut tx = self.read(call).await?;
        let rows = kind::list(&mut tx, &after, ask.rows()).await?;
        Ok(ask.page_of_texts(rows, |row| (0, row.kind.clone())))
    }

    /// One kind and its shape.
    pub async fn show_kind(&self, call: &Call, name: &str) -> Result<Row, No> {
        let mut tx = self.read(call).await?;
        Ok(kind::find(&mut tx, name).await?.ok_or_else(|| unknown(name))?)
    }

    /// Accepts or refuses the shape of a kind; false when that was said before.
    pub async fn judge_kind(&self, call: &Call, name: &str, accept: Verdict) -> Result<bool, No> {
        let name = domain::id::name("kind", name)?;
        self.write(call, Right::Operate, move |desk| judge(desk, name.clone(), accept).boxed()).await
    }

    /// Looks at the payloads of every kind and proposes a shape where three of them agree; gives how many proposals
    /// are new.
    pub(crate) async fn propose_shapes(&self) -> Result<i64, No> {
        let mut proposed = 0;
        let mut tx = self.store.read().await?;
        let kinds = kind::kinds(&mut tx, "", KINDS_MAX).await?;
        drop(tx);
        for name in kinds {
            let mut tx = self.store.read().await?;
            let payloads: Vec<Map<String, Value>> = kind::payloads(&mut tx, &name, payload::EXAMPLES_MAX)
                .await?
                .iter()
                .filter_map(|text| serde_json::from_str(text).ok())
                .collect();
            drop(tx);
            let Some(shape) = payload::agreed(&payloads) else { continue };
            let distinct: BTreeSet<_> = payloads.iter().map(|payload| json!(payload).to_string()).collect();
            let (shape, examples) = (json!(shape).to_string(), i64::try_from(distinct.len()).unwrap_or(i64::MAX));
            let new = self.act.act(move |tx| {
                let (name, shape) = (name.clone(), shape.clone());
                async move { Ok(kind::propose(tx, &name, &shape, examples, SWEEP).await?) }.boxed()
            });
            proposed += i64::from(new.await?);
        }
        Ok(proposed)
    }
}

/// What a person says of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Payloads of the kind are held to it from now on.
    Accept,
    /// They are not.
    Refuse,
    /// It is forgotten, and the next sweep may propose one anew.
    Forget,
}

async fn judge(desk: &mut Desk<'_>, name: String, verdict: Verdict) -> Result<bool, No> {
    let Some(row) = kind::find(desk.tx, &name).await? else { return Err(unknown(&name).into()) };
    let by = desk.call.by.name.clone();
    let (done, state) = match verdict {
        Verdict::Accept => (kind::judge(desk.tx, &name, "accepted", &by).await?, "accepted"),
        Verdict::Refuse => (kind::judge(desk.tx, &name, "refused", &by).await?, "refused"),
        Verdict::Forget => (kind::forget(desk.tx, &name).await?, "forgotten"),
    };
    if done {
        let after = json!({"state": state, "shape": row.shape});
        desk.record(format!("kind:{name}"), &json!({"state": row.state}), &after).await?;
    }
    Ok(done)
}

/// Refuses a payload that does not have the shape which a person accepted for its kind.
pub(crate) async fn check(desk: &mut Desk<'_>, name: &str, payload: Option<&str>) -> Result<(), No> {
    let Some(shape): Option<Shape> = kind::accepted(desk.tx, name).await? else { return Ok(()) };
    let payload: Map<String, Value> = payload.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Ok(shape.check(name, &payload)?)
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("no shape of {name:?} payloads is known"))
        .hint("one is proposed once three different payloads of the kind agree: gapwright kinds list")
}
