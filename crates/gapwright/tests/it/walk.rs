//! An operator's walk from observe to merging by itself and back, as docs/automerge-walk.md shows it: the test runs the lines
//! of the page, in their order, against a real server and real runners, and holds what they print against what stands there.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use domain::calibration::corpus;
use harness::mcp::{Answer, Client};
use serde_json::{Value, json};

use crate::program::{Home, until};

const PAGE: &str = include_str!("../../../../docs/automerge-walk.md");

/// This test, as which the program of the tests plays an agent where a runner starts it.
const AGENT: &str = "walk::an_agent_does_its_turn";

/// How many gaps there are: five, and more where some are drawn for a person.
const GAPS: usize = 9;

/// How long people look at what they merge.
const LOOK: Duration = Duration::from_secs(11);

/// A line of the page, and what it prints there.
#[derive(Debug)]
struct Step {
    line: String,
    answer: Vec<String>,
}

/// The walk: what is left of the page, and what its names stand for.
struct Walk {
    home: Home,
    steps: VecDeque<Step>,
    names: BTreeMap<&'static str, String>,
}

/// The blocks of the page of one sort.
fn blocks(sort: &str) -> impl Iterator<Item = &'static str> {
    let parts = PAGE.split("\n```").collect::<Vec<_>>();
    let sort = format!("{sort}\n");
    parts.into_iter().filter_map(move |part| part.strip_prefix(sort.as_str()))
}

fn steps() -> VecDeque<Step> {
    let mut steps: VecDeque<Step> = VecDeque::new();
    for line in blocks("console").flat_map(str::lines).filter(|line| *line != "…") {
        if let Some(line) = line.strip_prefix("$ ") {
            steps.push_back(Step { line: line.to_owned(), answer: Vec::new() });
        } else {
            steps.back_mut().expect("a command first").answer.push(line.to_owned());
        }
    }
    steps
}

impl Walk {
    /// The next line of the page, which is this one: its beginning.
    fn next(&mut self, begins: &str) -> Step {
        let step = self.steps.pop_front().unwrap_or_else(|| panic!("the page ends before {begins:?}"));
        assert!(step.line.starts_with(&format!("gapwright {begins}")), "{:?} is not {begins:?}", step.line);
        step
    }

    /// A line with what its names stand for.
    fn named(&self, line: &str) -> String {
        let mut named = String::new();
        for part in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            named += self.names.get(word).map_or(word, String::as_str);
            named += &part[word.len()..];
        }
        named
    }

    /// Runs a line, and gives what it printed, which is as the page says.
    fn run(&self, step: &Step) -> String {
        let ended = self.home.shell(&self.named(&step.line));
        assert_eq!(ended.code, 0, "{step:?}: {ended:?}");
        let mut lines = ended.out.lines();
        for answer in &step.answer {
            let answer = self.named(answer);
            assert!(lines.any(|line| fits(&answer, line)), "{step:?} does not print {answer:?}:\n{}", ended.out);
        }
        ended.out
    }

    /// Runs the next line, which is this one.
    fn does(&mut self, begins: &str) -> String {
        let step = self.next(begins);
        self.run(&step)
    }

    fn ask(&self, words: &[&str]) -> Value {
        self.home.json(words)
    }

    /// What a name of the page stands for from now on.
    fn name(&mut self, name: &'static str, text: String) {
        self.names.insert(name, text);
    }

    /// How many outcomes are known.
    fn outcomes(&self) -> usize {
        self.ask(&["outcomes"])["outcomes"].as_array().map_or(0, Vec::len)
    }
}

/// Whether a line is as the page shows it, where `…` is anything.
fn fits(shown: &str, line: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, line) = (plain(shown), plain(line));
    let parts: Vec<_> = shown.split('…').map(str::trim).collect();
    let [first, middle @ .., last] = parts.as_slice() else { return shown == line };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_is_shortened_fits_what_is_whole() {
    for (shown, line, fit) in [
        ("a  b", "a b", true),
        ("a b", "a c", false),
        ("a …", "a b c", true),
        ("… c", "a b c", true),
        ("a … c … e", "a b c d e", true),
        ("a … c … e", "a b d e", false),
        ("a …", "b a", false),
    ] {
        assert_eq!(fits(shown, line), fit, "{shown:?} {line:?}");
    }
}

