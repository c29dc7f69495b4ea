//! More than its share: whoever asks for too much is told so, and the others are served.

use domain::agent::{Role, mint_token};
use domain::time::Time;
use futures::StreamExt as _;
use harness::mcp::Answer;
use harness::{World, both};
use reqwest::StatusCode;
use serde_json::{Value, json};
use store::Tx;

use crate::asked::{Asked, ok, options};
use crate::operating::{metrics, until_told};

/// Reads that hold every connection there is for reading.
async fn slow_reads(world: &World) -> Vec<Tx> {
    let mut held = Vec::new();
    while let Ok(tx) = world.store().read().await {
        held.push(tx);
    }
    held
}

both!(slow_reads_keep_neither_a_caller_from_being_known_nor_the_server_from_being_ready, async |world| {
    let asked = Asked::new(world).await;
    let held = slow_reads(world).await;
    let client = asked.client(Role::Routine, "ann").await;
    client.ask("tools/list", "", json!({})).await.expect("known by its token");
    world.store().ping().await.expect("ready");
    assert!(matches!(client.call("list-locks", json!({})).await, Answer::Unknown(_)), "lists wait for the slow reads");
    drop(held);
    ok(&client, "list-locks", json!({})).await;
    asked.end().await.expect("a clean end");
});

both!(resources_and_completions_have_the_share_of_their_caller_and_are_counted, async |world| {
    let asked = Asked::serve(world.plane.clone(), server::Options { calls_per_principal: 1, ..options() }).await;
    let (noisy, quiet) = (asked.client(Role::Routine, "noisy").await, asked.client(Role::Routine, "quiet").await);
    let completion = json!({
        "ref": {"type": "ref/resource", "uri": "gapwright://gap/{name}"},
        "argument": {"name": "name", "value": ""},
    });
    for (method, name, params) in [
        ("resources/read", "gapwright://gaps", json!({"uri": "gapwright://gaps"})),
        ("completion/complete", "", completion),
    ] {
        let held = slow_reads(world).await;
        let noise = (0..40).map(|_| noisy.ask(method, name, params.clone()));
        let answers = futures::future::join_all(noise).await;
        let refused = answers.iter().filter(|answer| matches!(answer, Err(why) if why.contains("too_many_calls")));
        assert!(refused.count() > 0, "{method}: {answers:?}");
        drop(held);
        quiet.ask(method, name, params.clone()).await.expect(method);
        let told = metrics(&asked).await;
        for code in ["ok", "too_many_calls"] {
            let counted = format!("gapwright_tool_calls_total{{tool=\"{method}\",code=\"{code}\"}}");
            assert!(told.contains(&counted), "{counted} is not in\n{told}");
        }
    }
    asked.end().await.expect("a clean end");
});

both!(a_flood_of_forged_tokens_is_asked_for_one_by_one_and_each_but_once, async |world| {
    let asked = Asked::new(world).await;
    let ann = asked.client(Role::Routine, "ann").await;
    ok(&ann, "list-locks", json!({})).await;
    let flood = (0..2_000).map(|number| {
        let forged = mint_token(Time(1), (if number % 2 == 0 { 0 } else { number }, 1)).text;
        let client = ann.showing(&forged);
        async move { client.ask("tools/list", "", json!({})).await.expect_err("forged") }
    });
    let flood = async { futures::stream::iter(flood).buffer_unordered(32).collect::<Vec<_>>().await };
    let calls = async {
        for _ in 0..50 {
            ok(&ann, "list-locks", json!({})).await;
        }
    };
    let (refused, ()) = futures::join!(flood, calls);
    assert!(refused.iter().all(|why| why.starts_with("401")), "{refused:?}");
    let newcomer = asked.client(Role::Routine, "bob").await;
    ok(&newcomer, "list-locks", json!({})).await;
    let told = metrics(&asked).await;
    let count = told.lines().find_map(|line| line.strip_prefix("gapwright_tokens_asked_total ")).expect("a count");
    // A thousand different ones, and now and then those whose answer is no longer fresh.
    assert!((1_000..1_100).contains(&count.parse::<i64>().expect("a number")), "{count}");
    asked.end().await.expect("a clean end");
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_bounded_for_each_caller_and_for_all_and_freed_when_their_client_goes() {
    let world = World::new(harness::On::Memory).await;
    let few = server::Options { streams_per_principal: 2, streams: 3, ..options() };
    let asked = Asked::serve(world.plane.clone(), few).await;
    let (ann, bob) = (asked.client(Role::Routine, "ann").await, asked.client(Role::Routine, "bob").await);
    let (first, second) = (ann.listen().await, ann.listen().await);
    assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
    refused(ann.listen().await, "ann has 2 streams open").await;
    let third = bob.listen().await;
    assert_eq!(third.status(), StatusCode::OK);
    refused(bob.listen().await, "3 streams are open").await;
    until_told(&asked, "gapwright_streams 3").await;
    drop(first);
    until_told(&asked, "gapwright_streams 2").await;
    assert_eq!(ann.listen().await.status(), StatusCode::OK);
    ok(&ann, "list-locks", json!({})).await;
    drop((second, third));
    asked.end().await.expect("a clean end");
}

async fn refused(answer: reqwest::Response, why: &str) {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "30");
    let refusal: Value = answer.json().await.expect("JSON");
    assert_eq!((&refusal["code"], &refusal["message"]), (&json!("too_many_calls"), &json!(why)));
}

#[tokio::test]
async fn the_earlier_era_has_no_stream_to_open() {
    let world = World::new(harness::On::Memory).await;
    let asked = Asked::new(&world).await;
    let token = asked.token(Role::Routine, "old").await;
    let get = reqwest::Client::new().get(format!("{}/mcp", asked.url)).bearer_auth(token);
    let answer = get.header("accept", "text/event-stream").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    asked.end().await.expect("a clean end");
}
