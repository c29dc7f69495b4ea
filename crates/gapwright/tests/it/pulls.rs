//! Pull requests by command, on a git repository of this machine: by hand, and from a gap to its merge.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use domain::time::Span;
use forge::broker::{self, Broker};
use forge::local::{self, Local};
use forge::{Forge as _, NewPull};
use harness::mcp::{Answer, Client};
use plane::Plane;
use plane::pull::{Fingerprint, Handed};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use store::{Clock, Store};

use crate::program::{Home, Server, until};

const PATCH: &str = "diff --git a/src/deploys.txt b/src/deploys.txt\nnew file mode 100644\n--- /dev/null\n\
                     +++ b/src/deploys.txt\n@@ -0,0 +1,2 @@\n+one\tdeploy\n+two\n";

async fn ask(client: &Client, tool: &str, arguments: Value) -> Value {
    match client.call(tool, arguments).await {
        Answer::Ok(answer) => answer,
        other @ (Answer::Refused(_) | Answer::Unknown(_)) => panic!("{tool}: {other:?}"),
    }
}

/// A folder to run in, with a git repository of the local forge.
fn with_git() -> (Home, PathBuf) {
    let home = Home::with_database();
    let git = home.path().join("site.git");
    // A hint that comes while something is looked at anyhow may be lost, and then the next poll finds it.
    let home = home.set("GAPWRIGHT__FORGE__GIT", git.to_str().expect("a text")).set("GAPWRIGHT__FORGE__POLL", "10s");
    (home, git)
}

async fn store_of(home: &Home) -> Store {
    let url = format!("sqlite:{}", home.path().join("gapwright.db").display());
    Store::open(&url, Clock::default()).await.expect("the database")
}

fn local_of(store: &Store, git: &Path) -> Local {
    let settings = local::Settings { name: "local".to_owned(), repository: Some(git.to_owned()) };
    Local::new(store.clone(), settings, rand::make_rng()).expect("a local forge")
}

