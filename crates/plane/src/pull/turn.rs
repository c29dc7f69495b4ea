//! Turns: the job of the agent whose turn it is. One is given out when a pull request comes to stand so, taken by somebody
//! who stood in no other stage of it, and ends by what is handed in, or without.

use domain::budget::{self, Amount, Short, Spend};
use domain::job::{Job, Outcome, Payload, Register, Run, State as JobState};
use domain::notice::Level;
use domain::pull::{EXCESSES_MAX, Event, Instance, Pull, Reviewers, Stage, stage};
use domain::refusal::{Code, Refusal};
use serde_json::json;
use store::pull::{Stored, hand};
use store::seeded::bug;
use store::{Tx, spend};

use super::{audited, object, step, tell_once};
use crate::No;
use crate::desk::Desk;
use crate::mirror::Let;
use crate::settings::Rules;

/// How often a turn may be taken without a success until a person is to look at it.
const ATTEMPTS_MAX: i64 = 3;

/// How often in a row a turn is put off until a person is told: by an agent that cannot work, every five minutes, an hour.
const PUT_OFF_MAX: i64 = 12;

/// How much is told of why it was, in characters.
const PUT_OFF_WHY_MAX: usize = 300;

/// Who registers turns.
const US: &str = "gapwright";

/// Whether a turn may be taken.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It may.
    Free(Box<Stored>, Amount),
    /// Not just now.
    Later(Refusal),
    /// Not by this caller.
    NotYours(Refusal),
    /// Nobody is to take it any more.
    Over,
}

/// Gives out the turn of the agent whose turn it is, and takes those back that nobody is to take any more.
pub(super) async fn give_out(desk: &mut Desk<'_>, pull: &Pull) -> Result<(), No> {
    let due = pull.job();
    for was in store::job::of_pull(desk.tx, &pull.id).await? {
        if due.as_deref() == Some(was.name.as_str()) {
            return Ok(());
        }
        let job = was.clone().drop_out(desk.now);
        if (&job.state, job.next_run_at) != (&was.state, was.next_run_at) {
            store::job::write(desk.tx, &was, &job).await?;
            desk.record(format!("job:{}", job.name), &crate::job::audited(&was), &crate::job::audited(&job)).await?;
        }
    }
    let (Some(name), Some(stage)) = (due, pull.state.stage()) else { return Ok(()) };
    let priority = store::gap::find(desk.tx, &pull.gap).await?.map_or(0, |gap| match gap.priority {
        Some(domain::gap::Priority::Critical) => 100,
        Some(domain::gap::Priority::High) => 50,
        Some(domain::gap::Priority::Normal) | None => 0,
        Some(domain::gap::Priority::Low) => -50,
    });
    let first_draft = pull.state == domain::pull::State::Implementing;
    let new = Register {
        name,
        kind: stage.name().to_owned(),
        interval: None,
        payload: Some(Payload::new(&payload(pull, stage))?),
        next_run_at: Some(desk.now),
        priority,
        max_attempts: Some(ATTEMPTS_MAX),
        created_by: US.to_owned(),
        // What is drafted anew counts as an attempt of its gap, and rests with it.
        gap: first_draft.then(|| pull.gap.to_string()),
        pull: Some(pull.id.clone()),
    };
    let fence = store::fence::load(desk.tx, &new.name).await?;
    let job = Job::register(new, fence, desk.now);
    if !store::job::add(desk.tx, &job).await? {
        return Err(store::Fault::Conflict.into());
    }
    desk.record(format!("job:{}", job.name), &(), &crate::job::audited(&job)).await
}

/// What the agent is told whose turn it is. A reviewer judges the difference before it may know what that is for, and
/// neither the gap nor the number, under which the forge tells it, is in there.
fn payload(pull: &Pull, stage: Stage) -> serde_json::Value {
    let mut payload = json!({"pull": pull.id, "repo": pull.repo, "iteration": pull.iteration});
    match stage {
        Stage::Planner | Stage::Implementer | Stage::Merger => {
            payload["gap"] = json!(pull.gap.to_string());
            payload["number"] = json!(pull.there.number);
        }
        Stage::Reviewer => {}
    }
    payload
}

