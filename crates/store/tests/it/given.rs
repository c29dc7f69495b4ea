//! What several exams begin with: rows as the domain would have made them.

use domain::gap::Key;
use domain::job::{Claim, Job, State};
use domain::pull::{Pull, Reviewers};
use domain::time::{Span, Time};
use harness::World;
use harness::plane::START;
use store::{Fault, Tx};

/// A job that has just come into the line.
pub(crate) fn job(name: &str, state: State) -> Job {
    Job {
        name: name.into(),
        kind: "digest".into(),
        interval: None,
        payload: None,
        priority: 0,
        max_attempts: 5,
        created_by: "ann".into(),
        gap: None,
        pull: None,
        resting: false,
        created_at: START,
        state,
        next_run_at: Some(START),
        triggered_at: None,
        attempts: 0,
        fencing_token: 0,
        last: None,
        changed_at: START,
    }
}

/// The claim of a job by somebody until a moment.
pub(crate) fn held(name: &str, principal: &str, until: Time) -> State {
    State::Held(Claim {
        id: format!("claim-of-{name}"),
        holder: "worker".into(),
        principal: principal.into(),
        claimed_at: START - Span::mins(1),
        expires_at: until,
        progress: None,
    })
}

/// A pull request that stands so since a moment, the only one of its gap.
pub(crate) fn pull(id: &str, state: domain::pull::State, since: Time) -> Pull {
    let gap = Key { kind: "mcp-tool".into(), name: id.into() };
    let begun = Pull::begin(id.into(), gap, 1, "ann/website".into(), Reviewers::Bots, START - Span::days(9));
    Pull { state, changed_at: since, ..begun }
}

/// Adds jobs in one transaction.
pub(crate) async fn add(world: &World, jobs: &[Job]) {
    write(world, async |tx| {
        for job in jobs {
            assert!(store::job::add(tx, job).await?, "{} is there already", job.name);
        }
        Ok(())
    })
    .await;
}

/// Adds pull requests in one transaction.
pub(crate) async fn add_pulls(world: &World, pulls: &[Pull]) {
    write(world, async |tx| {
        for pull in pulls {
            assert!(store::pull::add(tx, pull).await?, "{} is there already", pull.id);
        }
        Ok(())
    })
    .await;
}

/// Writes in a transaction of its own, which is committed.
pub(crate) async fn write<T>(world: &World, deed: impl AsyncFnOnce(&mut Tx) -> Result<T, Fault>) -> T {
    let mut tx = world.store().begin().await.expect("a transaction");
    let done = deed(&mut tx).await.expect("a write");
    tx.commit().await.expect("a commit");
    done
}

/// Looks in a transaction of its own.
pub(crate) async fn look<T>(world: &World, look: impl AsyncFnOnce(&mut Tx) -> Result<T, Fault>) -> T {
    let mut tx = world.store().read().await.expect("a look");
    look(&mut tx).await.expect("an answer")
}
