//! What an operator's tools ask: is it live, is it ready, what does it count, and does it end well.

use domain::agent::Role;
use harness::{World, both};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::asked::{Asked, ok, options};

async fn get(url: &str) -> (StatusCode, String) {
    let answer = reqwest::get(url).await.expect("an answer");
    (answer.status(), answer.text().await.expect("a text"))
}

/// Asks until the answer has this status. Readiness is looked at twice a second, and there is no bell to hear it by.
pub(crate) async fn until(url: &str, status: StatusCode) -> std::time::Duration {
    let began = std::time::Instant::now();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    while get(url).await.0 != status {
        assert!(began.elapsed().as_secs() < 20, "{url} never answered {status}");
        looks.tick().await;
    }
    began.elapsed()
}

/// What the server tells of itself.
pub(crate) async fn metrics(asked: &Asked) -> String {
    get(&format!("{}/metrics", asked.url)).await.1
}

/// Asks until the numbers have this line.
pub(crate) async fn until_told(asked: &Asked, line: &str) {
    let began = std::time::Instant::now();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    while !metrics(asked).await.lines().any(|told| told == line) {
        assert!(began.elapsed().as_secs() < 20, "{line} was never told:\n{}", metrics(asked).await);
        looks.tick().await;
    }
}

both!(a_serving_server_is_live_and_ready_and_tells_its_numbers, async |world| {
    let asked = Asked::new(world).await;
    until(&format!("{}/readyz", asked.url), StatusCode::OK).await;
    assert_eq!(get(&format!("{}/livez", asked.url)).await.0, StatusCode::OK);
    let client = asked.client(Role::Routine, "ann").await;
    ok(&client, "acquire-lock", json!({"key": "k", "holder": "h", "ttl_secs": 60})).await;
    client.call("acquire-lock", json!({"key": "", "holder": "h", "ttl_secs": 60})).await;
    let (_, metrics) = get(&format!("{}/metrics", asked.url)).await;
    for line in [
        "gapwright_tool_calls_total{tool=\"acquire-lock\",code=\"ok\"} 1",
        "gapwright_tool_calls_total{tool=\"acquire-lock\",code=\"invalid_argument\"} 1",
        "gapwright_locks 1",
        "gapwright_outbox_pending 0",
        "gapwright_store_up 1",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains(&format!("catalogue_hash=\"{}\"", server::mcp::catalogue_hash("monolith-agent-"))));
    assert!(metrics.ends_with("# EOF\n"));
    assert_eq!(metrics.matches("# EOF").count(), 1);
    asked.end().await.expect("a clean end");
});

#[tokio::test]
async fn a_real_prometheus_reads_the_numbers() {
    let world = World::new(harness::On::Memory).await;
    let asked = Asked::new(&world).await;
    let client = asked.client(Role::Routine, "ann").await;
    ok(&client, "list-locks", json!({})).await;
    let (_, metrics) = get(&format!("{}/metrics", asked.url)).await;
    let mut check = tokio::process::Command::new("promtool");
    check
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut check = check.spawn().expect("promtool runs: apt-get install -y prometheus");
    let mut stdin = check.stdin.take().expect("its input");
    // promtool reads the older form, in which the end is not marked.
    tokio::io::AsyncWriteExt::write_all(&mut stdin, metrics.trim_end_matches("# EOF\n").as_bytes())
        .await
        .expect("written");
    drop(stdin);
    let said = check.wait_with_output().await.expect("its word");
    let faults: Vec<_> = String::from_utf8_lossy(&said.stderr)
        .lines()
        .filter(|line| line.contains("error"))
        .map(str::to_owned)
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    asked.end().await.expect("a clean end");
}

both!(a_server_that_stops_is_no_longer_ready_and_ends_what_was_under_way, async |world| {
    let asked = Asked::new(world).await;
    until(&format!("{}/readyz", asked.url), StatusCode::OK).await;
    let client = asked.client(Role::Routine, "ann").await;
    let under_way = tokio::spawn({
        let client = client.clone();
        async move { ok(&client, "register-routine-job", json!({"name": "j", "kind": "k"})).await }
    });
    assert_eq!(under_way.await.expect("an answer")["ok"], json!(true));
    let began = std::time::Instant::now();
    asked.end().await.expect("a clean end");
    assert!(began.elapsed().as_secs() < 10, "it took {:?}", began.elapsed());
});

both!(version_tells_what_is_served, async |world| {
    let asked = Asked::new(world).await;
    let version: Value = serde_json::from_str(&get(&format!("{}/version", asked.url)).await.1).expect("JSON");
    assert_eq!((&version["name"], &version["tools"]), (&json!("gapwright"), &json!(server::mcp::tool_names("").len())));
    assert_eq!(version["protocols"], json!(["2026-07-28", "2025-11-25"]));
    asked.end().await.expect("a clean end");
});

both!(triggering_says_whether_the_job_rings_and_why_not, async |world| {
    let plane = async |cadence: &[&str]| {
        let schedule = cadence.iter().map(|cadence| ("retention".to_owned(), (*cadence).to_owned())).collect();
        let plane = world.replica_with(|settings| settings.schedule = schedule).await;
        plane.sync_schedule().await.expect("a schedule");
        plane
    };
    let asked = Asked::serve(plane(&["every 1h"]).await, options()).await;
    let client = asked.client(Role::Routine, "ann").await;
    let trigger = async |name: &str| ok(&client, "trigger-job", json!({"name": name})).await;
    assert_eq!(trigger("retention").await, json!({"ok": true}));
    assert_eq!(trigger("nothing").await, json!({"ok": false, "reason": "not_found"}));
    plane(&[]).await;
    assert_eq!(trigger("retention").await, json!({"ok": false, "reason": "off"}));
    asked.end().await.expect("a clean end");
});
