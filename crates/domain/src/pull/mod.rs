//! Pull requests of the pipeline: how a gap becomes a change that a person can merge in a minute.
//!
//! A pull request begins before the forge has it, when a gap is taken up, and ends when people merge or close it. Agents
//! hand in values; every counter, edge and label is decided here.

pub mod diff;
pub mod fit;
pub mod history;
mod judged;
pub mod plan;
pub mod reconcile;
pub mod stage;
mod state;
pub mod verdict;

use serde::{Deserialize, Serialize};

pub use judged::MergeVerdict;
pub use plan::Plan;
pub use stage::{Instance, Same, Stage};
pub use state::{Event, Reviewers, State, effects, table};
pub use verdict::{Category, Finding, Review, Severity, Verdict};

use crate::budget::Amount;
use crate::gap::Key;
use crate::gate::Risk;
use crate::id;
use crate::label::Role;
use crate::refusal::Refusal;
use crate::time::Time;

/// How often a pull request may be revised: the most that may be configured, and the default.
pub const ITERATIONS_MAX: i64 = 3;

/// The longest title of a pull request, in characters.
pub const TITLE_CHARS_MAX: usize = 200;

/// The longest description of a pull request, in characters.
pub const BODY_CHARS_MAX: usize = 20_000;

/// How often a run may spend more than was set aside for it before its gap is left to a person.
pub const EXCESSES_MAX: i64 = 2;

/// A pull request as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its id.
    pub id: String,
    /// The gap that it is to close.
    pub gap: Key,
    /// Which one of its gap it is, from 1.
    pub nth: i64,
    /// The repository, `OWNER/NAME`.
    pub repo: String,
    /// Who reviews it.
    pub reviewers: Reviewers,
    /// How it stands.
    pub state: State,
    /// What keeps our hands off it; none where nothing does.
    pub hold: Option<Hold>,
    /// How often it was revised since it was last opened.
    pub iteration: i64,
    /// How often people opened it again or let it go on.
    pub epoch: i64,
    /// How many turns agents had in it; each has a job of its own.
    pub turn: i64,
    /// What the forge knows of it.
    pub there: There,
    /// The change, once there is one.
    pub change: Option<Change>,
    /// What is booked on it.
    pub booked: Amount,
    /// How often a run spent more than was set aside for it.
    pub excesses: i64,
    /// Why it stands so, in a line.
    pub why: String,
    /// When it began.
    pub created_at: Time,
    /// When it last changed.
    pub changed_at: Time,
}

/// What the forge knows of a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct There {
    /// Its number; none before it is opened.
    pub number: Option<i64>,
    /// Where a person reads it.
    pub url: String,
    /// Its labels, as last seen.
    pub labels: Vec<String>,
}

/// What is to be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The branch.
    pub branch: String,
    /// The commit at its tip.
    pub head: String,
    /// The branch to merge into.
    pub onto: String,
    /// Where its way parted from that branch.
    pub base: String,
    /// Its title.
    pub title: String,
    /// Its description, in the implementer's words.
    pub body: String,
    /// How many files it touches.
    pub files: i64,
    /// How many lines it adds and takes away.
    pub lines: i64,
    /// Why a person must look at what it shows; none where nobody need.
    pub visual: Option<String>,
    /// Why it touches what only people may change; none where it does not.
    pub protected: Option<String>,
    /// What else of it is a risk.
    #[serde(default)]
    pub risk: Risk,
}

/// What keeps our hands off a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// A person said hands off.
    OptedOut,
    /// The label is gone by which people let agents act on it.
    NotOptedIn,
    /// Another open pull request has the same head, to which the same verdicts would go.
    SharedHead,
}

impl Hold {
    /// Every hold.
    pub const ALL: [Self; 3] = [Self::OptedOut, Self::NotOptedIn, Self::SharedHead];

    /// The hold as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::NotOptedIn => "not_opted_in",
            Self::SharedHead => "shared_head",
        }
    }

    /// Why nobody acts on it.
    pub const fn why(self) -> &'static str {
        match self {
            Self::OptedOut => "a person said hands off",
            Self::NotOptedIn => "the label is gone by which people let agents act on it",
            Self::SharedHead => "another open pull request has the same head",
        }
    }

    /// Whether nothing at all may be written to it.
    pub const fn is_silent(self) -> bool {
        match self {
            Self::OptedOut | Self::NotOptedIn => true,
            Self::SharedHead => false,
        }
    }
}

