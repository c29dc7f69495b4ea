//! A GitHub over real HTTP on this machine: with state, webhooks, a git repository behind it, and faults to order.
//!
//! It takes the place of `api.github.com` by its address and answers in the real one's shapes; what it does not know is
//! 404. Nothing happens in it by itself: its clock is turned by hand, and webhooks wait until a test delivers them.
//! What people do is told by a webhook or [`Person::silently`] not at all.

mod act;
mod answer;
mod app;
mod app_routes;
mod branches;
mod caller;
mod changes;
mod checks;
mod contents;
mod description;
mod desk;
mod fault;
mod git;
mod hook;
mod issues;
mod knobs;
mod labels;
mod listen;
mod look;
mod merge;
mod owner;
mod person;
mod post;
mod pulls;
mod request;
mod reviews;
mod route;
mod smart;
mod state;
mod view;
mod view_commits;
mod view_issues;
mod view_pulls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domain::time::Span;

use crate::plane::START;
use crate::process::{Port, Process};

pub use description::Description;
pub use desk::Arrived;
pub use fault::{Fault, GitFault};
pub use hook::{Delivery, sign};
pub use look::{Check, Comment, Issue, Label, Pull, Review, Status};
pub use owner::{AppKey, Suspended};
pub use person::{Person, Reason};
pub use post::Automatic;
pub use smart::Visit;
pub use state::Access;

use desk::Desk;
use git::Bare;
use state::{Personal, Repo, State};

/// What a caller may ask in an hour unless a test says otherwise, as the real one has it.
const LIMIT: u64 = 5_000;

/// How long the real one waits for whoever takes a webhook.
const HOOK_SECS: u64 = 10;

/// The fake. Dropped, it is gone.
#[derive(Debug)]
pub struct GitHub {
    port: Port,
    desk: Arc<Desk>,
    /// What carries webhooks when a test does it.
    client: reqwest::Client,
}

impl GitHub {
    /// Starts an empty one whose clock stands at [`START`].
    pub async fn start() -> Self {
        Self::start_at(Arc::new(AtomicI64::new(START.0))).await
    }

    /// Starts an empty one whose clock is this, in Unix milliseconds.
    pub async fn start_at(moment: Arc<AtomicI64>) -> Self {
        let state = State { limit: LIMIT, last_id: 1_000, ..State::default() };
        let mut github = Self { port: Port::free(), desk: Arc::new(Desk::new(moment, state)), client: client() };
        github.up().await;
        github
    }

    /// Its address, to be given in the place of `https://api.github.com`.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr
    }

    /// Dies: its port refuses, and whoever was connected is not any more. What it knows it keeps.
    pub fn down(&mut self) {
        self.port.down();
    }

    /// Comes back on the same port.
    pub async fn up(&mut self) {
        let desk = Arc::clone(&self.desk);
        let begin = |process: &Process, addr, listener| {
            desk.base.get_or_init(|| format!("http://{addr}"));
            process.begin(post::carry(Arc::clone(&desk), client()));
            process.begin(listen::listen(listener, desk));
        };
        self.port.up(begin).await;
    }

    /// Now, by its clock.
    pub fn now(&self) -> i64 {
        self.desk.now()
    }

    /// Turns its clock on.
    pub fn turn(&self, by: Span) {
        self.desk.moment.fetch_add(by.0, Ordering::Relaxed);
    }

    /// Makes a public repository, with one commit on `main`.
    pub fn repo(&self, full_name: &str) {
        self.repo_with(full_name, |_| {});
    }

    /// Makes a repository that is set up so.
    pub fn repo_with(&self, full_name: &str, set: impl FnOnce(&mut Setup)) {
        let (owner, name) = full_name.split_once('/').expect("OWNER/NAME");
        let mut setup = Setup { private: false, has_issues: true, empty: false };
        set(&mut setup);
        let now = self.now();
        self.desk.act(owner, false, |act| {
            assert!(act.state.named(full_name).is_none(), "{full_name} is there already");
            let repo = Repo {
                id: act.state.id(),
                owner: owner.to_owned(),
                name: name.to_owned(),
                private: setup.private,
                archived: false,
                has_issues: setup.has_issues,
                default_branch: "main".to_owned(),
                created_at: now,
                pushed_at: now,
                last_number: 0,
                labels: Vec::new(),
                issues: BTreeMap::new(),
                checks: Vec::new(),
                statuses: Vec::new(),
                heads: BTreeMap::new(),
                git: Arc::new(Bare::new()),
            };
            let id = repo.id;
            act.state.repos.insert(id, repo);
            if !setup.empty {
                act.commit(id, "main", &[("README.md", Some("# A repository\n"))]);
            }
        });
    }

    /// Archives a repository, or opens it again: nothing in an archived one can be changed.
    pub fn archive(&self, repo: &str, archived: Archived) {
        let id = self.id_of(repo);
        self.desk.set(|state| state.repo(id).archived = archived == Archived::Yes);
    }

    /// A personal token of somebody.
    pub fn token(&self, login: &str, access: Access) -> String {
        self.desk.set(|state| {
            let login = state.user(login).login.clone();
            let token = format!("ghp_{:032}", state.id());
            state.tokens.insert(token.clone(), Personal { login, access });
            token
        })
    }

    /// Takes a token away: it is 401 from now on.
    pub fn revoke(&self, token: &str) {
        self.desk.set(|state| {
            state.tokens.remove(token);
            state.app.iter_mut().for_each(|app| drop(app.tokens.remove(token)));
        });
    }

    /// Says what somebody may do in one repository, whatever their tokens say.
    pub fn grant(&self, login: &str, repo: &str, access: Access) {
        let id = self.id_of(repo);
        self.desk.set(|state| state.grants.insert((login.to_lowercase(), id), access));
    }
}

/// How a repository is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Whether only those who may read it see it.
    pub private: bool,
    /// Whether it has issues.
    pub has_issues: bool,
    /// Whether it has no commit.
    pub empty: bool,
}

/// Whether a repository is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archived {
    /// Nothing can be changed.
    Yes,
    /// It is as any other.
    No,
}

/// What carries webhooks: one for all, for it takes long to make; no connection of it outlives its request, and so none
/// the process that it was made in.
fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        notify::install_tls();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(HOOK_SECS)).no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0);
        client.build().expect("a client")
    });
    CLIENT.clone()
}
