//! `switch`: kill switches. What is switched off begins no work and writes nothing; what runs goes on to its end, and is
//! told.

use clap::Subcommand;
use domain::pull::Stage;
use domain::switch::Scope;
use domain::time::Time;
use plane::page::Ask;
use plane::{Call, Plane};
use serde_json::{Value, json};
use store::job::turn::Held;
use store::switch::Off;

use super::gaps::section;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, count, moment, table};

/// Kill switches.
#[derive(Debug, Subcommand)]
pub(crate) enum Switch {
    /// Switch off everything, one kind of job, or one repository: no claim is given any more
    Off {
        /// all, kind:KIND or repo:OWNER/NAME
        scope: String,
        /// Why, in 10 to 1000 characters, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Switch it on again
    On {
        /// all, kind:KIND or repo:OWNER/NAME, as it was switched off
        scope: String,
    },
    /// List what is switched off, and what of it runs on to its end
    #[command(visible_alias = "ls")]
    List,
}

impl Switch {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::Off { scope, reason } => {
                let scope = Scope::parse(&scope)?;
                let Session { plane, call } = Session::open(config, "cli switch off", Missing::Refuse).await?;
                let now = plane.turn_off(&call, scope.clone(), &reason).await?;
                let before = if now { "" } else { " already, and the first reason stands" };
                let doubt = doubt(config, &plane, &call, &scope).await?;
                switched(config, &plane, &call, &scope, &format!("{scope} is off{before}{doubt}")).await
            }
            Self::On { scope } => {
                let scope = Scope::parse(&scope)?;
                let Session { plane, call } = Session::open(config, "cli switch on", Missing::Refuse).await?;
                if !plane.turn_on(&call, scope.clone()).await? {
                    return Err(Failure::not_found(format!("{scope} is not switched off by itself"))
                        .hint("see gapwright switch list"));
                }
                switched(config, &plane, &call, &scope, &format!("{scope} is on")).await
            }
            Self::List => {
                let Session { plane, call } = Session::open(config, "cli switch list", Missing::Refuse).await?;
                let (off, held) = plane.list_switches(&call).await?;
                Ok(listed(&off, &held, &config.repository())?)
            }
        }
    }
}

/// Whether it may be a slip of the pen: nothing is known that it would cover.
async fn doubt(config: &Config, plane: &Plane, call: &Call, scope: &Scope) -> Result<String, Failure> {
    Ok(match scope {
        Scope::Kind(kind) if Stage::parse(kind).is_none() => {
            let jobs = plane.list_jobs(call, false, Some(kind), &Ask::new(Some(1), None)?).await?;
            if jobs.items.is_empty() {
                format!("\nBUT no job has the kind {kind}: is it spelled so?")
            } else {
                String::new()
            }
        }
        Scope::Repo(repo) if !repo.eq_ignore_ascii_case(&config.repository()) => {
            format!("\nBUT the repository here is {}", config.repository())
        }
        Scope::All | Scope::Kind(_) | Scope::Repo(_) => String::new(),
    })
}

/// What is still off, and what still runs of what was just switched off.
async fn switched(config: &Config, plane: &Plane, call: &Call, scope: &Scope, done: &str) -> Result<Answer, Failure> {
    let (off, held) = plane.list_switches(call).await?;
    let scopes = off.iter().map(Off::scope).collect::<Result<Vec<_>, _>>()?;
    let is_off = scopes.contains(scope);
    let repo = config.repository();
    let running: Vec<_> = held.iter().filter(|held| is_off && covers(scope, held, &repo)).map(running).collect();
    let left = match (is_off, running.len()) {
        (true, 0) => "\nnothing of it runs".to_owned(),
        (true, some) => format!("\n{} on to the end of the claim: gapwright switch list", runs(some)),
        (false, _) if scopes.is_empty() => String::new(),
        (false, _) => {
            format!("\nstill off: {}", scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    Ok(Answer::new(json!({"scope": scope.to_string(), "off": is_off, "running": running}), format!("{done}{left}")))
}

fn runs(jobs: usize) -> String {
    format!("{} {}", count(jobs as u64, "job"), if jobs == 1 { "runs" } else { "run" })
}

fn listed(off: &[Off], held: &[Held], repo: &str) -> Result<Answer, Failure> {
    let scopes = off.iter().map(Off::scope).collect::<Result<Vec<_>, _>>()?;
    let is_off = |held: &&Held| scopes.iter().any(|scope| covers(scope, held, repo));
    let still: Vec<_> = held.iter().filter(is_off).collect();
    let document = json!({
        "off": off.iter().map(switched_off).collect::<Vec<_>>(),
        "running": still.iter().map(|held| running(held)).collect::<Vec<_>>(),
        "running_in_all": held.len(),
    });
    if off.is_empty() {
        return Ok(Answer::new(document, "nothing is switched off"));
    }
    let rows =
        off.iter().map(|off| vec![off.scope.clone(), moment(Some(Time(off.at))), off.by.clone(), off.reason.clone()]);
    let held = still.iter().map(|held| {
        vec![
            held.name.clone(),
            held.kind.clone(),
            held.holder.clone(),
            held.principal.clone(),
            moment(Some(Time(held.claimed_at))),
            moment(Some(Time(held.expires_at))),
        ]
    });
    let columns = ["job", "kind", "holder", "principal", "claimed", "expires"];
    let heading = "Still at work, to the end of the claim";
    let none = if still.is_empty() { "\n\nnothing of it runs" } else { "" };
    let text = format!(
        "{}{}{none}",
        table(&["off", "since", "by", "reason"], rows),
        section(heading, &columns, held.collect())
    );
    Ok(Answer::new(document, text))
}

/// Whether a job that runs is covered: turns of pull requests are of the repository.
fn covers(scope: &Scope, held: &Held, repo: &str) -> bool {
    let of_repo = Stage::parse(&held.kind).map(|_| repo);
    scope.covers(&held.kind, of_repo)
}

fn switched_off(off: &Off) -> Value {
    json!({"scope": off.scope, "at": Time(off.at).iso(), "by": off.by, "reason": off.reason})
}

fn running(held: &Held) -> Value {
    json!({
        "job": held.name, "kind": held.kind, "holder": held.holder, "principal": held.principal,
        "claimed_at": Time(held.claimed_at).iso(), "expires_at": Time(held.expires_at).iso(),
    })
}
