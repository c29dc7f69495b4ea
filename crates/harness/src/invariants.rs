//! What must hold in a store at any moment, whoever worked on it and however they died.
//!
//! Each check reads and none writes. A finding is a sentence that names its invariant and the row. The checks see what
//! is in the store only: that an answer which somebody got is in there is for the test that keeps the answers.

use std::collections::BTreeMap;

use domain::fence;
use domain::time::Span;
use plane::{Plane, Settings};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use store::job::list::{self, Listed};
use store::{Store, Tx};

use crate::plane::{call, client};

/// Retention removes what ended earlier than this; the journal still tells of it.
const KEPT: Span = Span::days(14);

/// Everything that does not hold.
pub async fn broken(store: &Store) -> Vec<String> {
    let mut tx = store.read().await.expect("a look at the store").unhurried();
    let mut found = counters(&mut tx).await;
    found.extend(claims(&mut tx).await);
    found.extend(attempts(&mut tx).await);
    found.extend(answers(&mut tx).await);
    found.extend(schedule(&mut tx).await);
    found.extend(messages(&mut tx).await);
    found.extend(audit(&mut tx).await);
    found.extend(rows(&mut tx).await);
    found.extend(gaps(&mut tx).await);
    drop(tx);
    found.extend(chain(store).await);
    found
}

/// INV-1: no counter is behind a token that was given on it, and no two locks carry one token of one counter.
pub async fn counters(tx: &mut Tx) -> Vec<String> {
    let values: BTreeMap<i64, i64> = all(tx, "SELECT shard, value FROM fence").await.into_iter().collect();
    let mut found = Vec::new();
    if values.keys().copied().ne(0..fence::SHARDS) {
        found.push(format!("INV-1: there are {} counters", values.len()));
    }
    let value = |key: &str| values.get(&fence::shard(key)).copied().unwrap_or(i64::MIN);
    let locks: Vec<(String, i64)> = all(tx, "SELECT key, fencing_token FROM lock").await;
    let mut given = BTreeMap::new();
    for (key, token) in &locks {
        if value(key) < *token {
            found.push(format!("INV-1: the counter of {key} stands at {} behind its token {token}", value(key)));
        }
        if let Some(other) = given.insert((fence::shard(key), *token), key) {
            found.push(format!("INV-1: the locks {key} and {other} carry the token {token} of one counter"));
        }
    }
    let gone = "SELECT job, MAX(fencing_token) FROM run
                 WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.name = run.job) GROUP BY job";
    let gone: Vec<(String, i64)> = all(tx, gone).await;
    let behind = gone.into_iter().filter(|(job, token)| value(job) < *token);
    found.extend(behind.map(|(job, token)| format!("INV-1: the counter of {job}, which is gone, is behind {token}")));
    found
}

/// INV-1, INV-5: a claim ends once, its token is larger than every one before it, and a claim that ended holds nothing.
pub async fn claims(tx: &mut Tx) -> Vec<String> {
    let twice = "SELECT job, fencing_token FROM run GROUP BY job, fencing_token HAVING COUNT(*) > 1";
    let held = "SELECT run.job, run.fencing_token FROM run JOIN job ON job.claim_id = run.claim_id";
    let ahead = "SELECT run.job, run.fencing_token FROM run JOIN job ON job.name = run.job
                  WHERE run.fencing_token > job.fencing_token
                     OR (run.fencing_token = job.fencing_token AND job.state = 'held')";
    let mut found = Vec::new();
    for (what, sql) in [("has two runs", twice), ("ended and still holds it", held), ("is not behind the job's", ahead)]
    {
        let rows: Vec<(String, i64)> = all(tx, sql).await;
        found.extend(rows.into_iter().map(|(job, token)| format!("INV-5: in {job} the claim of token {token} {what}")));
    }
    found
}

