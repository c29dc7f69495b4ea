//! A worker at work: the real server on loopback, over a local forge with real git or over a GitHub, a broker of the server's
//! own and one of the worker's own, and agents that are small scripts.
//!
//! The world's clock is turned by hand; a worker's own goes by itself.

mod ends;
mod github;
mod hostile;
mod lost;
mod stages;
mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::agent::Role;
use domain::job::Run;
use domain::pull::Stage;
use domain::time::Span;
use forge::local::Local;
use harness::{World, call, plane::On};
use plane::agent::Grant;
use plane::page::Ask;
use plane::pull::Shown;
use plane::{Call, Plane};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use runner::{Agent, Client, End, Environment, News, Origin, Outcome, Settings, Worked, Worker};
use secrecy::SecretString;
use server::{Bound, Options};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const REPO: &str = "ann/website";
/// Who steers and merges.
const PERSON: &str = "mona";
/// The name of the gap. A reviewer must not read it.
const GAP: &str = "list-recent-deploys";
/// The branch that closes it.
const BRANCH: &str = "gapwright/mcp-tool.list-recent-deploys-1";
/// How often everything is read on the forge.
const POLL: Span = Span::mins(5);

/// How far the pipeline of a yard goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// An implementer drafts.
    Propose,
    /// All four stages.
    Pipeline,
}

/// Where the pull requests are.
enum Place {
    /// On this machine, with branches in `home.git`.
    Local(Local),
    /// On a GitHub that other people act on.
    GitHub(Box<harness::github::GitHub>, Arc<forge::github::GitHub>),
}

/// A served plane with a gap that was just taken up.
struct Yard {
    world: World,
    plane: Plane,
    place: Place,
    folder: TempDir,
    url: String,
    /// Each client draws its own keys.
    seeds: AtomicU64,
    stop: CancellationToken,
    serving: JoinHandle<Result<(), server::Error>>,
}

fn operator() -> Call {
    call(Role::Operator, "test", "test")
}

impl Yard {
    async fn new(level: Level) -> Self {
        Self::with(level, |_| {}).await
    }

    async fn with(level: Level, set: impl FnOnce(&mut plane::Settings)) -> Self {
        let world = World::new(On::Memory).await;
        let folder = tempfile::tempdir().expect("a folder");
        let local = harness::local::forge(&world, folder.path(), REPO).await;
        first_commit(folder.path());
        Self::at(level, world, folder, Place::Local(local), set).await
    }

    async fn at(
        level: Level,
        world: World,
        folder: TempDir,
        place: Place,
        set: impl FnOnce(&mut plane::Settings),
    ) -> Self {
        let home = harness::local::home(place.forge(), folder.path(), (REPO, POLL)).await;
        let settings = harness::plane::settings(|settings| {
            settings.home = Some(home);
            set(settings);
        });
        let plane = Plane::new(world.store().clone(), settings, StdRng::seed_from_u64(99));
        for _ in 0..if level == Level::Pipeline { 2 } else { 1 } {
            plane.raise_level(&operator(), Some("a trial of the pipeline")).await.expect("raised");
        }
        let bound = Bound::bind("127.0.0.1:0".parse().expect("an address"), false).await.expect("bound");
        let url = format!("http://{}/mcp", bound.address().expect("an address"));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(bound.serve(plane.clone(), options(), stop.clone()));
        std::fs::create_dir(folder.path().join("rooms")).expect("a folder");
        let yard = Self { world, plane, place, folder, url, seeds: AtomicU64::new(0), stop, serving };
        yard.takes_up().await;
        yard
    }

    /// Lets the gap be reported, opted in by a person, and taken up.
    async fn takes_up(&self) {
        let reporter =
            harness::mcp::Client::new(self.url.trim_end_matches("/mcp"), &self.token(Role::Routine, "reporter").await);
        let report = serde_json::json!({"kind": "mcp-tool", "name": GAP, "reason": "nobody could see it"});
        let reported = reporter.call("report-gap", report).await;
        assert!(matches!(reported, harness::mcp::Answer::Ok(_)), "{reported:?}");
        self.plane.sweep().await.expect("swept");
        self.pass(Span::secs(1)).await;
        self.place.let_agents_act().await;
        self.pass(POLL).await;
        assert_eq!(self.plane.tend_pulls().await.expect("a pass"), 1, "taken up");
    }

    /// Time passes, and the forge is looked at.
    async fn pass(&self, span: Span) {
        self.world.hand.advance(span);
        self.plane.tend_mirror().await.expect("a tick of the mirror");
        self.plane.watch_pulls().await.expect("a tick of the pull requests");
    }

