//! What happens in a simulation, by chance: each step lets some time pass and does one thing.

use domain::gap::{Priority, Sighting};
use domain::time::Span;
use harness::github::{Fault, Person, Reason, sign};
use plane::job::Completion;
use plane::webhook;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use serde_json::json;

use super::expect::{Stand, Wanted, stand_of};
use super::{GAPS, JOBS, Sim};
use crate::given::{ann, claim, end, named, operator};
use crate::home::{REPO, SECRET};

/// What requests a fault may meet.
const ROUTES: [(&str, &str); 8] = [
    ("POST", "/repos/ann/website/issues"),
    ("POST", "/repos/ann/website/issues"),
    ("GET", "/repos/ann/website/issues"),
    ("GET", "/repos/ann/website/issues/*"),
    ("PATCH", "/repos/ann/website/issues/*"),
    ("*", "/repos/ann/website/issues/*/labels"),
    ("POST", "/repos/ann/website/issues/*/comments"),
    ("*", "**"),
];

/// Why an operator does something.
const WHY: &str = "an operator has a reason";

impl Sim {
    /// One step.
    pub(super) async fn step(&mut self) {
        let waits = [Span(150), Span::secs(1), Span::secs(8), Span::secs(40), Span::secs(100), Span::mins(5)];
        let wait = *waits.choose(&mut self.chance).expect("a wait");
        self.world.hand.advance(wait);
        match self.chance.random_range(0..100) {
            0..16 => self.report().await,
            16..24 => self.operate().await,
            24..30 => self.work().await,
            30..52 => self.person().await,
            52..60 => self.webhooks().await,
            60..74 => self.fault(),
            74..84 => self.tend().await,
            84..88 => self.behind().await,
            88..92 => self.word().await,
            92..96 => self.die().await,
            _ => self.both().await,
        }
        // Whoever met a limit would wait for it by its own timer: another process goes by what is written down.
        if self.fake().arrived().iter().any(|one| matches!(one.status, Some(403 | 429))) {
            for at in 0..self.planes.len() {
                self.planes[at] = self.plane();
            }
        }
        self.fake().forget_arrived();
    }

    fn told(&self, what: &str) {
        self.steps.add(format!("{} {what}", self.world.hand.now().iso()));
    }

