//! Kill switches by command: what is off gives no claim, and what runs is told of honestly.

use harness::mcp::{Answer, Client};
use serde_json::{Value, json};

use crate::program::Home;

async fn claim(client: &Client, arguments: Value) -> Value {
    match client.call("claim-routine-job", arguments).await {
        Answer::Ok(answer) => answer,
        other @ (Answer::Refused(_) | Answer::Unknown(_)) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_gives_no_claim_and_what_runs_of_it_is_told() {
    let home = Home::new();
    let server = home.serve(&["--insecure-no-auth"]);
    let client = Client::new(&server.url, "");
    for name in ["a", "b"] {
        home.ok(&["jobs", "add", name, "--kind", "digest", "--next-run-at", "2026-01-01T00:00:00Z"]);
    }
    assert_eq!(home.ok(&["switch", "list"]), "nothing is switched off\n");
    let held = claim(&client, json!({"name": "a", "holder": "w", "ttl_secs": 600})).await;
    assert_eq!(held["job"]["name"], "a", "{held}");

    let off = home.json(&["switch", "off", "kind:digest", "--reason", "it says nonsense"]);
    assert_eq!((&off["off"], &off["running"][0]["job"]), (&json!(true), &json!("a")));
    let said = home.ok(&["switch", "off", "kind:digest", "--reason", "it says nonsense, still"]);
    assert!(said.starts_with("kind:digest is off already, and the first reason stands\n1 job runs on"), "{said}");
    for wish in
        [json!({"name": "b", "holder": "w", "ttl_secs": 60}), json!({"kind": "digest", "holder": "w", "ttl_secs": 60})]
    {
        let nothing = claim(&client, wish).await;
        assert_eq!(nothing["reason"], "switched_off", "{nothing}");
    }
    let listed = home.ok(&["switch", "list"]);
    for words in ["it says nonsense", "Still at work, to the end of the claim", "\na  "] {
        assert!(listed.contains(words), "{words:?} is not in {listed}");
    }
    // What runs goes on to its end.
    let done = json!({"name": "a", "status": "ok", "claim_id": held["claim_id"]});
    assert!(matches!(client.call("complete-routine-job", done).await, Answer::Ok(_)));
    assert!(home.ok(&["switch", "list"]).ends_with("nothing of it runs\n"));

    assert_eq!(home.ok(&["switch", "on", "kind:digest"]), "kind:digest is on\n");
    assert_eq!(claim(&client, json!({"kind": "digest", "holder": "w", "ttl_secs": 60})).await["job"]["name"], "b");
    let other = home.json(&["switch", "off", "repo:a/b", "--reason", "it moves elsewhere"]);
    assert_eq!(other["running"], json!([]), "b works on no repository");
    let said = home.ok(&["switch", "off", "all", "--reason", "a quiet night for everybody"]);
    assert!(said.contains("1 job runs on"), "{said}");
    assert_eq!(home.ok(&["switch", "on", "all"]), "all is on\nstill off: repo:a/b\n");
    let kept = home.json(&["audit", "tail"]);
    let acts: Vec<_> = kept["entries"].as_array().expect("entries").iter().map(|entry| &entry["tool"]).collect();
    assert!(acts.contains(&&json!("cli switch off")) && acts.contains(&&json!("cli switch on")), "{acts:?}");
}
