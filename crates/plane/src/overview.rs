//! What is seen at a glance: how much there is of what, how it came to be so, what needs a person, and what was done last.

use domain::agent::Right;
use domain::budget::{self, Amount};
use domain::decision::Decision;
use domain::gate::BUDGET_SPAN;
use domain::need::{self, Need};
use domain::outcome::TakingBack;
use domain::pull::Pull;
use domain::switch::Scope;
use domain::time::{Span, Time};
use store::Tx;
use store::automerge::Revert;
use store::figure::{self, Counts, Figure};
use store::job::list::Listed;
use store::job::look::{Look, Stands};
use store::switch::Off;

use crate::{Call, No, Plane};

/// How many of each sort of need are shown.
pub const NEEDS_SHOWN: usize = 5;

/// How many Routines are looked at: those that are expected come first.
const ROUTINES_MAX: i64 = 1_000;

/// How far back the small curves go, and how wide a step of theirs is.
const CURVE: (Span, Span) = (Span::hours(24), Span::mins(30));

/// How many entries are read for what was done last: a request leaves several.
const DONE_READ: i64 = 150;

/// For how long a merge counts as one of late.
const LATELY: Span = Span::days(7);

/// How things stand.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The moment of it all.
    pub at: Time,
    /// How much there is of what.
    pub counts: Counts,
    /// Since when the oldest job is due that could be claimed; none where none could, or it is not soon found.
    pub oldest: Option<Time>,
    /// The last day, by half hours; none where nobody kept a figure, as while no server ran.
    pub curve: Vec<(Time, Option<Figure>)>,
    /// How many pull requests were merged within seven days.
    pub merged: i64,
    /// What is booked today, and what may be.
    pub booked: (Amount, Amount),
}

/// Something that needs a person, with as much of it as says what.
#[derive(Debug, Clone)]
pub struct Needed {
    /// What sort of need it is.
    pub need: Need,
    /// The name by which it is found: of a question, a pull request, a gap, a job, a Routine, a message.
    pub name: String,
    /// What it is, in other people's words.
    pub about: String,
    /// Since when.
    pub since: Time,
}

/// What needs a person, and of which sorts there is more than is shown.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// The most pressing first.
    pub items: Vec<Needed>,
    /// Sorts of which there is more.
    pub more: Vec<Need>,
}

impl Plane {
    /// How much there is of what.
    pub async fn counts(&self, call: &Call) -> Result<Counts, No> {
        let mut tx = self.read(call).await?;
        Ok(figure::counts(&mut tx).await?)
    }

    /// How things stand.
    pub async fn show_overview(&self, call: &Call) -> Result<Overview, No> {
        let mut tx = self.read(call).await?;
        let at = tx.now();
        let (counts, latest) = (figure::counts(&mut tx).await?, figure::latest(&mut tx).await?);
        let since = at - CURVE.0;
        let booked = store::spend::booked_so_far(&mut tx, budget::day(at)).await?;
        let mut kept = figure::curve(&mut tx, since, CURVE.1.0).await?;
        // Of the slot under way, what ended since the last figure is in none yet.
        let slot = at.0 / CURVE.1.0 * CURVE.1.0;
        let unkept = Time(latest.map_or(slot, |latest| latest.at).max(slot));
        let (ended, failed) = figure::ended_since(&mut tx, unkept).await?;
        if let Some(last) = kept.last_mut().filter(|last| last.at == slot) {
            (last.ended, last.failed) = (last.ended + ended, last.failed + failed);
        } else {
            let Counts { ready, held, locks, .. } = counts;
            let micro_usd = booked.micro_usd;
            let oldest_ms = latest.map_or(0, |latest| latest.oldest_ms);
            kept.push(Figure { at: slot, ready, held, oldest_ms, locks, ended, failed, merged: 0, micro_usd });
        }
        let slots = (since.0 / CURVE.1.0 + 1)..=(slot / CURVE.1.0);
        let slots = slots.map(|slot| Time(slot * CURVE.1.0));
        let curve = slots.map(|at| (at, kept.iter().find(|figure| figure.at == at.0).copied())).collect();
        Ok(Overview {
            at,
            oldest: figure::oldest_ready(&mut tx).await?,
            counts,
            curve,
            booked: (booked, self.rules().caps.day),
            merged: figure::ended_in(&mut tx, domain::pull::State::Merged.name(), at - LATELY).await?,
        })
    }

