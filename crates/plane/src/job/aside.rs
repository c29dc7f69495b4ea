//! Jobs whose gap cannot be worked on: put off for a while, put to rest where the gap is settled, and brought back when it is
//! opened again.

use domain::gap::Key;
use domain::job::{Job, State};

use super::{audited, write};
use crate::No;
use crate::desk::Desk;

/// The job, if it may be claimed now for the gap that it works on. A claim that expired is ended first, for its end may be
/// the last that the gap gets. A job whose gap cannot be worked on leaves the line: for a while, or, where the gap is
/// settled, until it is opened again.
pub(crate) async fn workable(desk: &mut Desk<'_>, was: Job, gap: &str) -> Result<Option<Job>, No> {
    let step = was.clone().expire(desk.now);
    let job = if step.run.is_some() { write(desk, &was, step).await? } else { was };
    if matches!(job.state, State::Held(_) | State::Dead) {
        // What its claim says of it is told by the claim.
        return Ok(Some(job));
    }
    let Some(stored) = crate::gap::stands(desk, gap).await? else { return Ok(Some(job)) };
    let Some(obstacle) = crate::gap::unworkable(desk, &stored.gap).await? else { return Ok(Some(job)) };
    let now = desk.now;
    put(desk, job, |job| if obstacle.settled { job.put_aside(now) } else { job.put_off(now) }).await?;
    Ok(None)
}

/// Takes the jobs that work on a gap, or on a duplicate of it, out of the line: it is settled.
pub(crate) async fn rest(desk: &mut Desk<'_>, gap: &Key) -> Result<(), No> {
    let now = desk.now;
    for key in followed(desk, gap).await? {
        loop {
            let jobs = store::job::in_line(desk.tx, &key).await?;
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                put(desk, job, |job| job.put_aside(now)).await?;
            }
        }
    }
    Ok(())
}

/// Makes the jobs due that rest for a gap, or for a duplicate of it: it was opened again.
pub(crate) async fn bring_back(desk: &mut Desk<'_>, gap: &Key) -> Result<(), No> {
    let now = desk.now;
    for key in followed(desk, gap).await? {
        loop {
            let jobs = store::job::resting(desk.tx, &key).await?;
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                put(desk, job, |job| job.bring_back(now)).await?;
            }
        }
    }
    Ok(())
}

/// A gap and the duplicates that it stands for.
async fn followed(desk: &mut Desk<'_>, gap: &Key) -> Result<Vec<String>, No> {
    let duplicates = store::gap::duplicates(desk.tx, gap).await?;
    Ok(std::iter::once(gap).chain(&duplicates).map(Key::to_string).collect())
}

/// Writes where a job goes, unless it stays where it is.
pub(crate) async fn put(desk: &mut Desk<'_>, was: Job, place: impl FnOnce(Job) -> Job) -> Result<(), No> {
    let job = place(was.clone());
    if (&job.state, job.next_run_at) != (&was.state, was.next_run_at) {
        store::job::write(desk.tx, &was, &job).await?;
        desk.record(format!("job:{}", job.name), &audited(&was), &audited(&job)).await?;
    }
    Ok(())
}