/// A server as the page sets it up, in a folder of its own.
fn set_up() -> (Walk, crate::program::Server) {
    let home = Home::new();
    let settings = blocks("toml").next().expect("settings").replace("/srv", &home.path().display().to_string());
    home.write("gapwright.toml", &settings);
    let names = BTreeMap::from([("AGENT", agent())]);
    let mut walk = Walk { home, steps: steps(), names };
    walk.next("serve");
    let server = walk.home.serve(&[]);
    walk.home = walk.home.set("GAPWRIGHT__SERVER__LISTEN", server.address());
    (walk, server)
}

/// The command line of an agent: this test, alone.
fn agent() -> String {
    let program = std::env::current_exe().expect("a program").display().to_string();
    format!("'{program} --exact {AGENT} --nocapture'")
}

/// Where a change has the defect of a case; none where it has none. The scripted reviewer knows the cases by heart.
fn defect(workspace: &Path) -> Option<(&'static str, i64)> {
    corpus::cases().iter().find_map(|case| {
        let text = std::fs::read_to_string(workspace.join(&case.path)).ok()?;
        (text == case.seeded).then_some((case.path.as_str(), case.lines[0]))
    })
}

/// An agent in its turn, where a runner starts it; nothing anywhere else.
#[tokio::test]
async fn an_agent_does_its_turn() {
    let told: BTreeMap<String, String> = std::env::vars().collect();
    let Some(claim) = told.get("GAPWRIGHT_CLAIM") else { return };
    let url = told["GAPWRIGHT_MCP_URL"].trim_end_matches("/mcp");
    let token = std::fs::read_to_string(&told["GAPWRIGHT_TOKEN_FILE"]).expect("a token");
    let client = Client::new(url, token.trim());
    let ask = async |tool: &str, mut arguments: Value| {
        arguments["claim_id"] = json!(claim);
        match client.call(tool, arguments).await {
            Answer::Ok(answer) => answer,
            other @ (Answer::Refused(_) | Answer::Unknown(_)) => panic!("{tool}: {other:?}"),
        }
    };
    let prompt = std::io::read_to_string(std::io::stdin()).expect("a prompt");
    let told_by = |name: &str| {
        let after =
            prompt.split(&format!(", {name} ")).nth(1).or_else(|| prompt.split(&format!("claim_id, {name} ")).nth(1));
        after.and_then(|after| after.split([',', ' ']).next()).map(str::to_owned)
    };
    let work = ask("show-work", json!({})).await;
    ask("report-usage", json!({"tokens": 1_000, "micro_usd": 10_000})).await;
    let head = &work["pull"]["head"];
    match told["GAPWRIGHT_ROLE"].as_str() {
        "planner" => {
            let way = |name: &str, lines| json!({"name": name, "about": "a way to do it", "lines": lines});
            let plan = json!({"approaches": [way("a script", 3), way("a program", 300)], "chosen": "a script", "steps": "1. write it"});
            ask("submit-plan", plan).await;
        }
        "implementer" => {
            let id = work["pull"]["id"].as_str().expect("an id");
            let made = format!(
                "set -e; mkdir -p tools; echo '# {id}' >tools/{id}.py; git add -A; git commit -qm 'feat: a tool'"
            );
            let done =
                std::process::Command::new("sh").args(["-c", &made]).current_dir(&told["GAPWRIGHT_WORKSPACE"]).status();
            assert!(done.expect("a shell").success(), "committed");
        }
        "reviewer" => {
            let mut review = json!({"head": head, "verdict": "APPROVE", "summary": "it does it"});
            (review["model"], review["prompt_hash"]) = (json!(told_by("model")), json!(told_by("prompt_hash")));
            if let Some((path, line)) = defect(Path::new(&told["GAPWRIGHT_WORKSPACE"])) {
                (review["verdict"], review["summary"]) = (json!("REQUEST_CHANGES"), json!("it does something else"));
                let found = json!({"path": path, "line": line, "severity": "major", "category": "correctness", "text": "this is wrong"});
                review["findings"] = json!([found]);
            }
            for _ in 0..2 {
                ask("submit-review", review.clone()).await;
            }
        }
        "merger" => {
            let verdict = json!({"head": head, "verdict": "APPROVE_FOR_HUMAN", "summary": "it is what was planned"});
            ask("submit-merge-verdict", verdict).await;
        }
        other => panic!("a turn of {other}"),
    }
}

