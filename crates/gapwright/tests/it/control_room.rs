//! The control room in a real browser: a person's whole part in the demonstration is done by clicks, and every page is looked
//! at in both themes, at a desk and in a hand.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use harness::Browser;
use harness::browser::{Motion, Theme};
use harness::served::Program;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::program::{Home, Running};

/// How wide a desk is.
const DESK: (u32, u32) = (1440, 900);

/// The demonstration, waiting for a person.
struct Demo {
    home: Home,
    running: Running,
    steps: UnboundedReceiver<Value>,
    url: String,
    token: String,
}

impl Demo {
    async fn start() -> Self {
        let home = Home::new();
        let folder = home.path().display().to_string();
        let home = home.set("TMPDIR", &folder);
        let mut running = home.starts(&["--json", "demo", "--page", "--keep"]);
        let lines = BufReader::new(running.take_out()).lines().map_while(Result::ok);
        let (tell, steps) = unbounded_channel();
        std::thread::spawn(move || {
            lines.for_each(|line| drop(tell.send(serde_json::from_str(&line).expect("a step"))));
        });
        let mut demo = Self { home, running, steps, url: String::new(), token: String::new() };
        let page = demo.step("page").await;
        let (what, more) = (page["what"].as_str().expect("words"), page["more"][0].as_str().expect("a token"));
        what.rsplit(' ').next().expect("an address").clone_into(&mut demo.url);
        more.rsplit(' ').next().expect("a token").clone_into(&mut demo.token);
        demo
    }

    /// Waits until it has come so far.
    async fn step(&mut self, event: &str) -> Value {
        loop {
            let step = self.steps.recv().await.unwrap_or_else(|| panic!("it ended before {event}"));
            if step["event"] == event {
                return step;
            }
        }
    }

    /// The settings of its server, for the command line.
    fn settings(&self) -> PathBuf {
        let folder = std::fs::read_dir(self.home.path()).expect("a folder").flatten().next().expect("its own folder");
        folder.path().join("gapwright.toml")
    }

    fn ask(&self, words: &[&str]) -> Value {
        let settings = self.settings().display().to_string();
        self.home.json(&[&["--config", &settings], words].concat())
    }

    fn end(self) {
        let running = self.running;
        running.signal(Signal::SIGINT);
        assert_eq!(running.wait(), Some(0), "it ends well when it is stopped");
    }
}

async fn sign_in(browser: &Browser, url: &str, token: &str) {
    browser.goto(url).await;
    browser.wait_for("input[name=token]").await;
    browser.is_sound("the door").await;
    browser.fill("input[name=token]", token).await;
    browser.click_text("button", "Sign in").await;
    browser.wait_for("html[data-live=on]").await;
}

