//! A token for one claim alone: what it opens, what it does not, and when it ends.

use std::collections::BTreeSet;

use domain::agent::Role;
use domain::pull::Stage;
use domain::refusal::Code;
use domain::time::Span;
use harness::both;
use harness::mcp::Client;
use plane::No;
use serde_json::{Value, json};

use super::blind::read;
use super::{FIRST, GAP, REPO, Turn, Yard, change, plan, review};
use crate::asked::{ok, refused};

/// A client that is here for the claim of a turn alone, what its token was told to open, and the token.
async fn delegated(yard: &Yard<'_>, turn: &Turn) -> (Client, BTreeSet<String>, String) {
    let answer = turn.does("delegate-claim", json!({})).await;
    let token = answer["token"].as_str().expect("a token").to_owned();
    let tools = answer["tools"].as_array().expect("tools").iter();
    let tools = tools.map(|tool| tool.as_str().expect("a name").trim_start_matches("monolith-agent-").to_owned());
    (Client::new(&yard.asked.url, &token), tools.collect(), token)
}

/// Every tool that is served.
async fn served(client: &Client) -> Vec<String> {
    let listed = client.ask("tools/list", "", json!({})).await.expect("the list");
    let tools = listed["tools"].as_array().expect("tools").iter();
    tools.map(|tool| tool["name"].as_str().expect("a name").trim_start_matches("monolith-agent-").to_owned()).collect()
}

/// What an agent needs that works on one claim, its stage's own tool aside.
const COMMON: [&str; 5] = ["ask-operator", "my-budget", "report-gap", "report-usage", "show-work"];

