//! What a pull request's history says: which commit was handed in, reviewed and passed, whose hands were on it, and what its end
//! is evidence for.

use super::{Event, MergeVerdict, Stage, State, Verdict};
use crate::gap::Key;
use crate::gate::{Fingerprint, Risk, Stratum};
use crate::time::Time;

/// What an agent handed in that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// At which stage.
    pub stage: Stage,
    /// Who.
    pub by: Fingerprint,
    /// The commit that it is about.
    pub head: String,
    /// What it says in a word.
    pub verdict: String,
    /// When.
    pub at: Time,
}

/// Something that became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub event: Event,
    /// How it stood.
    pub was: State,
    /// How it stands since.
    pub now: State,
    /// Whether this server found it by looking, so that no agent handed it in.
    pub found: bool,
    /// When.
    pub at: Time,
}

/// A pull request's history, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// What agents handed in that counts.
    pub said: Vec<Said>,
    /// What became of it.
    pub steps: Vec<Step>,
}

/// What was last said of which commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// The commit that the implementer last handed in.
    pub handed_in: Option<String>,
    /// The commit that the reviewer approved, if that is its last word.
    pub reviewed: Option<String>,
    /// The same of the merger.
    pub passed: Option<String>,
}

impl Judged {
    /// Whether reviewer and merger approved one commit.
    pub fn is_approved(&self) -> bool {
        self.reviewed.is_some() && self.reviewed == self.passed
    }
}

