//! A house at seven in the morning: a night's work behind it, some of it stuck, some of it waiting for a person. Every page is
//! looked at in both themes, at a desk and in a hand, and pictured for the documents.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::agent::Role;
use domain::budget::Amount;
use domain::calibration::corpus;
use domain::calibration::seed::{self, What};
use domain::gap::{Key, Severity as Hurts, Sighting};
use domain::gate::{Area, Fingerprint, Stratum};
use domain::job::{Pointer, Status};
use domain::pull::{Category, Change, Finding, Pull, Review, Reviewers, Severity, State, There, Verdict};
use domain::switch::Scope;
use domain::time::{Span, Time};
use harness::browser::{Browser, Motion, Theme};
use harness::{World, call, keyed};
use plane::Plane;
use plane::calibrate::NewTrial;
use plane::job::{Claim, Claimed, Completion, Upsert};
use store::Tx;
use store::figure::Figure;
use store::outcome::Found;

use super::Visitor;
use super::pages::job;
use crate::asked::{Asked, options};

/// How wide and high a desk and a hand are, in points.
const DESK: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (390, 844);

/// The most that a page may take on the wire, with all that it loads, in bytes.
const WEIGHT_MAX: usize = 30 * 1024;

const REPO: &str = "acme/shop";

/// What agents lack here: the gap, what it is for, and how many jobs it blocks.
const GAPS: [(&str, &str, &str, usize); 6] = [
    ("mcp-tool", "list-recent-deploys", "the digest must say what was deployed last, and nothing lists it", 9),
    ("helm-values", "read-private-registry", "the chart is pulled from a registry that no token opens", 6),
    ("network-policy", "reach-staging-logs", "logs of staging are behind a policy that lets no routine in", 4),
    ("mcp-tool", "dry-run-migration", "a migration cannot be tried before it is run", 3),
    ("scheduler-handler", "rotate-certificates", "nothing rotates the certificates of the nodes", 2),
    ("mcp-tool", "list-deploys", "what was deployed is not listed", 1),
];

/// Pull requests on their way: the gap, the title, how it stands, revisions, and cents that were spent.
const PULLS: [(&str, &str, State, i64, i64); 9] = [
    ("backups", "Move the backups of Postgres to another region", State::Planning, 0, 18),
    ("disruption", "Add a disruption budget to every stateful chart", State::Implementing, 0, 192),
    ("backoff", "Replace the hand-rolled retry with a backoff", State::ChangesRequested, 2, 1_340),
    ("drift", "Fix the drift of time zones in the weekly report", State::NeedsReview, 1, 410),
    ("rotate", "Rotate the certificates of nodes before they expire", State::NeedsHuman, 1, 655),
    ("banner", "Show a banner while the shop is in maintenance", State::NeedsVisual, 0, 240),
    ("index", "Index the audit by actor", State::Capped, 3, 5_480),
    ("unused", "Drop a dependency that nothing uses", State::Merged, 0, 95),
    ("deploys", "A tool that lists recent deploys", State::Merged, 1, 179),
];

/// A call of a routine by a tool, as a request of its own.
fn agent(name: &str, tool: &'static str) -> plane::Call {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let request_id = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
    plane::Call { request_id, ..call(Role::Routine, name, tool) }
}

fn fingerprint(principal: &str) -> Fingerprint {
    Fingerprint { principal: principal.into(), model: "opus".into(), prompt: "5f".repeat(32) }
}

