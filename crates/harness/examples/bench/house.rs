//! A house as it is after years, for people to look at: a million jobs, their runs, what was written down of them, locks, and
//! ten thousand pull requests that ended, put into the tables many at once. `story` adds what is told piece by piece.

mod small;

use domain::gate::{Area, Fingerprint, Stratum};
use domain::pull::verdict::Category;
use domain::pull::{Change, Finding, Review, Severity, Verdict};
use domain::time::{Span, Time};
use harness::On;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::Plan;
use crate::ground::{self, Ground};
use crate::registry::{self, KINDS};
use crate::story;

/// How many rows one statement adds.
const ADDED_AT_ONCE: i64 = 50_000;

/// How many strata there are; each has as many outcomes as any other.
pub(crate) const STRATA: usize = 20;

/// How many reviewers there are: each is that of four strata.
pub(crate) const REVIEWERS: usize = 5;

pub(crate) const REPOSITORY: &str = "acme/widgets";

/// The job that people look at: it ran often, and much was done to it.
pub(crate) const LOOKED_AT: i64 = 2;

/// A kind of which one job in a thousand is, and who did one thing in ten thousand.
pub(crate) const RARE_KIND: &str = "yearly-report";
pub(crate) const RARE_PRINCIPAL: &str = "seldom";

/// How much there is in a house.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) registry: registry::Size,
    pub(crate) jobs: i64,
    pub(crate) runs: i64,
    pub(crate) entries: i64,
    pub(crate) locks: i64,
    /// Pull requests that ended, each with an outcome.
    pub(crate) ended: i64,
    /// Pull requests whose whole story is there.
    pub(crate) pulls: usize,
    /// Tokens, of which one in a hundred is in force.
    pub(crate) tokens: i64,
    pub(crate) decisions: usize,
}

impl Size {
    pub(crate) fn of(plan: &Plan) -> Self {
        let whole = Self {
            registry: registry::Size::of(plan),
            jobs: 990_000,
            runs: 200_000,
            entries: 300_000,
            locks: 1_000,
            ended: 10_000,
            pulls: 200,
            tokens: 20_000,
            decisions: 500,
        };
        if plan.quick {
            let (jobs, runs, entries) = (20_000, 5_000, 6_000);
            return Self { jobs, runs, entries, ended: 1_000, pulls: 56, tokens: 1_000, ..whole };
        }
        whole
    }
}

/// The name of a job by its number.
pub(crate) fn job(number: i64) -> String {
    format!("nightly-{number:07}")
}

/// What outcomes are evidence for, each another.
pub(crate) fn strata() -> Vec<Stratum> {
    let stratum = |at: usize| Stratum {
        repo: REPOSITORY.to_owned(),
        kind: KINDS[at % KINDS.len()].to_owned(),
        area: Area::ALL[at % 4],
        author: fingerprint("implementer", at),
        reviewer: fingerprint("reviewer", at % REVIEWERS),
        policy: digits(1),
    };
    (0..STRATA).map(stratum).collect()
}

pub(crate) fn fingerprint(stage: &str, at: usize) -> Fingerprint {
    Fingerprint { principal: format!("{stage}-{at}"), model: "a-model-of-today".to_owned(), prompt: digits(at) }
}

/// A digest of some number.
pub(crate) fn digits(number: usize) -> String {
    format!("{number:064x}")
}

/// A change with this head, as an implementer hands it in.
pub(crate) fn change(head: &str, title: &str) -> Change {
    Change {
        branch: format!("gapwright/{title}").replace(' ', "-"),
        head: head.to_owned(),
        onto: "main".to_owned(),
        base: digits(7)[24..].to_owned(),
        title: title.to_owned(),
        body: "Adds the tool that was reported missing, with a test that fails without it.\n\n".repeat(4),
        files: 3,
        lines: 120,
        visual: None,
        protected: None,
        risk: domain::gate::Risk::default(),
    }
}

/// A review with so many findings.
pub(crate) fn review(verdict: Verdict, findings: usize) -> Review {
    let categories = [Category::Correctness, Category::Tests, Category::Complexity, Category::ErrorHandling];
    let finding = |at: usize| Finding {
        path: format!("crates/widgets/src/part_{at}.rs"),
        line: Some(40),
        severity: Severity::Major,
        category: categories[at % categories.len()],
        text: "A failure of the second write leaves the first one behind, and nobody hears of it.".to_owned(),
    };
    let summary = "It does what it is for; what fails half way is not taken back.".to_owned();
    Review { verdict, summary, findings: (0..findings).map(finding).collect() }
}

