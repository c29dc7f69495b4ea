//! What agents do in a simulation: they take turns, push, hand in, ask, give up and fall silent.

use domain::job::Job;
use domain::pull::{MergeVerdict, Stage, Verdict};
use domain::time::Span;
use forge::broker::{Applied, Pushed, Run, Source};
use forge::git::{Branch, Hand, Person};
use plane::job::{Claim, Claimed};
use plane::pull::{Fingerprint, Handed, Reviewed};
use plane::{Call, No};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use store::pull::Stored;

use super::Sim;
use crate::given::{claim_id, end, operator};
use crate::home::REPO;
use crate::pulls::ground::{adds, agent, plan, review, usual};

/// A turn that an agent took, and of which head it is.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) by: Call,
    stage: Stage,
    pub(super) job: Job,
    head: String,
    /// The branch and the commit that it pushed and has not handed in yet.
    pushed: Option<(String, String)>,
}

/// What is handed in.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// The number of the file that a change adds.
    file: u64,
    /// A file that a review may cite.
    cited: Option<String>,
    verdict: Verdict,
}

impl Work {
    /// Hands it in for a turn; tells what came of it.
    pub(super) async fn hand_in(self, plane: &plane::Plane, turn: &Turn) -> String {
        let claim = claim_id(&turn.job);
        let none = Fingerprint::default;
        let told = |done: Result<String, No>| done.unwrap_or_else(|no| format!("no: {no}"));
        match turn.stage {
            Stage::Planner => told(plane.submit_plan(&turn.by, &claim, plan(), none()).await.map(|done| done.state)),
            Stage::Implementer => {
                let patch = || Handed::Patch(adds(&format!("file{}", self.file)));
                let branch = |(name, head)| Handed::Branch { name, head };
                let handed = turn.pushed.clone().map_or_else(patch, branch);
                let words = ("feat: something", "It does it.");
                told(plane.submit_change(&turn.by, &claim, handed, words, None, none()).await.map(|done| done.state))
            }
            Stage::Reviewer => {
                let cited = if self.verdict == Verdict::Approve { None } else { self.cited.as_deref() };
                let word = review(self.verdict, cited);
                let first = plane.submit_review(&turn.by, &claim, &turn.head, word.clone(), none()).await;
                match first {
                    Ok(Reviewed::First { .. }) => {
                        let then = plane.submit_review(&turn.by, &claim, &turn.head, word, none()).await;
                        told(then.map(|done| format!("{done:?}")))
                    }
                    other => told(other.map(|done| format!("{done:?}"))),
                }
            }
            Stage::Merger => {
                let verdict = match self.verdict {
                    Verdict::Approve => MergeVerdict::ApproveForHuman,
                    Verdict::RequestChanges => MergeVerdict::RequiresManualVisual,
                    Verdict::Close => MergeVerdict::Close,
                };
                let word = (verdict, "it coheres");
                let done = plane.submit_merge_verdict(&turn.by, &claim, &turn.head, word, none()).await;
                told(done.map(|done| done.state))
            }
        }
    }
}

impl Sim {
    /// An agent takes a turn: the usual one, or one that stood in another stage.
    pub(super) async fn take(&mut self) {
        let due: Vec<Stage> = self.pulls().await.iter().filter_map(|stored| stored.pull.state.stage()).collect();
        let Some(stage) = due.choose(&mut self.chance).copied() else { return };
        let sly = self.chance.random_bool(0.1);
        let by = if sly { agent(stage, "the-implementer") } else { usual(stage) };
        let at = self.chance.random_range(0..2);
        if !self.claim(at, &by, stage).await {
            return;
        }
        let last = self.turns.len() - 1;
        // Some push by themselves, as a runner does, and hand in what is there then.
        if stage == Stage::Implementer && self.chance.random_bool(0.4) {
            let pushed = self.push_for(last).await;
            self.told(&format!("{} pushes {pushed:?}", by.by.name));
            self.turns[last].pushed = pushed;
        }
        // Most agents go about it at once.
        if self.chance.random_bool(0.7) {
            self.end_turn(last).await;
        }
    }

    async fn claim(&mut self, at: usize, by: &Call, stage: Stage) -> bool {
        let wish = Claim { holder: "worker".into(), ttl: Span::mins(10), kind: Some(stage.name().into()), name: None };
        let claimed = self.planes[at].claim_job(by, wish).await.expect("an answer");
        let Claimed::Job(job) = claimed else { return false };
        let stored = self.pull_of(&job).await.expect("a pull request");
        self.check_taken(&stored).await;
        let head = stored.pull.head().map(str::to_owned).unwrap_or_default();
        self.told(&format!("{} takes {}", by.by.name, job.name));
        self.turns.push(Turn { by: by.clone(), stage, job: *job, head, pushed: None });
        true
    }