/// Looks whether the caller may take a turn now.
pub(crate) async fn let_work(desk: &mut Desk<'_>, job: &Job, pull: &str) -> Result<Turn, No> {
    let Some((stored, stage)) = due(desk, job, pull).await? else { return Ok(Turn::Over) };
    let by = &desk.call.by;
    if !by.role.may(domain::agent::Right::HandIn(stage)) {
        let refusal = Refusal::new(Code::Forbidden, format!("a {} takes no turn of a {stage}", by.role))
            .hint(format!("use a token with the role {stage}"));
        return Ok(Turn::NotYours(refusal));
    }
    if let Some(same) = same_instance(desk, &stored, stage, None).await? {
        return Ok(Turn::NotYours(same));
    }
    goes_on(desk, stored, stage).await
}

/// Looks whether anybody may take a turn now.
pub(crate) async fn lets_somebody_work(desk: &mut Desk<'_>, job: &Job, pull: &str) -> Result<Turn, No> {
    match due(desk, job, pull).await? {
        Some((stored, stage)) => goes_on(desk, stored, stage).await,
        None => Ok(Turn::Over),
    }
}

/// The pull request that a job is the turn of, and its stage; none where nobody is to take it any more.
async fn due(desk: &mut Desk<'_>, job: &Job, pull: &str) -> Result<Option<(Stored, Stage)>, No> {
    let Some(stored) = store::pull::load(desk.tx, pull).await? else { return Ok(None) };
    let stage = stored.pull.state.stage().filter(|_| stored.pull.job().as_deref() == Some(job.name.as_str()));
    Ok(stage.map(|stage| (stored, stage)))
}

/// Looks whether a pull request goes on now, whoever takes its turn: the level, what holds it, switches, budgets.
async fn goes_on(desk: &mut Desk<'_>, stored: Stored, stage: Stage) -> Result<Turn, No> {
    let pull = &stored.pull;
    if let Some(refusal) = stands_still(desk.tx, &desk.rules, pull, stage).await? {
        return Ok(Turn::Later(refusal));
    }
    let day = budget::day(desk.now);
    let booked = spend::booked(desk.tx, day).await?;
    match desk.rules.caps.reserve(stage, (pull.booked, pull.epoch), booked) {
        Ok(amount) => Ok(Turn::Free(Box::new(stored), amount)),
        Err(_) if bug("spend-what-is-not-there") => {
            let amount = desk.rules.caps.of_run(stage);
            Ok(Turn::Free(Box::new(stored), amount))
        }
        Err(short @ Short::Day) => {
            let text = format!(
                "too little of today's budget is left: no agent works on pull requests until {}",
                budget::tomorrow(desk.now).iso()
            );
            tell_once(desk, "budget", &format!("day.{day}"), Level::Warn, text, None).await?;
            Ok(Turn::Later(short.refusal(stage, desk.now)))
        }
        Err(short @ Short::Pull) => {
            let refusal = short.refusal(stage, desk.now);
            let cap = desk.rules.caps.of_pull(pull.epoch);
            let why = format!(
                "{}: {} and {} tokens are booked, of {} and {}",
                refusal.message,
                pull.booked.dollars(),
                pull.booked.tokens,
                cap.dollars(),
                cap.tokens
            );
            step(desk, &stored, stored.pull.clone(), Event::Stopped, &why).await?;
            Ok(Turn::Over)
        }
    }
}

/// What keeps every agent from working on it, but for budgets: the level, what holds it, a switch, the labels of its issue.
pub(super) async fn stands_still(tx: &mut Tx, rules: &Rules, pull: &Pull, stage: Stage) -> Result<Option<Refusal>, No> {
    if let Some(refusal) = below_level(tx, pull, stage).await? {
        return Ok(Some(refusal));
    }
    if let Some(hold) = pull.hold {
        return Ok(Some(Refusal::new(Code::WrongState, hold.why()).hint("people take it back on the forge")));
    }
    let covering = store::switch::covering(tx, stage.name(), Some(&pull.repo)).await?;
    if let Some((scope, off)) = covering.filter(|_| !bug("work-though-switched-off")) {
        return Ok(Some(scope.refusal(&off.by, &off.reason)));
    }
    opted_out(tx, rules, pull).await
}

