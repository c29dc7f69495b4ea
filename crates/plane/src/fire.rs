//! Fires: cloud Routines started for jobs that are due, each once, and what became of them.

use domain::agent::Right;
use domain::budget;
use domain::fire::{self, Answer, Fire, NotNow, State, Tell};
use domain::id;
use domain::job::{Job, State as JobState};
use domain::notice::Level;
use domain::refusal::{Code, Refusal};
use domain::time::{Span, Time};
use futures::FutureExt;
use serde_json::json;
use store::Fault;
use store::seeded::bug;

use crate::desk::Desk;
use crate::job::{put, workable};
use crate::page::{Ask, Page};
use crate::pull::{Turn, lets_somebody_work, tell_once};
use crate::settings::Trigger;
use crate::tend::own;
use crate::{Call, No, Plane};

/// Who starts Routines, as the audit names it.
const US: &str = "fire-routines";

/// How many open starts are looked at in one transaction.
const BATCH: i64 = 50;

/// How many jobs are looked at to find one that somebody could claim now.
const LOOKED_AT: i64 = 16;

impl Plane {
    /// Starts of Routines, the latest first.
    pub async fn list_fires(&self, call: &Call, ask: &Ask) -> Result<Page<Fire>, No> {
        let (before, id) = ask.place((i64::MAX, ""))?;
        let mut tx = self.read(call).await?;
        let found = store::fire::list(&mut tx, (before, &id), ask.rows()).await?;
        Ok(ask.page(found, |fire| (fire.tried_at.0, fire.id.clone())))
    }

    /// Says whether a Routine was started of which nobody can tell; where it was not, it is started again.
    pub async fn release_fire(&self, call: &Call, id: &str, started: bool) -> Result<Fire, No> {
        let id = id::opaque("id", id)?;
        let done = self.write(call, Right::Operate, move |desk| release(desk, id.clone(), started).boxed()).await?;
        self.wake.schedule.notify_one();
        Ok(done)
    }

