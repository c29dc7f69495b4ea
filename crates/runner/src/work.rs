//! One job from its claim to its end: a look, a fresh workspace, a token of its own, the agent, and what it made handed in.
//!
//! However it goes, the claim is ended or it is said why it could not be, and nothing of the run is left on this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::budget::Caps;
use domain::id;
use domain::pull::Stage;
use domain::time::Time;
use forge::broker::{self, Broker, OUR_DOMAIN, Run};
use forge::git::Person;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, Brief, Mcp, Tools};
use crate::ask::{Job, Work};
use crate::bench::{Bench, Halt};
use crate::client::{Client, Trouble};
use crate::end::{Far, Outcome, Worked};
use crate::environment::Environment;
use crate::hand_in::Made;
use crate::lease::{Cause, Lease};
use crate::origin::Origin;
use crate::prompt;
use crate::room::{self, Room};
use crate::run::{Ended, Limits, Progress, run};
use crate::tell;

/// How often a step is tried that the world keeps from being done.
const TRIES_MAX: u32 = 4;
/// The longest pause before a step is tried again.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Tells the moment that stands in the commits that we make.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// How a worker works.
#[derive(Clone)]
pub struct Settings {
    /// The stage whose jobs it takes.
    pub stage: Stage,
    /// What it calls itself.
    pub holder: String,
    /// The agent that does the work.
    pub agent: Agent,
    /// The agent's model, where it lets one choose.
    pub model: Option<String>,
    /// What the agent gets to know of the environment.
    pub environment: Environment,
    /// The repository that its jobs are about, `OWNER/NAME` or a plain name.
    pub repo: String,
    /// How the branches begin that are pushed.
    pub branch_prefix: String,
    /// How long a run may take; and how large a change may be, unless the server says.
    pub caps: Caps,
    /// For how long a job is claimed at a time.
    pub ttl: Duration,
    /// The pause before a step is tried again, which doubles with each try.
    pub pause: Duration,
    /// How long what an agent has made is kept and tried to be handed in, while the claim holds.
    pub patience: Duration,
    /// The folder below which workspaces are made, an absolute path.
    pub rooms: PathBuf,
    /// The moment.
    pub now: Now,
}

impl fmt::Debug for Settings {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Settings").field("stage", &self.stage).field("repo", &self.repo).finish_non_exhaustive()
    }
}

/// Works on jobs, one at a time. Clones share the broker and the connection to the server.
#[derive(Debug, Clone)]
pub struct Worker {
    pub(crate) client: Client,
    pub(crate) bench: Bench,
    pub(crate) settings: Settings,
}

/// Something to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A job was claimed.
    Claimed {
        /// Its name.
        job: String,
        /// The gap that it is about.
        gap: String,
    },
    /// The agent did something.
    Agent(Progress),
}

impl Worker {
    /// A worker whose broker is in this folder, which is made where there is none; the folder above must be there. Several
    /// workers may share it, in one process or several. What one left behind that was killed is put away, and the agents that
    /// outlived it are ended.
    pub async fn open(
        client: Client,
        origin: Origin,
        broker: &Path,
        settings: Settings,
    ) -> Result<Self, broker::Trouble> {
        let rules = broker::Settings { prefix: settings.branch_prefix.clone(), ..broker::Settings::default() };
        room::sweep(&settings.rooms);
        let broker = Broker::open(broker, rules).await?;
        Ok(Self { client, bench: Bench { broker, origin }, settings })
    }

    /// Takes a job, if one is due, and works on it to its end. `stop` gives it back within a few seconds.
    pub async fn one(&self, stop: &CancellationToken, show: impl Fn(News)) -> Result<Worked, Trouble> {
        let Settings { holder, ttl, stage, .. } = &self.settings;
        let began = Instant::now();
        let claimed = Box::pin(self.client.claim(holder, *ttl, *stage)).await?;
        let (Some(job), Some(claim)) = (claimed.job, claimed.claim_id) else {
            return Ok(Worked::Nothing(claimed.reason.unwrap_or_else(|| "nothing_due".to_owned())));
        };
        show(News::Claimed { job: job.name.clone(), gap: job.gap().to_owned() });
        let renewed = (*ttl, self.settings.agent.is_metered());
        let lease = Lease::new(self.client.clone(), claim, (*stage, &job.name), renewed);
        let far = tokio::select! {
            far = Box::pin(self.work(&job, &lease, &show)) => far,
            never = Box::pin(lease.keep(stop)) => match never {},
        };
        let end = Box::pin(self.end(&job, &lease, far)).await;
        Ok(Worked::Job(Outcome { job: job.name, end, usage: lease.usage(), took: began.elapsed() }))
    }

