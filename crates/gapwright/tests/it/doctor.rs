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
    let names: Vec<_> = tokens["tokens"].as_array().expect("tokens").iter().map(|token| &token["name"]).collect();
    assert_eq!(names, ["claude-routine-agent"], "the doctor's own is revoked");
}

#[test]
fn what_cannot_be_looked_at_is_unknown_and_never_right() {
    let home = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:1");
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    assert_eq!(verdict(&report, "served catalogue"), "unknown");
    assert_eq!(verdict(&report, "chores"), "unknown");
    assert_eq!(verdict(&report, "scheduled jobs"), "unknown");
}

/// It may be run as another user than the one that serves, and then that one could not use it.
#[test]
fn the_doctor_makes_no_git_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    let git = folder.path().join("website.git");
    let home = Home::with_database().set("GAPWRIGHT__FORGE__GIT", git.to_str().expect("a text"));
    home.ok(&["level", "raise", "--override", "to look at the forge"]);
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    assert_eq!(verdict(&report, "forge"), "unknown", "{report}");
    assert!(report.to_string().contains("website.git is not there yet"), "{report}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

fn found(home: &Home, name: &str) -> (String, String) {
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}"));
    let text = |field: &str| check[field].as_str().expect("a text").to_owned();
    (text("verdict"), format!("{} {}", text("found"), text("hint")))
}

fn git(folder: &std::path::Path, args: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=ann", "-c", "user.email=ann@example.com"]).args(args).current_dir(folder);
    let ended = git.output().expect("git");
    assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn what_the_pipeline_lacks_is_told_with_the_next_step() {
    let home = Home::with_database();
    let site = home.path().join("site.git");
    let home = home.set("GAPWRIGHT__FORGE__GIT", site.to_str().expect("a text"));
    git(home.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "site.git"]);
    assert_eq!(found(&home, "stages").0, "pass", "at observe none works");
    for _ in 0..2 {
        home.ok(&["level", "raise", "--override", "to look at the pipeline"]);
    }
    let told = |name: &str, verdict: &str, words: &str| {
        let (is, says) = found(&home, name);
        assert!(is == verdict && says.contains(words), "{name} is {is}: {says}");
    };
    told("broker", "unknown", "is not there yet gapwright serve makes it");
    drop(home.serve(&[]));
    told("broker", "pass", "broker.git, by git 2.43 or later");
    let work = home.path().join("work");
    git(home.path(), &["init", "--quiet", "--initial-branch=main", "work"]);
    std::fs::create_dir(work.join(".gapwright")).expect("a folder");
    std::fs::write(work.join(".gapwright/policy.toml"), "[visual]\nnon_visual = [\"**\"]\n").expect("a file");
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "--message", "Say what shows"]);
    git(&work, &["push", "--quiet", "--force", site.to_str().expect("a text"), "main", "main:gapwright"]);
    told("policy", "fail", "would let everything by; every change counts as one that shows");
    told("branches", "fail", "there is a branch gapwright, so that none can begin with gapwright/");
    git(&work, &["push", "--quiet", site.to_str().expect("a text"), ":gapwright"]);
    told("branches", "pass", "changes are merged into main");

    let token = |role: &str, name: &str| home.ok(&["token", "create", "--role", role, "--name", name]);
    token("planner", "ann");
    token("implementer", "ann");
    token("reviewer", "reviewer-1");
    told("stages", "fail", "no token in force has the role merger gapwright token create --role merger");
    token("merger", "merger-1");
    told("stages", "fail", "cannot each be somebody else");
    token("implementer", "implementer-1");
    told("stages", "pass", "each has a token");
    told("switches", "pass", "nothing is switched off");
    home.ok(&["switch", "off", "kind:reviewer", "--reason", "it says nonsense"]);
    told("switches", "fail", "it says nonsense gapwright switch list");
}