/// Every page that is more than a list here, with the name of its picture in the documents where it is pictured here.
fn pages(pull: &str, run: &str) -> [(&'static str, String); 10] {
    [
        ("", String::new()),
        ("", "jobs/deploy%2Ddigest".to_owned()),
        ("", format!("runs/{run}")),
        ("", "pipeline?state=all".to_owned()),
        ("pull", format!("pulls/{pull}")),
        ("diff", format!("pulls/{pull}/diff")),
        ("", "gaps/one/mcp%2Dtool%2Flist%2Drecent%2Ddeploys".to_owned()),
        ("issue", "issues/1".to_owned()),
        ("", "evidence".to_owned()),
        ("settings", "settings".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_whole_part_is_done_by_clicks_and_what_changes_is_seen_without_a_reload() {
    let mut demo = Demo::start().await;
    let browser = Browser::open().await;
    browser.resize(DESK.0, DESK.1).await;
    sign_in(&browser, &demo.url, &demo.token).await;
    browser.eval("window.sameLoad = true").await;

    // What agents do arrives by itself, and ends in the one thing that needs a person.
    browser.wait_until("document.querySelector('#needs')?.textContent.includes('ready to merge')").await;
    browser.wait_until("document.querySelector('#feed')?.textContent.includes('reviewer')").await;
    assert_eq!(browser.eval("window.sameLoad").await, json!(true), "it was loaded anew");
    demo.step("waits").await;

    // The gap: what it blocks, and why it ranks so.
    browser.press("g").await;
    browser.press("g").await;
    browser.wait_for("#gaps").await;
    browser.click_text("#gaps a", "list-recent-deploys").await;
    browser.wait_for_text("what it is made of").await;
    assert!(browser.text("#blocked").await.contains("deploy-digest"));
    assert!(browser.text("#sightings").await.contains("nothing lists it"), "in the reporter's words");

    // The plan, the rounds and the diff.
    browser.click("#pulls a").await;
    browser.wait_for("#plan").await;
    assert!(browser.text("#plan").await.contains("an alias of git"));
    let rounds = browser.text("#rounds").await;
    assert!(rounds.contains("REQUEST_CHANGES") && rounds.contains("APPROVE_FOR_HUMAN"), "{rounds}");
    browser.click_text("#acts a", "Read the diff").await;
    browser.wait_for("table.diff tr.add").await;
    assert!(browser.text("#diff").await.contains("recent-deploys"));
    browser.click_text("#acts a", "Back to it").await;

    // The merge: asked for, confirmed, done, said.
    browser.click_text("#acts a", "Merge").await;
    browser.wait_for("dialog#confirm[open] form").await;
    browser.is_sound("the confirmation").await;
    browser.click_text("dialog#confirm button", "Merge it").await;
    browser.wait_for_text("Merged 2 into main").await;

    // The routine that was blocked succeeds, while its job is looked at.
    browser.press("g").await;
    browser.press("q").await;
    browser.click_text("#jobs a", "deploy-digest").await;
    browser.eval("window.sameLoad = true").await;
    browser.wait_until("document.querySelector('#runs li.good')").await;
    assert_eq!(browser.eval("window.sameLoad").await, json!(true), "it was loaded anew");
    demo.step("stays").await;
    assert_eq!(demo.ask(&["gaps", "show", "mcp-tool/list-recent-deploys"])["state"], "proven");
    let done = demo.ask(&["audit", "tail"]).to_string();
    assert!(done.contains("page merge-pull"), "what was done by the page is not in the audit");
    assert_eq!(browser.dialogs().await, Vec::<String>::new());
    assert_eq!(browser.foreign_requests(&demo.url).await, Vec::<String>::new());
    assert_eq!(browser.console_errors().await, Vec::<String>::new());

    every_page(&browser, &demo).await;
    demo.end();
}

/// Pages with what the demonstration left on them, in both themes.
async fn every_page(browser: &Browser, demo: &Demo) {
    let pull = demo.ask(&["pulls", "show", "2"]);
    let id = pull["id"].as_str().expect("an id");
    let run = pull["rounds"][0]["claim_id"].as_str().expect("a claim");
    browser.goto(&format!("{}/settings", demo.url)).await;
    browser.click_text("#doctor button", "Let it look").await;
    browser.wait_for("#doctor .tag").await;
    for (name, path) in pages(id, run) {
        browser.prefer(Theme::Light, Motion::Full).await;
        browser.goto(&format!("{}/{path}", demo.url)).await;
        browser.wait_for("html[data-live=on]").await;
        browser.is_sound(&format!("{path}, light")).await;
        if !name.is_empty() {
            browser.picture(name).await;
        }
        browser.prefer(Theme::Dark, Motion::Reduced).await;
        browser.is_sound(&format!("{path}, dark")).await;
    }
    assert!(browser.text("#settings").await.contains("forge.kind"), "settings are told with their origin");
    assert!(browser.text("#doctor").await.contains("pass"), "the doctor looks");
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_led_by_keys_and_works_without_a_script() {
    let home = Home::with_database();
    let server = home.serve(&[]);
    let token = home.json(&["token", "create", "--role", "operator", "--name", "ann"])["token"].clone();
    let token = token.as_str().expect("a token");
    home.ok(&["jobs", "add", "digest", "--kind", "report", "--every", "1h"]);
    let browser = Browser::open().await;
    sign_in(&browser, &server.url, token).await;

    for (key, id) in [
        ("q", "#jobs"),
        ("p", "#pulls"),
        ("l", "#locks"),
        ("g", "#gaps"),
        ("e", "#level"),
        ("c", "#routines"),
        ("d", "#decisions"),
        ("a", "#audit"),
        ("n", "#tokens"),
        ("s", "#switches"),
        ("o", "#needs"),
    ] {
        browser.press("g").await;
        browser.press(key).await;
        browser.wait_for(id).await;
    }
    browser.press("?").await;
    browser.wait_for("dialog#help[open]").await;
    browser.is_sound("the keys").await;
    browser.press(harness::browser::Key::Escape).await;
    browser.wait_gone("dialog#help[open]").await;
    browser.press("r").await;
    browser.wait_for("html[data-live=paused]").await;
    browser.press("r").await;
    browser.wait_for("html[data-live=on]").await;
    for theme in ["light", "dark"] {
        browser.press("t").await;
        browser.wait_for(&format!("html[data-theme={theme}]")).await;
    }
    browser.press("g").await;
    browser.press("q").await;
    browser.wait_for("#jobs").await;
    browser.press("/").await;
    browser.wait_until("document.activeElement.name === 'name'").await;
    browser.press("r").await;
    assert_eq!(browser.eval("document.activeElement.value").await, json!("r"), "keys are letters within a field");

    // A row above it goes, and the focus stays where it is.
    home.ok(&["jobs", "add", "another", "--kind", "report", "--every", "1h"]);
    browser.goto(&format!("{}/queue", server.url)).await;
    browser.wait_for("tr[data-key=another]").await;
    browser.eval("document.querySelector('tr[data-key=digest] a').focus()").await;
    home.ok(&["jobs", "remove", "another"]);
    browser.wait_gone("tr[data-key=another]").await;
    let focused = browser.eval("document.activeElement.closest('tr')?.dataset.key").await;
    assert_eq!(focused, json!("digest"));

    // The same by forms and links alone.
    browser.scripts(harness::browser::Scripts::Off).await;
    browser.goto(&format!("{}/jobs/digest", server.url)).await;
    browser.click_text("#acts a", "Run it now").await;
    browser.wait_for("form").await;
    browser.click_text("button", "Run it").await;
    browser.wait_for_text("digest is due now").await;
    browser.click_text("button", "Sign out").await;
    browser.wait_for("input[name=token]").await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told_of_and_one_that_comes_back_is_heard_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("gapwright.db").display());
    let program = Program::new(Path::new(env!("CARGO_BIN_EXE_gapwright")), folder.path(), &database);
    let program = program.with("GAPWRIGHT__NOTIFY__CHANNELS__OPS__URL", "slack://hooks/T000/B000/s3cret");
    let server = program.serve().await;
    let token = program.token("operator", "ann").await;
    let browser = Browser::open().await;
    sign_in(&browser, &server.url, &token).await;
    browser.goto(&format!("{}/settings", server.url)).await;
    browser.wait_for("html[data-live=on]").await;
    assert!(browser.text("#settings").await.contains("notify.channels.ops.url"), "a secret is told of");
    assert!(!browser.eval("document.documentElement.outerHTML").await.to_string().contains("s3cret"), "and not told");

    server.kill().await;
    browser.wait_for("html[data-live=off]").await;
    // As if that were a minute ago.
    browser.eval("heard -= 60000").await;
    browser.wait_for("html[data-stale]").await;
    assert!(browser.text("#stale").await.contains("Last update 1 min ago"), "it says how old it is");
    let server = program.serve().await;
    browser.wait_for("html[data-live=on]").await;
    browser.wait_gone("html[data-stale]").await;
    drop(server);
}
