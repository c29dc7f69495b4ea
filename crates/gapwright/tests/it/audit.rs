//! The journal: whole, and then not.

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::program::Home;

async fn change(home: &Home, sql: &'static str) {
    let path = home.path().join("gapwright.db");
    let mut base = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.expect("the database");
    sqlx::query(sql).execute(&mut base).await.expect("a change");
    base.close().await.expect("written");
}

#[tokio::test]
async fn one_changed_byte_is_found_and_its_entry_named() {
    let home = Home::new();
    for name in ["a", "b", "c"] {
        home.ok(&["jobs", "add", name, "--kind", "x"]);
    }
    assert!(home.ok(&["audit", "verify"]).starts_with("the journal holds: 3 entries"));
    change(&home, "UPDATE journal SET object = 'job:B' WHERE object = 'job:b'").await;
    let id = home.json(&["audit", "tail"])["entries"][1]["id"].as_str().expect("an id").to_owned();
    let ended = home.run(&["audit", "verify"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains(&format!("entry {id} of ")) && ended.out.contains("was changed"), "{ended:?}");
    let ended = home.run(&["--json", "audit", "verify"]);
    let document: Value = serde_json::from_str(&ended.out).expect("a document");
    assert_eq!((ended.code, &document["ok"]), (1, &Value::Bool(false)));
}

#[tokio::test]
async fn a_dropped_entry_is_found_once_a_server_sealed_it() {
    let home = Home::new();
    home.ok(&["jobs", "add", "a", "--kind", "x"]);
    let server = home.serve(&[]);
    server.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(server.wait().0, Some(0));
    let verified = home.json(&["audit", "verify"]);
    assert_eq!(verified["unsealed"], 0, "stopping seals what is left: {verified}");
    change(&home, "DELETE FROM journal WHERE object = 'job:a' AND tool = 'cli jobs add'").await;
    let ended = home.run(&["audit", "verify"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("block 1 sealed"), "{ended:?}");
}

#[test]
fn an_export_is_a_line_of_json_for_each_entry_the_oldest_first() {
    let home = Home::new();
    for name in ["a", "b"] {
        home.ok(&["jobs", "add", name, "--kind", "x"]);
    }
    let lines: Vec<Value> =
        home.ok(&["audit", "export"]).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let objects: Vec<_> = lines.iter().map(|line| line["object"].as_str().expect("an object")).collect();
    assert_eq!(objects, ["job:a", "job:b"]);
    assert!(lines.iter().all(|line| line["hash"].is_string()));
}

#[test]
fn a_head_that_was_kept_must_be_in_the_chain() {
    let home = Home::new();
    let server = home.serve(&[]);
    server.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(server.wait().0, Some(0));
    let head = home.json(&["audit", "verify"])["head"].as_str().expect("a head").to_owned();
    assert_eq!(home.json(&["audit", "verify", "--kept", &head])["ok"], true);
    let ended = home.run(&["audit", "verify", "--kept", &"0f".repeat(32)]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("no block has the head that was kept"), "{ended:?}");
}
