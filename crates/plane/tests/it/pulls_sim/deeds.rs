//! What happens in a simulation, by chance: each step lets some time pass and does one thing.

use domain::pull::Verdict;
use domain::switch::Scope;
use domain::time::Span;
use harness::github::{Fault, GitFault, Reason, sign};
use plane::webhook;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use store::pull::Stored;

use super::{GAPS, Sim};
use crate::given::operator;
use crate::home::{REPO, SECRET};

/// What requests a fault may meet.
const ROUTES: [(&str, &str); 9] = [
    ("POST", "/repos/ann/website/pulls"),
    ("POST", "/repos/ann/website/pulls"),
    ("GET", "/repos/ann/website/pulls"),
    ("GET", "/repos/ann/website/pulls/*"),
    ("POST", "/repos/ann/website/pulls/*/reviews"),
    ("POST", "/repos/ann/website/statuses/*"),
    ("*", "/repos/ann/website/issues/*/labels"),
    ("POST", "/repos/ann/website/issues/*/comments"),
    ("*", "**"),
];

impl Sim {
    /// One step.
    pub(super) async fn step(&mut self) {
        // Most of it happens close together.
        let soon = [Span(150), Span::secs(5), Span::secs(40)];
        let late = [Span::mins(2), Span::mins(6), Span::mins(11)];
        let waits = if self.chance.random_bool(0.8) { soon } else { late };
        let wait = *waits.choose(&mut self.chance).expect("a wait");
        self.world.hand.advance(wait);
        match self.chance.random_range(0..100) {
            0..33 => self.take().await,
            33..43 => self.hand_in().await,
            43..61 => self.person().await,
            61..64 => self.operator().await,
            64..69 => self.webhooks().await,
            69..75 => self.fault(),
            75..90 => self.tend().await,
            90..93 => self.die().await,
            93..96 => self.die_taking().await,
            _ => self.both().await,
        }
        let arrived = self.fake().arrived();
        self.tally.met(arrived.iter().filter(|one| one.status.is_none_or(|status| status >= 500)).count());
        // Whoever met a limit would wait for it by its own timer: another process goes by what is written down.
        if arrived.iter().any(|one| matches!(one.status, Some(403 | 429))) {
            for at in 0..self.planes.len() {
                self.planes[at] = self.plane();
            }
        }
        self.fake().forget_arrived();
    }

    pub(super) fn told(&self, what: &str) {
        self.steps.add(format!("{} {what}", self.world.hand.now().iso()));
    }

    /// An operator stops one, lets one go on, or switches something off or on.
    async fn operator(&mut self) {
        let plane = self.planes[self.chance.random_range(0..2)].clone();
        let pulls = self.pulls().await;
        let Some(Stored { pull, .. }) = pulls.choose(&mut self.chance) else { return };
        let scopes = ["all", "kind:reviewer", "kind:implementer", "repo:ann/website"];
        let scope = Scope::parse(scopes.choose(&mut self.chance).expect("a scope")).expect("a scope");
        let (deed, why) = (self.chance.random_range(0..4), "something is wrong with it");
        let done = match deed {
            0 => plane.stop_pull(&operator(), &pull.id, why).await.is_ok(),
            1 => plane.resume_pull(&operator(), &pull.id, why).await.is_ok(),
            2 => plane.turn_off(&operator(), scope.clone(), why).await.is_ok(),
            _ => plane.turn_on(&operator(), scope.clone()).await.is_ok(),
        };
        self.tally.steered(done);
        self.told(&format!("an operator does {deed} on {}, {scope}: {done}", pull.id));
    }

    /// An operator switches everything on again.
    pub(super) async fn all_on(&mut self) {
        let plane = &self.planes[0];
        let (off, _) = plane.list_switches(&operator()).await.expect("a list");
        for one in off {
            plane.turn_on(&operator(), Scope::parse(&one.scope).expect("a scope")).await.expect("on");
        }
        self.told("everything is on");
    }