fn run_git(folder: &Path, args: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=ann", "-c", "user.email=ann@example.com"]).args(args).current_dir(folder);
    let ended = git.output().expect("git");
    assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Pushes a branch with one new file.
fn push(home: &Home, git: &Path, branch: &str, file: &str) {
    let work = home.path().join(format!("work-{branch}"));
    run_git(home.path(), &["clone", "--quiet", git.to_str().expect("a text"), work.to_str().expect("a text")]);
    run_git(&work, &["switch", "--quiet", "--create", branch]);
    std::fs::write(work.join(file), "hello\n").expect("a file");
    run_git(&work, &["add", "."]);
    run_git(&work, &["commit", "--quiet", "--message", "Add a file"]);
    run_git(&work, &["push", "--quiet", "origin", branch]);
}

/// What CI found is put on the merge of one, on the head of another, and on any commit.
fn checks(home: &Home, (merged, commit): (&str, &str), open: &str) {
    let passed = ["--name", "ci/test", "--passed", "--tests", "12"];
    let put = |of: &[&str]| home.json(&[&["pulls", "check"], of, &passed].concat());
    assert_eq!(put(&[merged])["commit"], commit);
    let head = put(&[open])["commit"].as_str().expect("a commit").to_owned();
    assert_ne!(head, commit);
    assert_eq!(put(&["--commit", &head])["commit"], head);
    assert_eq!(put(&[open, "--head", &head])["commit"], head);
    let refused = |code, of: &[&str]| home.fails(code, &[&["pulls", "check"], of, &passed].concat());
    refused(5, &[open, "--head", commit]);
    refused(2, &[open, "--commit", commit]);
    assert!(refused(2, &["--commit", &"1".repeat(40)]).contains("there is no commit"));
    refused(2, &[]);
    for name in ["", " ci", "ci\ntest"] {
        home.fails(2, &["pulls", "check", open, "--name", name, "--passed", "--tests", "12"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_say_what_becomes_of_a_pull_request_that_was_opened_by_hand() {
    let (home, git) = with_git();
    let store = store_of(&home).await;
    let local = local_of(&store, &git);
    local.bare().await.expect("a repository");
    let ann = local.acting("ann").expect("a login");
    let mut numbers = Vec::new();
    for name in ["one", "two", "three"] {
        push(&home, &git, name, &format!("{name}.txt"));
        let (head, base) = (name.to_owned(), "main".to_owned());
        let new = NewPull { title: format!("Add {name}"), body: String::new(), head, base, draft: false };
        numbers.push(ann.open_pull(&new).await.expect("a pull request").number.to_string());
    }
    let [one, two, three] = numbers.as_slice() else { panic!("{numbers:?}") };

    home.ok(&["pulls", "request-changes", one, "--message", "say why", "--by", "joan"]);
    home.ok(&["pulls", "approve", one, "--by", "joan"]);
    let said = home.fails(2, &["pulls", "approve", one, "--by", "ann"]);
    assert!(said.contains("let a person decide who did not open it"), "{said}");
    home.ok(&["pulls", "comment", one, "--message", "thank you"]);
    home.ok(&["pulls", "label", one, "manual", "--by", "joan"]);
    home.ok(&["pulls", "unlabel", one, "manual", "--by", "joan"]);
    let said = home.fails(5, &["pulls", "merge", one, "--head", &"1".repeat(40)]);
    assert!(said.contains("the head of") && said.contains("gapwright pulls show"), "{said}");
    let merged = home.json(&["pulls", "merge", one, "--by", "joan"]);
    let commit = merged["commit"].as_str().expect("a commit");
    run_git(&git, &["merge-base", "--is-ancestor", commit, "main"]);
    let seen = local.pull(one.parse().expect("a number")).await.expect("the pull request");
    assert_eq!(seen.ended_by.map(|by| by.login).as_deref(), Some("joan"));
    for args in [["merge", one], ["close", one], ["reopen", one]] {
        assert!(home.fails(5, &["pulls", args[0], args[1]]).contains("is merged already"), "{args:?}");
    }

    checks(&home, (one, commit), two);

    assert_eq!(home.ok(&["pulls", "close", two]), format!("{two} is closed\n"));
    home.ok(&["pulls", "close", two]);
    home.fails(5, &["pulls", "merge", two, "--method", "squash"]);
    home.ok(&["pulls", "reopen", two]);
    home.ok(&["pulls", "merge", two, "--method", "squash"]);
    home.ok(&["pulls", "merge", three, "--method", "rebase"]);
    run_git(&git, &["cat-file", "-e", "main:three.txt"]);
    let issue = local.acting("ann").expect("a login");
    let new = forge::NewIssue { title: "x".into(), body: String::new(), labels: Vec::new() };
    let issue = issue.open_issue(&new).await.expect("an issue").number.to_string();
    assert!(home.fails(3, &["pulls", "close", &issue]).contains("the pull request"), "an issue is none");
    assert_eq!(home.json(&["issues", "show", &issue])["state"], "open");
}

/// A gap that agents may act on, and the pull request that begins for it.
async fn begun(home: &Home, server: &Server) -> Value {
    let token = home.json(&["token", "create", "--role", "routine", "--name", "ann"]);
    let client = Client::new(&server.url, token["token"].as_str().expect("a token"));
    let gap = json!({"kind": "mcp-tool", "name": "list-deploys", "reason": "none is there"});
    ask(&client, "report-gap", gap).await;
    home.ok(&["level", "raise", "--override", "a trial of the whole way, on nobody's repository"]);
    home.ok(&["schedules", "trigger", "register-jobs"]);
    until("an issue", || home.json(&["issues", "list"]), |list| list["issues"][0].is_object()).await;
    assert_eq!(home.json(&["pulls", "list"])["pulls"], json!([]), "people did not let agents act");
    home.ok(&["issues", "label", "1", "claude"]);
    let list = until("a beginning", || home.json(&["pulls", "list"]), |list| list["pulls"][0].is_object()).await;
    list["pulls"][0].clone()
}

/// The claim of the implementer's turn.
async fn claimed(client: &Client) -> String {
    let wish = json!({"kind": "implementer", "holder": "w", "ttl_secs": 600});
    let held = ask(client, "claim-routine-job", wish).await;
    held["claim_id"].as_str().unwrap_or_else(|| panic!("{held}")).to_owned()
}

/// A plane beside the server, as agents reach it.
async fn beside(home: &Home, git: &Path) -> Plane {
    let store = store_of(home).await;
    let broker = Broker::open(&home.path().join("broker.git"), broker::Settings::default()).await.expect("the broker");
    let home = plane::mirror::Home {
        forge: Arc::new(local_of(&store, git)),
        repo: "local".to_owned(),
        poll: Span::mins(1),
        open_max: 10,
        sweep_max: 10,
        broker: Some(broker),
        webhook_secret: None,
    };
    let settings = plane::Settings { home: Some(home), ..plane::Settings::new(reqwest::Client::new()) };
    Plane::new(store, settings, rand::make_rng())
}

async fn call(plane: &Plane, token: &str, tool: &'static str) -> plane::Call {
    let by = plane.authenticate(token).await.expect("a caller");
    plane::Call { by, tool, request_id: "r".to_owned(), idempotency: None }
}

async fn hand_in(plane: &Plane, token: &str, claim: &str, patch: &str) -> i64 {
    let call = call(plane, token, "submit-change").await;
    let words = ("List deploys", "It reads them from a file.");
    let (patch, answer) = (Handed::Patch(patch.to_owned()), Some("did so".to_owned()));
    let handed = plane.submit_change(&call, claim, patch, words, answer, Fingerprint::default()).await;
    handed.expect("handed in").iteration
}

/// Lets it look as if nobody could tell how something ended.
async fn forget_how_it_ended(home: &Home, what: &str) {
    let url = format!("sqlite:{}", home.path().join("gapwright.db").display());
    let mut database = SqliteConnection::connect(&url).await.expect("the database");
    let forget = sqlx::query("UPDATE pull_say SET state = 'unknown' WHERE what = $1").bind(what.to_owned());
    assert_eq!(forget.execute(&mut database).await.expect("a change").rows_affected(), 1, "{what}");
}

/// Asks people, and is told what they chose.
async fn ask_people(home: &Home, plane: &Plane, token: &str, claim: &str) {
    let call = call(plane, token, "ask-operator").await;
    let options = vec!["from a file".to_owned(), "over the network".to_owned()];
    let asked = plane.ask_operator(&call, claim, "Where from?", options).await.expect("asked");
    let listed = home.json(&["decisions", "list"]);
    assert_eq!((&listed["decisions"][0]["id"], &listed["decisions"][0]["state"]), (&json!(asked.id), &json!("open")));
    assert!(home.ok(&["decisions", "list"]).contains("1 from a file; 2 over the network"));
    for (code, option) in [(2, "0"), (2, "3")] {
        home.fails(code, &["decisions", "answer", &asked.id, option]);
    }
    let answered = home.json(&["decisions", "answer", &asked.id, "1"]);
    assert_eq!(answered["decision"]["answer"], "from a file");
    home.ok(&["decisions", "answer", &asked.id, "1"]);
    assert!(home.fails(5, &["decisions", "answer", &asked.id, "2"]).contains("the first answer stands"));
    assert_eq!(home.json(&["decisions", "list"])["decisions"], json!([]));
    assert_eq!(home.json(&["decisions", "list", "--all"])["decisions"][0]["state"], "answered");
}

/// What nobody can tell the end of is listed until an operator tells.
async fn release(home: &Home) {
    forget_how_it_ended(home, "comment").await;
    forget_how_it_ended(home, "open").await;
    let letters = home.json(&["dead-letters"])["dead_letters"].clone();
    let of = |what: &str| {
        let all = letters.as_array().expect("a list").iter().filter(|letter| letter["source"] == "outcome");
        let named = |letter: &&Value| letter["error"].as_str().is_some_and(|error| error.starts_with(what));
        all.clone().find(named).and_then(|letter| letter["id"].as_str()).expect("an id").to_owned()
    };
    assert!(home.ok(&["dead-letters"]).contains("gapwright pulls release ID --made or --not-made"));
    assert!(home.fails(5, &["pulls", "release", &of("open"), "--made"]).contains("say that it was not made"));
    home.ok(&["pulls", "release", &of("comment"), "--made"]);
    home.ok(&["pulls", "release", &of("open"), "--not-made"]);
    let none = || home.json(&["dead-letters"]);
    until("nothing unknown", none, |letters| letters["dead_letters"] == json!([])).await;
    home.fails(3, &["pulls", "release", &of("comment"), "--made"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_becomes_a_pull_request_that_a_person_merges() {
    let (home, git) = with_git();
    let server = home.serve(&[]);
    let home = home.set("GAPWRIGHT__SERVER__LISTEN", server.address());
    let pull = begun(&home, &server).await;
    assert_eq!((&pull["state"], &pull["turn"]), (&json!("implementing"), &json!("implementer")));
    let id = pull["id"].as_str().expect("an id").to_owned();
    let show = || home.json(&["pulls", "show", &id]);
    home.fails(5, &["pulls", "diff", &id]);
    let doctor = home.run(&["doctor"]);
    assert!(doctor.out.contains("no token in force has the role implementer"), "{}", doctor.out);

    home.ok(&["pulls", "stop", &id, "--reason", "not before the holidays"]);
    assert_eq!(show()["state"], "requires_human");
    assert!(home.ok(&["pulls", "show", &id]).contains(&format!("gapwright pulls resume {id} --reason")));
    home.fails(5, &["pulls", "stop", &id, "--reason", "not before the holidays"]);
    home.ok(&["pulls", "resume", &id, "--reason", "the holidays are over"]);
    until("the gap open again", show, |pull| pull["state"] == "implementing").await;

    let token = home.json(&["token", "create", "--role", "implementer", "--name", "implementer-1"]);
    let token = token["token"].as_str().expect("a token");
    let client = Client::new(&server.url, token);
    let claim = &claimed(&client).await;
    let budget = home.json(&["budget"]);
    assert_eq!(budget["day"]["booked"], json!({"tokens": 2_000_000, "micro_usd": 8_000_000}));
    assert_eq!(budget["day"]["left"], json!({"tokens": 58_000_000, "micro_usd": 292_000_000}));
    let stage = &budget["stages"][1];
    assert_eq!((&stage["stage"], &stage["runs"]), (&json!("implementer"), &json!(1)));
    assert_eq!(budget["pulls"][0]["left"], json!({"tokens": 10_000_000, "micro_usd": 52_000_000}));
    assert!(home.ok(&["budget"]).contains("left today    $292.00, 58000000 tokens"));
    assert!(home.ok(&["pulls", "show", &id]).contains("at work"));

    let plane = beside(&home, &git).await;
    ask_people(&home, &plane, token, claim).await;
    let claim = claimed(&client).await;
    hand_in(&plane, token, &claim, PATCH).await;
    let shown = until("a number", show, |pull| pull["state"] == "proposed").await;
    let number = shown["number"].to_string();
    assert_eq!(shown["change"]["files"], 1);
    assert_eq!(shown["rounds"][0]["principal"], "implementer-1");
    assert_eq!(shown["rounds"][0]["usage_known"], false);
    assert!(home.ok(&["pulls", "diff", &number]).contains("+one\tdeploy\n+two\n"));
    let text = home.ok(&["pulls", "show", &format!("#{number}")]);
    for words in ["turn          a person", "next          review it, then merge", "$8.00 (set aside)", "History"] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    assert_eq!(home.json(&["pulls", "list", "--state", "merged"])["pulls"], json!([]));

    home.ok(&["pulls", "request-changes", &number, "--message", "say why", "--by", "joan"]);
    until("the request", show, |pull| pull["state"] == "changes_requested").await;
    let claim = claimed(&client).await;
    let more = PATCH.replace("deploys.txt", "more.txt");
    assert_eq!(hand_in(&plane, token, &claim, &more).await, 1);
    until("the revision", show, |pull| pull["state"] == "proposed" && pull["to_be_made"] == json!([])).await;
    release(&home).await;
    let doctor = home.json(&["doctor"]);
    for check in doctor["checks"].as_array().expect("checks") {
        assert_eq!(check["verdict"], "pass", "{check}");
    }

    home.ok(&["pulls", "close", &number]);
    until("the end", show, |pull| pull["state"] == "closed").await;
    // Its gap is taken up anew, until a person opens the first one again.
    let list = || home.json(&["pulls", "list"]);
    until("another beginning", list, |list| list["pulls"][0]["nth"] == 2).await;
    home.ok(&["pulls", "reopen", &number]);
    until("the first one again", show, |pull| pull["state"] == "proposed").await;
    let live = list();
    assert_eq!((&live["pulls"][0]["id"], live["pulls"].as_array().map(Vec::len)), (&json!(id), Some(1)));
    let all = home.json(&["pulls", "list", "--all", "--limit", "1"]);
    let rest = home.json(&["pulls", "list", "--all", "--cursor", all["cursor"].as_str().expect("a cursor")]);
    assert_eq!(rest["pulls"].as_array().map(Vec::len), Some(1));
    home.ok(&["pulls", "merge", &number, "--by", "joan"]);
    let merged = until("the merge", show, |pull| pull["state"] == "merged").await;
    assert_eq!((&merged["turn"], &merged["why"]), (&json!("nobody"), &json!("joan merged it on the forge")));
    assert_eq!(home.json(&["gaps", "show", "list-deploys"])["state"], "merged");
    run_git(&git, &["cat-file", "-e", "main:src/more.txt"]);
}

#[test]
fn a_broker_that_cannot_be_used_is_told_with_what_to_do() {
    let (home, _) = with_git();
    let home = home.set("GAPWRIGHT__FORGE__BROKER", "/nowhere/at/all/broker.git");
    let said = home.fails(1, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("the broker cannot be used") && said.contains("the one above it must be there"), "{said}");
    let home = home.set("GAPWRIGHT__FORGE__BROKER", "none");
    home.serve(&[]);
    let doctor = home.run(&["doctor"]).out;
    assert!(doctor.contains("none, so no pull request is made: forge.broker is none"), "{doctor}");
}

#[test]
fn where_no_pull_request_can_be_made_none_begins_and_people_act_on_github_only() {
    let home = Home::with_database();
    let doctor = home.run(&["doctor"]).out;
    assert!(doctor.contains("no pull request is made: the local forge has issues only"), "{doctor}");
    let home = home.set("GAPWRIGHT__FORGE__KIND", "github").set("GAPWRIGHT__FORGE__REPOSITORY", "a/b");
    let said = home.fails(2, &["pulls", "merge", "1"]);
    assert!(said.contains("reviewed and merged on GitHub"), "{said}");
}

/// Nothing is beside a database that is elsewhere, and of two servers each would have another one.
#[tokio::test(flavor = "multi_thread")]
async fn with_postgres_the_broker_is_where_somebody_said() {
    let database = harness::postgres::empty_database().await;
    let home = Home::new().set("GAPWRIGHT__DATABASE__URL", &database.url);
    let git = home.path().join("site.git");
    let home = home.set("GAPWRIGHT__FORGE__GIT", git.to_str().expect("a text"));
    home.ok(&["migrate"]);
    for (raised, verdict) in [(0, "pass   "), (1, "unknown"), (2, "fail   ")] {
        if raised > 0 {
            home.ok(&["level", "raise", "--override", "to look at the pipeline"]);
        }
        let doctor = home.run(&["doctor"]).out;
        let line = format!("{verdict}  broker              none, so no pull request is made: with Postgres");
        assert!(doctor.contains(&line), "{line:?} is not in {doctor}");
    }
    drop(home.serve(&[]));
    assert!(std::fs::read_to_string(home.path().join("log")).expect("a log").contains("no pull request is made"));
    let broker = home.path().join("broker.git");
    let home = home.set("GAPWRIGHT__FORGE__BROKER", broker.to_str().expect("a text"));
    drop(home.serve(&[]));
    assert!(broker.join("HEAD").exists(), "it is made where it was said");
}
