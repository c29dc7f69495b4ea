//! What the real programs answer.

use alerts::{Firing, Kind, Unreachable};
use serde_json::{Value, json};

use crate::outside::{Outside, alertmanager, prometheus, reserved};
use crate::{client, firing, source, until};

async fn post(monitor: &Outside, path: &str, body: Value) {
    let sent = client().post(format!("{}{path}", monitor.url)).json(&body).send().await.expect("an answer");
    assert!(sent.status().is_success(), "{path}: {}", sent.text().await.unwrap_or_default());
}

/// Tells Alertmanager of two alerts that fire and one that somebody has silenced.
async fn two_alerts_and_a_silenced_one(monitor: &Outside) {
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Noise", "isRegex": false, "isEqual": true}],
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "test", "comment": "known",
    });
    post(monitor, "/api/v2/silences", silence).await;
    let alert = |name: &str, since: &str| {
        json!({
            "labels": {"alertname": name, "severity": "page", "job": "api"},
            "annotations": {"summary": format!("{name} fires"), "runbook": "none"},
            "startsAt": since, "endsAt": "2099-01-01T00:00:00Z",
        })
    };
    let old = alert("Old", "2026-11-22T08:00:00+01:00");
    post(
        monitor,
        "/api/v2/alerts",
        json!([old, alert("Noise", "2026-11-22T09:00:00Z"), alert("New", "2026-11-22T10:00:00Z")]),
    )
    .await;
}

/// Alertmanager takes a new silence and a new alert into its lists in its own time.
async fn settled(sources: &[alerts::Source], names: &[&str]) -> Firing {
    until(&format!("{names:?} are listed"), || async {
        let firing = firing(sources).await;
        let listed: Vec<&str> = firing.alerts.iter().map(|alert| alert.name.as_str()).collect();
        (listed == names).then_some(firing)
    })
    .await
}

#[tokio::test]
async fn alertmanager_lists_what_fires_the_latest_first_and_nothing_that_is_silenced() {
    let monitor = alertmanager().await;
    assert_eq!(firing(&[source("prod", Kind::Alertmanager, &monitor.url)]).await, Firing::default());
    two_alerts_and_a_silenced_one(&monitor).await;
    let everything = source("prod", Kind::Alertmanager, &monitor.url).path("/api/v2/alerts").expect("a path");
    let firing = settled(&[source("prod", Kind::Alertmanager, &monitor.url)], &["New", "Old"]).await;
    assert_eq!(firing.unreachable, []);
    assert_eq!(
        serde_json::to_value(&firing.alerts[1]).expect("an alert"),
        json!({
            "name": "Old", "severity": "page", "fired_at": "2026-11-22T07:00:00.000Z", "summary": "Old fires",
            "source": "prod", "labels": {"alertname": "Old", "severity": "page", "job": "api"},
        })
    );
    // Asked for everything, it lists the silenced one as suppressed, and that is not firing either.
    settled(&[everything], &["New", "Old"]).await;
}

#[tokio::test]
async fn prometheus_lists_the_rule_that_fires_and_not_the_one_that_waits() {
    let rules = r#"
groups:
  - name: test
    rules:
      - alert: Always
        expr: vector(1)
        labels: { severity: critical }
        annotations: { summary: "one is {{ $value }}" }
      - alert: Waits
        expr: vector(1)
        for: 1h
"#;
    let monitor = prometheus(rules).await;
    let firing = settled(&[source("local", Kind::Prometheus, &monitor.url)], &["Always"]).await;
    let alert = &firing.alerts[0];
    assert_eq!((alert.severity.as_deref(), alert.summary.as_str()), (Some("critical"), "one is 1"));
    assert!(alert.fired_at.is_some(), "{alert:?}");
    // It does know of the other rule, which is the point.
    let known = client().get(format!("{}/api/v1/alerts", monitor.url)).send().await.expect("an answer");
    let known: Value = known.json().await.expect("json");
    assert_eq!(known["data"]["alerts"].as_array().map(Vec::len), Some(2), "{known}");
}

#[tokio::test]
async fn a_dead_source_is_named_and_hides_nothing_that_the_good_one_says() {
    let monitor = alertmanager().await;
    two_alerts_and_a_silenced_one(&monitor).await;
    let (_nobody_listens, dead) = reserved();
    let sources =
        [source("dead", Kind::Prometheus, &format!("http://{dead}")), source("good", Kind::Alertmanager, &monitor.url)];
    let firing = settled(&sources, &["New", "Old"]).await;
    let why = "no answer: Connection refused (os error 111)".to_owned();
    assert_eq!(firing.unreachable, [Unreachable { source: "dead".to_owned(), why }]);
}