/// Why the level forbids that an agent works on it, if it does.
async fn below_level(tx: &mut Tx, pull: &Pull, stage: Stage) -> Result<Option<Refusal>, No> {
    let (level, _) = store::level::current(tx).await?;
    let needs =
        if pull.reviewers == Reviewers::Bots { domain::level::Level::Pipeline } else { domain::level::Level::Propose };
    Ok((level < needs).then(|| {
        Refusal::new(Code::WrongState, format!("at the level {level} no {stage} works on it"))
            .hint("an operator raises the level: gapwright level raise")
    }))
}

/// Why nothing may be pushed for it any more, whoever holds its turn: the level, or a switch.
pub(crate) async fn barred(desk: &mut Desk<'_>, pull: &Pull, stage: Stage) -> Result<Option<Refusal>, No> {
    if let Some(refusal) = below_level(desk.tx, pull, stage).await? {
        return Ok(Some(refusal));
    }
    let covering = store::switch::covering(desk.tx, "", Some(&pull.repo)).await?;
    Ok(covering.map(|(scope, off)| scope.refusal(&off.by, &off.reason)))
}

/// Why agents may not act on what has no pull request yet, by the labels of its issue as they were last seen.
async fn opted_out(tx: &mut Tx, rules: &Rules, pull: &Pull) -> Result<Option<Refusal>, No> {
    if pull.there.number.is_some() {
        return Ok(None);
    }
    Ok(match crate::mirror::lets_agents_act(tx, rules, &pull.gap).await? {
        Let::Act => None,
        Let::Not | Let::NoIssue | Let::NoForge => Some(
            Refusal::new(Code::WrongState, format!("the issue of {} does not let agents act on it", pull.gap))
                .hint("people say so by its labels"),
        ),
    })
}

/// Takes a turn: who stands in it is remembered, and what it may spend is set aside.
pub(crate) async fn take(desk: &mut Desk<'_>, was: &Stored, job: &Job, amount: Amount) -> Result<(), No> {
    let JobState::Held(claim) = &job.state else { return Ok(()) };
    let Some(stage) = was.pull.state.stage() else { return Ok(()) };
    let who =
        Instance { principal: claim.principal.clone(), run: claim.id.clone(), lineage: desk.call.by.lineage.clone() };
    hand::append(desk.tx, &was.pull.id, stage, &who).await?;
    let day = budget::day(desk.now);
    let row = spend::Row {
        claim_id: claim.id.clone(),
        job: job.name.clone(),
        pull: was.pull.id.clone(),
        stage,
        day,
        spend: Spend::begin(amount),
        at: desk.now.0,
    };
    spend::add(desk.tx, &row).await?;
    book(desk, was, day, amount).await.map(drop)
}

/// Books more, or less, on a pull request and a day.
pub(crate) async fn book(desk: &mut Desk<'_>, was: &Stored, day: i64, more: Amount) -> Result<Stored, No> {
    if more == Amount::ZERO {
        return Ok(was.clone());
    }
    spend::booked(desk.tx, day).await?;
    spend::book(desk.tx, day, more).await?;
    let pull = Pull { booked: was.pull.booked.plus(more), ..was.pull.clone() };
    let stored = store::pull::write(desk.tx, was, &pull, &was.seen).await?;
    desk.record(object(&pull), &audited(&was.pull), &audited(&pull)).await?;
    Ok(stored)
}

/// Takes in how a turn's run ended: what it spent is booked, its tokens are void, and without its work it is given out once
/// more, or people are to look at it.
pub(crate) async fn ended(desk: &mut Desk<'_>, job: &Job, pull: &str, run: &Run) -> Result<(), No> {
    store::agent::revoke_of_claim(desk.tx, &run.claim_id, desk.now).await?;
    let Some(stored) = store::pull::load(desk.tx, pull).await? else { return Ok(()) };
    let stored = settle(desk, stored, run).await?;
    let is_turn = stored.pull.job().as_deref() == Some(job.name.as_str());
    if !is_turn || run.outcome == Outcome::Ok {
        return Ok(());
    }
    if run.outcome == Outcome::Deferred {
        return put_off(desk, &stored.pull, run).await;
    }
    let failed = job.attempts >= ATTEMPTS_MAX;
    if failed || stored.pull.excesses >= EXCESSES_MAX {
        let what = if failed { "used its attempts up" } else { "kept spending more than was set aside for it" };
        let why = format!("the {} {what}: {}", job.kind, run.status);
        return step(desk, &stored, stored.pull.clone(), Event::Stopped, &why).await.map(drop);
    }
    let Some(was) = store::job::load(desk.tx, &job.name).await? else { return Ok(()) };
    let again = was.clone().again(desk.now);
    Ok(store::job::write(desk.tx, &was, &again).await?)
}

