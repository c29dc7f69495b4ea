//! The loop of the demonstration: four real runners, each with a token, a principal and a broker of its own, and what their
//! agents hand in, told as the store has it.

use std::sync::Arc;
use std::time::Duration;

use domain::budget::Amount;
use domain::pull::{Plan, Pull, Review, Stage, State};
use domain::time::Time;
use futures::future::join_all;
use plane::page::Ask;
use plane::pull::Shown;
use runner::{Agent, End, Environment, Origin, Settings, Worked, Worker};
use serde_json::Value;
use store::pull::event::Happened;
use store::pull::word::Word;
use tokio::sync::mpsc;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::house::{self, GLANCE, House};
use super::project::{Project, REPO};
use super::tell::{Step, Teller, Tone};
use crate::config::{machine_time, variables};
use crate::failure::Failure;

/// Who stands in each stage: nobody stands in two of one pull request.
const CAST: [(Stage, &str); 4] = [
    (Stage::Planner, "planner-1"),
    (Stage::Implementer, "implementer-1"),
    (Stage::Reviewer, "reviewer-1"),
    (Stage::Merger, "merger-1"),
];

/// For how long a job is claimed at a time, and how soon a step is tried again.
const TTL: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(500);

/// How long what an agent has made is tried to be handed in: everything is on this machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a runner asks for a job that had none.
const AGAIN: Duration = Duration::from_millis(300);

/// How long one run may take.
const RUN_MAX: domain::time::Span = domain::time::Span::mins(2);

/// Lets a runner for each stage work, and tells what is handed in, until a person is to do the next thing. However it goes,
/// each runner has given back what it held.
pub(super) async fn work(house: &House, project: &Project, teller: Teller) -> Result<Shown, Failure> {
    let stop = CancellationToken::new();
    let (tell, troubles) = mpsc::channel(CAST.len());
    let mut workers = Vec::new();
    for (stage, name) in CAST {
        let client = house.client(name, stage.role()).await?;
        let settings = settings(house, project, stage, name)?;
        let worker = Worker::open(client, Origin::Folder(project.home()), &project.broker(name), settings).await;
        workers.push((name, worker.map_err(|trouble| crate::session::unopened(&trouble))?));
    }
    let working = join_all(workers.iter().map(|(name, worker)| one_by_one(worker, name, &stop, &tell)));
    let following = async {
        let followed = Box::pin(follow(house, troubles, teller)).await;
        stop.cancel();
        followed
    };
    tokio::join!(working, following).1
}

/// Tells what is handed in.
async fn follow(house: &House, mut troubles: mpsc::Receiver<String>, teller: Teller) -> Result<Shown, Failure> {
    let (mut told, mut clock) = (Told::default(), interval(GLANCE));
    loop {
        tokio::select! {
            () = house.halt.cancelled() => return Err(house::halted()),
            Some(why) = troubles.recv() => {
                return Err(Failure::new("an agent of the demonstration did not get on").why(why));
            }
            _ = clock.tick() => {}
        }
        let Some(shown) = shown(house).await? else { continue };
        told.catch_up(house, &shown, teller).await?;
        let pull = &shown.stored.pull;
        match pull.state {
            State::NeedsHuman => return Ok(shown),
            State::Planning
            | State::Implementing
            | State::Opening
            | State::NeedsReview
            | State::ChangesRequested
            | State::Approved => {}
            State::Proposed
            | State::NeedsVisual
            | State::Capped
            | State::RequiresHuman
            | State::WontFix
            | State::Closed
            | State::Merged => {
                return Err(Failure::new(format!("the pull request is {}", pull.state)).why(pull.why.clone()));
            }
        }
    }
}

fn settings(house: &House, project: &Project, stage: Stage, name: &str) -> Result<Settings, Failure> {
    let unknown = |why: String| Failure::new("this program does not know where it is").why(why);
    let program = std::env::current_exe().map_err(|error| unknown(error.to_string()))?;
    let program = program.to_str().ok_or_else(|| unknown("its path is no text".to_owned()))?.to_owned();
    let argv = vec![program, "demo-agent".to_owned(), stage.name().to_owned()];
    Ok(Settings {
        stage,
        holder: format!("the runner of {name}"),
        agent: Agent::Command { argv },
        model: None,
        environment: Environment::pick(variables().filter(|(variable, _)| variable == "PATH"), &[]),
        repo: REPO.to_owned(),
        branch_prefix: house.config.sections.pipeline.branch_prefix.clone(),
        caps: domain::budget::Caps { wall: RUN_MAX, ..house.config.caps() },
        ttl: TTL,
        pause: PAUSE,
        patience: PATIENCE,
        rooms: project.rooms(),
        now: Arc::new(machine_time),
    })
}