/// Puts everything there.
pub(crate) async fn fill(ground: &Ground, size: Size) {
    registry::fill(ground, size.registry).await;
    let now = ground.store.begin().await.expect("a transaction").now();
    let mut orders = vec![format!("UPDATE job SET state = 'ready' WHERE kind = '{}'", ground::KIND)];
    for rows in all(size, now) {
        orders.extend(rows.orders());
    }
    run(ground, orders).await;
    story::fill(ground, size).await;
    ground.settle().await;
}

/// Rows of one table that differ by their number only.
struct Rows {
    /// The table and its columns.
    into: &'static str,
    count: i64,
    /// The values of the columns for the number `n`.
    values: String,
}

impl Rows {
    fn orders(&self) -> Vec<String> {
        let firsts = (0..self.count).step_by(usize::try_from(ADDED_AT_ONCE).expect("a step"));
        let order = |first: i64| {
            let last = self.count.min(first + ADDED_AT_ONCE) - 1;
            format!(
                "INSERT INTO {} WITH RECURSIVE numbers (n) AS (SELECT CAST({first} AS BIGINT) UNION ALL \
                 SELECT n + 1 FROM numbers WHERE n < {last}) SELECT {} FROM numbers",
                self.into, self.values
            )
        };
        firsts.map(order).collect()
    }
}

/// Runs orders that have no arguments, one after another.
async fn run(ground: &Ground, orders: Vec<String>) {
    macro_rules! run {
        ($connection:ident, $($first:literal),*) => {{
            let mut connection = $connection::connect(&ground.url).await.expect("a connection");
            for order in [$($first.to_owned()),*].into_iter().chain(orders) {
                let done = sqlx::raw_sql(AssertSqlSafe(order.clone())).execute(&mut connection).await;
                done.unwrap_or_else(|error| panic!("{error}: {}", order.chars().take(300).collect::<String>()));
            }
            connection.close().await.expect("a farewell");
        }};
    }
    match ground.on {
        On::Postgres => run!(PgConnection, "SET synchronous_commit = off"),
        On::Sqlite | On::Memory => run!(SqliteConnection, "PRAGMA synchronous = OFF", "PRAGMA cache_size = -262144"),
    }
}

/// Seven digits of a number, so that names stand in the order of their numbers.
fn seven(number: &str) -> String {
    format!("SUBSTR(CAST(10000000 + ({number}) AS TEXT), 2)")
}

/// One of several texts, by a number.
fn one_of(number: &str, texts: &[String]) -> String {
    let cases: Vec<_> = texts.iter().enumerate().map(|(at, text)| format!("WHEN {at} THEN '{text}'")).collect();
    format!("CASE ({number}) % {} {} END", texts.len(), cases.join(" "))
}

/// The key of a gap by its number, as the registry has it.
fn key(number: &str) -> String {
    let [common, rare] = KINDS;
    format!(
        "CASE WHEN ({number}) % 100 = 50 THEN '{rare}' ELSE '{common}' END || '/capability-number-' || ({number}) || '-of-many'"
    )
}

fn all(size: Size, now: Time) -> Vec<Rows> {
    let mut rows = vec![jobs(size, now), runs(size, now)];
    rows.extend(journal(size, now));
    rows.extend(ended_pulls(size, now));
    rows.push(judged(size, now));
    rows.extend(small::small(size, now));
    rows.extend(small::told(now));
    rows
}

/// Of a thousand: one gave up, forty are ready, four hundred are not due by themselves, the rest are due later; one in five
/// thousand is at work.
fn jobs(size: Size, now: Time) -> Rows {
    let Time(now) = now;
    let stands = "CASE WHEN n % 1000 = 7 THEN 'dead' WHEN n % 5000 = 11 THEN 'held' WHEN n % 25 = 3 THEN 'ready' \
                  WHEN n % 5 < 2 THEN 'idle' ELSE 'waiting' END";
    let payload = json!({"repository": REPOSITORY, "branch": "main", "instructions": "look for what grew old over night, \
        mend what can be mended without asking, and leave a note about the rest"});
    Rows {
        into: "job (name, kind, interval_ms, payload, priority, max_attempts, created_by, created_at, state, next_run_at, attempts, \
               fencing_token, claim_id, holder, principal, claimed_at, expires_at, last_run_at, last_status, last_summary, changed_at)",
        count: size.jobs,
        values: format!(
            "'nightly-' || {name}, CASE WHEN n % 1000 = 500 THEN '{RARE_KIND}' ELSE 'chore-' || (n % 8) END, 3600000,
             CASE WHEN n % 2 = 0 THEN '{payload}' END, n / 25 % 3, 5, 'operator', {created} + n, {stands},
             CASE {stands} WHEN 'waiting' THEN {later} + n * 7919 % {month} WHEN 'ready' THEN {now} - n * 7919 % 3600000 END,
             CASE {stands} WHEN 'dead' THEN 5 WHEN 'held' THEN 1 ELSE 0 END, n % 100 + 1,
             CASE {stands} WHEN 'held' THEN 'claim-' || n END, CASE {stands} WHEN 'held' THEN 'worker-' || (n / 5000 % 20) END,
             CASE {stands} WHEN 'held' THEN 'agent-' || (n / 5000 % 20) END, CASE {stands} WHEN 'held' THEN {now} - 60000 - n END,
             CASE {stands} WHEN 'held' THEN {later} + n END, CASE WHEN n % 10 <> 1 THEN {now} - n * 7919 % {month} END,
             CASE WHEN n % 10 <> 1 THEN CASE {stands} WHEN 'dead' THEN 'error: the tests fail' ELSE 'ok' END END,
             CASE WHEN n % 10 <> 1 THEN 'nothing grew old over night; two notes were left about what needs a person' END, {now}",
            name = seven("n"),
            created = now - Span::days(90).0,
            later = now + Span::hours(24).0,
            month = Span::days(30).0,
        ),
    }
}