/// Everything that such a token opens and does not open, at one turn.
async fn opens(yard: &Yard<'_>, turn: &Turn, stage: Stage) -> Client {
    let (bound, tools, _) = delegated(yard, turn).await;
    let mut expected: BTreeSet<_> = COMMON.map(str::to_owned).into();
    expected.insert(stage.tool().to_owned());
    if stage != Stage::Reviewer {
        expected.extend(["list-gaps".to_owned(), "show-gap".to_owned()]);
    }
    assert_eq!(tools, expected, "{stage}");
    for tool in served(&bound).await.into_iter().filter(|tool| !tools.contains(tool)) {
        assert_eq!(refused(&bound, &tool, json!({})).await.0, "forbidden", "{stage} {tool}");
    }
    let own = turn.claim["claim_id"].as_str().expect("a claim");
    assert_eq!(
        read(&bound, &format!("gapwright://budget/{own}")).await,
        ok(&bound, "my-budget", turn.with(json!({}))).await
    );
    let closed = ["gapwright://gaps", "gapwright://gap_outcomes", "gapwright://pull/ann/website/1"].map(str::to_owned);
    for uri in closed.into_iter().chain([format!("gapwright://gap/{GAP}"), format!("gapwright://pull/{REPO}/2")]) {
        let error = bound.ask("resources/read", &uri, json!({"uri": uri})).await.expect_err("closed");
        assert!(error.contains(r#""code":"forbidden""#), "{uri}: {error}");
    }
    let uri = "gapwright://budget/01M814JZY8DABVFZ3KRWKC6P20";
    let error = bound.ask("resources/read", uri, json!({"uri": uri})).await.expect_err("another's");
    assert!(error.contains(r#""code":"wrong_job""#), "{error}");
    let names = json!({"ref": {"type": "ref/resource", "uri": "gapwright://gap/{name}"}, "argument": {"name": "name", "value": ""}});
    let error = bound.ask("completion/complete", "", names).await.expect_err("closed");
    assert!(error.contains(r#""code":"forbidden""#), "{error}");
    for prompt in ["planner", "implementer", "reviewer", "merger", "check-jobs", "no-such-prompt"] {
        let got = bound.ask("prompts/get", prompt, json!({"name": prompt})).await;
        assert_eq!(got.is_ok(), prompt == stage.name(), "{stage} {prompt}");
    }
    bound
}

both!(a_token_for_one_claim_opens_what_its_stage_needs_and_nothing_else, async |world| {
    let yard = Yard::planning(world).await;
    let turn = yard.turn(Stage::Planner).await;
    let bound = opens(&yard, &turn, Stage::Planner).await;
    ok(&bound, "submit-plan", turn.with(plan())).await;
    let turn = yard.turn(Stage::Implementer).await;
    let bound = opens(&yard, &turn, Stage::Implementer).await;
    ok(&bound, "submit-change", turn.with(change(FIRST))).await;
    yard.pass(Span::secs(1)).await;
    let turn = yard.turn(Stage::Reviewer).await;
    let bound = opens(&yard, &turn, Stage::Reviewer).await;
    let head = ok(&bound, "show-work", turn.with(json!({}))).await["pull"]["head"].take();
    let approves = review(head.as_str().expect("a head"), "APPROVE", json!([]));
    for pass in ["first", "final"] {
        assert_eq!(ok(&bound, "submit-review", turn.with(approves.clone())).await["pass"], json!(pass));
    }
    let turn = yard.turn(Stage::Merger).await;
    let bound = opens(&yard, &turn, Stage::Merger).await;
    let verdict = json!({"head": head, "verdict": "CLOSE", "summary": "it does not cohere"});
    assert_eq!(ok(&bound, "submit-merge-verdict", turn.with(verdict)).await["state"], json!("wontfix"));
    yard.end().await;
});

both!(a_token_for_one_claim_is_not_for_another, async |world| {
    let yard = Yard::planning(world).await;
    let turn = yard.turn(Stage::Planner).await;
    let (bound, tools, _) = delegated(&yard, &turn).await;
    let free = yard.agent(Stage::Planner).await;
    ok(&free, "register-routine-job", json!({"name": "j", "kind": "planner"})).await;
    let other = ok(&free, "claim-routine-job", json!({"name": "j", "holder": "w", "ttl_secs": 600})).await;
    for tool in tools.iter().filter(|tool| !matches!(tool.as_str(), "report-gap" | "list-gaps" | "show-gap")) {
        let mut arguments = if tool == "submit-plan" { plan() } else { json!({}) };
        if tool == "ask-operator" {
            arguments = json!({"question": "which?", "options": ["a", "b"]});
        }
        arguments["claim_id"] = other["claim_id"].clone();
        assert_eq!(refused(&bound, tool, arguments).await, ("wrong_job".to_owned(), "claim_id".to_owned()), "{tool}");
    }
    yard.end().await;
});

both!(a_token_for_one_claim_ends_with_it_and_is_shown_once, async |world| {
    let yard = Yard::planning(world).await;
    let turn = yard.turn(Stage::Planner).await;
    let keyed = turn.with(json!({"idempotency_key": "k"}));
    let first = ok(&turn.client, "delegate-claim", keyed.clone()).await;
    assert_eq!(
        refused(&turn.client, "delegate-claim", keyed).await,
        ("already_exists".to_owned(), "idempotency_key".to_owned())
    );
    let token = first["token"].as_str().expect("a token").to_owned();
    assert_eq!(yard.plane.authenticate(&token).await.expect("in force").name, "planner-one");
    let mut tx = world.store().read().await.expect("a look");
    for sql in ["SELECT after FROM journal", "SELECT answer FROM idempotency", "SELECT hash FROM token"] {
        let rows: Vec<(String,)> = tx.all(sql, &[]).await.expect("rows");
        assert!(!rows.iter().any(|(kept,)| kept.contains(&token)), "{sql} keeps a token");
    }
    drop(tx);
    turn.does("submit-plan", plan()).await;
    let ended = yard.plane.authenticate(&token).await;
    assert!(matches!(ended, Err(No::Refusal(refusal)) if refusal.code == Code::Unauthenticated));
    yard.end().await;
});

both!(a_question_to_people_frees_the_turn_and_its_answer_reaches_the_next, async |world| {
    let yard = Yard::planning(world).await;
    let turn = yard.turn(Stage::Planner).await;
    let asked = turn.does("ask-operator", json!({"question": "Which way?", "options": ["this", "that"]})).await;
    assert_eq!(turn.is_refused("submit-plan", plan()).await, "stale_claim", "its claim has ended");
    let free = yard.agent(Stage::Planner).await;
    let nothing = ok(&free, "claim-routine-job", json!({"holder": "w", "ttl_secs": 60})).await;
    assert_eq!(nothing["reason"], json!("nothing_due"));
    for options in [json!([]), json!(["a"]), json!(["a", "b", "c", "d", "e"]), json!(["a", "a"])] {
        let next = json!({"claim_id": "x", "question": "Which?", "options": options});
        assert_eq!(refused(&free, "ask-operator", next).await.0, "invalid_argument");
    }
    let id = asked["decision"].as_str().expect("an id");
    yard.plane.answer_decision(&crate::scenarios::operator(), id, 2).await.expect("answered");
    let next = yard.turn(Stage::Planner).await;
    assert_eq!(next.claim["attempt"], json!(1), "the attempt did not count");
    let decided = &next.work().await["untrusted"]["decisions"][0];
    assert_eq!(
        (&decided["state"], &decided["answer"], &decided["answered_by"]),
        (&json!("answered"), &json!("that"), &json!("olga"))
    );
    yard.end().await;
});

both!(an_operator_s_own_token_is_not_bound_and_reads_it_all, async |world| {
    let yard = Yard::planning(world).await;
    let head = yard.opened().await;
    let number = yard.status().await["number"].as_i64().expect("a number");
    let olga = yard.asked.client(Role::Operator, "olga").await;
    let told = read(&olga, &format!("gapwright://pull/{REPO}/{number}")).await;
    assert_eq!(told, ok(&olga, "pipeline-status", json!({"pull": number.to_string()})).await["pull"]);
    assert_eq!((&told["head"], &told["untrusted"]["description"]["text"]), (&json!(head), &json!(super::BODY)));
    let encoded = format!("gapwright://pull/{}/{number}", REPO.replace('/', "%2F"));
    assert_eq!(read(&olga, &encoded).await, told);
    for uri in [
        format!("gapwright://pull/ann/other/{number}"),
        format!("gapwright://pull/{REPO}/999"),
        format!("gapwright://pull/{REPO}/x"),
    ] {
        let error = olga.ask("resources/read", &uri, json!({"uri": uri})).await.expect_err("nothing there");
        assert!(error.contains(r#""code":"not_found""#), "{uri}: {error}");
    }
    assert_eq!(told["to_make"], Value::Array(Vec::new()), "all was made");
    yard.end().await;
});
