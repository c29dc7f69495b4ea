//! The settings as they are written: texts, numbers and switches, not yet checked for sense.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;

/// Every section. The defaults in `config.default.toml` fill what nobody set.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sections {
    pub(crate) database: Database,
    pub(crate) server: Server,
    pub(crate) mcp: Mcp,
    pub(crate) log: Log,
    pub(crate) notify: Notify,
    pub(crate) alerts: BTreeMap<String, Alerts>,
    pub(crate) watch: BTreeMap<String, Watch>,
    pub(crate) fire: BTreeMap<String, Fire>,
    pub(crate) schedule: BTreeMap<String, String>,
    pub(crate) scheduled_run: ScheduledRun,
    pub(crate) dead_mans_switch: DeadMansSwitch,
    pub(crate) retention: Retention,
    pub(crate) gaps: Gaps,
    pub(crate) level: Level,
    pub(crate) pipeline: Pipeline,
    pub(crate) gate: Gate,
    pub(crate) forge: Forge,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Database {
    pub(crate) url: SecretString,
    pub(crate) url_file: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Server {
    pub(crate) listen: String,
    pub(crate) public_url: String,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) insecure_no_auth: bool,
    pub(crate) calls_per_principal: i64,
    pub(crate) streams_per_principal: i64,
    pub(crate) streams: i64,
    pub(crate) drain_secs: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Mcp {
    pub(crate) tool_prefix: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Log {
    pub(crate) format: String,
    pub(crate) level: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Notify {
    pub(crate) default_channel: String,
    #[serde(default)]
    pub(crate) discord_token: SecretString,
    pub(crate) discord_token_file: String,
    pub(crate) discord_api: String,
    #[serde(default)]
    pub(crate) signing_secret: SecretString,
    pub(crate) signing_secret_file: String,
    pub(crate) channels: BTreeMap<String, Channel>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Channel {
    #[serde(default)]
    pub(crate) url: SecretString,
    #[serde(default)]
    pub(crate) url_file: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alerts {
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) token: SecretString,
    #[serde(default)]
    pub(crate) token_file: String,
    #[serde(default)]
    pub(crate) token_header: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Watch {
    #[serde(default = "day")]
    pub(crate) every: String,
    #[serde(default = "hour")]
    pub(crate) grace: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fire {
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) token: SecretString,
    #[serde(default)]
    pub(crate) token_file: String,
    #[serde(default = "per_day")]
    pub(crate) per_day: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ScheduledRun {
    pub(crate) deadline: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DeadMansSwitch {
    #[serde(default)]
    pub(crate) ping_url: SecretString,
    pub(crate) ping_url_file: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Retention {
    pub(crate) keep: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Gaps {
    pub(crate) depth_max: i64,
    pub(crate) failures_max: i64,
    pub(crate) lines_max: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Level {
    pub(crate) observe_days: i64,
    pub(crate) observe_sightings: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) pulls_max: i64,
    pub(crate) branch_prefix: String,
    pub(crate) iterations_max: i64,
    pub(crate) files_max: i64,
    pub(crate) run_minutes: i64,
    pub(crate) planner_tokens_max: i64,
    pub(crate) planner_usd_max: i64,
    pub(crate) implementer_tokens_max: i64,
    pub(crate) implementer_usd_max: i64,
    pub(crate) reviewer_tokens_max: i64,
    pub(crate) reviewer_usd_max: i64,
    pub(crate) merger_tokens_max: i64,
    pub(crate) merger_usd_max: i64,
    pub(crate) pull_tokens_max: i64,
    pub(crate) pull_usd_max: i64,
    pub(crate) day_tokens_max: i64,
    pub(crate) day_usd_max: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Gate {
    pub(crate) checks: Vec<String>,
    pub(crate) method: String,
    pub(crate) streak: i64,
    pub(crate) window: i64,
    pub(crate) bad_percent_max: i64,
    pub(crate) days: i64,
    pub(crate) per_day: i64,
    pub(crate) soak_days: i64,
    pub(crate) unknown_percent_max: i64,
    pub(crate) lines_max: i64,
    pub(crate) files_max: i64,
    pub(crate) shadow: i64,
    pub(crate) tenth: i64,
    pub(crate) half: i64,
    pub(crate) merges_per_day: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Forge {
    pub(crate) kind: String,
    pub(crate) repository: String,
    pub(crate) git: String,
    pub(crate) broker: String,
    pub(crate) api: String,
    #[serde(default)]
    pub(crate) token: SecretString,
    pub(crate) token_file: String,
    pub(crate) app_id: String,
    #[serde(default)]
    pub(crate) app_key: SecretString,
    pub(crate) app_key_file: String,
    pub(crate) installation: i64,
    #[serde(default)]
    pub(crate) webhook_secret: SecretString,
    pub(crate) webhook_secret_file: String,
    pub(crate) poll: String,
    pub(crate) issues_open_max: i64,
    pub(crate) issues_per_sweep: i64,
    pub(crate) labels: BTreeMap<String, String>,
}

fn day() -> String {
    "24h".to_owned()
}

fn hour() -> String {
    "1h".to_owned()
}

/// A run every hour and a half: room in the smallest allowance for people's own.
const fn per_day() -> i64 {
    15
}
