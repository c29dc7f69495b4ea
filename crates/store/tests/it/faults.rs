//! What the store says when the world breaks, and that it works again when the world is whole again.

use std::time::Duration;

use domain::effect::Notify;
use domain::notice::Level;
use harness::postgres::{self, Private};
use harness::wire::Wire;
use harness::{On, World, both};
use store::{Clock, Fault, Store};
use tokio::time::Instant;

/// The longest that a call may take to say that Postgres is gone.
const GONE_WITHIN: Duration = Duration::from_secs(3);

/// Writes a message of 10,000 bytes.
async fn write(store: &Store, id: &str) -> Result<(), Fault> {
    let text = "x".repeat(10_000);
    let effect = Notify { channel: "ops".into(), level: Level::Info, text, link: None };
    let mut tx = store.begin().await?;
    store::outbox::add(&mut tx, id, &effect).await?;
    tx.commit().await
}

async fn run(store: &Store, sql: &'static str) {
    let mut tx = store.begin().await.expect("a transaction");
    tx.run(sql, &[]).await.expect(sql);
    tx.commit().await.expect("a commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sqlite_says_so_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let world = World::new(On::Sqlite).await;
    let store = world.store();
    write(store, "before").await.expect("room");
    // Fewer pages than there are is as many as there are.
    run(store, "PRAGMA max_page_count = 1").await;
    let mut kept = 0;
    let fault = loop {
        match write(store, &format!("n{kept:04}")).await {
            Ok(()) => kept += 1,
            Err(fault) => break fault,
        }
        assert!(kept < 100, "it is never full");
    };
    assert!(matches!(fault, Fault::Full(_)), "{fault:?}");
    assert!(!fault.is_passing(), "deciding anew makes no room");
    store.ping().await.expect("it can still be read");
    run(store, "PRAGMA max_page_count = 100000").await;
    write(store, "after").await.expect("room again");
    let mut tx = store.read().await.expect("a look");
    let count: Option<(i64,)> = tx.one("SELECT COUNT(*) FROM outbox", &[]).await.expect("a count");
    assert_eq!(count, Some((kept + 2,)), "what was acknowledged is there and nothing else");
    drop(tx);
    world.discard().await;
}

/// The disk of a real server is not filled here: the code that it answers with then is raised in its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_postgres_says_so() {
    let world = World::new(On::Postgres).await;
    let raise = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$";
    run(world.store(), raise).await;
    run(world.store(), "CREATE TRIGGER full_disk BEFORE INSERT ON outbox EXECUTE FUNCTION full_disk()").await;
    let fault = write(world.store(), "a").await.expect_err("no room");
    assert!(matches!(fault, Fault::Full(_)), "{fault:?}");
    run(world.store(), "DROP TRIGGER full_disk ON outbox").await;
    write(world.store(), "a").await.expect("room again");
    world.discard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_sqlite_says_so() {
    let world = World::new(On::Sqlite).await;
    run(world.store(), "PRAGMA query_only = 1").await;
    let fault = write(world.store(), "a").await.expect_err("read-only");
    assert!(matches!(fault, Fault::ReadOnly(_)), "{fault:?}");
    world.store().ping().await.expect("it can still be read");

    let url = format!("{}?mode=ro", world.url());
    let opened = Store::open(&url, Clock::default()).await;
    let fault = match opened {
        Ok(store) => write(&store, "a").await.expect_err("read-only"),
        Err(fault) => fault,
    };
    assert!(matches!(fault, Fault::ReadOnly(_)), "{fault:?}");
    world.discard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_postgres_says_so() {
    let database = postgres::database().await;
    database.alter("SET default_transaction_read_only = on").await;
    let store = Store::open(&database.url, Clock::default()).await.expect("a store");
    let fault = write(&store, "a").await.expect_err("read-only");
    assert!(matches!(fault, Fault::ReadOnly(_)), "{fault:?}");
    store.ping().await.expect("it can still be read");
    database.discard().await;
}

async fn gone_in_time(store: &Store) {
    for what in ["ping", "begin", "read"] {
        let began = Instant::now();
        let answer = match what {
            "ping" => store.ping().await,
            "begin" => store.begin().await.map(drop),
            _ => store.read().await.map(drop),
        };
        assert!(matches!(answer, Err(Fault::Gone(_))), "{what}: {answer:?}");
        assert!(began.elapsed() < GONE_WITHIN, "{what} took {:?}", began.elapsed());
    }
}

async fn not_opened(url: &str, why: &str) {
    let began = Instant::now();
    let fault = Store::open(url, Clock::default()).await.expect_err("nobody there");
    assert!(matches!(&fault, Fault::Gone(told) if told.contains(why)), "{fault:?}");
    assert!(began.elapsed() < GONE_WITHIN, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_refuses_is_gone_within_three_seconds() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let url = format!("postgres://gapwright@127.0.0.1:{port}/x");
    not_opened(&url, "Connection refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_never_answers_is_gone_within_three_seconds() {
    // Connections are taken by the system and served by nobody.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let url = format!("postgres://gapwright@127.0.0.1:{port}/x");
    not_opened(&url, "no answer within 2 s").await;
}

/// A store over a wire to a database of its own.
async fn wired() -> (Store, Wire) {
    let database = postgres::database().await;
    let (who, place) = database.url.split_once('@').expect("user@host:port/name");
    let (far, name) = place.split_once('/').expect("host:port/name");
    let wire = Wire::to(far.parse().expect("an address")).await;
    let store = Store::open(&format!("{who}@{}/{name}", wire.addr), Clock::default()).await.expect("a store");
    (store, wire)
}

/// More than there are connections of any sort: those that are had, until there is none left.
async fn all_of<T>(ask: impl AsyncFn() -> Result<T, Fault>) -> Vec<T> {
    let mut had = Vec::new();
    while let Ok(one) = ask().await {
        had.push(one);
    }
    had
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_connections_in_use_fall_silent_for_ever_is_found_again_within_ten_seconds() {
    let (store, wire) = wired().await;
    let in_use = tokio::join!(
        all_of(async || store.begin().await),
        all_of(async || store.read().await),
        all_of(async || store.glance().await)
    );
    assert_eq!((in_use.0.len(), in_use.1.len(), in_use.2.len()), (12, 4, 3));
    wire.forget();
    let began = Instant::now();
    drop(in_use);
    while store.begin().await.is_err() || store.read().await.is_err() || store.ping().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is never found again");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_finds_an_idle_connection_silent_is_served_by_a_new_one() {
    let (store, wire) = wired().await;
    store.ping().await.expect("it answers");
    drop((store.begin().await.expect("a connection"), store.read().await.expect("a connection")));
    // Idle for as long as it takes until those of another sort run out: what was given back just now is not asked again.
    drop(all_of(async || store.glance().await).await);
    wire.forget();
    // A new one may take longer than is left of the two seconds, on a machine that does much else.
    let began = Instant::now();
    while store.begin().await.is_err() || store.read().await.is_err() || store.ping().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "no other connection is had");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_takes_too_long_is_told_as_busy_and_the_store_as_reached() {
    let world = World::new(On::Sqlite).await;
    let long = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                SELECT i FROM n WHERE i % 100000 = 0";
    let mut tx = world.store().read().await.expect("a look");
    let fault = tx.all::<(i64,)>(long, &[]).await.expect_err("it has no end");
    assert!(matches!(fault, Fault::Busy(_)), "{fault:?}");
    world.store().ping().await.expect("it answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_dies_within_a_transaction_is_gone_and_the_commit_fails() {
    let server = Private::start().await;
    let store = Store::open(&server.url, Clock::default()).await.expect("a store");
    store.migrate().await.expect("a schema");
    write(&store, "before").await.expect("a message");
    let mut tx = store.begin().await.expect("a transaction");
    server.stop();
    let fault = loop {
        if let Err(fault) = tx.run("UPDATE outbox SET attempts = attempts + 1", &[]).await {
            break fault;
        }
    };
    assert!(matches!(fault, Fault::Gone(_)), "{fault:?}");
    assert!(tx.commit().await.is_err(), "nothing may be acknowledged");
    gone_in_time(&store).await;
}

/// Its connections go on working, and what they write is lost with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_that_was_removed_or_replaced_is_gone_for_every_read_and_write() {
    for replaced in [false, true] {
        let world = World::new(On::Sqlite).await;
        let store = world.store();
        write(store, "before").await.expect("a message");
        let path = world.url().trim_start_matches("sqlite:").to_owned();
        std::fs::rename(&path, format!("{path}.moved")).expect("the file moved");
        if replaced {
            std::fs::copy(format!("{path}.moved"), &path).expect("another file");
        }
        let answers = [
            store.ping().await,
            store.read().await.map(drop),
            store.begin().await.map(drop),
            write(store, "after").await,
        ];
        assert!(answers.iter().all(|answer| matches!(answer, Err(Fault::Gone(_)))), "{answers:?}");
        std::fs::rename(format!("{path}.moved"), &path).expect("the file is back");
        write(store, "again").await.expect("a message");
    }
}

both!(a_taken_unique_value_and_a_lost_race_are_told_apart, async |world| {
    world.spoil();
    write(world.store(), "a").await.expect("a message");
    let taken = write(world.store(), "a").await.expect_err("taken");
    assert!(matches!(taken, Fault::Taken(_)) && !taken.is_passing(), "{taken:?}");
    let mut tx = world.store().begin().await.expect("a transaction");
    let lost = store::idempotency::answer(&mut tx, "ann", "never reserved", "{}").await.expect_err("nothing to write");
    assert!(matches!(lost, Fault::Conflict) && lost.is_passing(), "{lost:?}");
});

// A row that somebody else keeps locked is waited for, within bounds, and the answer invites another try.
both!(a_write_that_waits_for_another_connection_ends_as_busy, async |world| {
    let other = world.open().await;
    let mut holder = other.begin().await.expect("the other's transaction");
    holder.run("UPDATE fence SET value = value WHERE shard = 7", &[]).await.expect("a row held");
    let began = Instant::now();
    let waited = async {
        let mut tx = world.store().begin().await?;
        tx.run("UPDATE fence SET value = value WHERE shard = 7", &[]).await
    };
    let fault = waited.await.expect_err("it is held");
    assert!(matches!(fault, Fault::Busy(_)) && fault.is_passing(), "{fault:?}");
    assert!(began.elapsed() < Duration::from_secs(6), "it took {:?}", began.elapsed());
    drop(holder);
});