/// INV-16: every report that names a gap is counted by it and by what stands for it, what stands for others is no duplicate,
/// no gap waits for itself, ranks are those of the rule, one issue is of one gap, and a gap in progress, and no other, carries the
/// claim of one held job that works on a gap.
pub async fn gaps(tx: &mut Tx) -> Vec<String> {
    let uncounted = "SELECT gap.key, gap.sightings, (SELECT COUNT(*) FROM sighting
                        WHERE sighting.kind || '/' || sighting.name = gap.key
                           OR sighting.kind || '/' || sighting.name IN (SELECT key FROM gap AS other WHERE other.duplicate_of = gap.key))
                       FROM gap";
    let counted: Vec<(String, i64, i64)> = all(tx, uncounted).await;
    let mut found: Vec<_> = counted
        .into_iter()
        .filter(|(_, said, there)| said != there)
        .map(|(key, said, there)| format!("INV-16: {key} says {said} sightings and has {there}"))
        .collect();
    let homeless = "SELECT kind || '/' || name FROM sighting WHERE name IS NOT NULL
                       AND NOT EXISTS (SELECT 1 FROM gap WHERE gap.key = sighting.kind || '/' || sighting.name)";
    let chained =
        "SELECT gap.key FROM gap JOIN gap AS other ON other.key = gap.duplicate_of WHERE other.state = 'duplicate'";
    let stateless = "SELECT key FROM gap WHERE (duplicate_of IS NULL) <> (state <> 'duplicate')";
    let twice = "SELECT repo FROM issue WHERE number IS NOT NULL GROUP BY repo, number HAVING COUNT(*) > 1";
    let unheld = "SELECT key FROM gap WHERE (SELECT COUNT(*) FROM job
                     WHERE job.state = 'held' AND job.gap IS NOT NULL AND job.claim_id = gap.claim_id)
                     <> CASE WHEN state = 'in_progress' THEN 1 ELSE 0 END";
    let claimed = "SELECT key FROM gap WHERE (claim_id IS NULL) <> (state <> 'in_progress')";
    let shared = "SELECT MIN(key) FROM gap WHERE claim_id IS NOT NULL GROUP BY claim_id HAVING COUNT(*) > 1";
    for (what, sql) in [
        ("is in progress and no held job has its claim", unheld),
        ("is in progress without a claim, or carries one and is not", claimed),
        ("carries the claim of another gap", shared),
        ("was reported and is no gap", homeless),
        ("is a duplicate of a duplicate", chained),
        ("is a duplicate of nothing, or stands for itself and for another", stateless),
        ("has one issue for two gaps", twice),
    ] {
        let rows: Vec<(String,)> = all(tx, sql).await;
        found.extend(rows.into_iter().map(|(key,)| format!("INV-16: {key} {what}")));
    }
    let edges: Vec<domain::gap::relation::Edge> = all(tx, "SELECT gap, depends_on FROM gap_edge").await;
    for (at, (gap, on)) in edges.iter().enumerate() {
        let others: Vec<_> =
            edges.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, edge)| edge.clone()).collect();
        if domain::gap::relation::closes_cycle(&others, gap, on) {
            found.push(format!("INV-16: {gap} waits for itself by way of {on}"));
        }
    }
    let keys: Vec<(String, i64)> = all(tx, "SELECT key, place FROM gap").await;
    for (key, place) in keys {
        let Some(gap) = domain::gap::Key::stored(&key) else { continue };
        let stored = store::gap::find(tx, &gap).await.expect("a gap").expect("a gap");
        if stored.standing().rank() != -place {
            found.push(format!("INV-16: {key} stands at {place} and ranks {}", stored.standing().rank()));
        }
    }
    found
}

/// INV-5: no two claims of one job overlap. Only for a store whose clock never went back.
pub async fn overlaps(tx: &mut Tx) -> Vec<String> {
    let sql = "SELECT a.job, a.claim_id, b.claim_id FROM run AS a JOIN run AS b
                   ON a.job = b.job AND a.fencing_token < b.fencing_token AND a.ended_at > b.claimed_at
                UNION ALL
               SELECT run.job, run.claim_id, job.claim_id FROM run JOIN job
                   ON run.job = job.name AND job.state = 'held' AND run.ended_at > job.claimed_at";
    let rows: Vec<(String, String, String)> = all(tx, sql).await;
    rows.into_iter().map(|(job, a, b)| format!("INV-5: the claims {a} and {b} of {job} overlap")).collect()
}

/// INV-7: nobody picks a job up more often than it may be.
pub async fn attempts(tx: &mut Tx) -> Vec<String> {
    let sql = "SELECT name, attempts FROM job WHERE max_attempts > 0 AND attempts > max_attempts";
    let rows: Vec<(String, i64)> = all(tx, sql).await;
    rows.into_iter().map(|(job, count)| format!("INV-7: {job} was picked up {count} times")).collect()
}

/// INV-4: an idempotency key that was kept has its answer.
pub async fn answers(tx: &mut Tx) -> Vec<String> {
    let rows: Vec<(String, String)> = all(tx, "SELECT principal, key FROM idempotency WHERE answer = ''").await;
    rows.into_iter().map(|(who, key)| format!("INV-4: the key {key} of {who} has no answer")).collect()
}

