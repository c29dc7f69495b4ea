//! The five scenarios of the seed's design, each as one test: the prompts of Routines, played step by step through MCP.
//!
//! A Routine has what it has in life: a token of its own, the tools, and its own access to the forge. What it leaves in the
//! store, with people and on the forge is looked at afterwards.

mod attend;
mod fix;
mod tell;
mod trigger;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use domain::agent::Role;
use domain::time::{Span, Time};
use forge::github::{Auth, GitHub, Pace, Settings};
use harness::github::{Access, GitHub as Fake};
use harness::mcp::Client;
use harness::{Discord, World, call};
use plane::mirror::Home;
use plane::{Call, Plane};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::asked::{Asked, ok, options};

/// The repository of the scenarios.
pub(crate) const REPO: &str = "octocat/hello-world";

/// We, on the forge.
const US: &str = "gapwright-bot";

/// No pace: a fake does not tire.
const AT_ONCE: Pace = Pace { between: Span(0), per_minute: 100_000, per_hour: 100_000 };

/// How often everything is read on the forge.
const POLL: Span = Span::mins(2);

/// What signs webhooks.
pub(crate) const SECRET: &str = "a secret of thirty-two characters";

/// A served plane with everything around it: people on a fake Discord, issues on a fake GitHub.
pub(crate) struct Ground {
    pub(crate) asked: Asked,
    pub(crate) plane: Plane,
    pub(crate) discord: Discord,
    pub(crate) github: Fake,
}

impl Ground {
    pub(crate) async fn new(world: &World) -> Self {
        Self::with(world, |_| {}).await
    }

    async fn with(world: &World, set: impl FnOnce(&mut plane::Settings)) -> Self {
        let (discord, github) = (Discord::start().await, Fake::start_at(world.moment()).await);
        github.repo(REPO);
        let (channel, home) = (discord.channel("ops"), home(world, &github));
        let plane = world.replica_with(|settings| {
            settings.channels = vec![channel];
            "ops".clone_into(&mut settings.default_channel);
            settings.home = Some(home);
            set(settings);
        });
        let plane = plane.await;
        plane.sync_schedule().await.expect("a schedule");
        let asked = Asked::serve(plane.clone(), options()).await;
        Self { asked, plane, discord, github }
    }

    /// A Routine with a token of its own, here and on the forge.
    pub(crate) async fn routine(&self, name: &'static str) -> Routine {
        let client = self.asked.client(Role::Routine, name).await;
        let (forge, token) = (self.github.url(), self.github.token(name, Access::Write));
        Routine { name, client, forge, token }
    }

    /// What people were told, in order.
    async fn told(&self) -> Vec<String> {
        self.plane.deliver().await.expect("a pass");
        self.discord.taken()
    }

    /// The tools by which somebody wrote, each once for each of their writes, sorted.
    async fn tools_of(&self, principal: &str) -> Vec<String> {
        let mut tx = self.plane.store().read().await.expect("a look");
        let sql = "SELECT DISTINCT tool, request_id, principal FROM journal ORDER BY tool, request_id, principal";
        let rows: Vec<(String, String, String)> = tx.all(sql, &[]).await.expect("the journal");
        rows.into_iter().filter(|(.., by)| by == principal).map(|(tool, ..)| tool).collect()
    }

    /// Whether a Routine got to its end.
    async fn ended(&self, routine: &str) -> bool {
        let (routines, _) = self.plane.list_routines(&operator()).await.expect("routines");
        routines.iter().any(|known| known.name == routine && known.ended_at.is_some())
    }

    pub(crate) async fn end(self) {
        self.asked.end().await.expect("a clean end");
    }
}

fn home(world: &World, github: &Fake) -> Home {
    let moment = world.moment();
    let now = Arc::new(move || Time(moment.load(std::sync::atomic::Ordering::Relaxed)));
    let auth = Auth::Token(github.token(US, Access::Write).into());
    let settings = Settings {
        api: github.url(),
        pace: AT_ONCE,
        pause: Duration::from_millis(1),
        ..Settings::new(REPO, auth, now)
    };
    home_at(settings)
}

fn home_at(settings: Settings) -> Home {
    Home {
        forge: Arc::new(GitHub::new(settings).expect("a client")),
        repo: REPO.to_owned(),
        poll: POLL,
        open_max: 50,
        sweep_max: 10,
        broker: None,
        webhook_secret: Some(SecretString::from(SECRET)),
    }
}

/// A home at which nothing answers.
pub(crate) fn nowhere() -> Home {
    let auth = Auth::Token("a token of nobody".into());
    let settings = Settings { api: "http://127.0.0.1:9".to_owned(), ..Settings::new(REPO, auth, Arc::new(|| Time(0))) };
    home_at(settings)
}

