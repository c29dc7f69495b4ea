//! What each engine is set to, and what a transaction leaves.

use domain::effect::Notify;
use domain::notice::Level;
use harness::{On, Process, both};
use store::{Arg, Clock, Fault, Store, Tx};

/// Adds a message, as something to look for.
async fn add(tx: &mut Tx, id: &str) {
    let effect = Notify { channel: "ops".into(), level: Level::Info, text: "hello".into(), link: None };
    store::outbox::add(tx, id, &effect).await.expect("a row");
}

async fn ids(store: &Store) -> Vec<String> {
    let mut tx = store.read().await.expect("a look");
    let rows: Vec<(String,)> = tx.all("SELECT id FROM outbox ORDER BY id", &[]).await.expect("rows");
    rows.into_iter().map(|(id,)| id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_at_least_3_51_3() {
    let store = Store::open("sqlite::memory:", Clock::default()).await.expect("a store");
    let version = store.version().await.expect("a version");
    let numbers: Vec<u32> =
        version.trim_start_matches("SQLite ").split('.').map(|part| part.parse().expect("a number")).collect();
    assert!(numbers >= vec![3, 51, 3], "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_runs_with_the_pragmas_that_keep_an_acknowledged_write() {
    let world = harness::World::new(On::Sqlite).await;
    let text = async |tx: &mut Tx, sql| tx.one::<(String,)>(sql, &[]).await.expect(sql).expect("a row").0;
    let number = async |tx: &mut Tx, sql| tx.one::<(i64,)>(sql, &[]).await.expect(sql).expect("a row").0;
    for mut tx in [world.store().begin().await.expect("the writer"), world.store().read().await.expect("a reader")] {
        assert_eq!(text(&mut tx, "PRAGMA journal_mode").await, "wal");
        assert_eq!(number(&mut tx, "PRAGMA synchronous").await, 2, "FULL");
        assert_eq!(number(&mut tx, "PRAGMA foreign_keys").await, 1);
        assert_eq!(number(&mut tx, "PRAGMA busy_timeout").await, 5_000);
        assert_eq!(number(&mut tx, "PRAGMA mmap_size").await, 0);
    }
    world.discard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_gives_up_on_what_waits_too_long() {
    let world = harness::World::new(On::Postgres).await;
    let mut tx = world.store().begin().await.expect("a transaction");
    for (setting, value) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("transaction_isolation", "read committed"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
    ] {
        let args = [Arg::Text(setting)];
        let found: Option<(String,)> = tx.one("SELECT current_setting($1)", &args).await.expect(setting);
        assert_eq!(found, Some((value.to_owned(),)), "{setting}");
    }
    drop(tx);
    world.discard().await;
}

both!(a_dropped_transaction_leaves_nothing, async |world| {
    world.spoil();
    let mut tx = world.store().begin().await.expect("a transaction");
    add(&mut tx, "dropped").await;
    drop(tx);
    let mut tx = world.store().begin().await.expect("a transaction after it");
    add(&mut tx, "kept").await;
    tx.commit().await.expect("a commit");
    assert_eq!(ids(world.store()).await, ["kept"]);
});

both!(a_process_killed_within_a_transaction_leaves_nothing_and_blocks_nobody, async |world| {
    world.spoil();
    let process = Process::start();
    let opener = world.opener();
    let (written, is_written) = tokio::sync::oneshot::channel();
    process.begin(async move {
        let store = opener.open().await;
        let mut tx = store.begin().await.expect("a transaction");
        add(&mut tx, "killed").await;
        written.send(()).expect("somebody who waits");
        std::future::pending::<()>().await;
    });
    is_written.await.expect("a row");
    process.kill();
    let mut tx = world.store().begin().await.expect("a transaction after it");
    add(&mut tx, "kept").await;
    tx.commit().await.expect("a commit");
    assert_eq!(ids(world.store()).await, ["kept"]);
});

both!(a_command_taken_back_leaves_its_neighbours, async |world| {
    world.spoil();
    let mut tx = world.store().begin().await.expect("a transaction");
    for (id, keep) in [("a", true), ("b", false), ("c", true)] {
        tx.mark().await.expect("a mark");
        add(&mut tx, id).await;
        if keep {
            tx.keep().await.expect("kept");
        } else {
            tx.take_back().await.expect("taken back");
        }
    }
    tx.commit().await.expect("a commit");
    assert_eq!(ids(world.store()).await, ["a", "c"]);
});

both!(what_was_committed_is_there_for_a_process_that_comes_later, async |world| {
    world.spoil();
    let mut tx = world.store().begin().await.expect("a transaction");
    add(&mut tx, "kept").await;
    tx.commit().await.expect("a commit");
    assert_eq!(ids(&world.open().await).await, ["kept"]);
});

both!(a_reader_does_not_wait_for_a_writer, async |world| {
    let mut writer = world.store().begin().await.expect("the writer");
    add(&mut writer, "unseen").await;
    assert_eq!(ids(world.store()).await, Vec::<String>::new());
    drop(writer);
});

#[tokio::test]
async fn an_address_of_no_engine_is_refused() {
    for url in ["", "mysql://localhost/x", "/var/lib/gapwright.db", "http://localhost"] {
        let refused = Store::open(url, Clock::default()).await;
        assert!(matches!(refused, Err(Fault::Address)), "{url}");
    }
}

/// The store's clock is the database's own on Postgres, and nobody sets it back on SQLite.
#[tokio::test(flavor = "multi_thread")]
async fn an_engines_clock_moves_forward_between_transactions() {
    for on in [On::Sqlite, On::Postgres] {
        let world = harness::World::new(on).await;
        let store = Store::open(&world.url(), Clock::default()).await.expect("a store");
        let mut last = domain::time::Time(1_700_000_000_000);
        for _ in 0..20 {
            let now = store.begin().await.expect("a transaction").now();
            assert!(now >= last, "{now} after {last} on {on:?}");
            last = now;
        }
        world.discard().await;
    }
}