    /// The mark of the last thing that was done: as long as it is the same, nothing was.
    pub async fn newest(&self) -> Result<Option<(i64, String)>, No> {
        Ok(figure::newest(&mut self.store.glance().await?).await?)
    }

    /// What needs a person now.
    pub async fn list_needs(&self, call: &Call) -> Result<Needs, No> {
        let mut tx = self.read(call).await?;
        let mut needs = Needs::default();
        let most = i64::try_from(NEEDS_SHOWN).unwrap_or(i64::MAX) + 1;
        // Whether something was taken back by hand is looked for no longer than it counts.
        let counted = tx.now() - BUDGET_SPAN;
        needs.take(Need::TakeBack, store::automerge::taking_back(&mut tx, counted, most).await?, taken_back);
        needs.take(Need::Decide, store::decision::open(&mut tx, (i64::MIN, ""), most).await?, question);
        for state in domain::pull::State::ALL.into_iter().filter(|state| state.needs_person()) {
            let pulls = store::pull::board::waiting(&mut tx, state, most).await?;
            needs.take(Need::of_pull(state), pulls, |stored| pull(stored.pull));
        }
        needs.take(Need::StrandedGap, store::gap::stranded(&mut tx, most).await?, gap);
        needs.take(Need::DeadJob, store::job::list::dead(&mut tx, (i64::MAX, ""), most).await?, job);
        let failing = Look { state: Some(Stands::Failing), ..Look::default() };
        let failing = store::job::look::look(&mut tx, &failing, &store::job::look::first(&failing), most).await?;
        needs.take(Need::FailingJob, failing.jobs, job);
        let now = tx.now();
        let routines = store::check_in::list(&mut tx, ROUTINES_MAX).await?;
        let late = routines.into_iter().filter(|routine| routine.late(now)).map(|routine| Needed {
            need: Need::SilentRoutine,
            about: String::new(),
            since: routine.ended_at.unwrap_or(routine.since),
            name: routine.name,
        });
        needs.take(Need::SilentRoutine, late.collect(), |needed| needed);
        needs.take_unknown(&mut tx, most).await?;
        let day = budget::day(now);
        let (booked, cap) = (store::spend::booked_so_far(&mut tx, day).await?, self.rules().caps.day);
        if booked.micro_usd >= cap.micro_usd || booked.tokens >= cap.tokens {
            let spent = Needed { need: Need::Spent, name: booked.dollars(), about: String::new(), since: now };
            needs.take(Need::Spent, vec![spent], |needed| needed);
        }
        needs.take_pairs(&mut tx, most).await?;
        let off = store::switch::all(&mut tx).await?;
        let (all, some) = off.into_iter().partition(|off| off.scope == Scope::All.to_string());
        needs.take(Need::AllOff, all, switched);
        needs.take(Need::SwitchedOff, some, switched);
        let oldest = figure::oldest_ready(&mut tx).await?;
        let unclaimed = oldest.filter(|since| now.since(*since) > need::UNCLAIMED_AFTER).map(|since| Needed {
            need: Need::Unclaimed,
            name: "jobs that are due".to_owned(),
            about: "no worker takes them: is one running, and for their kind?".to_owned(),
            since,
        });
        needs.take(Need::Unclaimed, unclaimed.into_iter().collect(), |needed| needed);
        needs.items.sort_by_key(|needed| (needed.need, needed.since));
        needs.more.sort_unstable();
        needs.more.dedup();
        Ok(needs)
    }