    async fn work(&self, job: &Job, lease: &Lease, show: &impl Fn(News)) -> Result<Far, Halt> {
        let work = self.until_over(lease, async || Ok(self.client.show_work(&lease.claim).await?)).await?;
        if work.pull.repo != self.settings.repo {
            let why = format!("the job is about {}, and this runner works on {}", work.pull.repo, self.settings.repo);
            return Err(Halt::Broken(why));
        }
        let sight = self.until_over(lease, async || self.bench.look(&work).await).await?;
        if self.settings.stage == Stage::Implementer {
            self.until_over(lease, async || self.bench.is_free(&sight).await).await?;
        }
        let run = Run::parse(&lease.claim).map_err(|why| Halt::Broken(why.to_string()))?;
        let room = Room::make(&self.settings.rooms);
        let room = room.map_err(|error| Halt::Broken(format!("no workspace can be made: {error}")))?;
        let by = self.person();
        let workspace = self.bench.lay_out(&room.workspace(), self.settings.stage, &sight, &by).await?;
        let metered = self.settings.agent.is_metered();
        let token = self.until_over(lease, async || Ok(self.client.delegate(&lease.claim, metered).await?)).await?;
        let stage = self.settings.stage;
        let said = self.until_over(lease, async || Ok(self.client.prompt(stage.name()).await?)).await?;
        let limits = self.limits(&work);
        let brief = Brief {
            job: job.name.clone(),
            claim: lease.claim.clone(),
            role: stage.role(),
            workspace: workspace.folder().to_owned(),
            homes: room.homes(),
            mcp: Mcp { url: self.client.url().to_owned(), token },
            prompt: prompt::whole(
                (&said, self.settings.model.as_deref()),
                stage,
                lease,
                &work,
                &workspace,
                &sight,
                &limits,
            ),
            tools: Tools::of(stage.role()),
            model: self.settings.model.clone(),
            turns_max: None,
            environment: self.settings.environment.clone(),
        };
        let ended = self.run(&brief, limits, lease, show).await?;
        let unable = tell::unable(&ended, &self.settings.agent);
        let holds = lease.holds().await;
        if holds && unable.is_some() && tell::is_free(&ended) {
            lease.spent((0, Some(0))).await;
        } else {
            lease.settle(&ended.usage, work.left).await;
        }
        let told_below = lease.cause() == Some(Cause::Spent) && tell::is_excess(&ended);
        if !holds && !told_below {
            return Err(Halt::Over);
        }
        if let Some(why) = unable {
            return Err(Halt::Broken(why));
        }
        if let Some(why) = tell::failure(&ended, &limits) {
            return Ok(Far { summary: ended.last_words, handed: Err(Halt::Failed(why)) });
        }
        if stage != Stage::Implementer {
            let why = tell::nothing(&ended, stage.tool());
            return Ok(Far { summary: ended.last_words, handed: Err(Halt::Failed(why)) });
        }
        let made = Made { job, work: &work, sight: &sight, workspace: &workspace, run: &run, by: &by, ended: &ended };
        let handed = Box::pin(self.hand_in(lease, made, id::digest(said.as_bytes()))).await;
        self.bench.forget(&run).await;
        Ok(Far { summary: ended.last_words, handed })
    }

    async fn run(&self, brief: &Brief, limits: Limits, lease: &Lease, show: &impl Fn(News)) -> Result<Ended, Halt> {
        let watch = |progress: Progress| {
            lease.used(progress.usage);
            show(News::Agent(progress));
        };
        let ran = run(&self.settings.agent, brief, limits, lease.over(), watch).await;
        let ended = ran.map_err(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            Halt::Broken(format!("{error}{source}"))
        })?;
        lease.runs();
        lease.used(ended.usage);
        Ok(ended)
    }

    /// Does something that the world may keep from being done, a few times, as long as the claim holds.
    async fn until_over<T>(&self, lease: &Lease, step: impl AsyncFn() -> Result<T, Halt>) -> Result<T, Halt> {
        self.tried(lease, |tries| tries < TRIES_MAX, step).await
    }

    /// The same with what an agent has made, which would be lost: for as long as the settings say.
    pub(crate) async fn patiently<T>(&self, lease: &Lease, step: impl AsyncFn() -> Result<T, Halt>) -> Result<T, Halt> {
        let until = Instant::now() + self.settings.patience;
        self.tried(lease, |_| Instant::now() < until, step).await
    }

    async fn tried<T>(
        &self,
        lease: &Lease,
        goes_on: impl Fn(u32) -> bool,
        step: impl AsyncFn() -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        let (over, mut pause, mut tries) = (lease.over(), self.settings.pause, 1);
        let trying = Box::pin(async {
            loop {
                match step().await {
                    Err(Halt::Later(why)) if goes_on(tries) => {
                        tracing::debug!(why, "tried again");
                        sleep(pause).await;
                        (pause, tries) = ((pause * 2).min(PAUSE_MAX), tries + 1);
                    }
                    done => return done,
                }
            }
        });
        over.run_until_cancelled(trying).await.unwrap_or(Err(Halt::Over))
    }

    fn limits(&self, work: &Work) -> Limits {
        let wall = u64::try_from(self.settings.caps.wall.0).unwrap_or_default();
        let tokens = work.left.tokens.map(|left| u64::try_from(left).unwrap_or_default());
        Limits { tokens, micro_usd: work.left.micro_usd, ..Limits::wall(Duration::from_millis(wall)) }
    }

    /// By whose name is committed.
    fn person(&self) -> Person {
        let program =
            Path::new(self.settings.agent.name()).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
        let name: String = program.chars().filter(plain).take(50).collect();
        let name = if name.is_empty() { "agent".to_owned() } else { name };
        Person { email: format!("{name}{OUR_DOMAIN}"), name }
    }
}

/// What a trouble with the server means where no agent has a part in it.
impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match &trouble {
            Trouble::Refused { code, .. } if code == "stale_claim" => Self::Over,
            Trouble::Refused { .. } | Trouble::Lost(_) => Self::Later(trouble.to_string()),
            Trouble::Stranger | Trouble::Foreign(_) => Self::Broken(trouble.to_string()),
        }
    }
}
