//! The schema: made once whoever comes, and left alone when it is not ours.

use domain::time::{Span, Time};
use harness::plane::START;
use harness::{On, both, postgres};
use store::{Clock, Fault, Store};

both!(migrating_again_changes_nothing, async |world| {
    let before = world.store().schema().await.expect("a schema");
    assert_eq!(before.last(), Some(&store::schema_version()));
    assert_eq!(world.store().migrate().await.expect("a schema"), before.len());
    assert_eq!(world.store().schema().await.expect("a schema"), before);
});

/// Four processes that start at once, as replicas of a fresh deployment do.
async fn four_at_once(url: &str) {
    let mut starts = Vec::new();
    for _ in 0..4 {
        let url = url.to_owned();
        starts.push(tokio::spawn(async move {
            let store = Store::open(&url, Clock::default()).await?;
            store.migrate().await?;
            store.schema().await
        }));
    }
    for start in starts {
        let schema = start.await.expect("no panic");
        assert_eq!(schema.expect("a schema").last(), Some(&store::schema_version()));
    }
    let store = Store::open(url, Clock::default()).await.expect("a store");
    let mut tx = store.read().await.expect("a look");
    let fences: Option<(i64,)> = tx.one("SELECT COUNT(*) FROM fence", &[]).await.expect("a count");
    assert_eq!(fences, Some((64,)));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_migrate_a_fresh_sqlite_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    four_at_once(&format!("sqlite:{}", folder.path().join("fresh.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_migrate_a_fresh_postgres_at_once() {
    let database = postgres::empty_database().await;
    let store = Store::open(&database.url, Clock::default()).await.expect("a store");
    assert_eq!(store.schema().await.expect("an empty schema"), Vec::<i64>::new());
    four_at_once(&database.url).await;
    database.discard().await;
}

both!(a_newer_schema_is_refused, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    let newer = match world.on() {
        On::Postgres => {
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', TRUE, CAST('' AS BYTEA), 0)"
        }
        On::Memory | On::Sqlite => {
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', TRUE, x'', 0)"
        }
    };
    tx.run(newer, &[]).await.expect("a row");
    tx.commit().await.expect("a commit");
    let refused = world.open().await.migrate().await;
    assert!(matches!(refused, Err(Fault::NewerSchema(9_999))), "{refused:?}");
});

both!(a_schema_that_this_program_did_not_make_is_refused, async |world| {
    let mut tx = world.store().begin().await.expect("a transaction");
    let other = match world.on() {
        On::Postgres => "UPDATE _sqlx_migrations SET checksum = CAST('other' AS BYTEA) WHERE version = 1",
        On::Memory | On::Sqlite => "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
    };
    assert_eq!(tx.run(other, &[]).await.expect("a row"), 1);
    tx.commit().await.expect("a commit");
    let refused = world.open().await.migrate().await;
    assert!(matches!(refused, Err(Fault::Schema(_))), "{refused:?}");
});

both!(there_are_64_fence_counters_from_the_start, async |world| {
    let mut tx = world.store().read().await.expect("a look");
    let fences: Vec<(i64, i64)> = tx.all("SELECT shard, value FROM fence ORDER BY shard", &[]).await.expect("counters");
    assert_eq!(fences, (0..domain::fence::SHARDS).map(|shard| (shard, 0)).collect::<Vec<_>>());
});

/// After a restart SQLite's clock, which is the machine's, goes on from what was written, though it was set back.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_clock_was_set_back_goes_on_from_what_was_written() {
    let world = harness::World::new(On::Sqlite).await;
    let far = Time(START.0 + 4_000 * 86_400_000);
    world.hand.set(far);
    let ann = harness::call(domain::agent::Role::Routine, "ann", "acquire-lock");
    world.plane.acquire_lock(&ann, "k", "ann", Span::secs(60)).await.expect("a lock");
    let restarted = Store::open(&world.url(), Clock::default()).await.expect("a store");
    restarted.migrate().await.expect("a schema");
    let now = restarted.read().await.expect("a look").now();
    assert!((far..far + Span::hours(1)).contains(&now), "it goes on from {far}, not from {now}");
    world.discard().await;
}