/// One run in two hundred is of the job that people look at.
fn runs(size: Size, now: Time) -> Rows {
    let apart = Span::days(30).0 / size.runs;
    Rows {
        into: "run (claim_id, job, kind, attempt, fencing_token, principal, holder, claimed_at, ended_at, outcome, status, summary)",
        count: size.runs,
        values: format!(
            "'run-' || {id}, 'nightly-' || {job}, 'chore-' || (n % 8), n % 3 + 1, n, 'agent-' || (n % 50), 'worker-' || (n % 50),
             {begun} + n * {apart} - 120000, {begun} + n * {apart},
             CASE WHEN n % 20 = 1 THEN 'error' WHEN n % 50 = 2 THEN 'lost' WHEN n % 25 = 3 THEN 'deferred' ELSE 'ok' END,
             CASE WHEN n % 20 = 1 THEN 'error: the tests fail' WHEN n % 50 = 2 THEN 'lost' WHEN n % 25 = 3 THEN 'deferred' ELSE 'ok' END,
             'looked at 31 files, mended what could be mended without asking, ran the tests, and left a note about the two that need a person'",
            id = seven("n"),
            job = seven(&format!("CASE WHEN n % 200 = 0 THEN {LOOKED_AT} ELSE n * 7919 % {} END", size.jobs)),
            begun = now.0 - apart * size.runs,
        ),
    }
}

/// One entry in six hundred is of the job that people look at, one in ten thousand of somebody rare; all are sealed.
fn journal(size: Size, now: Time) -> [Rows; 2] {
    let apart = Span::days(30).0 / size.entries;
    let job = |state: &str, attempts: i64, claim: Option<&str>| {
        json!({"name": "nightly", "kind": "chore", "interval_ms": 3_600_000, "priority": 1, "max_attempts": 5, "state": state,
               "attempts": attempts, "claim": claim, "next_run_at": "2026-11-01T00:00:00Z", "last_status": "ok"})
    };
    let (before, after) = (job("ready", 0, None), job("held", 1, Some("claim-of-somebody")));
    let begun = now.0 - apart * size.entries;
    let entries = Rows {
        into: "journal (id, at, principal, role, tool, object, before, after, request_id, hash, block)",
        count: size.entries,
        values: format!(
            "'entry-' || {id}, {begun} + n * {apart}, CASE WHEN n % 10000 = 17 THEN '{RARE_PRINCIPAL}' ELSE 'agent-' || (n % 50) END,
             'routine', CASE n % 3 WHEN 0 THEN 'claim-job' WHEN 1 THEN 'renew-job' ELSE 'complete-job' END, 'job:nightly-' || {job},
             '{before}', '{after}', 'request-' || (n / 2), '{hash}', n / 1000 + 1",
            id = seven("n"),
            job = seven(&format!("CASE WHEN n % 600 = 0 THEN {LOOKED_AT} ELSE n * 7919 % {} END", size.jobs)),
            hash = digits(3),
        ),
    };
    let blocks = Rows {
        into: "journal_block (seq, previous, entries, sealed_at, hash)",
        count: (size.entries + 999) / 1_000,
        values: format!("n + 1, '{hash}', 1000, {begun} + n * 1000 * {apart}, '{hash}'", hash = digits(4)),
    };
    [entries, blocks]
}