impl History {
    fn of(&self, stage: Stage) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(move |said| said.stage == stage)
    }

    /// What the last words of each stage say.
    pub fn judged(&self) -> Judged {
        let last = |stage: Stage, verdict: &str| {
            self.of(stage).next().filter(|said| said.verdict == verdict).map(|said| said.head.clone())
        };
        Judged {
            handed_in: self.of(Stage::Implementer).next().map(|said| said.head.clone()),
            reviewed: last(Stage::Reviewer, Verdict::Approve.name()),
            passed: last(Stage::Merger, MergeVerdict::ApproveForHuman.name()),
        }
    }

    /// Whether it stood as approved right until it last ended.
    pub fn stood(&self) -> bool {
        let ended = self.steps.iter().find(|step| !step.now.is_live());
        ended.is_some_and(|step| step.was == State::NeedsHuman)
    }

    /// Whether people sent it back after the bots had approved it.
    pub fn is_sent_back(&self) -> bool {
        self.steps.iter().any(|step| step.was.is_sent_back(step.event))
    }

    /// Whether anybody else was seen to push to it before the implementer last handed it in.
    pub fn has_others(&self) -> bool {
        let last = self.of(Stage::Implementer).next().map(|said| said.at);
        let before = |step: &Step| last.is_none_or(|last| step.at < last);
        self.steps.iter().any(|step| step.event == Event::Pushed && step.found && before(step))
    }

    /// What its end is evidence for; none where an agent of it does not say who it is, or several made it.
    pub fn stratum(&self, repo: &str, gap: &Key, risk: &Risk) -> Option<Stratum> {
        let last = |stage: Stage| self.of(stage).map(|said| &said.by).next().filter(|by| by.is_known());
        let author = last(Stage::Implementer)?;
        // What several made is evidence of none of them.
        if self.of(Stage::Implementer).any(|said| said.by != *author) {
            return None;
        }
        Some(Stratum {
            repo: repo.to_owned(),
            kind: gap.kind.clone(),
            area: risk.area,
            author: author.clone(),
            reviewer: last(Stage::Reviewer)?.clone(),
            policy: Some(risk.policy.clone()).filter(|policy| !policy.is_empty())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Area;

    fn said(stage: Stage, name: &str, head: &str, verdict: &str, at: i64) -> Said {
        let by = Fingerprint { principal: name.into(), model: "m".into(), prompt: "p".into() };
        Said { stage, by, head: head.into(), verdict: verdict.into(), at: Time(at) }
    }

    fn step(event: Event, was: State, now: State, found: bool, at: i64) -> Step {
        Step { event, was, now, found, at: Time(at) }
    }

    /// Handed in twice, reviewed and passed.
    fn history() -> History {
        let (approve, pass) = (Verdict::Approve.name(), MergeVerdict::ApproveForHuman.name());
        History {
            said: vec![
                said(Stage::Merger, "m", "b", pass, 50),
                said(Stage::Reviewer, "r", "b", approve, 40),
                said(Stage::Implementer, "i", "b", "", 30),
                said(Stage::Reviewer, "r", "a", Verdict::RequestChanges.name(), 20),
                said(Stage::Implementer, "i", "a", "", 10),
            ],
            steps: vec![step(Event::Merged, State::NeedsHuman, State::Merged, true, 60)],
        }
    }

    #[test]
    fn the_last_word_of_each_stage_is_what_holds() {
        let judged = history().judged();
        let b = || Some("b".to_owned());
        assert_eq!(judged, Judged { handed_in: b(), reviewed: b(), passed: b() });
        assert!(judged.is_approved() && history().stood());
        let mut other = history();
        other.said.insert(0, said(Stage::Reviewer, "r", "b", Verdict::RequestChanges.name(), 55));
        assert!(!other.judged().is_approved());
        let mut old = history();
        old.said.remove(0);
        assert!(!old.judged().is_approved());
        assert_eq!(History::default().judged(), Judged::default());
        assert!(!History::default().judged().is_approved() && !History::default().stood());
    }

    #[test]
    fn it_stood_only_if_it_ended_from_the_bots_approval() {
        let mut reopened = history();
        reopened.steps.insert(0, step(Event::Reopened, State::Merged, State::Proposed, true, 70));
        assert!(reopened.stood(), "its last end counts");
        let mut early = history();
        early.steps[0].was = State::Proposed;
        assert!(!early.stood());
    }

    #[test]
    fn what_people_want_of_what_bots_approved_sends_it_back() {
        assert!(!history().is_sent_back());
        for (was, back) in [(State::NeedsHuman, true), (State::NeedsReview, false)] {
            let mut history = history();
            history.steps.push(step(Event::ChangesRequested, was, State::ChangesRequested, true, 55));
            assert_eq!(history.is_sent_back(), back, "{was}");
        }
    }

    #[test]
    fn a_push_that_was_found_before_the_last_hand_in_is_somebody_else_s() {
        for (found, at, others) in [(true, 29, true), (true, 30, false), (false, 29, false), (true, 45, false)] {
            let mut history = history();
            history.steps.push(step(Event::Pushed, State::Proposed, State::Proposed, found, at));
            assert_eq!(history.has_others(), others, "{found} at {at}");
        }
        let steps = vec![step(Event::Pushed, State::Proposed, State::Proposed, true, 5)];
        assert!(History { said: Vec::new(), steps }.has_others());
    }

    #[test]
    fn what_several_made_or_nobody_says_who_made_is_of_no_stratum() {
        let gap = Key { kind: "mcp-tool".into(), name: "list-deploys".into() };
        let risk = Risk { area: Area::Code, policy: "x".into(), ..Risk::default() };
        let of = |history: &History, risk: &Risk| history.stratum("a/b", &gap, risk);
        let known = of(&history(), &risk).expect("all are known");
        assert_eq!((known.author.principal.as_str(), known.reviewer.principal.as_str()), ("i", "r"));
        let mut several = history();
        several.said[4].by.model = "n".into();
        let mut unsaid = history();
        unsaid.said[1].by.prompt.clear();
        assert!(of(&several, &risk).is_none() && of(&unsaid, &risk).is_none());
        assert!(of(&history(), &Risk::default()).is_none(), "its policy is not known");
        assert!(of(&History::default(), &risk).is_none());
    }
}