    async fn token(&self, role: Role, name: &str) -> String {
        let grant = Grant { principal: name.to_owned(), role, kinds: Vec::new(), life: Span::days(1) };
        self.plane.create_token(&operator(), grant).await.expect("a token").0
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Settings of a worker of a stage with this agent.
    fn settings(&self, stage: Stage, agent: Agent) -> Settings {
        let around = [
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("YARD".to_owned(), self.folder.path().display().to_string()),
        ];
        Settings {
            stage,
            holder: "a worker".to_owned(),
            agent,
            model: None,
            environment: Environment::pick(around, &["YARD".to_owned()]),
            repo: REPO.to_owned(),
            branch_prefix: "gapwright/".to_owned(),
            caps: self.plane.settings().rules.caps.clone(),
            ttl: Duration::from_mins(1),
            pause: Duration::from_millis(10),
            patience: Duration::from_millis(200),
            rooms: self.path("rooms"),
            now: Arc::new(|| harness::plane::START),
        }
    }

    /// A worker in its own name, with its broker beside the others'.
    async fn worker(&self, name: &str, settings: Settings) -> Worker {
        let origin = match &self.place {
            Place::Local(_) => Origin::Folder(self.path("home.git")),
            Place::GitHub(..) => Origin::Forge(self.place.forge()),
        };
        self.worker_at(origin, name, settings).await
    }

    async fn worker_at(&self, origin: Origin, name: &str, settings: Settings) -> Worker {
        let token = SecretString::from(self.token(settings.stage.role(), name).await);
        let client = Client::new(&self.url, token, self.chance()).expect("a client");
        Worker::open(client, origin, &self.path("worker.git"), settings).await.expect("a worker")
    }

    fn chance(&self) -> StdRng {
        StdRng::seed_from_u64(self.seeds.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets an agent work on the job of a stage that is due.
    async fn works(&self, stage: Stage, agent: Agent) -> Outcome {
        self.works_with(self.settings(stage, agent)).await
    }

    async fn works_with(&self, settings: Settings) -> Outcome {
        let stage = settings.stage;
        let worker = self.worker(&format!("{stage}-one"), settings).await;
        let outcome = job(worker.one(&CancellationToken::new(), |_: News| {}).await.expect("an answer"));
        self.is_tidy();
        self.pass(Span::secs(1)).await;
        outcome
    }

    /// Nothing is left of a run.
    fn is_tidy(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path("rooms")).expect("a folder").flatten().collect();
        assert!(left.is_empty(), "{left:?} is left");
    }

    /// The one pull request, and all that is known of it.
    async fn pull(&self) -> Shown {
        let pulls = self.plane.list_pulls(&operator(), None, &Ask::default()).await.expect("pulls");
        self.plane.show_pull(&operator(), &pulls.items[0].pull.id).await.expect("a pull request")
    }

    /// The last run of a job.
    async fn run(&self, job: &str) -> Run {
        let runs = self.plane.list_runs(&operator(), Some(job), &Ask::default()).await.expect("runs");
        let claim = &runs.items.first().expect("a run").claim_id;
        self.plane.show_run(&operator(), claim).await.expect("the whole run")
    }

    /// Checks that a job failed for this reason, that it was written down, and that nothing was pushed.
    async fn failed(&self, outcome: &Outcome, why: &str) {
        let End::Failed(told) = &outcome.end else { panic!("{outcome:?}") };
        assert!(told.contains(why), "{told}");
        let run = self.run(&outcome.job).await;
        assert_eq!(run.outcome, domain::job::Outcome::Error);
        assert!(run.status.starts_with("error: ") && run.status.contains(why), "{}", run.status);
        self.is_in_the_journal(&outcome.job, "complete-routine-job").await;
        assert_eq!(self.branches(), Vec::<String>::new(), "something was pushed");
    }

    async fn is_in_the_journal(&self, job: &str, tool: &str) {
        let rows =
            self.plane.tail_journal(&operator(), &Ask::new(Some(200), None).expect("a page")).await.expect("rows");
        let object = format!("job:{job}");
        assert!(rows.items.iter().any(|row| row.object == object && row.tool == tool), "{tool} is not in the journal");
    }

    /// The branches of ours on the forge.
    fn branches(&self) -> Vec<String> {
        let told = self.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/gapwright"]);
        told.lines().map(str::to_owned).collect()
    }

    /// The repository of the forge, asked by git.
    fn git(&self, words: &[&str]) -> String {
        let done = Command::new("git").arg("-C").arg(self.path("home.git")).args(words).output().expect("git runs");
        assert!(done.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    async fn end(self) {
        self.world.check().await;
        self.stop.cancel();
        self.serving.await.expect("the server does not panic").expect("a clean end");
    }
}

impl Place {
    fn forge(&self) -> Arc<dyn forge::Forge> {
        match self {
            Self::Local(local) => Arc::new(local.clone()),
            Self::GitHub(_, client) => client.clone(),
        }
    }

    /// A person opts the first issue in.
    async fn let_agents_act(&self) {
        match self {
            Self::Local(local) => {
                let issues = local.issues(0).await.expect("issues");
                harness::local::label(local, PERSON, issues[0].number, "claude").await;
            }
            Self::GitHub(fake, _) => fake.as_person(PERSON, REPO).label(fake.issues(REPO)[0].number, "claude"),
        }
    }
}

/// A person's first commit in the repository of the local forge.
fn first_commit(folder: &Path) {
    let script = "git clone -q home.git person && cd person && mkdir src && echo '//! A library.' >src/lib.rs && git add -A && \
                  git -c user.name=mona -c user.email=mona@example.com commit -qm begin && git push -q origin HEAD:main";
    let done = Command::new("sh").args(["-c", script]).current_dir(folder).output().expect("a shell");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn options() -> Options {
    Options {
        insecure_no_auth: false,
        allowed_hosts: Vec::new(),
        calls_per_principal: 16,
        streams_per_principal: 16,
        streams: 256,
        drain: Duration::from_secs(5),
        installation: std::sync::Arc::new(server::Silent),
    }
}

fn job(worked: Worked) -> Outcome {
    match worked {
        Worked::Job(outcome) => outcome,
        Worked::Nothing(why) => panic!("there was no job: {why}"),
    }
}

/// An agent that talks to the server.
fn talks(play: &str) -> Agent {
    let script = super::here().join("agents/talk.py");
    Agent::Command { argv: vec!["python3".to_owned(), script.display().to_string(), play.to_owned()] }
}

/// An agent that is a shell.
fn sh(play: &str) -> Agent {
    Agent::Command { argv: ["sh", "-ec", play].map(str::to_owned).to_vec() }
}

/// A shell's words that commit everything.
const COMMIT: &str = "git add -A && git commit -qm 'feat: it

It was missing.'";