/// Pull requests that ended in the last 85 days, each with what a reviewer said three times and with its outcome.
fn ended_pulls(size: Size, now: Time) -> [Rows; 3] {
    let count = size.ended;
    let apart = Span::days(85).0 / count;
    let at = |number: &str| format!("{} + ({number}) * {apart}", now.0 - apart * count);
    let id = |number: &str| format!("'ended-' || {}", seven(number));
    let gap = key(&format!("n % {}", size.registry.gaps));
    let whole = json!(change("@HEAD@", "close a gap, number @N@")).to_string();
    let head = |number: &str| format!("{} || '{}'", seven(number), &digits(0)[..33]);
    let stratum = one_of("n", &strata().iter().map(Stratum::id).collect::<Vec<_>>());
    let pulls = Rows {
        into: "pull (id, gap, nth, repo, reviewers, state, iteration, epoch, turn, number, url, labels, change, head, tokens, micro_usd, \
               excesses, why, created_at, changed_at, live, look_at, settled_at, version)",
        count,
        values: format!(
            "{id}, {gap}, 2 + n / {gaps}, '{REPOSITORY}', 'bots', CASE WHEN n / {STRATA} % 5 = 0 THEN 'closed' ELSE 'merged' END, 1, 0, 6, 1000 + n,
             'https://forge.example/{REPOSITORY}/pulls/' || (1000 + n), '[\"gapwright\",\"iteration:1\"]',
             REPLACE(REPLACE('{whole}', '@HEAD@', {head}), '@N@', CAST(n AS TEXT)), {head}, 61000, 910000, 0, 'a person ended it',
             {at} - 86400000, {at}, 0, {never}, {at}, 1",
            id = id("n"),
            gaps = size.registry.gaps,
            head = head("n"),
            at = at("n"),
            never = i64::MAX,
        ),
    };
    let said = [review(Verdict::RequestChanges, 4), review(Verdict::RequestChanges, 3), review(Verdict::Approve, 0)];
    let bodies = said.each_ref().map(|review| json!(review).to_string());
    let verdicts = said.each_ref().map(|review| review.verdict.name().to_owned());
    let words = Rows {
        into: "pull_word (id, pull, stage, pass, claim_id, principal, lineage, model, prompt, head, iteration, epoch, verdict, body, at, seq)",
        count: count * 3,
        values: format!(
            "'ended-word-' || n, {id}, 'reviewer', CASE n % 3 WHEN 0 THEN 'first' ELSE 'final' END, 'ended-claim-' || (n / 3 * 2 + n % 3 / 2),
             'reviewer-' || (n / 3 % {REVIEWERS}), '', 'a-model-of-today', {prompt}, {head}, n % 3 / 2, 0, {verdict}, {body},
             {at} - 7200000 + n % 3 * 600000, n % 3 + 1",
            id = id("n / 3"),
            prompt = one_of("n / 3", &(0..REVIEWERS).map(digits).collect::<Vec<_>>()),
            head = head("n / 3"),
            verdict = one_of("n", &verdicts),
            body = one_of("n", &bodies),
            at = at("n / 3"),
        ),
    };
    let outcomes = Rows {
        into: "outcome (id, pull, seq, outcome, weight, stratum, repo, gap_kind, ended_at, at, by, why, evidence)",
        count,
        values: format!(
            "'outcome-' || {number}, {id}, 1, CASE WHEN n / {STRATA} % 5 = 0 THEN 'closed' WHEN n / {STRATA} % 30 = 1 THEN 'edited' ELSE 'unchanged' END,
             CASE WHEN n / {STRATA} % 5 = 0 THEN 'neither' WHEN n / {STRATA} % 30 = 1 THEN 'bad' WHEN n / {STRATA} % 60 = 2 THEN 'unknown'
             ELSE 'good' END, {stratum},
             '{REPOSITORY}', CASE WHEN n % 100 = 50 THEN '{rare}' ELSE '{common}' END, {at}, {at}, 'somebody',
             'a person merged it as it was judged', '{evidence}'",
            number = seven("n"),
            id = id("n"),
            common = KINDS[0],
            rare = KINDS[1],
            at = at("n"),
            evidence = json!(story::evidence()),
        ),
    };
    [pulls, words, outcomes]
}

/// What the gate would have merged of them.
fn judged(size: Size, now: Time) -> Rows {
    let record = json!(story::record(now, None, Vec::new(), None));
    let stratum = one_of("n", &strata().iter().map(Stratum::id).collect::<Vec<_>>());
    Rows {
        into: "gate_record (id, pull, at, head, stratum, word, would, record, judgement)",
        count: size.ended / 5,
        values: format!(
            "'ended-record-' || n, 'ended-' || {number}, {begun} + n * {apart} - 3600000, {number} || '{digits}', {stratum}, 'person', 1, '{record}', '{judgement}'",
            number = seven("n"),
            apart = Span::days(85).0 / size.ended,
            begun = now.0 - Span::days(85).0,
            digits = &digits(0)[..33],
            judgement = json!(story::record(now, None, Vec::new(), None).judge()),
        ),
    }
}
