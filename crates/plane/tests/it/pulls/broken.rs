//! What follows from a hand-in is one transaction: where any part of it cannot be written, nothing of it was.

use domain::pull::{MergeVerdict, Stage, State, Verdict};
use harness::On;
use plane::No;

use super::ground::{GAP, Ground, review};
use super::pulls;
use crate::given::journal;

/// The tables that a hand-in appends to.
const TABLES: [&str; 4] = ["pull_event", "pull_word", "journal", "outbox"];

async fn run(ground: &Ground<'_>, statements: &[&'static str]) {
    let mut tx = ground.given.world.store().begin().await.expect("a transaction");
    for sql in statements {
        tx.run(sql, &[]).await.expect(sql);
    }
    tx.commit().await.expect("a commit");
}

/// Lets nothing be appended to a table.
async fn breaks(ground: &Ground<'_>, table: &str) {
    let on = match ground.given.world.on() {
        On::Postgres => format!("CREATE TRIGGER no BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no()"),
        On::Memory | On::Sqlite => {
            format!("CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")
        }
    };
    run(ground, &[on.leak()]).await;
}

async fn mends(ground: &Ground<'_>, table: &str) {
    let off = match ground.given.world.on() {
        On::Postgres => format!("DROP TRIGGER no ON {table}"),
        On::Memory | On::Sqlite => "DROP TRIGGER no".to_owned(),
    };
    run(ground, &[off.leak()]).await;
}

/// Everything that a hand-in moves.
async fn all(ground: &Ground<'_>) -> (domain::pull::Pull, &'static str, usize, Vec<String>) {
    let mut tx = ground.given.world.store().read().await.expect("a look");
    let rows: Vec<(String, String)> = tx.all("SELECT name, state FROM job ORDER BY name", &[]).await.expect("jobs");
    drop(tx);
    let jobs = rows.into_iter().map(|(name, state)| format!("{name} {state}")).collect();
    let rows = journal(&ground.given.plane).await.len();
    (ground.pull_of(GAP).await, ground.given.state(GAP).await, rows, jobs)
}

pulls!(where_one_part_of_a_hand_in_cannot_be_written_nothing_of_it_was, async |ground| {
    if ground.given.world.on() == On::Postgres {
        run(
            ground,
            &["CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"],
        )
        .await;
    }
    ground.taken_up(GAP).await;
    for stage in Stage::ALL {
        let taken = ground.take(stage).await;
        if stage == Stage::Reviewer {
            // The first pass is a hand-in of its own.
            ground.hand_in_review(&taken, &review(Verdict::Approve, None)).await.expect("a first pass");
        }
        let before = all(ground).await;
        // Only what a person is to decide is told.
        let tables = TABLES.iter().filter(|table| **table != "outbox" || stage == Stage::Merger);
        for table in tables.clone() {
            breaks(ground, table).await;
            let done = hand_in(ground, &taken, stage).await;
            mends(ground, table).await;
            assert!(matches!(done, Err(No::Fault(_))), "{stage} {table}: {done:?}");
            assert_eq!(all(ground).await, before, "{stage} {table}");
        }
        hand_in(ground, &taken, stage).await.expect("it is taken once the store is whole");
        ground.watch().await;
    }
    assert_eq!(ground.state().await, State::NeedsHuman);
});

async fn hand_in(ground: &Ground<'_>, taken: &super::ground::Taken, stage: Stage) -> Result<(), No> {
    match stage {
        Stage::Planner => ground.hand_in_plan(taken).await.map(drop),
        Stage::Implementer => ground.hand_in_patch(taken, &super::ground::adds("one")).await.map(drop),
        Stage::Reviewer => ground.hand_in_review(taken, &review(Verdict::Approve, None)).await.map(drop),
        Stage::Merger => ground.hand_in_verdict(taken, MergeVerdict::ApproveForHuman).await.map(drop),
    }
}