/// Waits until these wait for a person, as their label says too.
async fn waits(walk: &Walk, numbers: &[String]) {
    let list = || walk.ask(&["pulls", "list", "--state", "needs_human"]);
    let shown = |list: &Value| {
        let pulls = list["pulls"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of = |number: &String| {
            pulls.iter().find(|pull| number.parse() == Ok(pull["number"].as_i64().unwrap_or_default()))
        };
        let label = json!("bot-approved-needs-human");
        let is = |pull: &Value| pull["labels"].as_array().is_some_and(|all| all.contains(&label));
        numbers.iter().all(|number| of(number).is_some_and(is))
    };
    until("a person's turn", list, shown).await;
}

/// The lines of a turn of each, with what CI says between.
fn turns(walk: &mut Walk) -> Vec<Step> {
    ["work --kind planner", "work --kind implementer", "pulls check", "work --kind reviewer", "work --kind merger"]
        .map(|begins| walk.next(begins))
        .into()
}

/// Lets agents act on so many issues, from this one on, and work until people are to merge. Gives the numbers.
async fn work(walk: &mut Walk, (label, turns): (&Step, &[Step]), from: usize, count: usize) -> Vec<String> {
    for n in from..from + count {
        walk.name("N", n.to_string());
        walk.run(label);
    }
    let mut numbers = Vec::new();
    for (step, state) in turns.iter().zip(["planning", "implementing", "needs_review", "needs_review", "approved"]) {
        let list = || walk.ask(&["pulls", "list", "--state", state]);
        let all = |list: &Value| list["pulls"].as_array().is_some_and(|pulls| pulls.len() == count);
        let list = until(state, list, all).await;
        if !step.line.contains("pulls check") {
            walk.run(step);
            continue;
        }
        numbers = list["pulls"].as_array().expect("a list").iter().map(|pull| pull["number"].to_string()).collect();
        for number in &numbers {
            walk.name("N", number.clone());
            walk.run(step);
        }
    }
    numbers
}

/// People merge them, once they have looked at each for as long as they need.
async fn merge(walk: &mut Walk, step: &Step, numbers: &[String]) {
    let began = Instant::now();
    until("a look", || json!(began.elapsed() >= LOOK), |over| *over == json!(true)).await;
    let known = walk.outcomes();
    for number in numbers {
        walk.name("N", number.clone());
        walk.run(step);
    }
    until("outcomes", || json!(walk.outcomes()), |now| *now == json!(known + numbers.len())).await;
}

/// Reports so many gaps.
async fn report(walk: &Walk, url: &str, count: usize) {
    let token = walk.ask(&["token", "create", "--role", "routine", "--name", "nightly"]);
    let client = Client::new(url, token["token"].as_str().expect("a token"));
    for n in 1..=count {
        let gap = json!({"kind": "mcp-tool", "name": format!("tool-{n}"), "reason": "none is there"});
        assert!(matches!(client.call("report-gap", gap).await, Answer::Ok(_)), "reported");
    }
}

/// Up to the pipeline, with a token for each stage and an issue for each gap.
async fn to_the_pipeline(walk: &mut Walk, url: &str) {
    walk.does("level show");
    walk.does("level raise");
    walk.does("level raise");
    for name in ["planner-1", "implementer-1", "reviewer-1", "merger-1"] {
        let said = walk.does("token create");
        walk.home.write(&format!("{name}.token"), said.lines().next().expect("a token"));
    }
    report(walk, url, GAPS).await;
    walk.does("schedules trigger register-jobs");
    let issues = || walk.ask(&["issues", "list"]);
    until("issues", issues, |list| list["issues"].as_array().is_some_and(|issues| issues.len() == GAPS)).await;
}

/// Lets one after the other be made until the gate lets one by. Those that are drawn for a person wait for one.
async fn merged_by_itself(walk: &mut Walk, (label, turns): (&Step, &[Step]), from: usize) {
    for n in from..=GAPS {
        let number = work(walk, (label, turns), n, 1).await.remove(0);
        walk.name("N", number.clone());
        let explain = || walk.ask(&["gate", "explain", &number]);
        let settled = |told: &Value| match told["word"].as_str() {
            Some("merge") => told["outcomes"][0].is_object(),
            Some("person") => true,
            _ => false,
        };
        let told = until("the word of the gate", explain, settled).await;
        if told["word"] == "merge" {
            return;
        }
        let items = told["items"].as_array().expect("items");
        let shut: Vec<_> = items.iter().filter(|item| item["is"]["is"] != "pass").map(|item| &item["what"]).collect();
        assert_eq!(shut, ["draw"], "{told}");
    }
    panic!("each of them was drawn for a person");
}

/// What merged by itself fails on the base: its gate is closed, and a person merges what takes it back.
async fn back(walk: &mut Walk) {
    walk.does("pulls check");
    let number = walk.names["N"].clone();
    let explain = || walk.ask(&["gate", "explain", &number]);
    let told = until("a revert", explain, |told| told["revert"]["number"].is_number()).await;
    walk.name("R", told["revert"]["number"].to_string());
    walk.does("gate explain");
    walk.does("gate show");
    walk.does("pulls diff");
    walk.does("pulls merge");
    let reverted = |told: &Value| told["outcomes"][0]["outcome"] == "reverted";
    until("reverted", || walk.ask(&["gate", "explain", &number]), reverted).await;
    walk.does("gate explain");
    walk.does("level lower");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_observe_to_merging_by_itself_and_back() {
    let (mut walk, server) = set_up();
    to_the_pipeline(&mut walk, &server.url).await;

    let (label, lines) = (walk.next("issues label"), turns(&mut walk));
    let three = work(&mut walk, (&label, &lines), 1, 3).await;
    waits(&walk, &three).await;
    let step = walk.next("pulls merge");
    merge(&mut walk, &step, &three).await;
    walk.does("pulls check");
    walk.does("outcomes");
    let standing = walk.ask(&["gate", "show"]);
    walk.name("STRATUM", standing["strata"][0]["id"].as_str().expect("an id").to_owned());
    walk.does("gate show");
    walk.does("calibrate run");
    walk.does("gate show");

    let (label, lines) = (walk.next("issues label"), turns(&mut walk));
    let one = work(&mut walk, (&label, &lines), 4, 1).await;
    waits(&walk, &one).await;
    walk.name("N", one[0].clone());
    let explain = || walk.ask(&["gate", "explain", &one[0]]);
    until("the word of the gate", explain, |told| told["word"] == "person").await;
    walk.does("gate explain");
    let step = walk.next("pulls merge");
    merge(&mut walk, &step, &one).await;
    walk.does("pulls check");
    walk.does("gate shadow");
    walk.does("gate simulate");
    walk.does("level raise");
    walk.does("gate arm");

    let (label, lines) = (walk.next("issues label"), turns(&mut walk));
    merged_by_itself(&mut walk, (&label, &lines), 5).await;
    walk.does("gate explain");
    walk.does("--json gate explain");
    walk.does("gate explain --record");
    back(&mut walk).await;
    assert!(walk.steps.is_empty(), "the page has more: {:?}", walk.steps);
}