    /// Somebody does something on a pull request of ours; a webhook tells of it, or nobody does.
    async fn person(&mut self) {
        let known: Vec<Stored> =
            self.pulls().await.into_iter().filter(|stored| stored.pull.there.number.is_some()).collect();
        let Some(stored) = known.choose(&mut self.chance).cloned() else { return };
        let number = stored.pull.there.number.expect("it has one");
        let forge = crate::home::home(&self.world, &self.place, &self.token, REPO).forge;
        let loud = self.chance.random_bool(0.5);
        let deed = self.chance.random_range(0..16);
        let labels = ["bot-approved-needs-human", "needs-bot-review", "iteration:3", "requires-human", "bug"];
        let label = *labels.choose(&mut self.chance).expect("a label");
        let issue = self.fake().issue(REPO, number);
        let has = |name: &str| issue.labels.iter().any(|known| known == name);
        let who = if matches!(deed, 0..4) { "mallory" } else { "ann" };
        let person = self.fake().as_person(who, REPO);
        let person = if loud { person } else { person.silently() };
        let merged = self.fake().pull(REPO, number).merged.is_some();
        match deed {
            0 | 4 if has(label) => person.unlabel(number, label),
            0 | 4 => person.label(number, label),
            1 | 5 if has("manual") => person.unlabel(number, "manual"),
            1 | 5 => person.label(number, "manual"),
            2 | 6 if has("claude") => person.unlabel(number, "claude"),
            2 | 6 => person.label(number, "claude"),
            7 if !issue.open && !merged => person.reopen(number),
            7 if issue.open => person.close(number, Reason::NotPlanned),
            8..10 if issue.open => drop(person.review(number, "REQUEST_CHANGES", "no")),
            10 if issue.open => drop(person.merge(number, "squash")),
            11 if has("max-iterations-reached") => person.unlabel(number, "max-iterations-reached"),
            11 if has("requires-human") => person.unlabel(number, "requires-human"),
            12..16 if issue.open => {
                let Some(change) = stored.pull.change.clone() else { return };
                self.files += 1;
                let path = format!("src/pushed{}.rs", self.files);
                let person = self.fake().as_person("ann", REPO);
                let person = if loud { person } else { person.silently() };
                person.commit(&change.branch, &[(&path, Some("one\ntwo\nthree\n"))]);
                self.tally.pushed();
            }
            _ => return,
        }
        drop(forge);
        let own = self.fake().issue(REPO, number).labels.iter().any(|label| label == "bug");
        self.own.insert(number, own);
        self.told(&format!(
            "{who} does {deed} ({label}, loud {loud}) on {number}: {:?}",
            self.fake().issue(REPO, number).labels
        ));
    }

    /// What waits is lost, told in another order, twice, late, or by somebody who is not the forge.
    async fn webhooks(&mut self) {
        let mut waiting = self.fake().waiting();
        self.fake().forget_all();
        if self.chance.random_bool(0.3) {
            waiting.reverse();
        }
        let count = waiting.len();
        for one in waiting {
            let body = one.payload.to_string().into_bytes();
            let (secret, times) = match self.chance.random_range(0..4) {
                0 => continue,
                1 => ("not the secret", 1),
                2 => (SECRET, 2),
                _ => (SECRET, 1),
            };
            let signature = sign(secret, &body);
            for _ in 0..times {
                let delivery =
                    webhook::Delivery { id: &one.guid, event: one.event, signature: Some(&signature), body: &body };
                if let Ok(webhook::Received::Queued) = self.planes[0].receive_webhook(delivery).await {
                    self.tally.heard();
                }
            }
        }
        self.told(&format!("{count} webhooks"));
    }

    fn fault(&mut self) {
        let faults = [
            Fault::Before(500),
            Fault::Before(502),
            Fault::After(500),
            Fault::After(502),
            Fault::DropBefore,
            Fault::DropAfter,
            Fault::Stale,
            Fault::Truncated,
            Fault::CutBody,
            Fault::Secondary { after_secs: 60 },
            Fault::TooMany { after_secs: 1 },
        ];
        if self.chance.random_bool(0.2) {
            let fault = *[GitFault::Down, GitFault::Lost].choose(&mut self.chance).expect("a fault");
            let times = self.chance.random_range(1..4);
            self.told(&format!("{times} times {fault:?} for git"));
            return self.fake().fail_git(times, fault);
        }
        let fault = faults.choose(&mut self.chance).expect("a fault").clone();
        let (method, path) = *ROUTES.choose(&mut self.chance).expect("a route");
        let times = self.chance.random_range(1..4);
        self.told(&format!("{times} times {fault:?} at {method} {path}"));
        self.fake().fault(times, method, path, fault);
    }

    async fn tend(&mut self) {
        let at = self.chance.random_range(0..2);
        pass(&self.planes[at]).await;
        self.told(&format!("plane {at} looks"));
    }

