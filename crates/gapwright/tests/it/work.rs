//! The runner's command line: whom it asks, what it says, how it ends. What it does to a job is tried in its own crate.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use harness::mcp::{Answer, Client};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::{Value, json};

use crate::program::{Home, Server, until};

/// The variable with the runner's token.
const WORK_TOKEN: &str = "GAPWRIGHT_WORK_TOKEN";

/// A folder whose forge has a repository, with a planner's token in the file `token`.
fn home() -> Home {
    let home = Home::new();
    let git = home.path().join("home.git").display().to_string();
    let home = home.set("GAPWRIGHT__FORGE__GIT", &git);
    let made = home.json(&["token", "create", "--role", "planner", "--name", "a-planner"]);
    home.write("token", made["token"].as_str().expect("a token"));
    home
}

const WORK: [&str; 8] = ["work", "--kind", "planner", "--agent", "true", "--folder", "work", "--once"];

#[test]
fn nothing_due_is_said_and_ends_well() {
    let home = home();
    let server = home.serve(&[]);
    let known = [&WORK[..], &["--server", &server.url, "--token-file", "token"]].concat();
    assert_eq!(home.ok(&known), "nothing to do: nothing_due\n");
    let document = home.json(&known);
    assert_eq!((&document["event"], &document["reason"]), (&"nothing".into(), &"nothing_due".into()));
    let folder = std::fs::metadata(home.path().join("work/local.git")).expect("its own broker");
    assert!(folder.is_dir());
}

#[test]
fn who_is_not_known_and_what_is_not_there_have_codes_of_their_own() {
    let home = home();
    let server = home.serve(&[]);
    let url = ["--server", &server.url];
    assert!(home.fails(2, &[&WORK[..], &url].concat()).contains("GAPWRIGHT_WORK_TOKEN"));
    home.write("wrong", "gapw_nobody");
    let told = home.fails(4, &[&WORK[..], &url, &["--token-file", "wrong"]].concat());
    assert!(told.contains("does not take the token"), "{told}");
    let nowhere = [&WORK[..], &["--server", "http://127.0.0.1:9", "--token-file", "token"]].concat();
    assert!(home.fails(75, &nowhere).contains("does not answer"));
    assert!(
        home.fails(2, &["work", "--kind", "digest", "--agent", "true"])
            .contains("planner, implementer, reviewer, merger")
    );
    assert!(home.fails(2, &["work", "--kind", "planner", "--agent", "./claude"]).contains("absolute path"));
    let viewer = home.json(&["token", "create", "--role", "viewer", "--name", "a-viewer"]);
    home.write("viewer", viewer["token"].as_str().expect("a token"));
    home.fails(4, &[&WORK[..], &url, &["--token-file", "viewer"]].concat());
}

#[test]
fn a_token_is_sent_by_plain_http_to_this_machine_alone_unless_it_is_said() {
    let home = home();
    let known = [&WORK[..], &["--token-file", "token"]].concat();
    for server in ["http://it.invalid", "http://10.0.0.7:8787", "http://localhost.it.invalid"] {
        let told = home.fails(2, &[&known[..], &["--server", server]].concat());
        assert!(told.contains("--insecure-http"), "{told}");
    }
    let said = [&known[..], &["--server", "http://it.invalid", "--insecure-http"]].concat();
    assert!(home.fails(75, &said).contains("does not answer"), "it is asked");
}

/// Two gaps that agents may act on, and a pull request begun for each.
async fn begins_two(home: &Home, server: &Server) {
    let token = home.json(&["token", "create", "--role", "routine", "--name", "ann"]);
    let client = Client::new(&server.url, token["token"].as_str().expect("a token"));
    for name in ["one", "two"] {
        let gap = json!({"kind": "mcp-tool", "name": name, "reason": "none is there"});
        assert!(matches!(client.call("report-gap", gap).await, Answer::Ok(_)), "reported");
    }
    home.ok(&["level", "raise", "--override", "a trial of the whole way, on nobody's repository"]);
    home.ok(&["schedules", "trigger", "register-jobs"]);
    let issues = || home.json(&["issues", "list"]);
    until("two issues", issues, |list| list["issues"].as_array().is_some_and(|issues| issues.len() == 2)).await;
    for number in ["1", "2"] {
        home.ok(&["issues", "label", number, "claude"]);
    }
    let pulls = || home.json(&["pulls", "list"]);
    until("two beginnings", pulls, |list| list["pulls"].as_array().is_some_and(|pulls| pulls.len() == 2)).await;
}

/// An agent that waits until another one is at work too, writes down what it can read of its runner's environment, and commits.
fn meets_and_looks(at: &Path) -> String {
    let at = at.display();
    let play = format!(
        "if mkdir {at}/first 2>/dev/null; then read go <{at}/gate; else echo go >{at}/gate; fi; \
         {{ tr '\\0' '\\n' </proc/$PPID/environ; }} >{at}/seen.$$ 2>{at}/told.$$ || true; \
         echo x >made-$$.txt; git add -A; git commit -qm 'feat: it'"
    );
    format!("sh -ec {}", shlex(&play))
}