    /// What was done last, for operators alone, the latest first: of what one request did the most telling thing, and what was done to one thing
    /// again and again once.
    pub async fn list_done(&self, call: &Call, most: usize) -> Result<Vec<store::journal::Row>, No> {
        call.by.require(Right::Operate, call.tool)?;
        let mut tx = self.read(call).await?;
        let rows = store::journal::list(&mut tx, (i64::MAX, ""), DONE_READ).await?;
        let mut done: Vec<store::journal::Row> = Vec::new();
        for row in rows {
            let same = done.iter().position(|other| match row.request_id.as_str() {
                "" => other.tool == row.tool && other.object == row.object,
                request => other.request_id == request,
            });
            match same {
                Some(at) if need::telling(&row.object) < need::telling(&done[at].object) => done[at] = row,
                Some(_) => {}
                None if done.len() < most => done.push(row),
                None => break,
            }
        }
        Ok(done)
    }
}

impl Needs {
    /// Takes in what may have been done, and what gave up: nobody else can say.
    async fn take_unknown(&mut self, tx: &mut Tx, most: i64) -> Result<(), No> {
        let unknown = store::pull::say::unknown(tx, (i64::MAX, ""), most).await?;
        self.take(Need::UnknownWrite, unknown, |say| Needed {
            need: Need::UnknownWrite,
            name: say.id,
            about: format!("{} of {}", say.what, say.pull),
            since: Time(say.at),
        });
        let starts = store::fire::unknown(tx, (i64::MAX, ""), most).await?;
        self.take(Need::UnknownStart, starts, |fire| Needed {
            need: Need::UnknownStart,
            about: format!("{} for {}", fire.routine, fire.job),
            since: fire.tried_at,
            name: fire.id,
        });
        let dead = store::outbox::list_dead(tx, (i64::MAX, ""), most).await?;
        self.take(Need::DeadMessage, dead, |row| Needed {
            need: Need::DeadMessage,
            about: format!("to {}", row.channel),
            since: Time(row.ended_at.unwrap_or(row.created_at)),
            name: row.id,
        });
        Ok(())
    }

    /// Takes in one of the pairs of gaps that may be the same: the page of them has the others.
    async fn take_pairs(&mut self, tx: &mut Tx, most: i64) -> Result<(), No> {
        let first = (i64::MIN, String::new(), String::new());
        let pairs = store::gap::likeness::list(tx, &first, most).await?;
        if pairs.len() > 1 {
            self.more.push(Need::MayBeSame);
        }
        self.take(Need::MayBeSame, pairs.into_iter().take(1).collect(), |pair| Needed {
            need: Need::MayBeSame,
            about: format!("{} and {}", pair.gap, pair.other),
            since: Time(pair.at),
            name: pair.gap,
        });
        Ok(())
    }

    /// Takes in as many of a sort as are shown.
    fn take<T>(&mut self, need: Need, found: Vec<T>, shown: impl Fn(T) -> Needed) {
        if found.len() > NEEDS_SHOWN {
            self.more.push(need);
        }
        self.items.extend(found.into_iter().take(NEEDS_SHOWN).map(|one| Needed { need, ..shown(one) }));
    }
}

fn question(decision: Decision) -> Needed {
    Needed { need: Need::Decide, name: decision.id, about: decision.question, since: decision.asked_at }
}

fn pull(pull: Pull) -> Needed {
    let title = pull.change.as_ref().map(|change| change.title.clone());
    Needed {
        need: Need::of_pull(pull.state),
        about: title.unwrap_or_else(|| pull.gap.to_string()),
        since: pull.changed_at,
        name: pull.id,
    }
}

fn taken_back(revert: Revert) -> Needed {
    let about = match revert.number.filter(|_| revert.taking_back(None) == TakingBack::ToMerge) {
        Some(number) => format!("#{number} takes it back, because {}", revert.why),
        None => format!("by hand, because {}: {}", revert.why, revert.error),
    };
    Needed { need: Need::TakeBack, about, since: Time(revert.at), name: revert.pull }
}

fn gap((key, since): (String, i64)) -> Needed {
    Needed { need: Need::StrandedGap, name: key, about: String::new(), since: Time(since) }
}

fn job(listed: Listed) -> Needed {
    let job = listed.job;
    let (status, at) = job.last.map_or((String::new(), job.changed_at), |last| (last.status, last.at));
    Needed { need: Need::DeadJob, name: job.name, about: status, since: at }
}

fn switched(off: Off) -> Needed {
    Needed { need: Need::SwitchedOff, about: off.reason, since: Time(off.at), name: off.scope }
}
