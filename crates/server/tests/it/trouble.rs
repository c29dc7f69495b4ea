//! A world that breaks: each time a clear answer, nothing half-written, and the server lives.

use std::sync::Arc;
use std::time::Duration;

use domain::agent::Role;
use domain::time::Span;
use harness::mcp::{Answer, Client};
use harness::{World, both};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::asked::{Asked, ok, options};
use crate::operating::{until, until_told};

/// What a call is told when the store fails it, and that it may be repeated.
async fn told(client: &Client, tool: &str, arguments: Value) -> String {
    match client.call(tool, arguments).await {
        Answer::Unknown(why) => why,
        other @ (Answer::Ok(_) | Answer::Refused(_)) => panic!("{tool}: {other:?}"),
    }
}

fn lock(key: &str) -> Value {
    json!({"key": key, "holder": "h", "ttl_secs": 60})
}

/// A server whose wire to its Postgres can be cut.
async fn wired() -> (Asked, harness::wire::Wire) {
    let database = harness::postgres::database().await;
    let (who, place) = database.url.split_once('@').expect("user@host:port/name");
    let (far, name) = place.split_once('/').expect("host:port/name");
    let wire = harness::wire::Wire::to(far.parse().expect("an address")).await;
    let url = format!("{who}@{}/{name}", wire.addr);
    let store = store::Store::open(&url, store::Clock::default()).await.expect("a store");
    store.migrate().await.expect("a schema");
    let plane = plane::Plane::new(store, harness::plane::settings(|_| {}), StdRng::seed_from_u64(1));
    (Asked::serve(plane, options()).await, wire)
}

/// The store is lost by `lose`: it is noticed within three seconds, calls get a clear answer, and when it is back the
/// server serves as if nothing had been.
async fn lost_and_found(lose: impl FnOnce(&harness::wire::Wire)) {
    let (asked, wire) = wired().await;
    let client = asked.client(Role::Routine, "ann").await;
    ok(&client, "acquire-lock", lock("before")).await;
    let ready = format!("{}/readyz", asked.url);
    until(&ready, StatusCode::OK).await;
    lose(&wire);
    let noticed = until(&ready, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(noticed < Duration::from_secs(3), "noticed after {noticed:?}");
    let began = std::time::Instant::now();
    let why = told(&client, "acquire-lock", lock("during")).await;
    assert!(why.contains("store") && began.elapsed() < Duration::from_secs(8), "{why} after {:?}", began.elapsed());
    wire.mend();
    until(&ready, StatusCode::OK).await;
    ok(&client, "acquire-lock", lock("after")).await;
    asked.end().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_gone_is_noticed_within_three_seconds_and_found_again() {
    lost_and_found(harness::wire::Wire::cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_falls_silent_is_noticed_within_three_seconds_and_found_again() {
    lost_and_found(harness::wire::Wire::silence).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_sqlite_refuses_writes_clearly_and_goes_on_when_there_is_room() {
    let world = World::new(harness::On::Sqlite).await;
    let asked = Asked::new(&world).await;
    let client = asked.client(Role::Routine, "ann").await;
    let pages = async |sql: &'static str| {
        let mut tx = world.store().begin().await.expect("a look");
        let rows: Vec<(i64,)> = tx.all(sql, &[]).await.expect("a pragma");
        rows[0].0
    };
    // As full as it can be: not one page more.
    pages("PRAGMA max_page_count = 1").await;
    let payload = json!({"a": "x".repeat(200 * 1024)});
    let why = told(&client, "register-routine-job", json!({"name": "j", "kind": "k", "payload": payload})).await;
    assert!(why.contains("full"), "{why}");
    assert_eq!(ok(&client, "list-routine-jobs", json!({})).await["jobs"], json!([]), "nothing half-written");
    pages("PRAGMA max_page_count = 1000000").await;
    ok(&client, "register-routine-job", json!({"name": "j", "kind": "k", "payload": payload})).await;
    asked.end().await.expect("a clean end");
    world.check().await;
}

/// A call of acquire-lock as it travels: its head and its body.
fn raw_call(token: &str, key: &str) -> (String, String) {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "monolith-agent-acquire-lock", "arguments": lock(key),
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}},
    }});
    let body = body.to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
         Mcp-Name: monolith-agent-acquire-lock\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head, body)
}

/// A client that has sent so much.
async fn sent(asked: &Asked, text: &str) -> tokio::net::TcpStream {
    let address = asked.url.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("connected");
    socket.write_all(text.as_bytes()).await.expect("written");
    socket
}

both!(a_client_that_hangs_up_amid_its_request_harms_nobody, async |world| {
    let asked = Asked::new(world).await;
    let token = asked.token(Role::Routine, "ann").await;
    let (head, body) = raw_call(&token, "k");
    let whole = format!("{head}{body}");
    for cut in [head.len() / 2, head.len(), head.len() + body.len() / 2, whole.len()] {
        drop(sent(&asked, &whole[..cut]).await);
    }
    let client = Client::new(&asked.url, &token);
    ok(&client, "acquire-lock", lock("other")).await;
    asked.end().await.expect("a clean end");
});

