//! The whole way over a GitHub: the runner pushes over HTTP with the token of the forge, and no agent has it or does without it
//! what it is for.

use std::sync::atomic::Ordering;

use domain::time::Time;
use forge::github::{Auth, Pace};
use harness::github::{Access, GitHub, Visit};

use super::*;

/// Who we are there.
const US: &str = "gapwright-bot";
/// What an agent's git calls itself, so that its visits are told from ours.
const AGENT: &str = "an-agent";
/// Nobody is to be spared here.
const AT_ONCE: Pace = Pace { between: Span(0), per_minute: 1_000_000, per_hour: 1_000_000 };

/// A yard over a GitHub, and our token there.
async fn yard() -> (Yard, String) {
    let world = World::new(On::Memory).await;
    let fake = GitHub::start_at(world.moment()).await;
    fake.repo(REPO);
    fake.grant(PERSON, REPO, Access::Write);
    fake.as_person(PERSON, REPO).commit("main", &[("src/lib.rs", Some("//! A library.\n"))]);
    let (token, moment) = (fake.token(US, Access::Write), world.moment());
    let settings = forge::github::Settings {
        api: fake.url(),
        pace: AT_ONCE,
        pause: Duration::from_millis(1),
        ..forge::github::Settings::new(
            REPO,
            Auth::Token(token.clone().into()),
            Arc::new(move || Time(moment.load(Ordering::Relaxed))),
        )
    };
    let client = Arc::new(forge::github::GitHub::new(settings).expect("a client"));
    let folder = tempfile::tempdir().expect("a folder");
    (Yard::at(Level::Pipeline, world, folder, Place::GitHub(Box::new(fake), client), |_| {}).await, token)
}

impl Yard {
    fn fake(&self) -> &GitHub {
        match &self.place {
            Place::GitHub(fake, _) => fake,
            Place::Local(_) => panic!("this case is for GitHub"),
        }
    }

    /// Time passes until the pull request is so.
    async fn comes_to(&self, state: &str) {
        for _ in 0..5 {
            if self.pull().await.stored.pull.state.name() == state {
                return;
            }
            self.pass(POLL).await;
        }
        let pull = self.pull().await.stored.pull;
        panic!("{state} did not come about: it is {}, {}", pull.state, pull.why);
    }

    /// An agent that writes down all that it finds, tries the forge by itself, and then plays its part.
    fn tries(&self, play: &str) -> Agent {
        let talk = super::super::here().join("agents/talk.py");
        let (yard, url) = (self.folder.path().display(), format!("{}/{REPO}.git", self.fake().url()));
        let git = format!("GIT_TERMINAL_PROMPT=0 git -c http.userAgent={AGENT}");
        sh(&format!(
            "{{ cat; env; find . \"$HOME\" -type f -exec cat {{}} +; git remote -v; git config --list; }} >>'{yard}/found'
             {git} push {url} HEAD:refs/heads/main HEAD:refs/heads/{BRANCH} HEAD:refs/heads/evil 2>>'{yard}/found' && exit 9
             exec python3 '{}' {play}",
            talk.display()
        ))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_closed_on_github_and_no_agent_has_what_opens_it() {
    let (yard, token) = yard().await;
    let mut heads = Vec::new();
    for (stage, play, state) in [
        (Stage::Planner, "plans", "implementing"),
        (Stage::Implementer, "drafts", "needs_review"),
        (Stage::Reviewer, "asks_for_changes", "changes_requested"),
        (Stage::Implementer, "drafts", "needs_review"),
        (Stage::Reviewer, "approves", "approved"),
        (Stage::Merger, "judges", "needs_human"),
    ] {
        let outcome = yard.works(stage, yard.tries(play)).await;
        assert_eq!(outcome.end, End::HandedIn, "{play}: {:?}", yard.run(&outcome.job).await);
        yard.comes_to(state).await;
        if stage == Stage::Implementer {
            heads.push(yard.pull().await.stored.pull.change.expect("a change").head);
        }
    }
    is_shown(&yard, &heads).await;
    merges(&yard).await;
    only_we_pushed(yard.fake(), &heads);
    let found = std::fs::read(yard.path("found")).expect("what agents found");
    let found = String::from_utf8_lossy(&found);
    assert!(found.contains("GAPWRIGHT_CLAIM=") && found.contains("This run"), "they looked around");
    assert!(!found.contains(&token), "an agent found the token of the forge");
    yard.end().await;
}

/// How it looks to people before one of them merges it.
async fn is_shown(yard: &Yard, heads: &[String]) {
    let number = yard.pull().await.stored.pull.there.number.expect("a number");
    let (issue, pull) = (yard.fake().issue(REPO, number), yard.fake().pull(REPO, number));
    for label in ["bot-approved-needs-human", "capability-gap", "claude", "iteration:1"] {
        assert!(issue.labels.iter().any(|name| name == label), "{label} is not among {:?}", issue.labels);
    }
    assert_eq!((issue.author.as_str(), pull.head.as_str(), Some(&pull.commit)), (US, BRANCH, heads.last()));
    let said = yard.fake().reviews(REPO, number);
    assert_eq!(said.len(), 2, "one for each verdict of the reviewer: {said:?}");
    assert!(said[0].body.contains("REQUEST_CHANGES") && said[0].commit == heads[0], "{said:?}");
    assert!(said.iter().all(|review| review.author == US && review.state == "COMMENTED"), "no bot approves: {said:?}");
}

/// A person merges, and that closes the gap.
async fn merges(yard: &Yard) {
    let number = yard.pull().await.stored.pull.there.number.expect("a number");
    yard.fake().as_person(PERSON, REPO).merge(number, "merge");
    yard.comes_to("merged").await;
    let gap = yard.plane.show_gap(&operator(), GAP, &Ask::default()).await.expect("the gap");
    assert_eq!(gap.gap.state.name(), "merged");
}

/// Branches moved by our pushes alone, and whoever came without our token moved nothing.
fn only_we_pushed(fake: &GitHub, heads: &[String]) {
    let visits = fake.visits();
    let moved: Vec<_> = visits.iter().filter(|visit| !visit.moved.is_empty()).collect();
    let [first, second] = heads else { panic!("{heads:?}") };
    let from_to = |was: Option<&String>, now: &String| vec![(BRANCH.to_owned(), was.cloned(), Some(now.clone()))];
    let moves: Vec<_> = moved.iter().map(|visit| (visit.who.as_deref(), visit.moved.clone())).collect();
    assert_eq!(moves, [(Some(US), from_to(None, first)), (Some(US), from_to(Some(first), second))]);
    let of_agents: Vec<&Visit> = visits.iter().filter(|visit| visit.program == AGENT).collect();
    assert!(of_agents.iter().filter(|visit| visit.writes).count() >= 6, "each tried: {of_agents:?}");
    assert!(of_agents.iter().all(|visit| visit.who.is_none()), "an agent showed a credential: {of_agents:?}");
    assert!(
        visits
            .iter()
            .filter(|visit| visit.writes && visit.program != AGENT)
            .all(|visit| visit.who.as_deref() == Some(US))
    );
    let by_hand = fake.arrived().into_iter().filter(|one| one.method != "GET" && one.path.contains("/git/refs"));
    assert_eq!(by_hand.count(), 0, "no branch is moved but by git");
}
