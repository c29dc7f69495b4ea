//! Who may ask, and what: known by a token, entitled by a role.

use domain::agent::Role;
use domain::time::Span;
use harness::mcp::Client;
use harness::{World, both, call};
use reqwest::StatusCode;
use serde_json::json;
use server::{Bound, Error};

use crate::asked::{Asked, ok, options, refused};

async fn post(asked: &Asked, headers: &[(&str, &str)]) -> (StatusCode, String, serde_json::Value) {
    let mut request = reqwest::Client::new()
        .post(format!("{}/mcp", asked.url))
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let challenge =
        answer.headers().get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    (answer.status(), challenge, answer.json().await.unwrap_or_default())
}

both!(a_caller_without_a_good_token_gets_a_clear_401, async |world| {
    let asked = Asked::new(world).await;
    let revoked = asked.token(Role::Routine, "gone").await;
    let id = &revoked["gapw_".len().."gapw_".len() + 26];
    world.plane.revoke_token(&call(Role::Operator, "test", "test"), id).await.expect("revoked");
    let expired = asked.token(Role::Routine, "late").await;
    world.hand.advance(Span::days(2));
    let unknown = domain::agent::mint_token(domain::time::Time(1), (1, 1)).text;
    for (shown, why) in [
        (None, "no bearer token"),
        (Some("Basic eDp5"), "no bearer token"),
        (Some("Bearer "), "no bearer token"),
        (Some("Bearer x"), "not one of this server's tokens"),
        (Some(&*format!("Bearer {unknown}")), "unknown"),
        (Some(&*format!("Bearer {revoked}")), "revoked"),
        (Some(&*format!("Bearer {expired}")), "expired"),
    ] {
        let headers: Vec<_> = shown.into_iter().map(|value| ("authorization", value)).collect();
        let (status, challenge, body) = post(&asked, &headers).await;
        assert_eq!((status, challenge.as_str()), (StatusCode::UNAUTHORIZED, "Bearer realm=\"gapwright\""), "{shown:?}");
        assert_eq!(body["code"], "unauthenticated", "{shown:?}");
        assert!(body["message"].as_str().unwrap_or_default().contains(why), "{shown:?}: {body}");
        assert!(!body["hint"].as_str().unwrap_or_default().is_empty(), "{shown:?}");
    }
    asked.end().await.expect("a clean end");
});

both!(a_token_in_the_address_is_not_taken, async |world| {
    let asked = Asked::new(world).await;
    let token = asked.token(Role::Operator, "ann").await;
    let answer =
        reqwest::Client::new().post(format!("{}/mcp?token={token}&access_token={token}", asked.url)).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    asked.end().await.expect("a clean end");
});

both!(a_role_may_use_its_tools_and_no_others, async |world| {
    let asked = Asked::new(world).await;
    let viewer = asked.client(Role::Viewer, "eve").await;
    for tool in [
        "acquire-lock",
        "extend-lock",
        "release-lock",
        "notify",
        "trigger-job",
        "claim-routine-job",
        "complete-routine-job",
        "complete-and-claim",
        "renew-routine-job",
        "defer-routine-job",
        "register-routine-job",
        "deregister-routine-job",
        "trigger-routine-job",
        "report-gap",
        "check-in",
    ] {
        assert_eq!(refused(&viewer, tool, json!({})).await.0, "forbidden", "{tool}");
    }
    for tool in [
        "list-locks",
        "list-routine-jobs",
        "check-stuck-jobs",
        "check-stuck-routine-jobs",
        "check-orphan-jobs",
        "check-dead-letters",
        "check-firing-alerts",
    ] {
        ok(&viewer, tool, json!({})).await;
    }
    let routine = asked.client(Role::Routine, "ann").await;
    ok(&routine, "acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 5})).await;
    asked.end().await.expect("a clean end");
});

both!(a_stranger_with_the_handle_of_a_lock_or_claim_changes_nothing, async |world| {
    let asked = Asked::new(world).await;
    let (ann, bob) = (asked.client(Role::Routine, "ann").await, asked.client(Role::Routine, "bob").await);
    let lock = ok(&ann, "acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 60})).await;
    let reason =
        |answer: serde_json::Value| (answer["ok"].clone(), answer["reason"].as_str().unwrap_or_default().to_owned());
    let not_yours = (json!(false), "not_yours".to_owned());
    assert_eq!(reason(ok(&bob, "release-lock", json!({"lock_id": lock["lock_id"]})).await), not_yours);
    assert_eq!(reason(ok(&bob, "extend-lock", json!({"lock_id": lock["lock_id"], "ttl_secs": 60})).await), not_yours);
    ok(&ann, "register-routine-job", json!({"name": "j", "kind": "k"})).await;
    let claim = ok(&ann, "claim-routine-job", json!({"name": "j", "holder": "h", "ttl_secs": 60})).await;
    let end = json!({"name": "j", "status": "ok", "claim_id": claim["claim_id"]});
    assert_eq!(reason(ok(&bob, "complete-routine-job", end.clone()).await), not_yours);
    assert_eq!(
        reason(ok(&bob, "renew-routine-job", json!({"claim_id": claim["claim_id"], "ttl_secs": 60})).await),
        not_yours
    );
    assert_eq!(reason(ok(&ann, "complete-routine-job", end).await).0, json!(true));
    asked.end().await.expect("a clean end");
});

#[tokio::test]
async fn beyond_loopback_nothing_is_served_without_authentication() {
    let exposed = Bound::bind("0.0.0.0:0".parse().expect("an address"), true).await;
    assert!(matches!(exposed, Err(Error::Exposed(_))), "{exposed:?}");
}

#[tokio::test]
async fn without_authentication_on_loopback_anyone_is_an_operator() {
    let world = World::new(harness::On::Memory).await;
    let asked = Asked::serve(world.plane.clone(), server::Options { insecure_no_auth: true, ..options() }).await;
    let anyone = Client::new(&asked.url, "");
    ok(&anyone, "acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 5})).await;
    asked.end().await.expect("a clean end");
}

both!(a_page_of_another_origin_or_host_is_turned_away, async |world| {
    let asked = Asked::new(world).await;
    let bearer = format!("Bearer {}", asked.token(Role::Operator, "ann").await);
    for (name, value) in [("origin", "http://evil.example"), ("origin", "null"), ("host", "evil.example")] {
        let (status, _, _) = post(&asked, &[("authorization", &bearer), (name, value)]).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    asked.end().await.expect("a clean end");
});
