//! What a plane is configured with: values handed in, never read from the environment here.

use std::collections::BTreeMap;

use domain::budget::Caps;
use domain::gap::relation::DEPTH_MAX;
use domain::gap::{FAILURES_MAX, LINES_MAX};
use domain::label::Names;
use domain::level::Needs;
use domain::time::Span;
use forge::Method;
use forge::local::Local;
use secrecy::SecretString;

use crate::mirror::Home;

/// A plane's settings.
#[derive(Debug)]
pub struct Settings {
    /// Where this server is reached from outside, such as `https://gapwright.example.com`, without `/mcp`.
    pub public_url: Option<String>,
    /// The channels that messages may go to, by name; this is the allow-list.
    pub channels: Vec<notify::Channel>,
    /// The channel for messages that name none.
    pub default_channel: String,
    /// Whose alerts are asked for.
    pub alert_sources: Vec<alerts::Source>,
    /// The Routines that are expected to check in.
    pub watch: Vec<Watch>,
    /// The cloud Routines that are started when a job is due.
    pub fires: Vec<Trigger>,
    /// When each scheduled job rings, by its handler's name; one without a cadence is off.
    pub schedule: BTreeMap<String, String>,
    /// How long a scheduled run may take.
    pub run_deadline: Span,
    /// Pinged after every pass of the dead-man's switch, so that an outside monitor notices our own death.
    pub ping_url: Option<SecretString>,
    /// What the tools' names begin with.
    pub tool_prefix: String,
    /// The hash of the registered catalogue, which the served one must have.
    pub catalogue_hash: String,
    /// For what this plane asks of the world: built once, with timeouts.
    pub http: reqwest::Client,
    /// How long what is finished is kept: sent messages, scheduled runs, idempotency keys, ended tokens.
    pub keep: Span,
    /// What holds for gaps, levels and labels.
    pub rules: Rules,
    /// Where issues are mirrored to; none for nowhere.
    pub home: Option<Home>,
    /// The local forge, where that is the home: people act there by the page.
    pub local: Option<Local>,
}

/// What holds for gaps, levels and labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// How many hops below a gap that blocks a job somebody still works.
    pub depth_max: i64,
    /// How many failed attempts a gap gets before a person is to look at it.
    pub failures_max: i64,
    /// How many lines one pull request may change.
    pub lines_max: i64,
    /// What opens the gate from observe to propose.
    pub needs: Needs,
    /// How our labels are called.
    pub labels: Names,
    /// The repository that issues are mirrored to, none for nowhere. A plane with a home takes it from there.
    pub repo: Option<String>,
    /// What may be spent, and how large a change may be.
    pub caps: Caps,
    /// How many pull requests may be under way at once.
    pub pulls_max: i64,
    /// What the names of our branches begin with.
    pub branch_prefix: String,
    /// What the gate to merging by itself asks for.
    pub gate: domain::gate::Rules,
    /// How what merges by itself is merged.
    pub merge_method: Method,
    /// The channel on which the operator is told. A plane takes it from its settings.
    pub channel: String,
    /// Where a person reads on. A plane takes it from its settings.
    pub public_url: Option<String>,
    /// Whether that channel may carry what opens something: a log may not. A plane takes it from its settings.
    pub keeps_secrets: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            depth_max: DEPTH_MAX,
            failures_max: FAILURES_MAX,
            lines_max: LINES_MAX,
            needs: Needs { days: 14, sightings: 5 },
            labels: Names::default(),
            repo: None,
            caps: Caps::default(),
            pulls_max: PULLS_MAX,
            branch_prefix: BRANCH_PREFIX.to_owned(),
            gate: domain::gate::Rules::default(),
            merge_method: Method::Merge,
            channel: String::new(),
            public_url: None,
            keeps_secrets: false,
        }
    }
}

/// How many pull requests are under way at once, unless configured otherwise: what one person reads in a day.
pub const PULLS_MAX: i64 = 5;

/// What the names of our branches begin with, unless configured otherwise.
pub const BRANCH_PREFIX: &str = "gapwright/";

/// What is expected of a Routine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Its name, as it checks in.
    pub routine: String,
    /// How often it is to end.
    pub every: Span,
    /// How much later is still in time.
    pub grace: Span,
}

/// A cloud Routine, and how it is started.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its name.
    pub routine: String,
    /// The kind of job that it is started for.
    pub kind: String,
    /// The address of its API trigger.
    pub url: String,
    /// The token that its trigger wants.
    pub token: SecretString,
    /// How often a day it is started, from midnight to midnight UTC.
    pub per_day: i64,
}

impl Settings {
    /// The settings of a plane that only writes to its log.
    pub fn new(http: reqwest::Client) -> Self {
        let log = notify::Channel::parse("log", &SecretString::from("log://"), &notify::Settings::default());
        Self {
            public_url: None,
            channels: log.into_iter().collect(),
            default_channel: "log".to_owned(),
            alert_sources: Vec::new(),
            watch: Vec::new(),
            fires: Vec::new(),
            schedule: BTreeMap::new(),
            run_deadline: Span::mins(5),
            ping_url: None,
            tool_prefix: "monolith-agent-".to_owned(),
            catalogue_hash: String::new(),
            http,
            keep: Span::days(14),
            rules: Rules::default(),
            home: None,
            local: None,
        }
    }

    /// The channel that a caller means: by its configured name or its Discord id; none for the default.
    pub fn channel(&self, asked: Option<&str>) -> Option<&notify::Channel> {
        let asked = asked.unwrap_or(&self.default_channel);
        let by_name = self.channels.iter().find(|channel| channel.name() == asked);
        by_name.or_else(|| {
            let id = asked.parse().ok()?;
            self.channels.iter().find(|channel| channel.discord_id() == Some(id))
        })
    }
}