/// INV-8: a scheduled run that ended is not under way.
pub async fn schedule(tx: &mut Tx) -> Vec<String> {
    let sql = "SELECT scheduled_run.name, scheduled_run.due_at FROM scheduled_run
                 JOIN scheduled_job ON scheduled_job.run_id = scheduled_run.run_id
                   OR (scheduled_job.name = scheduled_run.name AND scheduled_job.due_at = scheduled_run.due_at)";
    let rows: Vec<(String, i64)> = all(tx, sql).await;
    rows.into_iter().map(|(name, due)| format!("INV-8: {name} runs for {due}, which has its run already")).collect()
}

/// INV-6: what the journal says was told is in the outbox, and what is in the outbox the journal tells of.
pub async fn messages(tx: &mut Tx) -> Vec<String> {
    let since = (tx.now() - KEPT).0;
    let outbox: Vec<(String, i64)> = all(tx, "SELECT id, created_at FROM outbox").await;
    let sql = "SELECT object, after, at FROM journal WHERE substr(object, 1, 8) IN ('channel:', 'routine:')";
    let told: Vec<(String, String, i64)> = all(tx, sql).await;
    let mut found = Vec::new();
    for (object, after, at) in told.iter().filter(|(_, _, at)| *at >= since) {
        let after = json(after);
        let there = match (after["outbox"].as_str(), after.get("told")) {
            (Some(id), _) => outbox.iter().any(|(row, _)| row == id),
            (None, Some(_)) => outbox.iter().any(|(_, created_at)| created_at == at),
            (None, None) => true,
        };
        if !there {
            found.push(format!("INV-6: what was told of {object} at {at} is not in the outbox"));
        }
    }
    for (id, created_at) in &outbox {
        if !told.iter().any(|(_, _, at)| at == created_at) {
            found.push(format!("INV-6: nobody answers for the message {id}"));
        }
    }
    let late = "SELECT name, told_at FROM routine WHERE told_at IS NOT NULL";
    let late: Vec<(String, i64)> = all(tx, late).await;
    let untold = late.into_iter().filter(|(_, told)| *told >= since && !outbox.iter().any(|(_, at)| at == told));
    found.extend(untold.map(|(name, _)| format!("INV-6: the silence of {name} counts as told and was not")));
    found
}

/// The tokens before and after each write of an object.
type Tokens = BTreeMap<String, Vec<(Option<i64>, Option<i64>)>>;

/// Every lock that stands and every claim that ended has its audit row.
pub async fn audit(tx: &mut Tx) -> Vec<String> {
    let journal: Vec<(String, String, String)> = all(tx, "SELECT object, before, after FROM journal").await;
    let mut tokens = Tokens::new();
    for (object, before, after) in journal {
        let token = |text: &str| json(text)["fencing_token"].as_i64();
        tokens.entry(object).or_default().push((token(&before), token(&after)));
    }
    let signed = |object: String, before: bool, token: i64| {
        let rows = tokens.get(&object).into_iter().flatten();
        rows.filter(|(was, is)| if before { *was == Some(token) } else { *is == Some(token) }).count() > 0
    };
    let locks: Vec<(String, i64)> = all(tx, "SELECT key, fencing_token FROM lock").await;
    let runs: Vec<(String, i64)> = all(tx, "SELECT job, fencing_token FROM run").await;
    let locks = locks.into_iter().filter(|(key, token)| !signed(format!("lock:{key}"), false, *token));
    let runs = runs.into_iter().filter(|(job, token)| !signed(format!("job:{job}"), true, *token));
    let all = locks.chain(runs);
    all.map(|(what, token)| format!("audit: no row tells of the token {token} of {what}")).collect()
}

/// Every job can be read.
pub async fn rows(tx: &mut Tx) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), (i64::MIN, String::new()));
    loop {
        match list::by_due(tx, list::Filter::default(), (after.0, &after.1), 200).await {
            Ok(jobs) => match jobs.last() {
                Some(Listed { job, .. }) => after = (job.next_run_at.map_or(i64::MAX, |due| due.0), job.name.clone()),
                None => return found,
            },
            Err(fault) => {
                found.push(format!("rows: {fault}"));
                return found;
            }
        }
    }
}

/// INV-10: the journal's chain holds from its first block on.
pub async fn chain(store: &Store) -> Vec<String> {
    let plane = Plane::new(store.clone(), Settings::new(client()), StdRng::seed_from_u64(0));
    let verified = plane.verify_journal(&call(domain::agent::Role::Operator, "invariants", "verify"), None).await;
    verified.expect("a look at the journal").faults.into_iter().map(|fault| format!("INV-10: {fault}")).collect()
}

async fn all<R: store::Record>(tx: &mut Tx, sql: &'static str) -> Vec<R> {
    match tx.all(sql, &[]).await {
        Ok(rows) => rows,
        Err(fault) => panic!("{sql}: {fault}"),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
