//! How SQLite finds its rows: what is asked often is found by an index, however long the table is.

use std::collections::{BTreeMap, BTreeSet};

use harness::{On, World};

/// Tables of a few dozen rows, which may be read from end to end.
const SMALL: [&str; 10] =
    ["fence", "gate_arm", "level", "replica", "repository", "routine", "scheduled_job", "stratum", "switch", "token"];

/// Steps over the few rows that a part of the same statement gives.
const PARTS: [&str; 19] = [
    "each",
    "same",
    "later",
    "lower",
    "hands",
    "first",
    "line",
    "looked",
    "timed",
    "lost",
    "counted",
    "named",
    "reached",
    "each_kind",
    "used",
    "mine",
    "met",
    "placed",
    "CONSTANT ROW",
];

/// What reads everything there is, asked by people and by nobody in a loop.
const WHOLE: [&str; 4] = ["outcome::BY_KIND", "gap::TOTALS", "issue::MOVE", "check_in::LIST"];

/// What reads an index with all rows and is not the longer for it, or must be: the end of a chain, of the journal and of the
/// figures, and counts of every job for the metrics and of the pull requests under way for their board, which touch no row.
const ENDS_AND_COUNTS: [&str; 5] =
    ["journal::HEAD", "figure::NEWEST", "figure::LATEST", "job::COUNT", "pull/board::COUNT"];

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

/// The indexes that hold only some of a table's rows.
fn partial_indexes() -> BTreeSet<String> {
    let migrations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let files = std::fs::read_dir(migrations).expect("migrations").map(|file| file.expect("a file").path());
    let texts: Vec<_> = files.map(|path| std::fs::read_to_string(path).expect("a migration")).collect();
    let orders = texts.iter().flat_map(|text| text.split(';')).filter(|order| order.contains(" WHERE "));
    let named = orders.filter_map(|order| order.split_once("INDEX ").and_then(|(_, rest)| rest.split_once(' ')));
    named.map(|(name, _)| name.to_owned()).collect()
}

/// The table that a step reads from end to end: without an index, or by one that has all of its rows.
fn read_whole<'s>(step: &'s str, partial: &BTreeSet<String>) -> Option<&'s str> {
    let (table, how) = step.strip_prefix("SCAN ").map(|rest| rest.split_once(' ').unwrap_or((rest, "")))?;
    let index = how.split_once("INDEX ").map(|(_, name)| name);
    (!index.is_some_and(|index| partial.contains(index))).then_some(if how == "ROW" { "CONSTANT ROW" } else { table })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_long_table_from_end_to_end() {
    let partial = partial_indexes();
    assert!(partial.contains("job_ready") && !partial.contains("job_by_due"), "{partial:?}");
    let mut found = Vec::new();
    for (statement, steps) in plans().await {
        for table in steps.iter().filter_map(|step| read_whole(step, &partial)) {
            let known = WHOLE.iter().chain(&ENDS_AND_COUNTS).any(|known| *known == statement);
            let part = PARTS.contains(&table) || table.starts_with("(subquery-");
            if !SMALL.contains(&table) && !part && !known {
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

/// Of a million jobs, a page of those that are due reads what its place and the moment enclose.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_due_jobs_reads_no_further_than_now() {
    let plans = plans().await;
    for (statement, timed, lost) in [
        ("list::LIST_DUE", "job_by_due (<expr>>? AND <expr><?)", "job_held (expires_at<?)"),
        (
            "list::LIST_DUE_OF_KIND",
            "job_by_kind (kind=? AND <expr>>? AND <expr><?)",
            "job_held_by_kind (kind=? AND expires_at<?)",
        ),
    ] {
        let steps = plans.iter().find(|(name, _)| name.ends_with(statement)).expect(statement).1;
        let looks: Vec<_> = steps.iter().filter_map(|step| step.strip_prefix("SEARCH job USING INDEX ")).collect();
        assert_eq!(looks, [timed, lost], "{statement}: {steps:?}");
    }
}
