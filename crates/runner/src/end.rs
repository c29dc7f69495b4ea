//! How a job ends: by how far it came, and told to the server.
//!
//! What is not known to have gone well is never told as if it had.

use std::time::Duration;

use crate::ask::Job;
use crate::bench::Halt;
use crate::lease::{Cause, Lease};
use crate::meter::Usage;
use crate::tell;
use crate::work::Worker;

/// How long a job waits that the world kept from being worked on.
const LATER: Duration = Duration::from_mins(2);
/// How long a job waits that this runner cannot work on, but another may.
const BROKEN: Duration = Duration::from_mins(5);
/// How long a job waits whose runner was stopped.
const STOPPED: Duration = Duration::from_mins(1);

/// Why a run failed whose budget the server says is spent.
const SPENT: &str = "killed: it spent more than was set aside for it, or took longer than it may";

/// Why a run was ended whose turn the server took back.
const BARRED: &str = "the server does not let it go on: the turn is over, or people hold it";

/// How a job went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The job.
    pub job: String,
    /// How it ended.
    pub end: End,
    /// What is known to have been used.
    pub usage: Option<Usage>,
    /// How long it took.
    pub took: Duration,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// What it is for was handed in.
    HandedIn,
    /// It failed, and the attempt counts.
    Failed(String),
    /// It was put off, and the attempt does not count.
    Deferred(String),
    /// It was put off, for this runner can work on none.
    Broken(String),
    /// The server did not let it go on: nothing was pushed, and the job was given back.
    Barred(String),
    /// The claim is no longer ours.
    Lost,
    /// It was put off, for the runner is to stop.
    Stopped,
    /// The claim could not be ended: it runs out by itself.
    Unended(String),
    /// The claim is over, and how it ended is not known.
    Unknown,
}

/// What came of asking for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worked {
    /// There was one.
    Job(Outcome),
    /// There was none, and why.
    Nothing(String),
}

/// What came of an agent that ended.
pub(crate) struct Far {
    /// What it said last.
    pub(crate) summary: String,
    /// Whether what it is for was handed in, or why not.
    pub(crate) handed: Result<(), Halt>,
}

impl Worker {
    /// Ends the claim by how far it came.
    pub(crate) async fn end(&self, job: &Job, lease: &Lease, far: Result<Far, Halt>) -> End {
        let (halt, summary) = match far {
            Ok(Far { handed: Ok(()), .. }) => return End::HandedIn,
            Ok(Far { handed: Err(halt), summary }) => (halt, summary),
            Err(halt) => (halt, String::new()),
        };
        lease.settle_unused().await;
        let put_off =
            async |wait, why: &str, end: End| match self.client.defer(&lease.claim, wait, &tell::line(why)).await {
                Ok(said) if said.ok => end,
                Ok(_) => End::Lost,
                Err(error) => End::Unended(format!("{why}; the job could not be put off: {error}")),
            };
        let halt = match lease.cause().filter(|_| halt == Halt::Over) {
            Some(Cause::Spent) => Halt::Failed(SPENT.to_owned()),
            Some(Cause::Barred) => Halt::Barred(BARRED.to_owned()),
            Some(_) | None => halt,
        };
        match halt {
            Halt::Failed(why) => match self.client.fail(&job.name, &lease.claim, &tell::line(&why), &summary).await {
                Ok(said) if said.ok => End::Failed(why),
                Ok(_) => End::Lost,
                Err(error) => End::Unended(format!("{why}; the job could not be completed: {error}")),
            },
            Halt::Later(why) => put_off(LATER, &why, End::Deferred(why.clone())).await,
            Halt::Broken(why) => put_off(BROKEN, &why, End::Broken(why.clone())).await,
            Halt::Barred(why) => {
                // Whether it can still be given back makes no difference: it is not ours to go on with.
                put_off(LATER, &why, End::Lost).await;
                End::Barred(why)
            }
            Halt::Over => match lease.cause() {
                Some(Cause::Stopped) => put_off(STOPPED, "the runner was stopped", End::Stopped).await,
                cause => over(cause),
            },
        }
    }
}

/// How a job ended whose claim was over before we ended it.
fn over(cause: Option<Cause>) -> End {
    match cause {
        Some(Cause::HandedIn) => End::HandedIn,
        Some(Cause::PutOff) => End::Deferred("the agent put it off, such as to wait for an answer".to_owned()),
        Some(Cause::Failed) => End::Failed("the agent itself ended the job as failed".to_owned()),
        Some(Cause::Unknown) => End::Unknown,
        Some(Cause::Spent | Cause::Barred | Cause::Lost | Cause::Stopped) | None => End::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_is_over_is_told_as_it_ended_and_as_well_only_where_that_is_known() {
        assert_eq!(over(Some(Cause::HandedIn)), End::HandedIn);
        assert!(matches!(over(Some(Cause::PutOff)), End::Deferred(_)));
        assert!(matches!(over(Some(Cause::Failed)), End::Failed(_)));
        assert_eq!(over(Some(Cause::Unknown)), End::Unknown);
        for lost in [Some(Cause::Lost), Some(Cause::Stopped), None] {
            assert_eq!(over(lost), End::Lost, "{lost:?}");
        }
    }
}
