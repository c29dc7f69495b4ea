//! A reviewer that is tried: a real run over the real corpus, with a scripted reviewer that catches every defect, or answers
//! nothing; and what is told of it then.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use domain::calibration::corpus;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::program::Home;

/// The reviewer's token.
const NAME: &str = "reviewer-1";

/// Where trials make their own folder, below the home.
const TEMPORARY: &str = "tmp";

/// A folder with a database, a reviewer's token, and an index of what is wrong, for the script.
fn home() -> Home {
    let home = Home::with_database();
    home.ok(&["token", "create", "--role", "reviewer", "--name", NAME]);
    home.ok(&["token", "create", "--role", "planner", "--name", "planner-1"]);
    let wrong: Vec<_> = corpus::cases()
        .iter()
        .map(|case| json!({"path": case.path, "text": case.seeded, "line": case.lines[case.lines.len() / 2]}))
        .collect();
    home.write("index.json", &json!(wrong).to_string());
    let temporary = home.path().join(TEMPORARY);
    std::fs::create_dir(&temporary).expect("a folder");
    home.set("TMPDIR", &temporary.display().to_string()).set("PATH", "/usr/local/bin:/usr/bin:/bin")
}

/// The script as a command line.
fn agent(home: &Home, how: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/shadow.py");
    format!("python3 {} {} {how}", script.display(), home.path().join("index.json").display())
}

fn is_tidy(home: &Home) {
    let left: Vec<_> = std::fs::read_dir(home.path().join(TEMPORARY)).expect("a folder").flatten().collect();
    assert!(left.is_empty(), "{left:?} is left");
}

fn report(home: &Home) -> Value {
    home.json(&["calibrate", "report"])
}

#[test]
fn a_reviewer_is_tried_on_every_kind_and_what_it_said_is_kept() {
    let home = home();
    let agent = agent(&home, "reviews");
    let words =
        ["calibrate", "run", "--agent", &agent, "--reviewer", NAME, "--count", "12", "--concurrency", "4", "--yes"];
    let answer = home.json(&words);
    assert_eq!((&answer["planned"], &answer["answered"], &answer["missed"]), (&json!(27), &json!(27), &json!(0)));
    is_tidy(&home);

    let known = report(&home);
    assert_eq!(known["reviewers"].as_array().expect("reviewers").len(), 1, "{known}");
    let one = &known["reviewers"][0];
    assert_eq!(one["reviewer"], json!({"principal": NAME, "model": "scripted", "prompt": "0123abcd"}));
    let trials = &one["trials"];
    let share = |of: &Value| (of["k"].clone(), of["n"].clone());
    assert_eq!(share(&trials["recall"]), (json!(12), json!(12)), "{trials}");
    assert_eq!(share(&trials["false_alarms"]), (json!(0), json!(6)));
    assert_eq!(share(&trials["flips"]), (json!(0), json!(6)));
    assert_eq!(share(&trials["retests"]), (json!(3), json!(3)));
    assert!(trials["by_kind"].as_object().expect("kinds").values().all(|kind| share(kind) == (json!(1), json!(1))));
    assert_eq!(one["calibrated_until"], Value::Null, "{one}");
    assert!(one["missing"].to_string().contains("12 of 40 seeded defects were tried"), "{one}");
    assert_eq!((&one["pulls"]["base"]["n"], &one["pulls"]["kappa"]), (&json!(0), &Value::Null));
    assert_eq!(one["pulls"]["leniency"]["rate"], Value::Null, "of nothing nothing is known");
    let text = home.ok(&["calibrate", "report"]);
    assert!(text.contains("defects caught") && text.contains("12 of 12 (100 %, 76 % to 100 %)"), "{text}");

    // Each is in the audit, and it holds.
    let journal = home.json(&["audit", "tail", "--limit", "200"]).to_string();
    assert_eq!(journal.matches("\"object\":\"trials:").count(), 27, "{journal}");
    home.ok(&["audit", "verify"]);
    tells_nothing(&home);
}

