//! Questions to people: asking gives the job back, and the answer, or that nobody gave one, reaches the next attempt. Who has
//! the link of a question may answer it, and nothing else.

use domain::agent::{Principal, Right, Role};
use domain::decision::{self, Decision, LIFE, State};
use domain::id;
use domain::job::{Pointer, Stale};
use domain::notice::Level;
use domain::refusal::{Code, Refusal};
use futures::FutureExt;
use serde_json::json;

use crate::agent::same;
use crate::desk::Desk;
use crate::page::{Ask, Page};
use crate::pull::tell_once;
use crate::tend::own;
use crate::{Call, No, Plane};

/// Whom the audit names where somebody answered by a link: whoever had it.
const BY_LINK: &str = "link";

/// How many questions of one job are shown.
pub const OF_JOB_MAX: i64 = 20;

impl Plane {
    /// Asks people: the job is given back until somebody answers, or the question expires.
    pub async fn ask_operator(
        &self,
        call: &Call,
        claim_id: &str,
        question: &str,
        options: Vec<String>,
    ) -> Result<Decision, No> {
        let claim_id = id::opaque("claim_id", claim_id)?;
        decision::check(question, &options)?;
        let question = question.to_owned();
        let asked = self.write(call, Right::Work, move |desk| {
            ask(desk, claim_id.clone(), question.clone(), options.clone()).boxed()
        });
        let asked = asked.await?;
        self.wake.outbox.notify_one();
        Ok(asked)
    }

    /// Answers a question with one of its options, from 1.
    pub async fn answer_decision(&self, call: &Call, id: &str, option: i64) -> Result<Decision, No> {
        let id = id::opaque("id", id)?;
        self.write(call, Right::Operate, move |desk| answer(desk, id.clone(), option).boxed()).await
    }

    /// A question.
    pub async fn show_decision(&self, call: &Call, id: &str) -> Result<Decision, No> {
        let id = id::opaque("id", id)?;
        let mut tx = self.read(call).await?;
        Ok(store::decision::find(&mut tx, &id).await?.ok_or_else(|| {
            Refusal::new(Code::NotFound, format!("there is no question {id}")).hint("see gapwright decisions list")
        })?)
    }

    /// The question that a link opens.
    pub async fn find_decision_by_link(&self, id: &str, key: &str) -> Result<Decision, No> {
        let mut tx = self.store.glance().await?;
        let opens =
            store::decision::key(&mut tx, id).await?.is_some_and(|digest| same(&digest, &id::digest(key.as_bytes())));
        let found = if opens { store::decision::find(&mut tx, id).await? } else { None };
        Ok(found.ok_or_else(|| {
            Refusal::new(Code::NotFound, "this link opens no question")
                .hint("open it as it was sent, or use gapwright decisions list")
        })?)
    }

    /// Answers the question that a link opens.
    pub async fn answer_by_link(&self, id: &str, key: &str, option: i64, request_id: String) -> Result<Decision, No> {
        let open = self.find_decision_by_link(id, key).await?;
        let by = Principal::local(BY_LINK, Role::Operator);
        let call = Call { by, tool: "decision link", request_id, idempotency: None };
        self.answer_decision(&call, &open.id, option).await
    }

    /// Questions: those that nobody answered yet, the next to expire first, or all, the latest first.
    pub async fn list_decisions(&self, call: &Call, all: bool, ask: &Ask) -> Result<Page<Decision>, No> {
        let mut tx = self.read(call).await?;
        if all {
            let (before, id) = ask.place((i64::MAX, ""))?;
            let found = store::decision::all(&mut tx, (before, &id), ask.rows()).await?;
            return Ok(ask.page(found, |one| (one.asked_at.0, one.id.clone())));
        }
        let (after, id) = ask.place((i64::MIN, ""))?;
        let found = store::decision::open(&mut tx, (after, &id), ask.rows()).await?;
        Ok(ask.page(found, |one| (one.expires_at.0, one.id.clone())))
    }

    /// The questions of a job, the latest first, [`OF_JOB_MAX`] at most.
    pub async fn list_decisions_of_job(&self, call: &Call, job: &str) -> Result<Vec<Decision>, No> {
        let job = id::name("job", job)?;
        let mut tx = self.read(call).await?;
        Ok(store::decision::of_job(&mut tx, &job, OF_JOB_MAX).await?)
    }

