//! `SigNoz`, and every way in which a source can fail to say what is firing.

use std::time::Instant;

use alerts::{BODY_BYTES_MAX, DEADLINE, Firing, Kind, Source};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri, header};
use serde_json::json;

use crate::fake::{serve, serve_body};
use crate::{firing, source};

/// Asks one source and returns why it is unreachable; no alert may come of it.
async fn silent(source: Source) -> String {
    let Firing { alerts, mut unreachable } = firing(&[source]).await;
    assert_eq!(alerts, []);
    assert_eq!(unreachable.len(), 1, "a source without an answer must be named");
    unreachable.remove(0).why
}

#[tokio::test]
async fn signoz_is_asked_with_its_key_and_lists_what_is_active() {
    let signoz = serve(|uri: Uri, headers: HeaderMap| {
        let shown = headers.get("SIGNOZ-API-KEY").is_some_and(|key| key == "s3cret");
        let status = if shown && uri.path() == "/api/v1/alerts" { 200 } else { 401 };
        let alert = |name: &str, state: &str| {
            json!({
                "labels": {"alertname": name, "severity": "warning", "ruleId": "7"}, "annotations": {"description": "slow"},
                "startsAt": "2026-11-22T08:00:00Z", "status": {"state": state, "silencedBy": []}, "fingerprint": "ab",
            })
        };
        let data = [alert("Slow", "active"), alert("Quiet", "suppressed")];
        let body = json!({"status": "success", "data": data}).to_string();
        Response::builder().status(status).body(Body::from(body)).expect("an answer")
    })
    .await;
    let closed = source("cloud", Kind::Signoz, &signoz);
    let open = closed.clone().token("s3cret".into()).expect("a token");
    let firing = firing(&[open]).await;
    assert_eq!(firing.unreachable, []);
    let [alert] = firing.alerts.as_slice() else { panic!("{:?}", firing.alerts) };
    assert_eq!((alert.name.as_str(), alert.summary.as_str(), alert.source.as_str()), ("Slow", "slow", "cloud"));
    assert_eq!(silent(closed).await, "it refused the token (status 401)");
}

#[tokio::test]
async fn signoz_rules_are_read_at_a_path_of_ones_own() {
    let rules = json!([
        {"id": 1, "alert": "Errors", "state": "firing", "labels": {"severity": "page"}, "annotations": {"summary": "5xx"}},
        {"id": 2, "alert": "Calm", "state": "inactive", "labels": {}, "annotations": {}},
    ]);
    let signoz = serve_body(200, json!({"status": "success", "data": {"rules": rules}}).to_string()).await;
    let moved = source("cloud", Kind::Signoz, &signoz).path("/api/v2/rules").expect("a path");
    let firing = firing(&[moved]).await;
    let names: Vec<_> = firing.alerts.iter().map(|alert| (alert.name.as_str(), alert.severity.as_deref())).collect();
    assert_eq!(names, [("Errors", Some("page"))]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_unreachable_and_repeats_nothing_of_it() {
    for (status, body, why) in [
        (500, "s3cret", "it answered with status 500"),
        (404, "[]", "it answered with status 404"),
        (204, "", "it answered with status 204"),
        (403, "[]", "it refused the token (status 403)"),
        (200, "<html>s3cret", "the answer is not the JSON that alertmanager sends"),
        (200, "{}", "the answer is not the JSON that alertmanager sends"),
    ] {
        let url = serve_body(status, body).await;
        assert_eq!(silent(source("prod", Kind::Alertmanager, &url)).await, why);
    }
    let failed = serve_body(200, r#"{"status":"error","errorType":"internal","error":"s3cret"}"#).await;
    assert_eq!(silent(source("prod", Kind::Prometheus, &failed)).await, "the answer says that it failed");
}

#[tokio::test]
async fn an_answer_larger_than_the_bound_is_not_read_to_its_end() {
    let too_large = "the answer is larger than 4 MiB";
    let url = serve_body(200, format!("[{}]", " ".repeat(5 * 1024 * 1024))).await;
    assert_eq!(silent(source("prod", Kind::Alertmanager, &url)).await, too_large);
    // Without a length and without an end.
    let endless = serve(|_, _| {
        let spaces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4_096])));
        Response::new(Body::from_stream(spaces))
    })
    .await;
    assert_eq!(silent(source("prod", Kind::Alertmanager, &endless)).await, too_large);
    // The bound itself is still read.
    let full = serve_body(200, format!("[{}]", " ".repeat(BODY_BYTES_MAX - 2))).await;
    assert_eq!(firing(&[source("prod", Kind::Alertmanager, &full)]).await, Firing::default());
}

#[tokio::test]
async fn sources_that_never_answer_are_given_up_together_at_the_deadline() {
    // One takes the connection and says nothing; one begins an answer and never ends it.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mute_url = format!("http://{}", mute.local_addr().expect("an address"));
    let stuck =
        serve(|_, _| Response::new(Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>())))
            .await;
    let good = serve_body(200, "[]").await;
    let sources = [&mute_url, &stuck, &good, &mute_url].map(|url| source("prod", Kind::Alertmanager, url));
    let asked = Instant::now();
    let firing = firing(&sources).await;
    assert!((DEADLINE..DEADLINE * 2).contains(&asked.elapsed()), "{:?}", asked.elapsed());
    let whys: Vec<&str> = firing.unreachable.iter().map(|unreachable| unreachable.why.as_str()).collect();
    assert_eq!(whys, ["no answer within 4 s"; 3]);
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_no_token_goes_elsewhere() {
    let elsewhere = serve(|_, _| panic!("nobody may ask here")).await;
    for status in [301, 302, 307, 308] {
        let elsewhere = elsewhere.clone();
        let moved = serve(move |_, _| {
            let answer = Response::builder().status(status).header(header::LOCATION, &elsewhere);
            answer.body(Body::empty()).expect("an answer")
        })
        .await;
        let open = source("prod", Kind::Signoz, &moved).token("s3cret".into()).expect("a token");
        assert_eq!(
            silent(open).await,
            format!("it points elsewhere (status {status}), and redirects are not followed")
        );
    }
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_unreachable_without_its_address_in_the_reason() {
    let why = silent(source("prod", Kind::Alertmanager, "http://monitor.invalid:9093")).await;
    assert!(why.starts_with("no answer"), "{why}");
    assert!(!why.contains("monitor.invalid"), "{why}");
}