/// Reads the forge as the mirror does when its time has come.
pub(crate) async fn poll(world: &World, ground: &Ground) {
    world.hand.advance(POLL);
    ground.plane.tend_mirror().await.expect("a tick");
}

/// A person at the command line.
pub(crate) fn operator() -> Call {
    call(Role::Operator, "olga", "cli")
}

/// A Routine: what it says here, and what it does on the forge by itself.
pub(crate) struct Routine {
    name: &'static str,
    pub(crate) client: Client,
    forge: String,
    token: String,
}

impl Routine {
    /// Calls a tool that must answer.
    pub(crate) async fn does(&self, tool: &str, arguments: Value) -> Value {
        ok(&self.client, tool, arguments).await
    }

    async fn checks_in(&self, routine: &str, phase: &str) {
        assert_eq!(self.does("check-in", json!({"routine": routine, "phase": phase})).await["ok"], json!(true));
    }

    /// Takes a lock; none when somebody else has it.
    async fn locks(&self, key: &str, ttl_secs: i64) -> Option<Value> {
        let lock = self.does("acquire-lock", json!({"key": key, "holder": self.name, "ttl_secs": ttl_secs})).await;
        (lock["acquired"] == json!(true)).then_some(lock)
    }

    /// Reads from the forge with its own token.
    async fn reads(&self, path: &str) -> Value {
        self.asks(reqwest::Method::GET, path, Value::Null).await
    }

    /// Writes to the forge with its own token.
    async fn writes(&self, path: &str, body: Value) -> Value {
        self.asks(reqwest::Method::POST, path, body).await
    }

    async fn asks(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let mut request = reqwest::Client::new().request(method, format!("{}/repos/{REPO}/{path}", self.forge));
        // GitHub answers nobody who does not say what they are.
        request = request.bearer_auth(&self.token).header("user-agent", self.name);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer").error_for_status().expect("done");
        answer.json().await.expect("JSON")
    }

    /// The open pull requests and issues that people opted in and nobody has attended to for two days, the oldest first:
    /// `manual` wins, and what was attempted or is a gap's is left out.
    async fn candidates(&self, now: Time) -> Vec<(i64, bool)> {
        let asked = "issues?labels=claude&state=open&sort=updated&direction=asc&per_page=100";
        let found = self.reads(asked).await;
        let quiet = |issue: &Value| {
            let touched = issue["updated_at"].as_str().expect("a moment");
            now.since(Time::parse(touched, "updated_at").expect("a moment")) >= Span::days(2)
        };
        let left = ["manual", "claude-routine-attempted", "capability-gap"];
        let fits = |issue: &&Value| quiet(issue) && !labels(issue).iter().any(|label| left.contains(&label.as_str()));
        let number = |issue: &Value| (issue["number"].as_i64().expect("a number"), issue["pull_request"].is_object());
        found.as_array().expect("a list").iter().filter(fits).map(number).collect()
    }

    /// Takes one up under its lock: if people did not take it back meanwhile, it is marked as attempted.
    async fn takes_up(&self, (number, pull): (i64, bool)) -> Option<Value> {
        let key = if pull { format!("pr-fix-{number}") } else { format!("gh-issue-{number}") };
        let lock = self.locks(&key, 2_700).await?;
        let now = labels(&self.reads(&format!("issues/{number}")).await);
        let may = now.iter().any(|label| label == "claude")
            && !now.iter().any(|label| label == "manual" || label == "claude-routine-attempted");
        if !may {
            self.releases(&lock).await;
            return None;
        }
        self.writes(&format!("issues/{number}/labels"), json!({"labels": ["claude-routine-attempted"]})).await;
        Some(lock)
    }

    /// Whether a lock is still its own, which it asks right before it writes.
    async fn still_has(&self, lock: &Value) -> bool {
        let extended = self.does("extend-lock", json!({"lock_id": lock["lock_id"], "ttl_secs": 2_700})).await;
        extended["ok"] == json!(true)
    }

    async fn releases(&self, lock: &Value) {
        self.does("release-lock", json!({"lock_id": lock["lock_id"]})).await;
    }

    async fn says(&self, number: i64, text: &str) {
        self.writes(&format!("issues/{number}/comments"), json!({"body": text})).await;
    }
}

/// The names of an issue's labels as the forge tells them.
fn labels(issue: &Value) -> Vec<String> {
    let all = issue["labels"].as_array().into_iter().flatten();
    all.filter_map(|label| label["name"].as_str().map(str::to_owned)).collect()
}
