//! A server that is thrown away again: the real one, over SQLite and the local forge, on a free port of this machine. For what
//! is shown and what is tried, away from the installation's own.

use std::path::Path;
use std::time::Duration;

use domain::agent::{Principal, Role};
use domain::time::Span;
use forge::local::Local;
use plane::agent::Grant;
use plane::{Call, Plane};
use runner::{Client, Trouble};
use secrecy::SecretString;
use server::Bound;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::issues::failure as of_forge;
use super::serve;
use crate::config::{self, Config};
use crate::failure::{Exit, Failure};
use crate::logs::{self, Talk};
use crate::session::{self, Missing};

/// How long a step may take that waits for the server.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often is looked whether it came about.
pub(super) const GLANCE: Duration = Duration::from_millis(100);

/// How long a token is good: longer than any house stands.
const LIFE: Span = Span::days(30);

/// The person whose machine it is.
pub(super) const YOU: &str = "you";

/// A running server.
pub(super) struct House {
    pub(super) config: Config,
    pub(super) plane: Plane,
    pub(super) local: Local,
    pub(super) url: String,
    /// When somebody wants it to end.
    pub(super) halt: CancellationToken,
    /// By which command it was opened.
    tool: &'static str,
    stop: CancellationToken,
    tasks: TaskTracker,
    serving: JoinHandle<Result<(), server::Error>>,
}

impl House {
    /// Starts it, as `serve` does, with the settings of this file and no others.
    pub(super) async fn open(settings: &Path, tool: &'static str, halt: CancellationToken) -> Result<Self, Failure> {
        let config = config::load_alone(settings)?;
        logs::start(&config, Talk::Server);
        let store = session::open(&config, Missing::Make).await?;
        store.migrate().await?;
        let local = config.local(&store, session::chance())?;
        local.bare().await.map_err(of_forge)?;
        let home = session::home(&config, &store).await?;
        let bound = Bound::bind(config.listen()?, false).await?;
        let url = session::local_url(bound.address()?);
        let settings = config.settings_with_secrets(url.clone())?;
        let plane =
            Plane::new(store, plane::Settings { home, local: Some(local.clone()), ..settings }, session::chance());
        plane.sync_schedule().await?;
        plane.tell_presence().await?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        plane.start_chores(&stop, &tasks);
        let serving = tokio::spawn(bound.serve(plane.clone(), serve::options(&config), stop.clone()));
        Ok(Self { config, plane, local, url: format!("{url}/mcp"), halt, tool, stop, tasks, serving })
    }

    /// Where its page is.
    pub(super) fn page(&self) -> &str {
        self.url.trim_end_matches("/mcp")
    }

    /// A call by the person whose machine it is.
    pub(super) fn call(&self) -> Call {
        let by = Principal::local(YOU, Role::Operator);
        Call { by, tool: self.tool, request_id: format!("{:032x}", self.plane.draw()), idempotency: None }
    }

    /// A client with a token of its own.
    pub(super) async fn client(&self, name: &str, role: Role) -> Result<Client, Failure> {
        let grant = Grant { principal: name.to_owned(), role, kinds: Vec::new(), life: LIFE };
        let (token, _) = self.plane.create_token(&self.call(), grant).await?;
        Client::new(&self.url, SecretString::from(token), session::chance()).map_err(unanswered)
    }

    /// Waits until something has come about.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let (began, mut clock) = (Instant::now(), interval(GLANCE));
        loop {
            if self.halt.run_until_cancelled(clock.tick()).await.is_none() {
                return Err(halted());
            }
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure::later(format!("{what} did not come about in {} s", PATIENCE.as_secs()))
                    .hint("try again on a machine that is less busy, with --keep to look at what is there"));
            }
        }
    }

    /// Ends it, in order.
    pub(super) async fn end(self) -> Result<(), Failure> {
        self.stop.cancel();
        let began = Instant::now();
        let served = self.serving.await;
        serve::end(&self.plane, &self.tasks, serve::STOP_MAX.saturating_sub(began.elapsed())).await;
        served.map_err(|error| Failure::new("the server did not end in order").why(error.to_string()))??;
        Ok(())
    }
}

/// Somebody wanted it to end.
pub(super) fn halted() -> Failure {
    Failure { exit: Exit::Interrupted, code: "interrupted", ..Failure::new("stopped before its end") }
}

/// Why the server did not do what a client asked of it.
pub(super) fn unanswered(trouble: Trouble) -> Failure {
    let told = trouble.to_string();
    let hint = match trouble {
        Trouble::Refused { hint, .. } => hint,
        Trouble::Lost(_) | Trouble::Stranger | Trouble::Foreign(_) => String::new(),
    };
    Failure::new("the server did not do what was asked").why(told).hint(hint)
}