    /// Looks at every open start: whether its job was claimed, and whether people are to be told. Whoever asked for one
    /// that is still being asked for is gone, as one pass at a time is under way. Gives how many are open.
    pub(crate) async fn settle_fires(&self) -> Result<usize, No> {
        let (mut after, mut open) = (String::new(), 0);
        loop {
            let from = after.clone();
            let (seen, last) = self.at_desk(own(US), move |desk| settle(desk, from.clone()).boxed()).await?;
            open += seen;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        self.wake.outbox.notify_one();
        Ok(open)
    }

    /// Writes down that a Routine is to be started now; none where it may not be, or has nothing to do.
    pub(crate) async fn begin_fire(&self, trigger: &Trigger) -> Result<Option<Fire>, No> {
        let trigger = trigger.clone();
        self.at_desk(own(US), move |desk| begin(desk, trigger.clone()).boxed()).await
    }

    /// Writes down what a trigger answered.
    pub(crate) async fn end_fire(&self, fire: &Fire, answer: Answer) -> Result<Fire, No> {
        let fire = fire.clone();
        let ended = self.at_desk(own(US), move |desk| end(desk, fire.clone(), answer.clone()).boxed()).await?;
        self.wake.outbox.notify_one();
        Ok(ended)
    }
}

async fn begin(desk: &mut Desk<'_>, trigger: Trigger) -> Result<Option<Fire>, No> {
    if store::switch::covering(desk.tx, &trigger.kind, None).await?.is_some() {
        return Ok(None);
    }
    let day = budget::day(desk.now);
    let midnight = Time(day.saturating_mul(Span::days(1).0));
    let (today, rests) = store::fire::used(desk.tx, &trigger.routine, midnight).await?;
    let may = fire::may(today, trigger.per_day, rests, desk.now);
    if let Err(NotNow::Rests(_)) = may {
        return Ok(None);
    }
    for name in store::fire::waiting(desk.tx, &trigger.kind, LOOKED_AT).await? {
        let Some(job) = claimable(desk, &name).await? else { continue };
        if may == Err(NotNow::Day) {
            let text = format!(
                "the Routine {} was started {today} times today, which is all that it may be: {name} waits",
                trigger.routine
            );
            let about = format!("routine:{}", trigger.routine);
            tell_once(desk, &about, &format!("day.{day}"), Level::Warn, text, None).await?;
            return Ok(None);
        }
        if let Some(fire) = ask(desk, &trigger.routine, &job).await? {
            return Ok(Some(fire));
        }
    }
    Ok(None)
}

/// The job, if somebody could claim it now. What cannot be is put off, as a claim would put it off.
async fn claimable(desk: &mut Desk<'_>, name: &str) -> Result<Option<Job>, No> {
    let Some(job) = store::job::load(desk.tx, name).await?.filter(|job| job.state == JobState::Ready) else {
        return Ok(None);
    };
    let job = match job.gap.clone() {
        Some(gap) => match workable(desk, job, &gap).await? {
            Some(job) => job,
            None => return Ok(None),
        },
        None => job,
    };
    let Some(pull) = job.pull.clone() else { return Ok(Some(job)) };
    match lets_somebody_work(desk, &job, &pull).await? {
        Turn::Free(..) => Ok(Some(job)),
        Turn::Later(_) => {
            let now = desk.now;
            put(desk, job, |job| job.put_off(now)).await?;
            Ok(None)
        }
        Turn::NotYours(_) | Turn::Over => Ok(None),
    }
}

/// Writes down that it is asked for; none where that may not be, for it may have been started.
async fn ask(desk: &mut Desk<'_>, routine: &str, job: &Job) -> Result<Option<Fire>, No> {
    let was = store::fire::of_job(desk.tx, &job.name).await?;
    let Some(was) = was else {
        let Some(fire) = Fire::begin(desk.mint(), routine, job, desk.now) else { return Ok(None) };
        if !store::fire::add(desk.tx, &fire).await? {
            return Err(Fault::Conflict.into());
        }
        desk.record(object(&fire), &(), &audited(&fire)).await?;
        return Ok(Some(fire));
    };
    let Some(fire) = was.clone().again(routine, desk.now) else { return Ok(None) };
    write(desk, &was, &fire).await?;
    Ok(Some(fire))
}

async fn end(desk: &mut Desk<'_>, asked: Fire, answer: Answer) -> Result<Fire, No> {
    let Some(was) = store::fire::load(desk.tx, &asked.id).await? else { return Err(Fault::Conflict.into()) };
    if (was.state, was.tries) != (State::Sending, asked.tries) {
        // It took so long that it was given up meanwhile.
        return Ok(was);
    }
    let answer = match answer {
        Answer::Unknown { why } if bug("fire-again-though-unknown") => {
            Answer::Refused { why, after: None, passing: true }
        }
        answer @ (Answer::Started { .. } | Answer::Refused { .. } | Answer::Unknown { .. }) => answer,
    };
    let lasting = matches!(answer, Answer::Refused { passing: false, .. });
    let fire = was.clone().answered(answer, desk.now);
    write(desk, &was, &fire).await?;
    if lasting {
        let text = format!(
            "the Routine {} could not be started ({}): it rests until {}",
            fire.routine,
            fire.error,
            fire.rests_until.iso()
        );
        let kind = format!("refused.{}", budget::day(desk.now));
        tell_once(desk, &format!("routine:{}", fire.routine), &kind, Level::Warn, text, None).await?;
    }
    Ok(fire)
}

/// One batch of open starts, by job; gives how many stay open, and where to go on.
async fn settle(desk: &mut Desk<'_>, after: String) -> Result<(usize, Option<String>), No> {
    let batch = store::fire::open(desk.tx, &after, BATCH).await?;
    let next = batch.last().filter(|_| i64::try_from(batch.len()) == Ok(BATCH)).map(|fire| fire.job.clone());
    let mut open = 0;
    for was in batch {
        let job = store::job::find(desk.tx, &was.job).await?;
        let (fire, tell) = was.clone().orphaned().look(job.as_ref(), desk.now);
        if fire != was {
            write(desk, &was, &fire).await?;
        }
        open += usize::from(fire.state != State::Over);
        if let Some(tell) = tell {
            let link = Some(fire.url.clone()).filter(|url| !url.is_empty());
            tell_once(desk, &object(&fire), tell.name(), Level::Warn, told(&fire, tell), link).await?;
        }
    }
    Ok((open, next))
}

fn told(fire: &Fire, tell: Tell) -> String {
    let Fire { id, routine, job, tried_at, .. } = fire;
    match tell {
        Tell::Silent => format!(
            "the Routine {routine} was started at {} for {job} and has not claimed it; after a look at the session: \
             gapwright jobs trigger {job}",
            tried_at.iso()
        ),
        Tell::Unknown => format!(
            "nobody can tell whether the Routine {routine} was started for {job} at {} ({}); look, then: gapwright routines \
             release {id} --started or --not-started",
            tried_at.iso(),
            fire.error
        ),
    }
}

async fn release(desk: &mut Desk<'_>, id: String, started: bool) -> Result<Fire, No> {
    let found = store::fire::load(desk.tx, &id).await?;
    let was = found.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no start {id}")).hint("see gapwright routines fires")
    })?;
    let fire = was.clone().release(started)?;
    write(desk, &was, &fire).await?;
    Ok(fire)
}

async fn write(desk: &mut Desk<'_>, was: &Fire, fire: &Fire) -> Result<(), No> {
    store::fire::write(desk.tx, was, fire).await?;
    desk.record(object(fire), &audited(was), &audited(fire)).await
}

fn object(fire: &Fire) -> String {
    format!("fire:{}", fire.id)
}

fn audited(fire: &Fire) -> serde_json::Value {
    json!({
        "routine": fire.routine, "job": fire.job, "state": fire.state.name(), "tries": fire.tries, "session": fire.session,
        "error": fire.error,
    })
}
