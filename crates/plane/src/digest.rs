//! The daily digest: gathered in one look, told once for each time that it is due.

use domain::budget;
use domain::digest::{Digest, TURN_WAITS_MAX, since};
use domain::job::State as JobState;
use domain::notice::Level;
use domain::pull::Pull;
use domain::time::{Span, Time};
use futures::FutureExt;
use store::{Tx, spend};

use crate::page::{Ask, LIMIT_MAX};
use crate::pull::{name, tell_once};
use crate::tend::own;
use crate::{No, Plane};

/// Under which subject digests are remembered as told.
const SUBJECT: &str = "digest";

/// How many pull requests are looked at: more than may be under way at once.
const LIVE_MAX: i64 = 500;

/// How many Routines are looked at.
const ROUTINES_MAX: i64 = 1_000;

impl Plane {
    /// The digest of what came about since the last one.
    pub(crate) async fn gather_digest(&self) -> Result<Digest, No> {
        let mut tx = self.store.read().await?;
        let now = tx.now();
        let then = since(store::digest::last(&mut tx, SUBJECT).await?, now);
        let counts = store::digest::counts(&mut tx, then).await?;
        let day = budget::day(now);
        let yesterday = spend::booked_so_far(&mut tx, day - 1).await?;
        let booked = (yesterday, spend::booked_so_far(&mut tx, day).await?);
        let (waits, untaken) = standing(&mut tx).await?;
        let off = store::switch::all(&mut tx).await?.into_iter().map(|off| off.scope).collect();
        let routines = store::check_in::list(&mut tx, ROUTINES_MAX).await?;
        let silent = routines.into_iter().filter(|routine| routine.late(now)).map(|routine| routine.name).collect();
        drop(tx);
        let dead = self.dead_letters(&own("daily-digest"), &Ask::new(Some(LIMIT_MAX), None)?).await?.items;
        let dead = dead.iter().filter(|letter| !letter.is_unknown() && letter.at >= then.0).count();
        Ok(Digest {
            since: then,
            begun: counts.begun,
            merged: counts.merged,
            closed: counts.closed,
            met: counts.met,
            proven: counts.proven,
            booked,
            cap: self.rules().caps.day,
            waits,
            questions: counts.questions,
            untaken,
            off,
            silent,
            unknown: counts.unknown,
            dead: i64::try_from(dead).unwrap_or(i64::MAX),
        })
    }

    /// Tells a digest, once for the time that it was due.
    pub(crate) async fn tell_digest(&self, digest: &Digest, due_at: Time) -> Result<(), No> {
        let text = digest.text();
        let told = self.at_desk(own("daily-digest"), move |desk| {
            let text = text.clone();
            async move { tell_once(desk, SUBJECT, &due_at.iso(), Level::Info, text, None).await }.boxed()
        });
        told.await?;
        self.wake.outbox.notify_one();
        Ok(())
    }
}

/// The pull requests that wait for a person, and the turns that no agent takes.
async fn standing(tx: &mut Tx) -> Result<(Vec<String>, Vec<String>), No> {
    let now = tx.now();
    let (mut waits, mut untaken) = (Vec::new(), Vec::new());
    for pull in store::pull::live(tx, LIVE_MAX).await?.into_iter().map(|stored| stored.pull) {
        if pull.state.needs_person() {
            waits.push(format!("{} {} since {}", called(&pull), pull.state, pull.changed_at.iso()));
        } else if pull.hold.is_none()
            && now.since(pull.changed_at) > TURN_WAITS_MAX
            && let Some(job) = pull.job()
            && let Some(job) = store::job::find(tx, &job).await?
            && !matches!(job.state, JobState::Held(_))
            && job.next_run_at.is_some_and(|due| now.since(due) > Span::ZERO)
        {
            untaken.push(job.name);
        }
    }
    Ok((waits, untaken))
}

/// What a pull request is called in a list.
fn called(pull: &Pull) -> String {
    pull.there.number.map_or_else(|| name(pull), |number| format!("{}#{number}", pull.repo))
}