    /// Lets questions expire whose time is up; gives how many.
    pub async fn tend_decisions(&self) -> Result<usize, No> {
        self.at_desk(own("expire-decision"), |desk| expire(desk).boxed()).await
    }
}

async fn ask(desk: &mut Desk<'_>, claim_id: String, question: String, options: Vec<String>) -> Result<Decision, No> {
    desk.call.by.own(&claim_id)?;
    let stale = |why: Stale| {
        let message = format!("the claim is not the current one: {}", why.name());
        No::from(Refusal::new(Code::StaleClaim, message).field("claim_id").hint("claim the job again"))
    };
    let Some(was) = store::job::by_claim(desk.tx, &claim_id).await? else { return Err(stale(Stale::StaleClaim)) };
    let reason = format!("asked: {question}");
    let at = Pointer::Claim(claim_id);
    let step = was.clone().defer(&desk.call.by, &at, LIFE, reason, desk.now).map_err(stale)?;
    let asked = Decision {
        id: desk.mint(),
        job: was.name.clone(),
        pull: was.pull.clone(),
        principal: desk.call.by.name.clone(),
        question,
        options,
        asked_at: desk.now,
        expires_at: desk.now + LIFE,
        state: State::Open,
    };
    store::decision::add(desk.tx, &asked).await?;
    crate::job::write(desk, &was, step).await?;
    desk.record(object(&asked), &(), &json!({"job": asked.job, "options": asked.options.len()})).await?;
    let options: Vec<_> = (1..).zip(&asked.options).map(|(at, option): (i64, _)| format!("{at}: {option}")).collect();
    let link = link(desk, &asked.id).await?;
    let by_link = link.as_ref().map(|link| format!("{link} or ")).unwrap_or_default();
    let text = format!(
        "{} asks for {}: {} ({}; the first is recommended). Answer: {by_link}gapwright decisions answer {} 1",
        asked.principal,
        asked.job,
        asked.question,
        options.join("; "),
        asked.id
    );
    tell_once(desk, &object(&asked), "asked", Level::Info, text, link).await?;
    Ok(asked)
}

/// A link that opens a question, where one can be sent: there is an address, and what it is sent by keeps it to itself.
async fn link(desk: &mut Desk<'_>, id: &str) -> Result<Option<String>, No> {
    let Some(url) = desk.rules.public_url.clone().filter(|_| desk.rules.keeps_secrets) else { return Ok(None) };
    let key = format!("{:032x}", desk.chance.draw());
    store::decision::set_key(desk.tx, id, &id::digest(key.as_bytes())).await?;
    Ok(Some(decision::link(&url, id, &key)))
}

async fn answer(desk: &mut Desk<'_>, id: String, option: i64) -> Result<Decision, No> {
    let found = store::decision::load(desk.tx, &id).await?;
    let was = found.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no question {id}")).hint("see gapwright decisions list")
    })?;
    let now = was.clone().answer(option, &desk.call.by.name, desk.now)?;
    if now != was {
        settle(desk, &now).await?;
    }
    Ok(now)
}

async fn expire(desk: &mut Desk<'_>) -> Result<usize, No> {
    let due = store::decision::expired(desk.tx).await?;
    let count = due.len();
    for was in due {
        let now = was.expire(desk.now);
        settle(desk, &now).await?;
    }
    Ok(count)
}

/// Writes how a question ended, and lets its job be due now.
async fn settle(desk: &mut Desk<'_>, now: &Decision) -> Result<(), No> {
    store::decision::write(desk.tx, now).await?;
    desk.record(object(now), &json!({"state": "open"}), &json!({"state": now.state})).await?;
    let Some(was) = store::job::load(desk.tx, &now.job).await? else { return Ok(()) };
    // Only what still waits for it.
    if was.next_run_at.is_some_and(|at| at > desk.now) && was.state == domain::job::State::Waiting {
        let job = was.clone().due_at(desk.now);
        store::job::write(desk.tx, &was, &job).await?;
        desk.record(format!("job:{}", job.name), &crate::job::audited(&was), &crate::job::audited(&job)).await?;
    }
    Ok(())
}

fn object(decision: &Decision) -> String {
    format!("decision:{}", decision.id)
}
