//! How SQLite finds its rows: what is asked often is found by an index, however long the table is.

use std::collections::{BTreeMap, BTreeSet};

use harness::{On, World};

/// Tables of a few dozen rows, which may be read from end to end.
const SMALL: [&str; 4] = ["fence", "replica", "scheduled_job", "token"];

/// Steps over the few rows that a part of the same statement gives.
const PARTS: [&str; 4] = ["first", "line", "counted", "CONSTANT ROW"];

/// What reads everything there is, asked by people and by nobody in a loop.
const WHOLE: [&str; 2] = ["gap::INVENTORY", "check_in::LIST"];

/// The steps by which SQLite runs each statement, by `file::NAME`.
async fn plans() -> BTreeMap<String, Vec<String>> {
    let world = World::new(On::Sqlite).await;
    let mut tx = world.store().read().await.expect("a look");
    let mut plans = BTreeMap::new();
    for (file, name, sql) in store::statements() {
        let sql = sql.replace("FOR UPDATE SKIP LOCKED", "").replace("FOR UPDATE", "");
        let asked: &'static str = format!("EXPLAIN QUERY PLAN {sql}").leak();
        let steps: Vec<(i64, i64, i64, String)> = tx.all(asked, &[]).await.expect(name);
        plans.insert(format!("{file}::{name}"), steps.into_iter().map(|(.., step)| step).collect());
    }
    plans
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_long_table_from_end_to_end() {
    let mut found = Vec::new();
    for (statement, steps) in plans().await {
        for step in steps {
            let scanned = step.strip_prefix("SCAN ").filter(|rest| !rest.contains("USING"));
            if let Some(table) = scanned.filter(|table| !SMALL.contains(table) && !PARTS.contains(table))
                && !WHOLE.contains(&statement.as_str())
            {
                found.push(format!("{statement}: {table}"));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// A kind may have a million jobs that wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_one_kind_looks_only_at_what_is_due() {
    let plans = plans().await;
    let by_index = |statement: &str| -> BTreeSet<String> {
        let steps = plans[statement].iter().filter_map(|step| step.split_once(" INDEX job_"));
        steps.map(|(_, rest)| rest.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let names = |names: [&str; 3]| BTreeSet::from(names.map(str::to_owned));
    assert_eq!(by_index("job::NEXT"), names(["ready", "waiting", "held"]));
    assert_eq!(by_index("job::NEXT_OF_KIND"), names(["ready_by_kind", "waiting_by_kind", "held_by_kind"]));
}
