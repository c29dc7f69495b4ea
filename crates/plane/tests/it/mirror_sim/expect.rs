//! What must be true when the faults are over.

use std::collections::BTreeSet;

use domain::gap::{Key, Priority, State};
use domain::label::Names;
use domain::mirror::{self, marked};
use harness::github::Issue;
use plane::gap::Shown;
use plane::page::Ask;

use super::{GAPS, Sim};
use crate::given::ann;
use crate::home::{REPO, US};

/// What a person did last on the issue of a gap, and nobody undid.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// How it is to stand.
    pub(super) stand: Option<Stand>,
    /// Its priority.
    pub(super) priority: Option<Priority>,
    /// The labels that are people's alone.
    pub(super) theirs: BTreeSet<String>,
    /// What people wrote.
    pub(super) said: Vec<String>,
}

/// How people let an issue stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Open,
    Done,
    WontFix,
}

impl Wanted {
    /// The labels of an issue that are people's alone.
    pub(super) fn labels_of(issue: &Issue) -> BTreeSet<String> {
        let theirs = |name: &&String| matches!(name.as_str(), "manual" | "claude" | "bug");
        issue.labels.iter().filter(theirs).cloned().collect()
    }
}

/// What an issue says to whoever looks at it.
pub(super) fn stand_of(issue: &Issue) -> Stand {
    match (issue.open, issue.reason.as_deref()) {
        _ if issue.labels.iter().any(|name| name == "wontfix") => Stand::WontFix,
        (true, _) => Stand::Open,
        (false, Some("completed")) => Stand::Done,
        (false, _) => Stand::WontFix,
    }
}

/// Over which gaps both agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Those whose issues are known.
    Known,
    /// Every one; what is to have an issue has one.
    All,
}

impl Sim {
    /// Every issue of a gap.
    fn issues_of(&self, gap: &str) -> Vec<Issue> {
        let of = |issue: &Issue| marked(&issue.body).is_some_and(|key| key.name == gap);
        self.fake().issues(REPO).into_iter().filter(of).collect()
    }

    /// The issue of a gap.
    pub(super) fn issue_of(&self, gap: &str) -> Option<Issue> {
        self.issues_of(gap).into_iter().next()
    }

    /// Whether nothing of ours is in doubt on the issue of a gap.
    pub(super) async fn is_clear(&self, gap: &str) -> bool {
        let mut tx = self.world.store().read().await.expect("a look");
        let key = Key { kind: "mcp-tool".to_owned(), name: gap.to_owned() };
        let issue = store::issue::find(&mut tx, &key).await.expect("a look");
        let base = issue.and_then(|issue| issue.base);
        base.and_then(|base| base.sent).is_none_or(|sent| sent.answered)
    }

    pub(super) async fn is_duplicate(&self, gap: &str) -> bool {
        self.show(gap).await.is_some_and(|shown| shown.gap.state == State::Duplicate)
    }

    async fn show(&self, gap: &str) -> Option<Shown> {
        let by = ann();
        self.planes[0].show_gap(&by, gap, &Ask::default()).await.ok()
    }

    /// The forge and the gaps agree.
    pub(super) async fn check_agreement(&self, over: Over) {
        for gap in GAPS {
            let Some(Shown { gap: is, issue, .. }) = self.show(gap).await else { continue };
            if over == Over::Known && issue.as_ref().is_none_or(|issue| issue.state != store::issue::State::Known) {
                continue;
            }
            let issues = self.issues_of(gap);
            assert!(issues.len() <= 1, "{gap} has more than one issue: {issues:?}");
            let wants = is.state.is_work() && is.sightings > 0;
            let Some(there) = issues.into_iter().next() else {
                assert!(!wants, "{gap} is {} and has no issue: {issue:?}", is.state);
                continue;
            };
            let known = issue.unwrap_or_else(|| panic!("{gap} does not know its issue"));
            assert_eq!((known.number, known.state), (Some(there.number), store::issue::State::Known), "{known:?}");
            assert_eq!(known.labels, there.labels, "{gap}: the labels that we know");
            let sent = known.base.and_then(|base| base.sent);
            assert!(sent.is_none(), "{gap}: something is still on its way: {known:?}");
            let stand = match stand_of(&there) {
                _ if there.open => mirror::Stand::Open,
                Stand::Done => mirror::Stand::Done,
                Stand::Open | Stand::WontFix => match there.reason.as_deref() {
                    Some("completed") => mirror::Stand::Done,
                    _ => mirror::Stand::NotPlanned,
                },
            };
            let left = mirror::writes(stand, &there.labels, mirror::wish(&is), &Names::default());
            assert!(
                left.is_empty(),
                "{gap} is {} with {:?}: {left:?} is left to do on {there:?}",
                is.state,
                is.priority
            );
        }
    }

    /// What people did last holds.
    pub(super) async fn check_people(&self) {
        for (gap, wanted) in &self.wanted {
            let (Some(there), Some(shown)) = (self.issue_of(gap), self.show(gap).await) else { continue };
            assert_eq!(Wanted::labels_of(&there), wanted.theirs, "{gap}: labels of people");
            let state = shown.gap.state;
            match wanted.stand {
                None => {}
                Some(Stand::Open) => assert!(state.is_work(), "{gap} was opened by a person and is {state}"),
                Some(Stand::Done) => {
                    assert!(
                        matches!(state, State::Merged | State::Proven),
                        "{gap} was done by a person and is {state}"
                    );
                }
                Some(Stand::WontFix) => assert_eq!(state, State::WontFix, "{gap} was given up by a person"),
            }
            if let Some(priority) = wanted.priority {
                assert_eq!(shown.gap.priority, Some(priority), "{gap}: the priority that a person gave");
            }
            let mut kept: Vec<_> = shown.comments.into_iter().map(|comment| comment.body).collect();
            kept.reverse();
            assert_eq!(kept, wanted.said, "{gap}: what people wrote");
        }
    }

    /// Everything that we had to say is said once.
    pub(super) async fn check_words(&self) {
        for issue in self.fake().issues(REPO) {
            let ours = issue.comments.iter().filter(|comment| comment.author == US);
            let mut markers: Vec<_> = ours.filter_map(|comment| comment.body.lines().next()).collect();
            let count = markers.len();
            markers.sort_unstable();
            markers.dedup();
            assert_eq!(markers.len(), count, "said twice: {:?}", issue.comments);
            if issue.labels.iter().any(|name| name == "manual") {
                continue;
            }
            let mut tx = self.world.store().read().await.expect("a look");
            let key = marked(&issue.body).expect("an issue of a gap");
            let left = store::issue::note::open(&mut tx, &key, 10).await.expect("a look");
            assert!(left.is_empty(), "{key}: not said: {left:?}");
        }
    }
}