impl Pull {
    /// A pull request that begins.
    pub fn begin(id: String, gap: Key, nth: i64, repo: String, reviewers: Reviewers, now: Time) -> Self {
        Self {
            id,
            gap,
            nth,
            repo,
            reviewers,
            state: reviewers.begins(),
            hold: None,
            iteration: 0,
            epoch: 0,
            turn: 1,
            there: There::default(),
            change: None,
            booked: Amount::ZERO,
            excesses: 0,
            why: "taken up".to_owned(),
            created_at: now,
            changed_at: now,
        }
    }

    /// The same after an event, or why it cannot happen.
    pub fn step(self, event: Event, why: &str, now: Time) -> Result<Self, Refusal> {
        let state = self.state.step(event, self.reviewers)?;
        let (epoch, iteration) = match event {
            Event::Reopened | Event::Resumed | Event::Restarted => (self.epoch + 1, 0),
            Event::Planned
            | Event::Drafted
            | Event::Opened
            | Event::Pushed
            | Event::Approved
            | Event::ChangesRequested
            | Event::Capped
            | Event::Rejected
            | Event::Passed
            | Event::NeedsLooking
            | Event::Stopped
            | Event::Merged
            | Event::Closed => (self.epoch, self.iteration),
        };
        let turn = if state.stage().is_some() { self.turn + 1 } else { self.turn };
        // What is asked for meanwhile is not why it stands still.
        let asks = event == Event::ChangesRequested && self.state.is_stopped();
        let why = if asks { self.why } else { why.to_owned() };
        let changed_at = now.max(self.changed_at);
        // A person who lets it go on forgives what was spent too much, and what begins anew has no change yet.
        let excesses = if epoch == self.epoch { self.excesses } else { 0 };
        let change = if event == Event::Restarted { None } else { self.change };
        Ok(Self { state, iteration, epoch, turn, change, excesses, why, changed_at, ..self })
    }

    /// The same with another change. A revision counts as one round more: one that was handed in, and any that was pushed
    /// while one was wanted, for nobody can tell whose it was.
    pub fn with(self, change: Change, by: Hand) -> Self {
        let wanted = self.state == State::ChangesRequested || by == Hand::Implementer;
        let iteration = if wanted && self.change.is_some() { self.iteration + 1 } else { self.iteration };
        Self { change: Some(change), iteration, ..self }
    }

    /// What it is that changes are wanted: another round, or, after the last, a person's matter.
    pub fn sent_back(&self, iterations_max: i64) -> Event {
        if self.iteration < iterations_max.min(ITERATIONS_MAX) { Event::ChangesRequested } else { Event::Capped }
    }

    /// What it is that a person lets it go on: where there is nothing to judge yet, it begins anew.
    pub fn resumed(&self) -> Event {
        if self.there.number.is_some() { Event::Resumed } else { Event::Restarted }
    }

    /// The name of the job of the agent whose turn it is, which nobody had before. A reviewer's does not say what the
    /// change is for: that one judges the difference first.
    pub fn job(&self) -> Option<String> {
        let stage = self.state.stage()?;
        let (gap, nth, turn) = (&self.gap, self.nth, self.turn);
        Some(match stage {
            Stage::Planner | Stage::Implementer | Stage::Merger => format!("{stage}:{gap}:{nth}.{turn}"),
            Stage::Reviewer => format!("{stage}:{}:{nth}.{turn}", self.id),
        })
    }

    /// Who is to do the next thing: the stage of an agent, `this server`, `a person` or `nobody`.
    pub fn turn_of(&self) -> &'static str {
        if self.hold.is_some() {
            return "nobody";
        }
        match self.state {
            State::Planning | State::Implementing | State::NeedsReview | State::ChangesRequested | State::Approved => {
                self.state.stage().map_or("nobody", Stage::name)
            }
            State::Opening => "this server",
            State::Proposed | State::NeedsHuman | State::NeedsVisual | State::Capped | State::RequiresHuman => {
                "a person"
            }
            State::WontFix | State::Closed | State::Merged => "nobody",
        }
    }

    /// The labels by which it shows how it stands.
    pub fn labels(&self) -> Vec<Role> {
        let rounds = u8::try_from(self.iteration.clamp(0, ITERATIONS_MAX)).unwrap_or(0);
        self.state.label().into_iter().chain([Role::Iteration(rounds)]).collect()
    }

    /// The commit at its head, if there is a change.
    pub fn head(&self) -> Option<&str> {
        self.change.as_ref().map(|change| change.head.as_str())
    }

    /// The branch of its change: nobody else's, and no folder of another. A gap that is written otherwise than it is called
    /// carries a mark behind a second dot, which no other has.
    pub fn branch(&self, prefix: &str) -> String {
        let plain = |text: &str| -> String {
            text.chars().take(BRANCH_CHARS_MAX).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
        };
        let Key { kind, name } = &self.gap;
        let (shown, nth) = ((plain(kind), plain(name)), self.nth);
        if (&shown.0, &shown.1) == (kind, name) {
            return format!("{prefix}{kind}.{name}-{nth}");
        }
        let mark: String = id::digest(self.gap.to_string().as_bytes()).chars().take(MARK_CHARS).collect();
        format!("{prefix}{}.{}.{mark}-{nth}", shown.0, shown.1)
    }
}