/// The night's jobs, those who hold some, and how others ended.
async fn work(plane: &Plane) {
    let by = call(Role::Operator, "ops", "cli jobs add");
    let kinds = ["report", "triage", "pr-fix", "digest"];
    for n in 0..24 {
        let name = format!("{}-{n:02}", kinds[n % 4]);
        plane
            .register_job(&by, job(&name, kinds[n % 4], i64::try_from(n % 3).expect("few")), Upsert::Never)
            .await
            .expect("a job");
        plane.trigger_job(&by, &name).await.expect("triggered");
    }
    for (n, (name, end)) in [
        ("digest-03", "ok"),
        ("report-00", "ok"),
        ("triage-01", "error: the registry answers 403"),
        ("pr-fix-02", "ok"),
        ("report-04", "ok"),
        ("triage-05", "ok"),
    ]
    .into_iter()
    .enumerate()
    {
        let who = ["nightly", "triage", "fixer"][n % 3];
        let id = claim(plane, who, name).await;
        let end = Completion {
            name: name.into(),
            at: Pointer::Claim(id),
            status: Status::parse(end).expect("a status"),
            summary: Some(format!("looked at {} things, changed {n} of them", n * 7 + 3)),
            gaps: Vec::new(),
        };
        plane.complete_job(&agent(who, "complete-routine-job"), end).await.expect("an answer").expect("completed");
    }
    for (name, who) in [("report-08", "nightly"), ("pr-fix-06", "fixer"), ("triage-09", "triage")] {
        claim(plane, who, name).await;
    }
    let id = claim(plane, "fixer", "pr-fix-10").await;
    let options = vec!["revert it".to_owned(), "mend it forward".to_owned(), "leave it until Monday".to_owned()];
    plane
        .ask_operator(
            &agent("fixer", "ask-operator"),
            &id,
            "The deploy of 02:14 broke checkout for guests. Which way?",
            options,
        )
        .await
        .expect("asked");
    for (key, who, mins) in [("pr-fix-412", "fixer", 30), ("gh-issue-77", "triage", 12), ("deploy/shop", "nightly", 5)]
    {
        plane.acquire_lock(&agent(who, "acquire-lock"), key, who, Span::mins(mins)).await.expect("a lock");
    }
}

async fn claim(plane: &Plane, who: &str, name: &str) -> String {
    let wish = Claim { holder: who.to_owned(), ttl: Span::mins(30), kind: None, name: Some(name.to_owned()) };
    let Claimed::Job(held) = plane.claim_job(&agent(who, "claim-routine-job"), wish).await.expect("an answer") else {
        panic!("{name} is not to be had")
    };
    let domain::job::State::Held(claim) = held.state else { panic!("not held") };
    claim.id
}

async fn lack(plane: &Plane) {
    for (kind, name, reason, jobs) in GAPS {
        for n in 0..jobs {
            let who = agent(["nightly", "triage", "fixer"][n % 3], "report-gap");
            let seen = Sighting {
                reason: reason.into(),
                job: Some(format!("{}-{n:02}", ["report", "triage", "pr-fix", "digest"][n % 4])),
                severity: if n == 0 { Hurts::Critical } else { Hurts::Blocking },
                ..Sighting::named(kind, name)
            };
            plane.report_gap(&keyed(&who, &format!("{name}-{n}"), name), seen).await.expect("reported");
        }
    }
    plane.tend_gaps().await.expect("counted and compared");
    let by = call(Role::Operator, "ops", "cli jobs add");
    for (level, why) in [
        ("observe", "the registry has been watched for a month by hand"),
        ("propose", "ten drafts were read, and seven taken as they were"),
    ] {
        let seen = domain::level::Level::parse(level).expect("a level");
        plane.raise_level_from(&by, seen, Some(why)).await.expect("raised");
    }
    plane.turn_off(&by, Scope::Kind("merger".into()), "the runner's disk is being replaced").await.expect("off");
}

/// Pull requests, what became of earlier ones, and what the last day looked like.
async fn past(world: &World) {
    let mut tx = world.store().begin().await.expect("a write");
    pulls(&mut tx).await;
    outcomes(&mut tx).await;
    figures(&mut tx).await;
    tx.commit().await.expect("kept");
}

async fn pulls(tx: &mut Tx) {
    let now = tx.now();
    for (n, (name, title, state, iteration, cents)) in (1..).zip(PULLS) {
        let gap = Key { kind: "mcp-tool".into(), name: name.into() };
        let begun = now - Span::hours(9) + Span::mins(40 * n);
        let pull = Pull::begin(format!("PULL{n:022}"), gap, 1, REPO.into(), Reviewers::Bots, begun);
        let change = Change {
            branch: format!("gapwright/mcp-tool.{name}-1"),
            head: format!("{n}").repeat(40),
            onto: "main".into(),
            base: "b".repeat(40),
            title: title.into(),
            body: format!("{title}: what it is for, and how it was tried."),
            files: 3,
            lines: 40 + n,
            visual: (state == State::NeedsVisual).then(|| "templates/shop.html is not known to show nothing".into()),
            protected: None,
            risk: domain::gate::Risk::default(),
        };
        let planned = state == State::Planning;
        let there = There { number: (!planned && state != State::Implementing).then_some(400 + n), ..There::default() };
        let booked = Amount { tokens: cents * 1_500, micro_usd: cents * 10_000 };
        let why = if state == State::Capped {
            "it was revised three times, and is still sent back"
        } else {
            "as agents left it"
        };
        let pull = Pull {
            state,
            iteration,
            there,
            booked,
            why: why.into(),
            change: (!planned).then_some(change),
            changed_at: now - Span::mins(7 * n),
            ..pull
        };
        assert!(store::pull::add(tx, &pull).await.expect("a row"));
    }
}