/// What the reviewer was told and could see gives nothing away.
fn tells_nothing(home: &Home) {
    let seen = std::fs::read_to_string(home.path().join("seen")).expect("what it saw").to_lowercase();
    assert!(seen.contains("\"pass\"") && seen.contains("submit-review"), "it saw its prompt and its answers: {seen}");
    // The index and the script are the test's own.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).display().to_string().to_lowercase();
    let seen = seen.replace(&script, "").replace(&home.path().display().to_string().to_lowercase(), "");
    for word in ["calibrat", "shadow", "trial", "seeded", "throw", "demo"] {
        assert!(!seen.contains(word), "{word}: {:?}", seen.find(word).map(|at| &seen[at.saturating_sub(200)..at + 50]));
    }
}

#[test]
fn a_reviewer_that_answers_nothing_ends_it_after_three_and_nothing_is_kept() {
    let home = home();
    let agent = agent(&home, "idle");
    let ended = home.run(&["calibrate", "run", "--agent", &agent, "--reviewer", NAME, "--count", "4", "--yes"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("3 reviews in a row ended without an answer"), "{ended:?}");
    assert_eq!(ended.err.matches("no answer, and not counted").count(), 3, "{ended:?}");
    assert_eq!(report(&home)["reviewers"], json!([]));
    is_tidy(&home);
}

#[test]
fn one_that_says_it_is_another_model_than_it_was_started_with_is_not_counted() {
    let home = home();
    let agent = agent(&home, "reviews");
    let words = ["calibrate", "run", "--agent", &agent, "--reviewer", NAME, "--model", "m-2", "--count", "4", "--yes"];
    let ended = home.run(&words);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("it was started with m-2, and says that it is scripted"), "{ended:?}");
    assert_eq!(report(&home)["reviewers"], json!([]));
    is_tidy(&home);
}

#[test]
fn interrupted_it_keeps_what_was_answered_and_leaves_nothing() {
    let home = home();
    let agent = agent(&home, "reviews");
    let mut running = home.starts(&["calibrate", "run", "--agent", &agent, "--reviewer", NAME, "--yes"]);
    let mut lines = BufReader::new(running.take_err()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("2 of 90: ")), "two were answered");
    running.signal(Signal::SIGINT);
    let rest: Vec<_> = lines.collect();
    assert_eq!(running.wait(), Some(130), "{rest:?}");
    let kept = report(&home)["reviewers"][0]["trials"]["n"].as_u64().expect("a count");
    assert!((2..10).contains(&kept), "{kept}");
    is_tidy(&home);
}

/// A run with an agent that is there, and these words.
fn run<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["calibrate", "run", "--agent", "true"], words].concat()
}

#[test]
fn what_cannot_be_tried_is_refused_before_anything_is_begun() {
    let home = home();
    let told = home.fails(3, &run(&["--reviewer", "nobody", "--yes"]));
    assert!(told.contains("no reviewer \"nobody\"") && told.contains("token create --role reviewer"), "{told}");
    home.fails(3, &run(&["--reviewer", "planner-1", "--yes"]));
    let told = home.fails(2, &["calibrate", "run", "--agent", "/nowhere/claude", "--reviewer", NAME, "--yes"]);
    assert!(told.contains("there is no program /nowhere/claude"), "{told}");
    for model in ["", " m", "a\nb"] {
        home.fails(2, &run(&["--reviewer", NAME, "--model", model, "--yes"]));
    }
    for count in ["0", "49", "-1"] {
        home.fails(2, &run(&["--reviewer", NAME, "--count", count, "--yes"]));
    }
    home.fails(2, &run(&["--reviewer", NAME, "--concurrency", "0", "--yes"]));
    let told = home.fails(2, &run(&["--reviewer", NAME]));
    assert!(told.contains("90 shadow reviews by reviewer-1") && told.contains("$360"), "{told}");
    assert!(told.contains("--yes"), "{told}");
    home.fails(2, &["calibrate", "report", "--days", "0"]);
    assert_eq!(report(&home)["reviewers"], json!([]));
    is_tidy(&home);
}