#[test]
fn what_merging_by_itself_lacks_is_told_once_something_may() {
    let home = Home::with_database();
    let told = |home: &Home, verdict: &str, words: &str| {
        let (is, says) = found(home, "gate");
        assert!(is == verdict && says.contains(words), "the gate is {is}: {says}");
    };
    told(&home, "pass", "nothing merges by itself at the level observe");
    for _ in 0..3 {
        home.ok(&["level", "raise", "--override", "to look at merging by itself"]);
    }
    told(&home, "fail", "names no check that must have passed");
    home.write("gapwright.toml", "[gate]\nchecks = [\"test\"]\n");
    told(&home, "pass", "0 armed");
    home.write("gapwright.toml", "[gate]\nchecks = [\"test\"]\nstreak = 20\n");
    told(&home, "unknown", "streak is 20 and not 50: nothing bad among 20 leaves a rate of up to 13.9 %");
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
fn what_a_stranger_says_of_itself_says_nothing_of_this_database() {
    for args in [&[][..], &["--insecure-no-auth"]] {
        let one = Home::new();
        let server = one.serve(args);
        let other = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", server.address());
        let report: Value = serde_json::from_str(&other.run(&["--json", "doctor"]).out).expect("a report");
        assert_eq!(verdict(&report, "chores"), "unknown", "{report}");
        assert!(report.to_string().contains("works over another database"), "{report}");
    }
    let home = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:1");
    let said = home.run(&["doctor"]).out;
    assert!(said.contains("if one runs with --listen, tell the doctor too, by GAPWRIGHT__SERVER__LISTEN"), "{said}");
}

#[test]
fn settings_that_make_no_sense_and_a_missing_database_fail_the_report() {
    let home = Home::new();
    home.write("gapwright.toml", "[server]\nlisen = 1\n");
    let ended = home.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("fail     settings") && ended.out.contains("server.listen"), "{}", ended.out);
    home.write("gapwright.toml", "");
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    assert_eq!(verdict(&report, "database"), "fail");
    assert_eq!(verdict(&report, "the rest"), "unknown");
    assert_eq!(verdict(&report, "settings"), "pass");
}

#[test]
fn a_secret_that_is_missing_is_told_once_and_hides_nothing_else() {
    let home = Home::with_database()
        .set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:1")
        .set("GAPWRIGHT__NOTIFY__CHANNELS__ONE__URL_FILE", "missing-one")
        .set("GAPWRIGHT__NOTIFY__CHANNELS__TWO__URL_FILE", "missing-two")
        .set("GAPWRIGHT__ALERTS__PROD__KIND", "prometheus")
        .set("GAPWRIGHT__ALERTS__PROD__URL", "http://127.0.0.1:1")
        .set("GAPWRIGHT__ALERTS__PROD__TOKEN_FILE", "missing-token")
        .set("GAPWRIGHT__DEAD_MANS_SWITCH__PING_URL_FILE", "missing-address");
    let ended = home.run(&["doctor"]);
    for missing in ["missing-one", "missing-two", "missing-token", "missing-address"] {
        assert_eq!(ended.out.matches(missing).count(), 1, "{}", ended.out);
    }
    let report: Value = serde_json::from_str(&home.run(&["--json", "doctor"]).out).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    let names: std::collections::BTreeSet<_> = checks.iter().map(|check| check["name"].as_str()).collect();
    assert_eq!(names.len(), checks.len(), "a check is told once: {report}");
    for (name, came_to) in [
        ("settings", "pass"),
        ("channels", "fail"),
        ("alert sources", "fail"),
        ("dead-man's switch", "fail"),
        ("audit", "pass"),
    ] {
        assert_eq!(verdict(&report, name), came_to, "{name} in {report}");
    }
}

#[test]
fn where_no_server_answers_nothing_is_left_behind() {
    let home = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:1");
    home.run(&["doctor"]);
    assert_eq!(home.json(&["token", "list", "--all"])["tokens"], serde_json::json!([]));
    assert_eq!(home.json(&["audit", "tail"])["entries"], serde_json::json!([]));
    let server = home.serve(&[]);
    assert!(server.said.contains("\ntoken: gapw_"), "the first start still shows its token: {}", server.said);
}

#[test]
fn each_check_is_a_line_and_its_next_step_another() {
    let home = Home::with_database().set("GAPWRIGHT__SERVER__LISTEN", "127.0.0.1:1");
    let said = home.run(&["doctor"]).out;
    let lines: Vec<_> = said.lines().skip(1).collect();
    assert_eq!(lines.last(), Some(&"nothing failed; 3 checks came to nothing"), "{said}");
    for line in &lines[..lines.len() - 1] {
        let begins = ["pass     ", "fail     ", "unknown  ", "                             hint: "];
        assert!(begins.iter().any(|begin| line.starts_with(begin)), "{line:?} in {said}");
    }
}