    async fn both(&mut self) {
        let (one, two) = (self.planes[0].clone(), self.planes[1].clone());
        self.told("both planes look at once");
        tokio::join!(Box::pin(pass(&one)), Box::pin(pass(&two)));
    }

    /// A plane dies in the middle of a pass, when its nth request has just been sent.
    async fn die(&mut self) {
        let (at, count) = (self.chance.random_range(0..2), self.chance.random_range(1..20));
        let plane = self.planes[at].clone();
        self.fake().forget_arrived();
        let work = tokio::spawn(async move { pass(&plane).await });
        let alive = self.dies_at(count, work).await;
        if !alive {
            self.tally.died_looking();
        }
        self.told(&format!("plane {at} dies at its request {count}, or ended before: {alive}"));
        self.planes[at] = self.plane();
    }

    /// A plane dies in the middle of what an agent hands in.
    async fn die_taking(&mut self) {
        if self.turns.is_empty() {
            return;
        }
        let turn = self.turns.remove(self.chance.random_range(0..self.turns.len()));
        let verdict = *[Verdict::Approve, Verdict::RequestChanges].choose(&mut self.chance).expect("a verdict");
        let work = self.work_of(&turn, verdict).await;
        let (at, count) = (self.chance.random_range(0..2), self.chance.random_range(1..12));
        let plane = self.planes[at].clone();
        let (job, by) = (turn.job.name.clone(), turn.by.by.name.clone());
        self.fake().forget_arrived();
        let work = tokio::spawn(async move { drop(work.hand_in(&plane, &turn).await) });
        let alive = self.dies_at(count, work).await;
        if !alive {
            self.tally.died_taking();
        }
        self.told(&format!("plane {at} dies at request {count} of {by}'s {job}, or ended before: {alive}"));
        self.planes[at] = self.plane();
    }

    /// Ends a piece of work when its nth request, git's among them, has just been sent; true when it had ended before.
    async fn dies_at(&self, count: usize, work: tokio::task::JoinHandle<()>) -> bool {
        let before = self.fake().visits().len();
        let sent = || self.fake().arrived().len() + self.fake().visits().len() - before;
        while sent() < count && !work.is_finished() {
            tokio::task::yield_now().await;
        }
        let alive = work.is_finished();
        work.abort();
        if let Err(error) = work.await {
            assert!(error.is_cancelled(), "it broke by itself: {error}");
        }
        alive
    }

    /// People let agents act again, wherever they did not.
    pub(super) async fn let_agents_act(&mut self) {
        for Stored { pull, .. } in self.pulls().await {
            let Some(number) = pull.there.number else { continue };
            let labels = self.fake().issue(REPO, number).labels;
            let person = || self.fake().as_person("ann", REPO).silently();
            if labels.iter().any(|label| label == "manual") {
                person().unlabel(number, "manual");
            }
            if !labels.iter().any(|label| label == "claude") {
                person().label(number, "claude");
            }
        }
        self.told(&format!("people let agents act on {GAPS:?}"));
    }

    /// An operator looks at what nobody can tell the end of, and says how it ended.
    pub(super) async fn operator_says(&mut self) {
        let mut tx = self.world.store().read().await.expect("a look");
        let unknown = store::pull::say::unknown(&mut tx, (i64::MAX, ""), 100).await.expect("a list");
        drop(tx);
        for say in unknown {
            let number = self.pulls().await.into_iter().find(|stored| stored.pull.id == say.pull);
            let number = number.and_then(|stored| stored.pull.there.number);
            let mark = format!("<!-- gapwright-said: {} -->", say.id);
            let made = number.is_some_and(|number| {
                let reviews = self.fake().pull(REPO, number).reviews.into_iter().map(|review| review.body);
                let comments = self.fake().issue(REPO, number).comments.into_iter().map(|comment| comment.body);
                reviews.chain(comments).any(|body| body.contains(&mark))
            });
            self.planes[0].release(&operator(), &say.id, made).await.expect("released");
            self.told(&format!("an operator says that the {} was made: {made}", say.what));
        }
    }
}

async fn pass(plane: &plane::Plane) {
    plane.tend_lines().await.expect("a pass");
    plane.tend_mirror().await.expect("a tick");
    plane.tend_pulls().await.expect("a pass");
    plane.tend_decisions().await.expect("a pass");
    plane.watch_pulls().await.expect("a pass");
}