async fn outcomes(tx: &mut Tx) {
    let now = tx.now();
    let policy = domain::visual::Policy::default().digest();
    let (author, reviewer) = (fingerprint("implementer-1"), fingerprint("reviewer-1"));
    let stratum = Stratum { repo: REPO.into(), kind: "mcp-tool".into(), area: Area::Code, author, reviewer, policy };
    store::gate::keep_stratum(tx, &stratum).await.expect("a stratum");
    for n in 0..34 {
        let (outcome, weight, why) = if n == 6 {
            ("closed", "bad", "a person closed it without a merge")
        } else {
            ("unchanged", "good", "it was merged as it was judged")
        };
        let at = now.0 - Span::days(60).0 + n * Span::hours(30).0;
        let found = Found {
            id: format!("outcome{n:03}"),
            pull: format!("PULL{:022}", n + 100),
            seq: 1,
            outcome: outcome.into(),
            weight: weight.into(),
            stratum: stratum.id(),
            repo: REPO.into(),
            gap_kind: "mcp-tool".into(),
            ended_at: at,
            at: at + Span::days(15).0,
            by: "ann".into(),
            why: why.into(),
            evidence: "{}".into(),
        };
        store::outcome::append(tx, &found).await.expect("an outcome");
    }
}

async fn figures(tx: &mut Tx) {
    let now = tx.now();
    let slot = Span::mins(30).0;
    for n in 1..48_i64 {
        let wave = (n * 7 % 13) + if n > 20 && n < 36 { 9 } else { 2 };
        let at = (now.0 / slot - 48 + n) * slot;
        let figure = Figure {
            at,
            ready: 6 + wave,
            held: 2 + wave / 4,
            oldest_ms: 60_000 * (1 + wave / 3),
            locks: 1 + wave / 5,
            ended: wave,
            failed: i64::from(n % 9 == 4) * 2,
            merged: i64::from(n % 12 == 3),
            micro_usd: n * 640_000,
        };
        store::figure::add(tx, &figure).await.expect("a figure");
    }
}

/// A reviewer that was tried: it misses some, and lets itself be misled once.
async fn tried(plane: &Plane) {
    let answer = |(n, trial): (usize, &seed::Trial)| {
        let case = corpus::case(trial.case).expect("a case");
        let finding = Finding {
            path: case.path.clone(),
            line: Some(case.lines[0]),
            severity: Severity::Major,
            category: Category::Correctness,
            text: "it is wrong here".into(),
        };
        let caught = trial.what == What::Seeded && n % 11 != 5;
        let (verdict, findings) =
            if caught { (Verdict::RequestChanges, vec![finding]) } else { (Verdict::Approve, Vec::new()) };
        NewTrial {
            reviewer: fingerprint("reviewer-1"),
            trial: *trial,
            review: Review { verdict, summary: "read it".into(), findings },
        }
    };
    let trials: Vec<_> = seed::plan(40, |_| 0).iter().enumerate().map(answer).collect();
    plane.keep_trials(&call(Role::Operator, "ops", "exam"), "01M8HNVJW35JR43428FKYWD3TX", trials).await.expect("kept");
}

/// What a page takes on the wire with its style, its script and its sign, in bytes.
async fn weight(ann: &Visitor, path: &str) -> usize {
    let mut bytes = 0;
    for path in [path, "/assets/control.css", "/assets/control.js", "/assets/sign.svg"] {
        let answer = ann.compressed(path).await;
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{path}");
        bytes += answer.bytes().await.expect("bytes").len();
    }
    bytes
}

/// Every page, as it is called in the documents, and where it is; those without a name are pictured elsewhere.
fn pages(run: &str, stratum: &str) -> Vec<(&'static str, String)> {
    let pull = format!("pulls/PULL{:022}", 5);
    vec![
        ("overview", String::new()),
        ("queue", "queue".to_owned()),
        ("job", "jobs/triage-01".to_owned()),
        ("run", format!("runs/{run}")),
        ("pipeline", "pipeline".to_owned()),
        ("", pull),
        ("locks", "locks".to_owned()),
        ("gaps", "gaps".to_owned()),
        ("gap", "gaps/one/mcp-tool%2Flist-recent-deploys".to_owned()),
        ("inventory", "gaps/inventory".to_owned()),
        ("alike", "gaps/alike".to_owned()),
        ("evidence", "evidence".to_owned()),
        ("stratum", format!("evidence/{stratum}")),
        ("schedules", "schedules".to_owned()),
        ("decisions", "decisions".to_owned()),
        ("audit", "audit".to_owned()),
        ("agents", "agents".to_owned()),
        ("", "settings".to_owned()),
        ("act", "act/switch-off?scope=all".to_owned()),
    ]
}