/// One job after another; the first that is not handed in ends it.
async fn one_by_one(worker: &Worker, name: &str, stop: &CancellationToken, tell: &mpsc::Sender<String>) {
    let mut clock = interval(AGAIN);
    while stop.run_until_cancelled(clock.tick()).await.is_some() {
        let trouble = match Box::pin(worker.one(stop, |_| {})).await {
            Ok(Worked::Nothing(_)) => continue,
            Ok(Worked::Job(outcome)) => match outcome.end {
                End::HandedIn | End::Stopped => continue,
                End::Failed(why) | End::Deferred(why) | End::Broken(why) | End::Barred(why) | End::Unended(why) => {
                    format!("{name} on {}: {why}", outcome.job)
                }
                End::Unknown => format!("{name} on {}: how it ended is not known", outcome.job),
                End::Lost => format!("{name} on {}: the claim was lost", outcome.job),
            },
            Err(trouble) => format!("{name}: {trouble}"),
        };
        // Nobody listens any more once the demonstration ends.
        let _ = tell.send(trouble).await;
        return;
    }
}

/// The one pull request, with everything around it, once it is there.
async fn shown(house: &House) -> Result<Option<Shown>, Failure> {
    let pulls = house.plane.list_pulls(&house.call(), None, &Ask::default()).await?;
    let Some(stored) = pulls.items.first() else { return Ok(None) };
    Ok(Some(house.plane.show_pull(&house.call(), &stored.pull.id).await?))
}

/// What was told already.
#[derive(Debug, Default)]
struct Told {
    events: usize,
    words: usize,
}

impl Told {
    async fn catch_up(&mut self, house: &House, shown: &Shown, teller: Teller) -> Result<(), Failure> {
        let words: Vec<_> = shown.words.iter().rev().filter(|word| word.pass == "final").collect();
        for event in shown.events.iter().rev().skip(self.events) {
            self.events += 1;
            let word = words.get(self.words).filter(|word| is_of(event, word));
            let step = match word {
                Some(word) => {
                    self.words += 1;
                    turn(house, shown, word).await?
                }
                None => by_the_server(&shown.stored.pull, event),
            };
            teller.tell(&step);
        }
        Ok(())
    }
}

/// Whether an event came of what was handed in.
fn is_of(event: &Happened, word: &Word) -> bool {
    matches!(
        (event.event.as_str(), word.stage.as_str()),
        ("planned", "planner")
            | ("drafted" | "pushed", "implementer")
            | ("approved" | "sent_back" | "capped" | "rejected", "reviewer")
            | ("passed" | "held_for_looking" | "rejected", "merger")
    )
}

fn by_the_server(pull: &Pull, event: &Happened) -> Step {
    let number = pull.there.number.map_or_else(String::new, |number| format!(" #{number}"));
    let what = match event.event.as_str() {
        "restarted" => format!("takes up {}: the planner's turn", pull.gap),
        "opened" => format!("opens pull request{number}: the reviewer's turn"),
        other => format!("the pull request{number} is {} ({other})", event.now),
    };
    Step::new("moved", "gapwright", what)
}

/// What an agent handed in, and what its run cost.
async fn turn(house: &House, shown: &Shown, word: &Word) -> Result<Step, Failure> {
    let who = word.principal.clone();
    let first = shown.words.iter().find(|other| other.claim_id == word.claim_id && other.pass == "first");
    let step = match Stage::parse(&word.stage) {
        Some(Stage::Planner) => {
            let plan: Plan = word.read()?;
            let what = format!("hands in a plan: of {} ways {:?}", plan.approaches.len(), plan.chosen);
            Step::new("planned", who, what)
        }
        Some(Stage::Reviewer) => reviewed(&who, &word.read()?, first),
        Some(Stage::Merger) => {
            let why = said(word, "/summary");
            Step::new("judged", who, format!("{}: {why}", word.verdict)).tone(Tone::Good)
        }
        Some(Stage::Implementer) | None if word.iteration == 0 => {
            let what = format!("commits and hands in a change: {:?}", said(word, "/change/title"));
            Step::new("changed", who, what)
        }
        Some(Stage::Implementer) | None => {
            Step::new("changed", who, "commits a revision, and answers").more(&said(word, "/answer"))
        }
    };
    let spent = shown.spent.iter().find(|spent| spent.claim_id == word.claim_id);
    let cost = spent.map_or_else(Amount::default, |spent| spent.spend.booked());
    let began = Time(spent.map_or(word.at, |spent| spent.at));
    let ended = house.plane.show_run(&house.call(), &word.claim_id).await.map_or(Time(word.at), |run| run.ended_at);
    Ok(step.run(cost, ended.since(began).duration()))
}

/// A text of what was handed in.
fn said(word: &Word, at: &str) -> String {
    let body: Option<Value> = serde_json::from_str(&word.body).ok();
    body.as_ref().and_then(|body| body.pointer(at)?.as_str()).unwrap_or_default().to_owned()
}

fn reviewed(who: &str, review: &Review, first: Option<&Word>) -> Step {
    let blind = first.map_or_else(String::new, |first| format!(" (blind at first: {})", first.verdict));
    let tone = if review.findings.is_empty() { Tone::Good } else { Tone::Bad };
    let findings = review.findings.iter().map(|finding| {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line} {}, {}: {}", finding.path, finding.severity.name(), finding.category.name(), finding.text)
    });
    let findings = findings.collect::<Vec<_>>().join("\n");
    Step::new("reviewed", who, format!("{}{blind}: {}", review.verdict, review.summary)).more(&findings).tone(tone)
}