    fn gap(&mut self) -> &'static str {
        GAPS.choose(&mut self.chance).expect("a gap")
    }

    fn job(&mut self) -> &'static str {
        JOBS.choose(&mut self.chance).expect("a job")
    }

    async fn report(&mut self) {
        let (gap, job) = (self.gap(), self.job());
        self.told(&format!("{gap} is reported for {job}"));
        let seen = Sighting { job: Some(job.to_owned()), ..Sighting::named("mcp-tool", gap) };
        self.planes[0].report_gap(&ann(), seen).await.expect("recorded");
        self.stirs(gap);
    }

    async fn operate(&mut self) {
        let (gap, other) = (self.gap(), self.gap());
        let priority = *[None, Some(Priority::Low), Some(Priority::High)].choose(&mut self.chance).expect("one");
        let (plane, by) = (&self.planes[0], operator());
        let what = self.chance.random_range(0..12);
        let done = match what {
            0..3 => plane.wontfix_gap(&by, gap, WHY).await.is_ok(),
            3..6 => plane.reopen_gap(&by, gap, WHY).await.is_ok(),
            6..9 => plane.prioritize_gap(&by, gap, priority).await.is_ok(),
            9 => plane.merge_gaps(&by, gap, other).await.is_ok(),
            _ => plane.close_gap(&by, gap, WHY).await.is_ok(),
        };
        let word = ["wontfix", "reopen", "prioritize", "merge or close"][what / 3];
        self.told(&format!("an operator: {word} {gap} ({other}, {priority:?}): {done}"));
        if !done {
            return;
        }
        let wanted = self.wanted.entry(gap).or_default();
        if word == "prioritize" {
            wanted.priority = None;
        } else {
            wanted.stand = None;
        }
    }

    /// A run of a job, which may report a gap once more.
    async fn work(&mut self) {
        let (job, gap) = (self.job(), self.gap());
        let (fails, reports) = (self.chance.random_bool(0.3), self.chance.random_bool(0.3));
        let status = if fails { "error: it failed" } else { "ok" };
        self.told(&format!("{job} ends with {status}, reporting {gap}: {reports}"));
        let plane = &self.planes[0];
        plane.trigger_job(&ann(), job).await.expect("an answer");
        let Some(held) = claim(plane, &ann(), named(job)).await else { return };
        let summary = reports.then(|| format!("BLOCKING-GAP[kind=mcp-tool]: {gap} - again"));
        let done = Completion { summary, ..end(&held, status) };
        plane.complete_job(&ann(), done).await.expect("an answer").expect("not stale");
        if reports {
            self.stirs(gap);
        }
    }

    /// A sighting opens a gap again that was merged.
    fn stirs(&mut self, gap: &'static str) {
        let wanted = self.wanted.entry(gap).or_default();
        if wanted.stand == Some(Stand::Done) {
            wanted.stand = None;
        }
    }

    /// Somebody does something on an issue of ours; a webhook tells of it, or nobody does.
    async fn person(&mut self) {
        let gap = self.gap();
        let Some(issue) = self.issue_of(gap) else { return };
        let clear = self.is_clear(gap).await;
        let loud = self.chance.random_bool(0.5);
        let number = issue.number;
        let has = |label: &str| issue.labels.iter().any(|name| name == label);
        let deed = self.chance.random_range(0..12);
        let priority = *Priority::ALL.choose(&mut self.chance).expect("a priority");
        let text = format!("a comment of {}", self.world.hand.now().iso());
        let person = self.fake().as_person("ann", REPO);
        let person = if loud { person } else { person.silently() };
        let (mut stood, mut ranked) = (false, false);
        match deed {
            0..2 if issue.open => {
                let why = if deed == 0 { Reason::Completed } else { Reason::NotPlanned };
                person.close(number, why);
                stood = true;
            }
            0..4 if !issue.open => {
                if has("wontfix") {
                    person.unlabel(number, "wontfix");
                }
                person.reopen(number);
                stood = true;
            }
            4 if !has("wontfix") => {
                person.label(number, "wontfix");
                stood = true;
            }
            5..8 => {
                rank(person, number, &issue.labels, priority);
                ranked = true;
            }
            8 => drop(person.comment(number, &text)),
            9 if has("manual") => person.unlabel(number, "manual"),
            9 => person.label(number, "manual"),
            10 if has("claude") => person.unlabel(number, "claude"),
            10 => person.label(number, "claude"),
            11 if has("bug") => person.unlabel(number, "bug"),
            11 => person.label(number, "bug"),
            _ => return,
        }
        let now = self.issue_of(gap).expect("it is still there");
        self.told(&format!(
            "a person on {gap} (loud {loud}, clear {clear}): open {} {:?} {:?}",
            now.open, now.reason, now.labels
        ));
        let stand = stand_of(&now);
        let is_duplicate = self.is_duplicate(gap).await;
        let wanted = self.wanted.entry(gap).or_default();
        wanted.theirs = Wanted::labels_of(&now);
        if deed == 8 {
            wanted.said.push(text);
        }
        if stood {
            wanted.stand = Some(stand).filter(|_| clear && !is_duplicate);
        }
        if ranked {
            wanted.priority = Some(priority).filter(|_| clear);
        }
    }

    /// What waits is lost, told in another order, twice, late, or by somebody who is not the forge.
    async fn webhooks(&mut self) {
        let mut waiting = self.fake().waiting();
        self.fake().forget_all();
        let count = waiting.len();
        if self.chance.random_bool(0.3) {
            waiting.reverse();
        }
        let mut fates = [0; 4];
        for one in waiting {
            let body = one.payload.to_string().into_bytes();
            let fate = self.chance.random_range(0..4);
            fates[fate] += 1;
            let (secret, times) = match fate {
                0 => continue,
                1 => ("not the secret", 1),
                2 => (SECRET, 2),
                _ => (SECRET, 1),
            };
            let signature = sign(secret, &body);
            for _ in 0..times {
                let delivery =
                    webhook::Delivery { id: &one.guid, event: one.event, signature: Some(&signature), body: &body };
                let answer = self.planes[0].receive_webhook(delivery).await;
                assert_eq!(answer.is_ok(), fate != 1, "{answer:?}");
            }
        }
        let forged = json!({"action": "deleted", "issue": {"number": 1}, "repository": {"id": 1}}).to_string();
        let delivery =
            webhook::Delivery { id: "forged", event: "issues", signature: Some("sha256=00"), body: forged.as_bytes() };
        self.planes[0].receive_webhook(delivery).await.expect_err("not proven");
        self.told(&format!("{count} webhooks: {fates:?} lost, forged, twice, once"));
    }

    fn fault(&mut self) {
        let faults = [
            Fault::Before(500),
            Fault::Before(502),
            Fault::After(500),
            Fault::After(502),
            Fault::DropBefore,
            Fault::DropAfter,
            Fault::Truncated,
            Fault::CutBody,
            Fault::Stale,
            Fault::Stale,
            Fault::Secondary { after_secs: 60 },
            Fault::TooMany { after_secs: 1 },
        ];
        let fault = faults.choose(&mut self.chance).expect("a fault").clone();
        let (method, path) = *ROUTES.choose(&mut self.chance).expect("a route");
        let times = self.chance.random_range(1..4);
        self.told(&format!("{times} times {fault:?} at {method} {path}"));
        self.fake().fault(times, method, path, fault);
    }

    async fn tend(&mut self) {
        let at = self.chance.random_range(0..2);
        let sweeps = self.chance.random_bool(0.5);
        let plane = self.planes[at].clone();
        if sweeps {
            let told = plane.sweep().await;
            self.told(&format!("plane {at} sweeps: {told:?}"));
        } else {
            plane.tend_mirror().await.expect("a tick");
            self.told(&format!("plane {at} ticks"));
        }
    }

    /// What a person just did is read, and then read once more from a copy that is behind.
    async fn behind(&mut self) {
        self.person().await;
        let plane = self.planes[0].clone();
        self.told(&format!("plane 0 sweeps: {:?}", plane.sweep().await));
        self.fake().fault(1, "GET", "/repos/ann/website/issues", Fault::Stale);
        self.told(&format!("and once more, from a copy that is behind: {:?}", plane.sweep().await));
    }

    /// Something is to be said on an issue, and its arrival may stay in doubt.
    async fn word(&mut self) {
        let (gap, other) = (self.gap(), self.gap());
        let faults = [Fault::After(502), Fault::DropAfter, Fault::Before(500), Fault::DropBefore, Fault::Truncated];
        let fault = faults.choose(&mut self.chance).expect("a fault").clone();
        let plane = self.planes[0].clone();
        let merged = plane.merge_gaps(&operator(), gap, other).await.is_ok();
        self.told(&format!("{gap} is merged into {other}: {merged}; its note meets {fault:?}"));
        if merged {
            self.wanted.entry(gap).or_default().stand = None;
            self.fake().fault(1, "POST", "/repos/ann/website/issues/*/comments", fault);
            plane.tend_mirror().await.expect("a tick");
        }
    }

    async fn both(&mut self) {
        let (one, two) = (self.planes[0].clone(), self.planes[1].clone());
        let sweeps = self.chance.random_bool(0.6);
        self.told(&format!("both planes at once, sweeping {sweeps}"));
        if sweeps {
            let (told, tended) = tokio::join!(one.sweep(), two.sweep());
            self.told(&format!("{told:?}, {tended:?}"));
        }
        let (told, tended) = tokio::join!(one.tend_mirror(), two.tend_mirror());
        told.expect("a tick");
        tended.expect("a tick");
    }

    /// A plane dies in the middle of a sweep or a tick, when its nth request has just been sent.
    async fn die(&mut self) {
        let (at, count) = (self.chance.random_range(0..2), self.chance.random_range(1..16));
        let sweeps = self.chance.random_bool(0.6);
        let plane = self.planes[at].clone();
        self.fake().forget_arrived();
        let work = async move {
            if sweeps {
                drop(plane.sweep().await);
            }
            plane.tend_mirror().await.expect("a tick");
        };
        let work = tokio::spawn(work);
        let dies = self.fake().await_arrived(count, |_| true);
        let alive = tokio::select! {
            biased;
            () = dies => false,
            () = ended(&work) => true,
        };
        work.abort();
        drop(work.await);
        self.told(&format!("plane {at} dies at its request {count} (sweeping {sweeps}), or ended before: {alive}"));
        self.planes[at] = self.plane();
    }
}

/// Ends when a task has.
async fn ended(work: &tokio::task::JoinHandle<()>) {
    while !work.is_finished() {
        tokio::task::yield_now().await;
    }
}

/// Gives an issue a priority, as a person does: the new label, and no other.
fn rank(person: Person<'_>, number: i64, labels: &[String], priority: Priority) {
    let label = domain::label::Role::Priority(priority).name();
    person.label(number, label);
    for old in labels.iter().filter(|name| name.starts_with("priority:") && *name != label) {
        person.unlabel(number, old);
    }
}