/// The house at a moment, three hours after its night began.
async fn house(world: &World, now: Time) -> Plane {
    world.hand.set(now - Span::hours(3));
    let plane = world
        .replica_with(|settings| {
            let watch =
                |routine: &str, every| plane::settings::Watch { routine: routine.into(), every, grace: Span::mins(10) };
            settings.watch = vec![watch("nightly", Span::hours(1)), watch("weekly-report", Span::days(7))];
            settings.schedule =
                [("agent-mcp-heartbeat", "every 1h"), ("daily-digest", "0 7 * * 1-5"), ("register-jobs", "every 10m")]
                    .map(|(name, cadence)| (name.to_owned(), cadence.to_owned()))
                    .into();
        })
        .await;
    plane.sync_schedule().await.expect("scheduled");
    plane.tell_presence().await.expect("present");
    let by = call(Role::Operator, "ops", "cli jobs add");
    plane.watch_routines(&by).await.expect("watched");
    let once = domain::job::Register { interval: None, max_attempts: Some(1), ..job("backfill-orders", "report", 2) };
    plane.register_job(&by, once, Upsert::Never).await.expect("a job");
    plane.trigger_job(&by, "backfill-orders").await.expect("triggered");
    claim(&plane, "fixer", "backfill-orders").await;
    plane
        .check_in(&agent("nightly", "check-in"), "weekly-report", domain::check_in::Phase::End)
        .await
        .expect("in time");
    world.hand.set(now);
    plane.tell_presence().await.expect("present");
    plane.tend_lines().await.expect("what was held in the night is lost");
    work(&plane).await;
    lack(&plane).await;
    past(world).await;
    tried(&plane).await;
    plane
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_readable_in_both_themes_at_a_desk_and_in_a_hand() {
    let browser = Browser::open().await;
    let world = World::new(harness::On::Sqlite).await;
    // Times tick by the browser's own clock.
    let now = browser.eval("Date.now()").await.as_i64().expect("a moment");
    let plane = house(&world, Time(now)).await;
    let asked = Asked::serve(plane.clone(), options()).await;
    let token = asked.token(Role::Operator, "ann").await;
    let by = call(Role::Viewer, "eve", "test");
    let runs = plane.list_runs(&by, Some("triage-01"), &plane::page::Ask::default()).await.expect("runs").items;
    let stratum = plane.show_gate(&by, None).await.expect("strata")[0].stratum.id();

    let ann = Visitor::of(&asked, Role::Operator, "ann").await;

    browser.resize(DESK.0, DESK.1).await;
    browser.goto(&asked.url).await;
    browser.wait_for("input[name=token]").await;
    browser.is_sound("the door").await;
    browser.picture("sign-in").await;
    browser.fill("input[name=token]", &token).await;
    browser.click_text("button", "Sign in").await;
    browser.wait_for("#needs").await;
    for (name, path) in pages(&runs[0].claim_id, &stratum) {
        browser.prefer(Theme::Light, Motion::Full).await;
        browser.resize(DESK.0, DESK.1).await;
        browser.goto(&format!("{}/{path}", asked.url)).await;
        if !path.starts_with("act/") {
            browser.wait_for("html[data-live=on]").await;
        }
        browser.is_sound(&format!("{path}, light")).await;
        if !name.is_empty() {
            browser.picture(name).await;
        }
        browser.prefer(Theme::Dark, Motion::Reduced).await;
        browser.is_sound(&format!("{path}, dark")).await;
        if name == "overview" {
            browser.picture("overview-dark").await;
        }
        browser.resize(PHONE.0, PHONE.1).await;
        browser.is_sound(&format!("{path}, on a phone")).await;
        if name == "overview" {
            browser.picture("overview-phone").await;
        }
    }
    for (_, path) in pages(&runs[0].claim_id, &stratum) {
        let weight = weight(&ann, &format!("/{path}")).await;
        assert!(weight <= WEIGHT_MAX, "{path} takes {weight} bytes with all that it loads");
    }
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    assert_eq!(browser.foreign_requests(&asked.url).await, Vec::<String>::new());
    asked.end().await.expect("a clean end");
}