both!(a_client_that_hangs_up_amid_its_call_cancels_it_and_leaves_nothing_of_it, async |world| {
    let asked = Asked::new(world).await;
    let token = asked.token(Role::Routine, "ann").await;
    // Whoever takes a lock needs a counter, and on SQLite the writer.
    let mut holder = world.store().begin().await.expect("the writer");
    holder.all::<(i64,)>("SELECT shard FROM fence FOR UPDATE", &[]).await.expect("every counter");
    let (head, body) = raw_call(&token, "k");
    let socket = sent(&asked, &format!("{head}{body}")).await;
    until_told(&asked, "gapwright_tool_calls_under_way{tool=\"acquire-lock\"} 1").await;
    drop(socket);
    until_told(&asked, "gapwright_tool_calls_total{tool=\"acquire-lock\",code=\"hung_up\"} 1").await;
    until_told(&asked, "gapwright_tool_calls_under_way{tool=\"acquire-lock\"} 0").await;
    drop(holder);
    let client = Client::new(&asked.url, &token);
    ok(&client, "acquire-lock", lock("other")).await;
    let mut tx = world.store().read().await.expect("a look");
    for sql in ["SELECT key FROM lock", "SELECT substr(object, 6) FROM journal WHERE tool = 'acquire-lock'"] {
        let left: Vec<(String,)> = tx.all(sql, &[]).await.expect("what is left");
        assert_eq!(left, [("other".to_owned(),)], "{sql}");
    }
    drop(tx);
    asked.end().await.expect("a clean end");
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_into_a_postgres_that_falls_silent_ends_within_its_five_seconds() {
    let (asked, wire) = wired().await;
    let client = asked.client(Role::Routine, "ann").await;
    let mut tx = asked.plane.store().read().await.expect("a look");
    wire.silence();
    let began = std::time::Instant::now();
    let (fault, unknown) = futures::join!(store::lock::count(&mut tx), client.ask("tools/list", "", json!({})));
    assert!(matches!(fault, Err(store::Fault::Busy(_))), "{fault:?}");
    let unknown = unknown.expect_err("nobody knows the caller");
    assert!(unknown.starts_with("503") && unknown.contains("retry_after_ms"), "{unknown}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    wire.mend();
    until(&format!("{}/readyz", asked.url), StatusCode::OK).await;
    client.ask("tools/list", "", json!({})).await.expect("found again");
    asked.end().await.expect("a clean end");
}

both!(a_noisy_caller_is_told_to_wait_and_others_are_served, async |world| {
    let asked = Asked::serve(world.plane.clone(), server::Options { calls_per_principal: 1, ..options() }).await;
    let (noisy, quiet) = (asked.client(Role::Routine, "noisy").await, asked.client(Role::Routine, "quiet").await);
    let noise: Vec<_> = (0..100)
        .map(|number| {
            let noisy = noisy.clone();
            tokio::spawn(async move { noisy.call("acquire-lock", lock(&format!("noise-{number}"))).await })
        })
        .collect();
    for number in 0..10 {
        ok(&quiet, "acquire-lock", lock(&format!("quiet-{number}"))).await;
    }
    let mut refused = 0;
    for call in noise {
        if let Answer::Refused(why) = call.await.expect("an answer") {
            assert_eq!((&why["code"], &why["retry_after_ms"]), (&json!("too_many_calls"), &json!(1_000)));
            refused += 1;
        }
    }
    assert!(refused > 0, "a hundred calls at once are more than the share of one and those that may wait");
    asked.end().await.expect("a clean end");
});

both!(a_discord_that_is_down_for_an_hour_loses_nothing, async |world| {
    let mut discord = harness::Discord::start().await;
    let channel = discord.channel("ops");
    let plane = world
        .replica_with(|settings| {
            settings.channels.push(channel);
            "ops".clone_into(&mut settings.default_channel);
        })
        .await;
    let asked = Asked::serve(plane.clone(), options()).await;
    let client = asked.client(Role::Routine, "ann").await;
    discord.down();
    for minute in 0..60 {
        ok(&client, "notify", json!({"message": format!("minute {minute}")})).await;
        plane.deliver().await.expect("a pass");
        world.hand.advance(Span::mins(1));
    }
    discord.up().await;
    world.hand.advance(Span::mins(2));
    while plane.deliver().await.expect("a pass").sent > 0 {
        world.hand.advance(Span::mins(2));
    }
    let mut arrived = discord.taken();
    arrived.sort();
    arrived.dedup();
    let mut sent: Vec<_> = (0..60).map(|minute| format!("minute {minute}")).collect();
    sent.sort();
    assert_eq!(arrived, sent);
    let letters = ok(&client, "check-dead-letters", json!({})).await;
    assert_eq!(letters["dead_letters"], json!([]));
    asked.end().await.expect("a clean end");
});

both!(calls_at_once_from_many_clients_each_get_their_own_answer, async |world| {
    let asked = Arc::new(Asked::new(world).await);
    let mut clients = Vec::new();
    for number in 0..8 {
        clients.push(asked.client(Role::Routine, &format!("c{number}")).await);
    }
    let calls = clients.iter().enumerate().flat_map(|(number, client)| {
        (0..25).map(move |call| async move {
            let key = format!("{number}-{call}");
            let answer = ok(client, "acquire-lock", lock(&key)).await;
            (answer["acquired"] == json!(true)).then_some(answer["lock_id"].to_string())
        })
    });
    let ids: std::collections::BTreeSet<_> =
        futures::future::join_all(calls).await.into_iter().map(|id| id.expect("granted")).collect();
    assert_eq!(ids.len(), 200);
    Arc::into_inner(asked).expect("the only one").end().await.expect("a clean end");
});
