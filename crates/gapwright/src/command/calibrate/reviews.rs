//! The shadow reviews: real runs of the real runner. What is said at last is kept at once in the installation's own store.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::agent::Role;
use domain::calibration::corpus;
use domain::calibration::seed::What;
use domain::gate::Fingerprint;
use domain::pull::{Review, Stage, Verdict};
use domain::time::Time;
use futures::future::join_all;
use plane::calibrate::NewTrial;
use runner::{End, Origin, Outcome, Worked, Worker};
use store::pull::word::Word;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, REPO};
use super::staged::{Open, Scripts, Staged};
use crate::command::hired::Hired;
use crate::command::house::{House, unanswered};
use crate::command::work::end_words;
use crate::config::machine_time;
use crate::failure::Failure;
use crate::session::{self, Session};
use crate::show;

/// How often a runner asks for a job that had none.
const AGAIN: Duration = Duration::from_millis(100);

/// How long nothing may come about while nobody reviews.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many reviews in a row may end without an answer.
const MISSED_MAX: usize = 3;

/// Why a gap is left alone after its review.
const OVER: &str = "it is over, and left as it is";

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Ran {
    /// The moment of the first that was kept.
    pub(super) since: Option<Time>,
    /// Who answered.
    pub(super) reviewers: BTreeSet<Fingerprint>,
    pub(super) planned: usize,
    pub(super) answered: usize,
    /// How many ended without an answer.
    pub(super) missed: usize,
    /// What is known to have been spent.
    pub(super) micro_usd: Option<i64>,
    pub(super) stopped: bool,
}

#[derive(Debug)]
struct Tally {
    ran: Ran,
    missed_in_a_row: usize,
    busy: usize,
    moved: Instant,
}

/// The reviewer's runner, as `work` has it.
pub(super) async fn worker(house: &House, ground: &Ground, hired: &Hired, reviewer: &str) -> Result<Worker, Failure> {
    let client = house.client(reviewer, Role::Reviewer).await?;
    let prefix = house.config.sections.pipeline.branch_prefix.clone();
    let settings = hired.settings(Stage::Reviewer, (REPO.to_owned(), prefix), house.config.caps(), ground.rooms());
    let worker = Worker::open(client, Origin::Folder(ground.home()), &ground.broker(), settings).await;
    worker.map_err(|trouble| session::unopened(&trouble))
}

/// Shows every trial to the reviewer, so many at once, and keeps what it says.
pub(super) async fn run(
    house: &House,
    ground: &Ground,
    session: &Session,
    (worker, lanes): (&Worker, u16),
    (reviewer, model): (&str, Option<&str>),
    staged: &[Staged],
) -> Result<Ran, Failure> {
    let open = Open::default();
    let stop = house.halt.child_token();
    let ran = Ran { planned: staged.len(), ..Ran::default() };
    let tally = Mutex::new(Tally { ran, missed_in_a_row: 0, busy: 0, moved: Instant::now() });
    let run = domain::id::mint(machine_time(), session.plane.draw());
    let reviews = Reviews { house, session, staged, model, open: &open, run, stop: &stop, tally: &tally };
    let scripts = Scripts { house, ground, staged, open: &open, reviewer };
    let scripted = async {
        let done = Box::pin(scripts.work(&stop)).await;
        if done.is_err() {
            stop.cancel();
        }
        done
    };
    let reviewed = join_all((0..lanes).map(|_| async {
        let done = Box::pin(reviews.lane(worker)).await;
        // One that cannot go on ends the others in order.
        if done.is_err() {
            stop.cancel();
        }
        done
    }));
    let (scripted, reviewed) = tokio::join!(scripted, reviewed);
    let kept = reviews.tally().ran.answered;
    let told = |failure: Failure| {
        let why = if failure.why.is_empty() { String::new() } else { format!("{}; ", failure.why) };
        Failure { why: format!("{why}{} kept before that", show::count(kept, "answer")), ..failure }
    };
    reviewed.into_iter().collect::<Result<Vec<()>, _>>().map_err(told)?;
    scripted.map_err(told)?;
    let ran = reviews.tally().ran.clone();
    Ok(Ran { stopped: house.halt.is_cancelled(), ..ran })
}

struct Reviews<'a> {
    house: &'a House,
    session: &'a Session,
    staged: &'a [Staged],
    /// The model that it was started with.
    model: Option<&'a str>,
    open: &'a Open,
    run: String,
    stop: &'a CancellationToken,
    tally: &'a Mutex<Tally>,
}

