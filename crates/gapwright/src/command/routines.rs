//! `routines`: who checks in, and who is late.

use clap::Subcommand;
use domain::check_in::Routine;
use domain::time::{Span, Time};
use plane::page::Page;
use serde_json::{Value, json};

use crate::config::Config;
use crate::failure::Failure;
use crate::session::{Missing, Session};
use crate::show::{Answer, moment};

/// Routines.
#[derive(Debug, Subcommand)]
pub(crate) enum Routines {
    /// List the Routines that ever checked in or are expected to
    #[command(visible_alias = "ls")]
    List,
}

impl Routines {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let Session { plane, call } = Session::open(config, "cli routines list", Missing::Refuse).await?;
        let (items, now) = plane.list_routines(&call).await?;
        let columns = ["name", "every", "grace", "started", "ended", "state"];
        let page = Page { items, cursor: None };
        Ok(Answer::page("routines", &columns, &page, |routine| document(routine, now), |routine| row(routine, now)))
    }
}

fn document(routine: &Routine, now: Time) -> Value {
    json!({
        "name": routine.name,
        "every_secs": routine.every.map(|every| every.0 / 1_000),
        "grace_secs": routine.grace.0 / 1_000,
        "started_at": routine.started_at.map(Time::iso),
        "ended_at": routine.ended_at.map(Time::iso),
        "late": routine.late(now),
        "late_after": routine.late_after().map(Time::iso),
    })
}

fn row(routine: &Routine, now: Time) -> Vec<String> {
    let state = match (routine.every, routine.late(now)) {
        (None, _) => "not expected",
        (Some(_), true) => "late",
        (Some(_), false) => "in time",
    };
    vec![
        routine.name.clone(),
        routine.every.map(|every| every.to_string()).unwrap_or_default(),
        routine.every.map_or(Span::ZERO, |_| routine.grace).to_string(),
        moment(routine.started_at),
        moment(routine.ended_at),
        state.to_owned(),
    ]
}