/// The program without the rights of root, where root runs the tests: whoever may trace every process may read everything,
/// whatever is done.
fn unprivileged() -> Command {
    let program = env!("CARGO_BIN_EXE_gapwright");
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", program]);
    command
}

fn shlex(words: &str) -> String {
    format!("'{}'", words.replace('\'', "'\\''"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_work_at_once_and_neither_reads_what_the_runner_knows() {
    let home = Home::with_database();
    let git = home.path().join("site.git").display().to_string();
    let home = home.set("GAPWRIGHT__FORGE__GIT", &git).set("GAPWRIGHT__FORGE__POLL", "10s");
    let server = home.serve(&[]);
    let home = home.set("GAPWRIGHT__SERVER__LISTEN", server.address());
    begins_two(&home, &server).await;
    let token = home.json(&["token", "create", "--role", "implementer", "--name", "implementer-1"]);
    let token = token["token"].as_str().expect("a token").to_owned();
    let at = home.path().join("found");
    std::fs::create_dir(&at).expect("a folder");
    assert!(Command::new("mkfifo").arg(at.join("gate")).status().expect("mkfifo").success());
    let agent = meets_and_looks(&at);
    let mut work = unprivileged();
    work.args(["work", "--kind", "implementer", "--agent", &agent, "--folder", "work", "--server", &server.url]);
    work.args(["--once", "--concurrency", "2"]).current_dir(home.path()).env_clear().env("HOME", home.path());
    work.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("GAPWRIGHT__FORGE__GIT", &git).env(WORK_TOKEN, &token);
    let ended = work.output().expect("it runs");
    let out = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{out}{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(out.lines().filter(|line| line.starts_with("handed in: ")).count(), 2, "{out}");
    let files: Vec<_> = std::fs::read_dir(&at).expect("a folder").flatten().map(|entry| entry.path()).collect();
    let of = |begin: &str| -> Vec<String> {
        let named =
            files.iter().filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin)));
        named.map(|path| std::fs::read_to_string(path).expect("a file")).collect()
    };
    assert_eq!(of("seen."), ["", ""], "an agent read its runner's environment");
    assert_eq!(of("told.").len(), 2);

    let pulls = || home.json(&["pulls", "list"]);
    let stands = |list: &Value| {
        list["pulls"].as_array().is_some_and(|pulls| pulls.iter().all(|pull| pull["state"] == "proposed"))
    };
    let list = until("two pull requests", pulls, stands).await;
    drop(server);
    is_said_of_what_was_judged(&home, &git, &list["pulls"][0]["number"].to_string());
}

/// What people say of a pull request is said of what was judged, and not of what somebody pushes meanwhile.
fn is_said_of_what_was_judged(home: &Home, git: &str, number: &str) {
    let change = home.json(&["pulls", "show", number])["change"].clone();
    let [judged, branch] = ["head", "branch"].map(|name| change[name].as_str().expect("a text"));
    let run = |words: &[&str]| {
        let by = ["-C", git, "-c", "user.name=joan", "-c", "user.email=joan@example.com"];
        let done = Command::new("git").args(by).args(words).output().expect("git runs");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    };
    let pushed = run(&["commit-tree", "-p", judged, "-m", "x", &format!("{judged}^{{tree}}")]);
    run(&["update-ref", &format!("refs/heads/{branch}"), &pushed]);
    for words in [&["merge"][..], &["approve"], &["request-changes", "--message", "why"]] {
        let said = home.fails(5, &[&["pulls", words[0], number], &words[1..]].concat());
        assert!(said.contains("is the one that was judged") && said.contains(&pushed), "{said}");
        let said = home.fails(5, &[&["pulls", words[0], number, "--head", judged], &words[1..]].concat());
        assert!(said.contains("the head of"), "{said}");
    }
    home.ok(&["pulls", "approve", number, "--head", &pushed, "--by", "joan"]);
    home.ok(&["pulls", "merge", number, "--head", &pushed, "--by", "joan"]);
}

#[test]
fn a_signal_ends_it_and_says_so() {
    let home = home();
    let server = home.serve(&[]);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut work = Command::new(env!("CARGO_BIN_EXE_gapwright"));
        work.args(["work", "--kind", "planner", "--agent", "true", "--folder", "work", "--token-file", "token"]);
        work.args(["--server", &server.url]).current_dir(home.path()).env_clear().env("HOME", home.path());
        work.env("GAPWRIGHT__FORGE__GIT", home.path().join("home.git")).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut work = work.spawn().expect("it starts");
        let mut lines = BufReader::new(work.stdout.take().expect("its output")).lines();
        let ready = lines.next().expect("a line").expect("a text");
        assert_eq!(ready, "ready for jobs of the kind planner");
        let id = Pid::from_raw(i32::try_from(work.id()).expect("an id"));
        kill(id, signal).expect("it is there");
        assert_eq!(work.wait().expect("an end").code(), Some(130), "{signal}");
    }
}
