//! What is seen at a glance: how much there is of what, how it came to be so, what needs a person, and what was done last.

use domain::decision::Decision;
use domain::need::{self, Need};
use domain::pull::Pull;
use domain::time::{Span, Time};
use store::figure::{self, Counts, Figure};
use store::job::list::Listed;
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
    /// The last figure that was kept; none before the first.
    pub latest: Option<Figure>,
    /// The last day, by half hours.
    pub curve: Vec<Figure>,
    /// How many pull requests were merged within seven days.
    pub merged: i64,
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
        let mut curve = figure::curve(&mut tx, at - CURVE.0, CURVE.1.0).await?;
        // The slot under way has no figure yet.
        let since = latest.map_or(at - CURVE.0, |latest| Time(latest.at));
        let (ended, failed) = figure::ended_since(&mut tx, since).await?;
        let slot = at.0 / CURVE.1.0 * CURVE.1.0;
        match curve.last_mut().filter(|last| last.at == slot) {
            Some(last) => (last.ended, last.failed) = (last.ended + ended, last.failed + failed),
            None => curve.push(Figure {
                at: slot,
                ready: counts.ready,
                held: counts.held,
                locks: counts.locks,
                ended,
                failed,
                ..latest.unwrap_or_default()
            }),
        }
        Ok(Overview {
            at,
            counts,
            latest,
            curve,
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
        needs.take(Need::Decide, store::decision::open(&mut tx, (i64::MIN, ""), most).await?, question);
        for state in domain::pull::State::ALL.into_iter().filter(|state| state.is_a_persons()) {
            let pulls = store::pull::list(&mut tx, Some(state), (i64::MAX, ""), most).await?;
            let free = pulls.into_iter().map(|stored| stored.pull).filter(|pull| pull.hold.is_none());
            needs.take(Need::of_pull(state), free.collect(), pull);
        }
        needs.take(Need::StrandedGap, store::gap::stranded(&mut tx, most).await?, gap);
        needs.take(Need::DeadJob, store::job::list::dead(&mut tx, (i64::MAX, ""), most).await?, job);
        let now = tx.now();
        let routines = store::check_in::list(&mut tx, ROUTINES_MAX).await?;
        let late = routines.into_iter().filter(|routine| routine.late(now)).map(|routine| Needed {
            need: Need::SilentRoutine,
            about: String::new(),
            since: routine.ended_at.unwrap_or(routine.since),
            name: routine.name,
        });
        needs.take(Need::SilentRoutine, late.collect(), |needed| needed);
        let unknown = store::pull::say::unknown(&mut tx, (i64::MAX, ""), most).await?;
        needs.take(Need::UnknownWrite, unknown, |say| Needed {
            need: Need::UnknownWrite,
            name: say.id,
            about: format!("{} of {}", say.what, say.pull),
            since: Time(say.at),
        });
        let dead = store::outbox::list_dead(&mut tx, (i64::MAX, ""), most).await?;
        needs.take(Need::DeadMessage, dead, |row| Needed {
            need: Need::DeadMessage,
            about: format!("to {}", row.channel),
            since: Time(row.ended_at.unwrap_or(row.created_at)),
            name: row.id,
        });
        let first = (i64::MIN, String::new(), String::new());
        needs.take(Need::MayBeSame, store::gap::likeness::list(&mut tx, &first, most).await?, |pair| Needed {
            need: Need::MayBeSame,
            about: format!("{} and {}", pair.gap, pair.other),
            since: Time(pair.at),
            name: pair.gap,
        });
        needs.take(Need::SwitchedOff, store::switch::all(&mut tx).await?, switched);
        needs.items.sort_by_key(|needed| (needed.need, needed.since));
        needs.more.sort_unstable();
        needs.more.dedup();
        Ok(needs)
    }

    /// What was done last, the latest first: of what one request did the most telling thing, and what was done to one thing
    /// again and again once.
    pub async fn list_done(&self, call: &Call, most: usize) -> Result<Vec<store::journal::Row>, No> {
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