impl Reviews<'_> {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One review after another.
    async fn lane(&self, worker: &Worker) -> Result<(), Failure> {
        let mut clock = interval(AGAIN);
        while !self.stop.is_cancelled() && self.is_left()? {
            self.tally().busy += 1;
            let worked = Box::pin(worker.one(self.stop, |_| {})).await;
            self.tally().busy -= 1;
            match worked.map_err(unanswered)? {
                Worked::Nothing(_) => {
                    self.stop.run_until_cancelled(clock.tick()).await;
                }
                Worked::Job(outcome) => self.ended(&outcome).await?,
            }
        }
        Ok(())
    }

    /// Whether there is one yet to come; not for ever.
    fn is_left(&self) -> Result<bool, Failure> {
        let tally = self.tally();
        let left = tally.ran.answered + tally.ran.missed < tally.ran.planned;
        if left && tally.busy == 0 && tally.moved.elapsed() > PATIENCE {
            let what = format!("no pull request came about in {} s", PATIENCE.as_secs());
            return Err(Failure::later(what).hint("try again, with --keep to look at what is there"));
        }
        Ok(left)
    }

    /// Takes in how a review ended, and leaves its pull request behind.
    async fn ended(&self, outcome: &Outcome) -> Result<(), Failure> {
        self.tally().moved = Instant::now();
        let pull = outcome.job.split(':').nth(1).unwrap_or_default();
        if outcome.end == End::Stopped {
            return Ok(());
        }
        let at = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(pull);
        let Some(staged) = at.and_then(|at| self.staged.get(at)) else { return Ok(()) };
        let shown = self.house.plane.show_pull(&self.house.call(), pull).await?;
        let is_last = |word: &&Word| word.stage == Stage::Reviewer.name() && word.pass == "final";
        let answered = if let Some(word) = shown.words.iter().find(is_last) {
            self.answered(staged, word, outcome).await
        } else {
            let (how, why) = end_words(&outcome.end);
            self.missed(staged, &why.map_or_else(|| how.to_owned(), |why| format!("{how}: {why}")))
        };
        self.house.plane.wontfix_gap(&self.house.call(), &staged.gap, OVER).await?;
        answered
    }

    async fn answered(&self, staged: &Staged, word: &Word, outcome: &Outcome) -> Result<(), Failure> {
        let review: Review = word.read()?;
        let (principal, model, prompt) = (word.principal.clone(), word.model.clone(), word.prompt.clone());
        let reviewer = Fingerprint { principal, model, prompt };
        if !reviewer.is_known() {
            let lacks = if reviewer.model.is_empty() { "model" } else { "prompt_hash" };
            return self.missed(staged, &format!("it answered without its {lacks}, and so as nobody who is known"));
        }
        if let Some(model) = self.model.filter(|model| *model != reviewer.model) {
            return self
                .missed(staged, &format!("it was started with {model}, and says that it is {}", reviewer.model));
        }
        let (verdict, trial) = (review.verdict, staged.trial);
        let case = corpus::case(trial.case);
        let cites = |finding: &domain::pull::Finding| {
            case.is_some_and(|case| finding.line.is_some_and(|line| case.is_cited(&finding.path, line)))
        };
        let cited = review.findings.iter().any(cites);
        let new = NewTrial { reviewer: reviewer.clone(), trial, review };
        let at = self.session.plane.keep_trials(&self.session.call, &self.run, vec![new]).await?;
        let mut tally = self.tally();
        tally.missed_in_a_row = 0;
        let ran = &mut tally.ran;
        ran.answered += 1;
        ran.since = Some(ran.since.map_or(at, |since| since.min(at)));
        ran.reviewers.insert(reviewer);
        if let Some(more) = outcome.usage.as_ref().and_then(|usage| usage.micro_usd) {
            ran.micro_usd = Some(ran.micro_usd.unwrap_or(0).saturating_add(more));
        }
        let told = match (trial.what, verdict == Verdict::Approve) {
            (What::Clean, true) => "right",
            (What::Clean, false) => "a false alarm",
            (What::Seeded, false) if cited => "caught",
            (What::Seeded, true | false) => "missed",
        };
        let secs = outcome.took.as_secs_f64();
        tell(ran, staged, &format!("{verdict}, {told} ({secs:.1} s)"));
        Ok(())
    }

    /// Counts one without an answer; the third in a row is the last.
    fn missed(&self, staged: &Staged, why: &str) -> Result<(), Failure> {
        let mut tally = self.tally();
        tally.missed_in_a_row += 1;
        tally.ran.missed += 1;
        tell(&tally.ran, staged, &format!("no answer, and not counted: {why}"));
        if tally.missed_in_a_row < MISSED_MAX {
            return Ok(());
        }
        Err(Failure::new(format!("{MISSED_MAX} reviews in a row ended without an answer"))
            .why(why)
            .hint("see that the agent runs and is logged in, with the variables that it needs: --pass NAME"))
    }
}

fn tell(ran: &Ran, staged: &Staged, what: &str) {
    let trial = staged.trial;
    let again = if trial.repeat > 0 { ", once more" } else { "" };
    let (nth, twin) = (ran.answered + ran.missed, trial.what.name());
    show::note(&format!("{nth} of {}: {} {twin}, {}{again}: {what}", ran.planned, trial.case, trial.framing));
}
