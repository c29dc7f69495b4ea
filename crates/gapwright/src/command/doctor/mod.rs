//! `doctor`: looks at everything that must be right, and says what is not and what to do about it.
//!
//! Each check passes, fails, or is unknown; what cannot be looked at is unknown, never right.

mod catalogue;
mod forge;
mod gate;
mod pipeline;
mod probe;
mod state;

use std::net::TcpListener;

use notify::Channel;
use plane::{Call, Plane};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::Store;

use probe::Local;

use crate::config::{Config, Origin, masked};
use crate::failure::{Exit, Failure};
use crate::session::{self, Missing};
use crate::show::{self, Answer, BOLD, GREEN, RED, YELLOW, clean};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail,
    Unknown,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    hint: String,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { name, verdict, found: found.into(), hint: String::new() }
    }

    fn failed(name: &'static str, failure: &Failure) -> Self {
        let why = if failure.why.is_empty() { String::new() } else { format!(": {}", failure.why) };
        Self::new(name, Verdict::Fail, format!("{}{why}", failure.what)).hint(&failure.hint)
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    fn line(&self) -> String {
        let (verdict, name) = (self.verdict.name(), self.name);
        let style = match self.verdict {
            Verdict::Pass => GREEN,
            Verdict::Fail => RED,
            Verdict::Unknown => YELLOW,
        };
        let hint = match (self.verdict, self.hint.is_empty()) {
            (Verdict::Pass, _) | (_, true) => String::new(),
            (Verdict::Fail | Verdict::Unknown, false) => {
                format!("\n{:29}{BOLD}hint:{BOLD:#} {}", "", clean(&self.hint))
            }
        };
        format!("{style}{verdict:7}{style:#}  {name:18}  {}{hint}", clean(&self.found))
    }
}

/// Looks at everything.
pub(crate) async fn run(config: &Config) -> Answer {
    report(&checks(config).await)
}

/// The same for the page.
pub(super) async fn for_page(config: &Config) -> Vec<server::Check> {
    let checks = checks(config).await;
    let shown = |check: Check| server::Check {
        name: check.name.to_owned(),
        verdict: match check.verdict {
            Verdict::Pass => server::Verdict::Pass,
            Verdict::Fail => server::Verdict::Fail,
            Verdict::Unknown => server::Verdict::Unknown,
        },
        found: check.found,
        hint: check.hint,
    };
    checks.into_iter().map(shown).collect()
}

async fn checks(config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    let settings = settings(config, &mut checks);
    checks.push(own_catalogue(config));
    let local = match (&settings, config.listen()) {
        (Some(settings), Ok(address)) => probe::local(&settings.http, &session::local_url(address)).await,
        (None, _) | (_, Err(_)) => None,
    };
    checks.push(port(config, local.is_some()));
    let store = match session::open(config, Missing::Refuse).await {
        Ok(store) => database(&store, config, &mut checks).await,
        Err(failure) => {
            checks.push(Check::failed("database", &failure));
            None
        }
    };
    if let (Some(store), Some(settings)) = (store, settings) {
        let plane = Plane::new(store, settings, session::chance());
        let call = session::call(&plane, "cli doctor");
        checks.extend(look_inside(config, &plane, &call, local.as_ref()).await);
    } else {
        checks.push(Check::new(
            "the rest",
            Verdict::Unknown,
            "chores, catalogue as served, outbox, alert sources, scheduled jobs, Routines, level, forge, the pipeline, the gate and \
             audit need the database",
        ));
    }
    checks
}

/// What can be said when the settings cannot be read.
pub(crate) fn without_settings(failure: &Failure) -> Answer {
    let rest = Check::new("the rest", Verdict::Unknown, "nothing can be looked at without settings");
    report(&[Check::failed("settings", failure), rest])
}

fn report(checks: &[Check]) -> Answer {
    let failed = checks.iter().filter(|check| check.verdict == Verdict::Fail).count();
    let documents: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({"name": check.name, "verdict": check.verdict.name(), "found": check.found, "hint": check.hint})
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let lines: Vec<_> = checks.iter().map(Check::line).collect();
    let unknown = checks.iter().filter(|check| check.verdict == Verdict::Unknown).count();
    let verdict = match (failed, unknown) {
        (0, 0) => "nothing is wrong".to_owned(),
        (0, unknown) => format!("nothing failed; {} came to nothing", show::count(unknown, "check")),
        (failed, _) => format!("{} failed", show::count(failed, "check")),
    };
    let text = format!("gapwright {version}\n{}\n{verdict}", lines.join("\n"));
    let exit = if failed == 0 { Exit::Ok } else { Exit::Failure };
    Answer { exit, ..Answer::new(json!({"version": version, "ok": failed == 0, "checks": documents}), text) }
}

