//! The doctor: over a running server, without one, and over one that serves other words.

use serde_json::Value;

use crate::program::Home;

fn verdict<'r>(report: &'r Value, name: &str) -> &'r str {
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}"));
    check["verdict"].as_str().expect("a verdict")
}

#[test]
fn everything_passes_over_a_running_server() {
    let home = Home::new();
    let server = home.serve(&[]);
    let home = home.set("GAPWRIGHT__SERVER__LISTEN", server.address());
    let report = home.json(&["doctor"]);
    for check in report["checks"].as_array().expect("checks") {
        assert_eq!(check["verdict"], "pass", "{check}");
    }
    assert_eq!(report["ok"], true);
    let tokens = home.json(&["token", "list"]);
    let mut doctors =
        tokens["tokens"].as_array().expect("tokens").iter().filter(|token| token["name"] == "gapwright-doctor");
    assert!(doctors.all(|token| token["revoked_at"].is_string()), "{tokens}");
}

#[test]
fn what_cannot_be_looked_at_is_unknown_and_never_right() {
    let home = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:1");
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    assert_eq!(verdict(&report, "served catalogue"), "unknown");
    assert_eq!(verdict(&report, "chores"), "unknown");
    assert_eq!(verdict(&report, "scheduled jobs"), "unknown");
}

#[test]
fn a_catalogue_that_is_served_with_other_words_is_told_tool_by_tool() {
    let home = Home::new();
    let server = home.serve(&[]);
    let home = home.set("GAPWRIGHT__SERVER__LISTEN", server.address()).set("GAPWRIGHT__MCP__TOOL_PREFIX", "other-");
    let ended = home.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("fail     served catalogue"), "{}", ended.out);
    assert!(ended.out.contains("other-acquire-lock is missing"), "{}", ended.out);
    assert!(ended.out.contains("monolith-agent-acquire-lock is not ours"), "{}", ended.out);
}

#[test]
fn a_server_over_another_database_is_a_stranger() {
    let one = Home::new();
    let server = one.serve(&[]);
    let other = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", server.address());
    let ended = other.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("does not take a token of this database"), "{}", ended.out);
}

#[test]
fn settings_that_make_no_sense_and_a_missing_database_fail_the_report() {
    let home = Home::new();
    home.write("gapwright.toml", "[server]\nlisen = 1\n");
    let ended = home.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("fail     settings") && ended.out.contains("server.listen"), "{}", ended.out);
    home.write("gapwright.toml", "[notify.channels.ops]\nurl = \"nothing://x\"\n");
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    assert_eq!(verdict(&report, "database"), "fail");
    assert_eq!(verdict(&report, "the rest"), "unknown");
    assert_eq!(verdict(&report, "settings"), "fail");
}
