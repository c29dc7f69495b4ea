//! An agent's command line as it is let work on this machine: the same for jobs of the pipeline and for shadow reviews, so that
//! what is tried is what works.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::budget::Caps;
use domain::pull::Stage;
use runner::{Agent, Environment, Settings};

use crate::config::{machine_time, variables};
use crate::failure::Failure;
use crate::session;

/// For how long a job is claimed at a time: what a renewal each three minutes keeps, and what is lost when this machine is.
const TTL: Duration = Duration::from_mins(10);

/// The pause before a step is tried again that the world kept from being done.
const PAUSE: Duration = Duration::from_secs(2);

/// How long what an agent has made is tried to be handed in, though the forge or the server is away.
const PATIENCE: Duration = Duration::from_mins(30);

/// How many agents one process may run at once.
pub(super) const CONCURRENCY_MAX: u16 = 32;

/// An agent, with what it gets to see.
#[derive(Debug, Clone)]
pub(super) struct Hired {
    /// The agent.
    pub(super) agent: Agent,
    /// Its model, where it lets one choose.
    pub(super) model: Option<String>,
    /// Variables of the environment that it gets to see, beside those of its model's provider.
    pub(super) pass: Vec<String>,
}

/// Reads an agent.
pub(super) fn agent(text: &str) -> Result<Agent, String> {
    Agent::parse(text).map_err(|bad| bad.to_string())
}

/// Reads the name of a model.
pub(super) fn model(text: &str) -> Result<String, String> {
    domain::id::name("model", text).map_err(|refusal| refusal.message)
}

impl Hired {
    /// Refuses an agent that is not there, before anything is begun for it.
    pub(super) fn can_start(&self) -> Result<(), Failure> {
        let program = self.agent.program();
        let found = if program.is_absolute() {
            program.is_file()
        } else {
            std::env::split_paths(self.environment().path()).any(|folder| folder.join(program).is_file())
        };
        if found {
            return Ok(());
        }
        Err(Failure::usage(format!("there is no program {}", program.display()))
            .why("no job is claimed for an agent that cannot be started")
            .hint("install it, or give its whole path: --agent /usr/local/bin/claude"))
    }

    fn environment(&self) -> Environment {
        Environment::pick(variables(), &self.pass)
    }

    /// How a runner lets it work.
    pub(super) fn settings(
        &self,
        stage: Stage,
        (repo, branch_prefix): (String, String),
        caps: Caps,
        rooms: PathBuf,
    ) -> Settings {
        Settings {
            stage,
            holder: format!("gapwright work by {}", session::os_user()),
            agent: self.agent.clone(),
            model: self.model.clone(),
            environment: self.environment(),
            repo,
            branch_prefix,
            caps,
            ttl: TTL,
            pause: PAUSE,
            patience: PATIENCE,
            rooms,
            now: Arc::new(machine_time),
        }
    }
}