/// The settings with as many secrets as can be had: a channel that cannot be used is told, and hides nothing else.
fn settings(config: &Config, checks: &mut Vec<Check>) -> Option<plane::Settings> {
    let file = config.file.as_ref().map_or_else(|| "no file".to_owned(), |file| format!("file {}", file.display()));
    let variables = config.leaves.iter().filter(|leaf| matches!(leaf.origin, Origin::Environment(_))).count();
    let found = format!("{file}, {variables} from the environment");
    let settings = session::public_url(config).and_then(|url| config.settings(url));
    checks.push(match &settings {
        Ok(_) => Check::new("settings", Verdict::Pass, found),
        Err(failure) => Check::failed("settings", failure),
    });
    let channels = channels(config, checks);
    checks.push(match config.ping_url() {
        Ok(Some(_)) => Check::new("dead-man's switch", Verdict::Pass, "it has an address to ping"),
        Ok(None) => Check::new("dead-man's switch", Verdict::Pass, "no address to ping is configured"),
        Err(failure) => Check::failed("dead-man's switch", &failure),
    });
    let alert_sources = config.alert_sources().unwrap_or_default();
    settings.ok().map(|settings| plane::Settings { channels, alert_sources, ..settings })
}

/// The channels that can be used; those that cannot fail one check together.
fn channels(config: &Config, checks: &mut Vec<Check>) -> Vec<Channel> {
    let parsed = config.channels().unwrap_or_else(|failure| vec![Err(failure)]);
    let (good, bad): (Vec<_>, Vec<_>) = parsed.into_iter().partition(Result::is_ok);
    let good: Vec<_> = good.into_iter().flatten().collect();
    let bad: Vec<_> = bad.into_iter().filter_map(Result::err).map(|bad| Check::failed("channels", &bad)).collect();
    checks.push(match bad.first() {
        None => {
            let names: Vec<_> = good.iter().map(|channel| format!("{} ({})", channel.name(), channel.kind())).collect();
            Check::new("channels", Verdict::Pass, names.join(", "))
        }
        Some(first) => {
            let found: Vec<_> = bad.iter().map(|bad| bad.found.as_str()).collect();
            Check::new("channels", Verdict::Fail, found.join("; ")).hint(&first.hint)
        }
    });
    good
}

fn own_catalogue(config: &Config) -> Check {
    let prefix = &config.sections.mcp.tool_prefix;
    let faults = server::mcp::catalogue_faults(prefix);
    if faults.is_empty() {
        let count = server::mcp::tool_names(prefix).len();
        return Check::new("own catalogue", Verdict::Pass, format!("{count} tools keep the rules for served text"));
    }
    Check::new("own catalogue", Verdict::Fail, faults.join("; ")).hint("this is a bug: report it with this message")
}

/// Whether the address can be listened on: either nobody does, or our server.
fn port(config: &Config, ours: bool) -> Check {
    let address = match config.listen() {
        Ok(address) => address,
        Err(failure) => return Check::failed("port", &failure),
    };
    match (TcpListener::bind(address), ours) {
        (Ok(_), _) => Check::new("port", Verdict::Pass, format!("{address} is free: no server runs here")),
        (Err(_), true) => Check::new("port", Verdict::Pass, format!("a gapwright server answers on {address}")),
        (Err(error), false) => Check::new("port", Verdict::Fail, format!("{address} cannot be listened on: {error}"))
            .hint("another program has it: choose another with server.listen"),
    }
}

/// Looks at the database; gives it back when it can be worked with.
async fn database(store: &Store, config: &Config, checks: &mut Vec<Check>) -> Option<Store> {
    let shown = config.database_url().map(|url| masked(url.expose_secret())).unwrap_or_default();
    let (version, schema) = match (store.version().await, store.schema().await) {
        (Ok(version), Ok(schema)) => (version, schema),
        (Err(fault), _) | (_, Err(fault)) => {
            checks.push(Check::failed("database", &fault.into()));
            return None;
        }
    };
    let origin = config.origin(&["database", "url"]);
    checks.push(Check::new("database", Verdict::Pass, format!("{shown} ({origin}), {version}")));
    let (has, newest) = (schema.last().copied().unwrap_or(0), store::schema_version());
    if has < newest {
        let found = format!("version {has}, and this program works with {newest}");
        checks.push(Check::new("schema", Verdict::Fail, found).hint("run gapwright migrate"));
        return None;
    }
    // Up to date, so this changes nothing: it compares the migrations' texts.
    match store.migrate().await {
        Ok(_) => checks.push(Check::new("schema", Verdict::Pass, format!("version {has}"))),
        Err(fault) => {
            checks.push(Check::failed("schema", &fault.into()));
            return None;
        }
    }
    checks.push(state::clock(store).await);
    Some(store.clone())
}

async fn look_inside(config: &Config, plane: &Plane, call: &Call, local: Option<&Local>) -> Vec<Check> {
    let ours = match local {
        Some(local) => state::works_here(plane.store(), local).await,
        None => false,
    };
    let mut checks = vec![
        state::chores(local, ours),
        catalogue::check(plane, call, ours).await,
        state::outbox(plane).await,
        match config.alert_sources() {
            Ok(_) => state::alert_sources(plane, call).await,
            Err(failure) => Check::failed("alert sources", &failure),
        },
        state::scheduled(plane, call).await,
        state::routines(plane, call).await,
        forge::level(plane, call).await,
        forge::check(config, plane).await,
    ];
    checks.extend(pipeline::checks(config, plane, call).await);
    checks.push(gate::check(config, plane, call).await);
    checks.push(state::audit(plane, call).await);
    checks
}
