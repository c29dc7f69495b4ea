//! The demonstration, run as a visitor runs it: it goes as docs/demo.md shows it, does what it says, and leaves nothing.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::program::Home;

/// Every step, in order.
const STEPS: [&str; 22] = [
    "began",
    "claimed",
    "failed",
    "raised",
    "raised",
    "swept",
    "let",
    "moved",
    "planned",
    "changed",
    "moved",
    "reviewed",
    "changed",
    "reviewed",
    "judged",
    "waits",
    "merged",
    "gap",
    "claimed",
    "succeeded",
    "gap",
    "kept",
];

/// A folder in which the demonstration makes its own.
fn home() -> Home {
    let home = Home::new();
    let folder = home.path().display().to_string();
    home.set("TMPDIR", &folder)
}

/// Nothing is in the folder, and no process was started from there.
fn is_tidy(home: &Home) {
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?} is left");
    let here = home.path().display().to_string();
    let runs = |process: &Path| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&[environment, command].concat()).contains(&here)
    };
    let processes = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    let left: Vec<_> = processes.map(|entry| entry.path()).filter(|process| runs(process)).collect();
    assert!(left.is_empty(), "{left:?} runs on");
}

/// The output without what differs from run to run: moments, lengths of time, the port and commits.
fn settled(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches(']');
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let commits = |text: &str| {
            text.split("..").all(|commit| commit.len() == 40 && u128::from_str_radix(&commit[..32], 16).is_ok())
        };
        match bare {
            _ if digits(bare) && bare.contains('.') => "T".to_owned(),
            _ if bare.starts_with("http://127.0.0.1:") => "URL".to_owned(),
            _ if commits(bare) => "COMMITS".to_owned(),
            _ => word.to_owned(),
        }
    };
    let line = |line: &str| {
        let head = line.len() - line.trim_start().len();
        let told: Vec<_> = line.split_whitespace().map(word).collect();
        // A moment has as many digits as it has.
        let indent = if told.first().is_some_and(|first| first == "T") { 0 } else { head };
        format!("{}{}", " ".repeat(indent), told.join(" "))
    };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// How long a visitor waits.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn the_demonstration_goes_as_it_is_recorded_and_leaves_nothing() {
    // Somebody's own repository, which their shell says to every git.
    let theirs = tempfile::tempdir().expect("a folder");
    let git = |words: &[&str]| {
        let done = Command::new("git").arg("-C").arg(theirs.path()).args(words).output().expect("git runs");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    git(&["init", "--quiet"]);
    let folder = theirs.path().display().to_string();
    let home = home().set("GIT_DIR", &format!("{folder}/.git")).set("GIT_WORK_TREE", &folder);
    let home = home.set("GIT_INDEX_FILE", &format!("{folder}/index")).set("GIT_CEILING_DIRECTORIES", "/");
    let began = Instant::now();
    let ended = home.run(&["demo", "--yes"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
    assert_eq!(git(&["for-each-ref"]) + &git(&["status", "--porcelain"]), "", "it worked in another repository");
    let page = include_str!("../../../../docs/demo.md");
    let recorded = page.split("```text\n").nth(1).and_then(|rest| rest.split("```\n").next()).expect("a recording");
    assert_eq!(settled(&ended.out), settled(recorded), "docs/demo.md is to show:\n{}", ended.out);
    is_tidy(&home);
}

#[test]
fn every_step_is_done_and_what_is_kept_says_so() {
    let home = home();
    let out = home.ok(&["--json", "demo", "--yes", "--keep"]);
    let steps: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
    let events: Vec<_> = steps.iter().map(|step| step["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(events, STEPS, "{out}");
    let folder = std::fs::read_dir(home.path()).expect("a folder").flatten().next().expect("the kept folder").path();
    let settings = folder.join("gapwright.toml").display().to_string();
    let ask = |words: &[&str]| home.json(&[&["--config", &settings], words].concat());

    let pull = ask(&["pulls", "show", "2"]);
    assert_eq!((&pull["state"], &pull["iteration"]), (&json!("merged"), &json!(1)), "{pull}");
    let rounds: Vec<_> = pull["rounds"].as_array().expect("rounds").iter().collect();
    let said: Vec<_> =
        rounds.iter().filter(|round| round["stage"] == "reviewer").map(|round| &round["verdict"]).collect();
    assert_eq!(said, [&json!("REQUEST_CHANGES"), &json!("APPROVE")], "sent back once");
    let who: std::collections::BTreeSet<_> = rounds.iter().map(|round| round["principal"].to_string()).collect();
    assert_eq!(who.len(), 4, "each stage has a principal of its own: {who:?}");
    assert!(rounds.iter().all(|round| round["usage_known"] == true), "{pull}");

    let git = |words: &[&str]| {
        let done = Command::new("git").arg("-C").arg(folder.join("shop.git")).args(words).output().expect("git runs");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    };
    let commits = git(&["log", "--format=%s", "main^1..main^2"]);
    assert_eq!(commits, "fix: list deploys alone\nfeat: a tool that lists recent deploys", "what was merged");

    let gap = ask(&["gaps", "show", "mcp-tool/list-recent-deploys"]);
    assert_eq!(gap["state"], json!("proven"), "{gap}");
    let runs = ask(&["runs", "list"]);
    let of_routine = runs["runs"].as_array().expect("runs").iter().filter(|run| run["job"] == "deploy-digest");
    let ends: Vec<_> = of_routine.map(|run| run["outcome"].as_str().unwrap_or_default()).collect();
    assert_eq!(ends, ["ok", "error"], "the last first");
    ask(&["audit", "verify"]);
    std::fs::remove_dir_all(folder).expect("removed");
    is_tidy(&home);
}

#[test]
fn without_a_person_it_stops_where_a_person_merges() {
    let home = home();
    let out = home.ok(&["demo"]);
    assert!(out.contains("stops here: people merge") && out.contains("gapwright demo --yes"), "{out}");
    assert!(!out.contains("merges #2"), "{out}");
    is_tidy(&home);
}

#[test]
fn interrupted_at_work_it_leaves_nothing_either() {
    let home = home();
    let mut running = home.starts(&["demo", "--yes"]);
    let mut lines = BufReader::new(running.take_out()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("hands in a plan")), "it got to work");
    running.signal(Signal::SIGINT);
    assert!(lines.all(|line| !line.contains("merges")), "it went on");
    assert_eq!(running.wait(), Some(130));
    is_tidy(&home);
}