/// Tells the operator of a turn that is put off again and again: that counts no attempt, so that it would never end by itself.
async fn put_off(desk: &mut Desk<'_>, pull: &Pull, run: &Run) -> Result<(), No> {
    let runs = store::run::list(desk.tx, Some(&run.job), (i64::MAX, ""), PUT_OFF_MAX).await?;
    let all = i64::try_from(runs.len()) == Ok(PUT_OFF_MAX) && runs.iter().all(|run| run.outcome == Outcome::Deferred);
    if !all {
        return Ok(());
    }
    let why: String = run.summary.as_deref().unwrap_or(&run.status).chars().take(PUT_OFF_WHY_MAX).collect();
    let (name, kind) = (super::name(pull), &run.kind);
    let text = format!("{name} does not go on: its {kind} was put off {PUT_OFF_MAX} times in a row, at last: {why}");
    tell_once(desk, &format!("pull:{}", pull.id), &format!("put_off.{}", run.job), Level::Warn, text, None).await
}

/// Books what a run spent. One that spent more than was set aside for it is counted, and the second such leaves the gap to a
/// person.
async fn settle(desk: &mut Desk<'_>, stored: Stored, run: &Run) -> Result<Stored, No> {
    let Some(row) = spend::load(desk.tx, &run.claim_id).await? else { return Ok(stored) };
    if row.spend.settled {
        return Ok(stored);
    }
    let settled = if bug("unknown-is-free") && row.spend.tokens.is_none() {
        row.spend.reported(Some(0), Some(0)).settle()
    } else if run.outcome == Outcome::Lost {
        // Nobody was there to say all of it.
        let Amount { tokens, micro_usd } = row.spend.reserved;
        row.spend.reported(Some(tokens), Some(micro_usd)).settle()
    } else {
        row.spend.settle()
    };
    spend::write(desk.tx, &run.claim_id, settled).await?;
    let less = settled.booked().minus(row.spend.booked());
    let stored = book(desk, &stored, row.day, less).await?;
    if settled.is_excess() { exceeded(desk, stored).await } else { Ok(stored) }
}

/// Counts that a run spent more than was set aside for it; the second such leaves the gap to a person.
pub(crate) async fn exceeded(desk: &mut Desk<'_>, stored: Stored) -> Result<Stored, No> {
    let pull = Pull { excesses: stored.pull.excesses + 1, ..stored.pull.clone() };
    let stored = store::pull::write(desk.tx, &stored, &pull, &stored.seen).await?;
    if pull.excesses >= EXCESSES_MAX
        && let Some(gap) = store::gap::load(desk.tx, &pull.gap).await?
        && gap.gap.clone().step(domain::gap::Event::NeedsHuman, desk.now).is_ok()
    {
        let why = format!("{} runs spent more than was set aside for them", pull.excesses);
        crate::gap::step(desk, &gap, domain::gap::Event::NeedsHuman, &why).await?;
        return Ok(store::pull::load(desk.tx, &pull.id).await?.unwrap_or(stored));
    }
    Ok(stored)
}

/// The refusal of a caller who stood in another stage of the same pull request.
pub(super) async fn same_instance(
    desk: &mut Desk<'_>,
    stored: &Stored,
    stage: Stage,
    run: Option<&str>,
) -> Result<Option<Refusal>, No> {
    if bug("one-instance-in-two-stages") {
        return Ok(None);
    }
    let by = &desk.call.by;
    let who =
        Instance { principal: by.name.clone(), run: run.unwrap_or_default().to_owned(), lineage: by.lineage.clone() };
    // Who took a turn and handed nothing in has no part in it, but for implementers, who may have pushed.
    let stood = hand::took_part(desk.tx, &stored.pull.id).await?;
    Ok(stage::same_instance(stage, &who, &stood).map(|same| same.refusal(stage)))
}