/// Whether changes are wanted that nobody has made yet, by what became of it, the latest first, each as it is written with
/// how it stood before: they were asked for when it was stopped, or since.
pub fn wants_changes<'a>(past: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    let stopped = |event: &str| event == Event::Stopped.name() || event == Event::Capped.name();
    for (event, was) in past {
        if event == Event::ChangesRequested.name() || was == State::ChangesRequested.name() {
            return event != Event::Pushed.name();
        }
        if !stopped(event) {
            return false;
        }
    }
    false
}

/// How much of a kind and of a name each stands in the name of a branch, in characters: with a prefix of 50 it stays below
/// the 200 bytes that a name may have.
const BRANCH_CHARS_MAX: usize = 50;
/// How many characters mark a name that is written otherwise than it is.
const MARK_CHARS: usize = 12;

/// Whose hand another head comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// The implementer's whose turn it was.
    Implementer,
    /// Anybody else's, who pushed.
    Somebody,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(reviewers: Reviewers) -> Pull {
        let gap = Key { kind: "mcp-tool".into(), name: "list-recent-deploys".into() };
        Pull::begin("id".into(), gap, 1, "a/b".into(), reviewers, Time(10))
    }

    fn change(head: &str) -> Change {
        Change {
            branch: "gapwright/x".into(),
            head: head.into(),
            onto: "main".into(),
            base: "b".into(),
            title: "t".into(),
            body: "b".into(),
            files: 1,
            lines: 1,
            visual: None,
            protected: None,
            risk: Risk::default(),
        }
    }

    #[test]
    fn a_pull_request_is_revised_three_times_and_then_it_is_a_person_s_matter() {
        let mut at = pull(Reviewers::Bots);
        for event in [Event::Planned, Event::Drafted, Event::Opened] {
            at = at.step(event, "", Time(20)).expect("it goes on");
            if event == Event::Planned {
                at = at.with(change("0"), Hand::Implementer);
            }
        }
        for round in 1..=ITERATIONS_MAX {
            let event = at.sent_back(ITERATIONS_MAX);
            at = at.step(event, "", Time(30)).expect("sent back");
            assert_eq!(at.state, State::ChangesRequested, "round {round}");
            at = at.with(change(&round.to_string()), Hand::Implementer);
            at = at.step(Event::Pushed, "", Time(40)).expect("revised");
            assert_eq!((at.state, at.iteration), (State::NeedsReview, round));
        }
        let event = at.sent_back(99);
        at = at.step(event, "", Time(50)).expect("capped");
        assert_eq!(
            (at.state, at.iteration, at.labels()),
            (State::Capped, 3, vec![Role::MaxIterations, Role::Iteration(3)])
        );
        let event = at.resumed();
        assert_eq!(event, Event::Restarted, "nobody opened it");
        at.there.number = Some(7);
        let event = at.resumed();
        at = at.step(event, "", Time(60)).expect("resumed");
        assert_eq!((at.state, at.iteration, at.epoch), (State::NeedsReview, 0, 1));
    }

    #[test]
    fn somebody_s_push_is_no_round() {
        let at = pull(Reviewers::Bots).with(change("a"), Hand::Implementer).with(change("b"), Hand::Somebody);
        assert_eq!((at.iteration, at.head()), (0, Some("b")));
        let wanted = Pull { state: State::ChangesRequested, ..at }.with(change("c"), Hand::Somebody);
        assert_eq!(wanted.iteration, 1, "unless a revision was wanted: nobody can tell whose it was");
    }

    #[test]
    fn a_person_who_lets_it_go_on_forgives_excesses_and_what_begins_anew_has_no_change() {
        let stopped = Pull { excesses: 2, state: State::RequiresHuman, ..pull(Reviewers::Bots) };
        let stopped = stopped.with(change("a"), Hand::Implementer);
        let resumed = stopped.clone().step(Event::Resumed, "", Time(20)).expect("resumed");
        assert_eq!((resumed.excesses, resumed.head(), resumed.epoch), (0, Some("a"), 1));
        let anew = stopped.step(Event::Restarted, "", Time(20)).expect("anew");
        assert_eq!((anew.excesses, anew.head(), anew.state), (0, None, State::Planning));
    }

    #[test]
    fn whose_turn_it_is_is_one_word_and_nobody_s_while_it_is_held() {
        for state in State::ALL {
            let at = Pull { state, ..pull(Reviewers::Bots) };
            let person = at.turn_of() == "a person";
            assert_eq!(
                (person, state.stage().is_some()),
                (state.needs_person(), at.turn_of() == state.stage().map_or("", Stage::name))
            );
            assert_eq!(Pull { hold: Some(Hold::OptedOut), ..at }.turn_of(), "nobody", "{state}");
        }
    }

    #[test]
    fn every_turn_has_a_job_of_its_own() {
        let mut at = pull(Reviewers::Bots);
        let mut names = vec![at.job()];
        for event in [Event::Planned, Event::Drafted, Event::Opened, Event::ChangesRequested, Event::Pushed] {
            at = at.step(event, "", Time(20)).expect("it goes on");
            names.push(at.job());
        }
        let named: Vec<_> = names.into_iter().flatten().collect();
        assert_eq!(
            named,
            [
                "planner:mcp-tool/list-recent-deploys:1.1",
                "implementer:mcp-tool/list-recent-deploys:1.2",
                "reviewer:id:1.3",
                "implementer:mcp-tool/list-recent-deploys:1.4",
                "reviewer:id:1.5",
            ]
        );
        assert_eq!(pull(Reviewers::People).job().as_deref(), Some("implementer:mcp-tool/list-recent-deploys:1.1"));
    }

    #[test]
    fn a_branch_is_a_name_that_git_takes_whatever_the_gap_is_called() {
        let mut at = pull(Reviewers::Bots);
        assert_eq!(at.branch("gapwright/"), "gapwright/mcp-tool.list-recent-deploys-1");
        at.gap = Key { kind: "a b".into(), name: "..~^:\u{e9}/x.lock".into() };
        let marked = at.branch("gapwright/");
        let rest = marked.strip_prefix("gapwright/a-b.-------x-lock.").expect("what can be shown of it");
        assert!(rest.len() == MARK_CHARS + 2 && rest.ends_with("-1"), "{marked}");
    }

    #[test]
    fn changes_are_wanted_that_were_asked_for_and_not_made() {
        for (past, wanted) in [
            (vec![], false),
            (vec![("stopped", "changes_requested")], true),
            (vec![("stopped", "needs_review"), ("pushed", "changes_requested")], false),
            (vec![("sent_back", "capped"), ("capped", "needs_human")], true),
            (vec![("stopped", "needs_review"), ("approved", "needs_review"), ("sent_back", "proposed")], false),
            (vec![("capped", "needs_review"), ("pushed", "changes_requested")], false),
            (vec![("pushed", "requires_human"), ("sent_back", "requires_human")], false),
            (vec![("resumed", "capped"), ("sent_back", "capped")], false),
        ] {
            assert_eq!(wants_changes(past.iter().copied()), wanted, "{past:?}");
        }
    }

    #[test]
    fn no_two_gaps_share_a_branch_however_alike_they_are_written() {
        let long = "x".repeat(BRANCH_CHARS_MAX);
        let prefix = "p".repeat(49) + "/";
        let mut names = std::collections::BTreeSet::new();
        let keys =
            [("mcp", "tool-x"), ("mcp-tool", "x"), ("mcp-tool", "x-1"), ("mcp-tool", "x.1"), ("mcp-tool", "x_1")];
        let keys = keys.map(|(kind, name)| (kind.to_owned(), name.to_owned())).into_iter();
        let long = ["", "y", "z"].map(|end| ("mcp-tool".to_owned(), format!("{long}{end}")));
        let most = ["k", "n"].map(|letter| letter.repeat(100)).into();
        for (kind, name) in keys.chain(long).chain([most]) {
            for nth in [1, 11] {
                let at = Pull { nth, gap: Key { kind: kind.clone(), name: name.clone() }, ..pull(Reviewers::Bots) };
                let branch = at.branch(&prefix);
                assert!(branch.len() <= 200 && branch.matches('/').count() == 1, "{branch}");
                assert!(names.insert(branch), "{kind}/{name} is another's");
            }
        }
    }
}