    /// Pushes what a turn is for, by the broker of a runner; none where the forge did not have it.
    async fn push_for(&mut self, at: usize) -> Option<(String, String)> {
        let pull = self.pull_of(&self.turns[at].job).await?.pull;
        self.files += 1;
        let patch = adds(&format!("file{}", self.files));
        let remote = crate::home::home(&self.world, &self.place, &self.token, REPO).forge.remote().await.ok()?;
        let name = pull.change.as_ref().map_or_else(|| pull.branch("gapwright/"), |change| change.branch.clone());
        let branch = Branch::parse(&name).expect("a branch");
        let there = self.runner.tip(&remote, &branch).await.ok()?;
        let from = if pull.change.is_some() { branch.clone() } else { Branch::parse("main").expect("a branch") };
        let tips = self.runner.fetch(&remote, &[Source::Branch(from)]).await.ok()?;
        let onto = tips.into_iter().next().flatten()?;
        let person = Person { name: "agent".into(), email: "agent@gapwright.invalid".into() };
        let hand = Hand { author: person.clone(), committer: person, at: self.world.hand.now() };
        let run = Run::parse("a-run").expect("a run");
        let made = self.runner.apply(&run, &onto, patch.as_bytes(), &hand, "feat: something").await.ok()?;
        let Applied::Commit(head) = made else { return None };
        let done = self.runner.push(&remote, &branch, there.as_ref(), &head).await.ok()?;
        self.tally.handed_by_branch();
        (done == Pushed::Done).then(|| (name, head.as_str().to_owned()))
    }

    async fn pull_of(&self, job: &Job) -> Option<Stored> {
        let mut tx = self.world.store().read().await.expect("a look");
        store::pull::find(&mut tx, job.pull.as_deref()?).await.expect("a look")
    }

    /// An agent hands something in, ends with an error, or falls silent.
    pub(super) async fn hand_in(&mut self) {
        if self.turns.is_empty() {
            return;
        }
        let at = self.chance.random_range(0..self.turns.len());
        self.end_turn(at).await;
    }

    async fn end_turn(&mut self, at: usize) {
        let turn = self.turns.remove(at);
        let plane = self.planes[self.chance.random_range(0..2)].clone();
        let claim = claim_id(&turn.job);
        if self.chance.random_bool(0.5) {
            // One in eight spends more than was set aside for it.
            let most = if self.chance.random_bool(0.125) { 25 } else { 10 };
            let tokens = self.chance.random_range(0..=most);
            let told = plane.report_usage(&turn.by, &claim, Some(tokens), Some(tokens)).await;
            self.tally.overspent(tokens > 10 && told.is_ok());
        }
        match self.chance.random_range(0..10) {
            0 => self.told(&format!("{} falls silent", turn.by.by.name)),
            1 => {
                let done = plane.complete_job(&turn.by, end(&turn.job, "error: it was too hard")).await;
                self.told(&format!("{} gives {} up: {}", turn.by.by.name, turn.job.name, done.is_ok()));
            }
            2 => {
                let options = vec!["yes".to_owned(), "no".to_owned()];
                if let Ok(asked) = plane.ask_operator(&turn.by, &claim, "Shall I?", options).await {
                    if self.chance.random_bool(0.7) {
                        let _ = plane.answer_decision(&operator(), &asked.id, 1).await;
                    }
                    self.told(&format!("{} asks", turn.by.by.name));
                }
            }
            _ => {
                let verdict = *[Verdict::Approve, Verdict::Approve, Verdict::RequestChanges, Verdict::Close]
                    .choose(&mut self.chance)
                    .expect("a verdict");
                let done = self.submit(&plane, &turn, verdict).await;
                self.told(&format!("{} hands {} in ({verdict}): {done}", turn.by.by.name, turn.job.name));
            }
        }
    }

    /// Hands in what a turn is for; tells what came of it.
    async fn submit(&mut self, plane: &plane::Plane, turn: &Turn, verdict: Verdict) -> String {
        let work = self.work_of(turn, verdict).await;
        work.hand_in(plane, turn).await
    }

    /// What a turn would hand in.
    pub(super) async fn work_of(&mut self, turn: &Turn, verdict: Verdict) -> Work {
        self.files += 1;
        let cited = if turn.stage == Stage::Reviewer { self.a_file(&turn.job).await } else { None };
        Work { file: self.files, cited, verdict }
    }

    /// A file that the change of a turn adds.
    async fn a_file(&self, job: &Job) -> Option<String> {
        let stored = self.pull_of(job).await?;
        let change = stored.pull.change?;
        let (base, head) =
            (forge::git::Commit::parse(&change.base).ok()?, forge::git::Commit::parse(&change.head).ok()?);
        let diff = self.broker.diff(&base, &head, 1 << 16).await.ok()?;
        let path = diff.text.lines().find_map(|line| line.strip_prefix("+++ b/src/"))?.to_owned();
        path.strip_suffix(".rs").map(str::to_owned)
    }

    /// Agents take whatever there is to take, and do it well.
    pub(super) async fn work_well(&mut self, round: usize) {
        // Those who fell silent lose their claims.
        self.turns.clear();
        // And where a day's budget is spent, another day comes.
        self.world.hand.advance(Span::hours(7));
        self.planes[0].tend_lines().await.expect("a pass");
        self.world.hand.advance(Span::mins(6));
        self.operator_says().await;
        // One agent of a stage may have stood in another, so there is one more of each.
        let agents =
            Stage::ALL.map(|stage| [usual(stage), agent(stage, &format!("another-{stage}"))].map(|by| (stage, by)));
        for (stage, by) in agents.into_iter().flatten() {
            while self.claim(round % 2, &by, stage).await {
                let turn = self.turns.pop().expect("a turn");
                let plane = self.planes[round % 2].clone();
                let done = self.submit(&plane, &turn, Verdict::Approve).await;
                self.told(&format!("{} hands {} in: {done}", turn.by.by.name, turn.job.name));
            }
        }
    }
}
