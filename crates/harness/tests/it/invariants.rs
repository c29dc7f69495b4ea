//! A checker that never failed proves nothing: each invariant is broken here by hand, and must be named.

use domain::agent::Role;
use domain::time::Span;
use harness::{World, both, call, invariants};
use store::Arg::Text;

/// Breaks an orderly world with one statement and tells what is found.
async fn found_after(world: &World, sql: &'static str) -> String {
    world.spoil();
    assert_eq!(invariants::broken(world.store()).await, Vec::<String>::new(), "before {sql}");
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run(sql, &[]).await.expect(sql);
    tx.commit().await.expect("a commit");
    invariants::broken(world.store()).await.join("; ")
}

async fn lock(world: &World) {
    let ann = call(Role::Routine, "ann", "acquire-lock");
    world.plane.acquire_lock(&ann, "k", "ann", Span::secs(60)).await.expect("a lock");
}

async fn one_run(world: &World) {
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run("INSERT INTO run (claim_id, job, kind, attempt, fencing_token, principal, holder, claimed_at, ended_at, outcome, status)
            VALUES ('a', 'j', 'k', 1, 0, 'p', 'h', 10, 20, 'ok', 'ok')", &[]).await.expect("a run");
    tx.run(
        "INSERT INTO journal (id, at, principal, role, tool, object, before, after, request_id, hash)
            VALUES ('a', 1, '', '', '', 'job:j', '{\"fencing_token\":0}', '', '', $1)",
        &[Text(&entry_hash())],
    )
    .await
    .expect("a row");
    tx.commit().await.expect("a commit");
}

/// The hash of the entry that [`one_run`] writes.
fn entry_hash() -> String {
    let text = String::new;
    domain::journal::Entry {
        id: "a".into(),
        at: domain::time::Time(1),
        principal: text(),
        role: text(),
        tool: text(),
        object: "job:j".into(),
        before: "{\"fencing_token\":0}".into(),
        after: text(),
        request_id: text(),
    }
    .hash()
}

both!(a_counter_behind_its_lock_is_named, async |world| {
    lock(world).await;
    let found = found_after(world, "UPDATE fence SET value = value - 1 WHERE value > 0").await;
    assert!(found.starts_with("INV-1: the counter of k"), "{found}");
});

both!(a_counter_behind_a_job_that_is_gone_is_named, async |world| {
    one_run(world).await;
    let found = found_after(world, "UPDATE run SET fencing_token = 7").await;
    assert!(found.contains("INV-1: the counter of j, which is gone, is behind 7"), "{found}");
});

both!(a_missing_counter_is_named, async |world| {
    let found = found_after(world, "DELETE FROM fence WHERE shard = 3").await;
    assert_eq!(found, "INV-1: there are 63 counters");
});

both!(two_runs_of_one_token_are_named, async |world| {
    one_run(world).await;
    let again =
        "INSERT INTO run SELECT 'b', job, kind, attempt, fencing_token, principal, holder, claimed_at, ended_at,
                        outcome, status, summary FROM run";
    let found = found_after(world, again).await;
    assert_eq!(found, "INV-5: in j the claim of token 0 has two runs");
});

both!(overlapping_claims_are_named, async |world| {
    one_run(world).await;
    let again = "INSERT INTO run SELECT 'b', job, kind, attempt, 1, principal, holder, claimed_at, ended_at,
                        outcome, status, summary FROM run";
    found_after(world, again).await;
    let mut tx = world.store().read().await.expect("a look");
    assert_eq!(invariants::overlaps(&mut tx).await, ["INV-5: the claims a and b of j overlap"]);
});

both!(a_run_without_its_audit_row_is_named, async |world| {
    one_run(world).await;
    let found = found_after(world, "DELETE FROM journal").await;
    assert_eq!(found, "audit: no row tells of the token 0 of j");
});

both!(a_lock_without_its_audit_row_is_named, async |world| {
    lock(world).await;
    let found = found_after(world, "DELETE FROM journal").await;
    assert!(found.starts_with("audit: no row tells of the token"), "{found}");
});

both!(a_message_that_was_told_and_is_not_in_the_outbox_is_named, async |world| {
    let ann = call(Role::Routine, "ann", "notify");
    world.plane.notify(&ann, "hello", domain::notice::Level::Info, None).await.expect("a message");
    let found = found_after(world, "DELETE FROM outbox").await;
    assert!(found.starts_with("INV-6: what was told of channel:log"), "{found}");
});

both!(a_changed_journal_is_named, async |world| {
    lock(world).await;
    let found = found_after(world, "UPDATE journal SET principal = 'bob'").await;
    assert!(found.starts_with("INV-10: entry"), "{found}");
});

both!(a_kept_key_without_an_answer_is_named, async |world| {
    let sql = "INSERT INTO idempotency (principal, key, request, answer, at) VALUES ('ann', 'k', 'r', '', 0)";
    assert_eq!(found_after(world, sql).await, "INV-4: the key k of ann has no answer");
});

both!(a_job_picked_up_too_often_is_named, async |world| {
    let sql =
        "INSERT INTO job (name, kind, priority, max_attempts, created_by, created_at, state, attempts, fencing_token, changed_at)
               VALUES ('j', 'k', 0, 2, 'ann', 0, 'idle', 3, 0, 0)";
    assert_eq!(found_after(world, sql).await, "INV-7: j was picked up 3 times");
});

both!(a_job_that_cannot_be_read_is_named, async |world| {
    let sql =
        "INSERT INTO job (name, kind, priority, max_attempts, created_by, created_at, state, attempts, fencing_token, changed_at)
               VALUES ('j', 'k', 0, 0, 'ann', 0, 'held', 1, 0, 0)";
    assert_eq!(found_after(world, sql).await, "rows: table job has an impossible state in row j");
});

both!(a_scheduled_run_that_ended_and_still_runs_is_named, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    tx.run("INSERT INTO scheduled_job (name, cadence, run_id, due_at) VALUES ('s', 'every 1h', 'r', 5)", &[])
        .await
        .expect("a job");
    tx.commit().await.expect("a commit");
    let sql = "INSERT INTO scheduled_run (name, due_at, run_id, replica, attempt, missed, began_at, ended_at, status)
               VALUES ('s', 5, 'other', 'x', 1, 0, 5, 6, 'ok')";
    assert_eq!(found_after(world, sql).await, "INV-8: s runs for 5, which has its run already");
});
