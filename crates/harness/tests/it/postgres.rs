//! The tests' Postgres: what it refuses, and that databases are fresh and private.

use harness::postgres::{Private, database, loopback};
use store::{Clock, Fault, Store};

#[test]
fn a_test_can_never_reach_a_production_database() {
    for url in [
        "postgres://gapwright@db.example.com/gapwright",
        "postgres://gapwright@10.0.0.5:5432",
        "postgres://gapwright@192.168.1.2/postgres",
        "postgres://gapwright@[2001:db8::1]/postgres",
        "postgres://gapwright@0.0.0.0/postgres",
        "postgres://gapwright@localhost.example.com/postgres",
        "postgres://localhost@db.example.com/postgres",
        "postgres://gapwright@localhost/postgres?host=db.example.com",
        "postgres://gapwright@localhost/postgres?hostaddr=10.0.0.5",
        "postgres:///postgres?host=/var/run/postgresql",
        "postgres://%2Fvar%2Frun%2Fpostgresql/postgres",
        "not an address",
    ] {
        assert!(loopback(url).is_err(), "{url}");
    }
    for url in
        ["postgres://a@127.0.0.1:5432", "postgres://a@localhost", "postgres://a@[::1]/b", "postgres://a@127.9.9.9"]
    {
        assert_eq!(loopback(url), Ok(()), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_test_gets_a_database_of_its_own_with_the_newest_schema() {
    let (one, other) = tokio::join!(database(), database());
    assert_ne!(one.url, other.url);
    for database in [one, other] {
        let store = Store::open(&database.url, Clock::default()).await.expect("a store");
        assert_eq!(store.schema().await.expect("a schema").last(), Some(&store::schema_version()));
        store.close().await;
        let url = database.url.clone();
        database.discard().await;
        let gone = Store::open(&url, Clock::default()).await;
        assert!(matches!(gone, Err(Fault::Gone(_))), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_server_runs_until_it_is_stopped() {
    let server = Private::start().await;
    let store = Store::open(&server.url, Clock::default()).await.expect("a store");
    store.migrate().await.expect("a schema");
    store.ping().await.expect("an answer");
    server.stop();
    // The keeper stops it within a moment; each question takes at most two seconds.
    let mut answers = 0;
    while store.ping().await.is_ok() {
        answers += 1;
        assert!(answers < 1_000_000, "it still answers");
    }
}
