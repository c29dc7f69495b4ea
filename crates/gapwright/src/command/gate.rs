//! `gate`: merging by itself. What each stratum has shown and lacks, why a pull request does or does not merge, the operator's
//! word, and what the figures mean.

use clap::{Args, Subcommand};
use domain::gate::track::{self, Asks};
use plane::gate::judge_text;
use rand::RngExt as _;
use serde_json::json;

use super::gate_shown;
use crate::config::Config;
use crate::failure::Failure;
use crate::session::{self, Missing, Session};
use crate::show::Answer;

/// The most loops and outcomes that are played through.
const LOOPS_MAX: u64 = 1_000_000;

/// And how many outcomes in all of a rate: some seconds.
const PLAYED_MAX: u64 = 50_000_000;
const WITHIN_MAX: usize = 10_000;

/// Merging by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Gate {
    /// Show each stratum: its streak with the honest bound, what is missing, how far it is, and who armed it
    Show {
        /// Only this one, in full
        stratum: Option<String>,
    },
    /// Tell why a pull request does or does not merge by itself, judged anew from the record that was kept
    Explain(Explain),
    /// Play loops through: how likely one with a bad rate opens the gate
    Simulate(Simulate),
    /// Let a stratum merge by itself for 90 days, once its evidence is enough
    Arm(Arm),
    /// Take that back
    Disarm(Disarm),
    /// Show what the gate would have merged, and what people did
    Shadow {
        /// Only this stratum
        stratum: Option<String>,
    },
    /// Have a merge taken back, by a pull request that a person merges
    Revert {
        /// The pull request that was merged: its number, or its id
        pull: String,
        /// Why, in 10 to 1000 characters
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Why a pull request does or does not merge by itself.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Its number, its id, or REPO#NUMBER
    #[arg(required_unless_present = "record")]
    pull: Option<String>,
    /// Judge a record that was kept in this file instead, as explain --json gives it; no database is asked
    #[arg(long, value_name = "FILE", conflicts_with = "pull")]
    record: Option<std::path::PathBuf>,
}

/// Loops to play through.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// How many of a hundred outcomes are bad; may be repeated
    #[arg(long = "bad-percent", value_name = "PERCENT", default_values_t = [1.0, 2.0, 3.0, 5.0, 6.0, 8.0, 10.0])]
    bad_percent: Vec<f64>,
    /// A stratum whose own outcomes give the rates: the share of bad ones that was found, and the one that it could be
    #[arg(long, value_name = "ID", conflicts_with = "bad_percent")]
    stratum: Option<String>,
    /// How many in a row open the gate; as configured if not said
    #[arg(long, value_name = "N")]
    streak: Option<i64>,
    /// Over how many of the last outcomes the bound is taken; as configured if not said
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// How many of a hundred may be bad by the bound; as configured if not said
    #[arg(long = "bound-percent", value_name = "PERCENT")]
    bound_percent: Option<f64>,
    /// Within how many outcomes
    #[arg(long, value_name = "N", default_value_t = 500)]
    within: usize,
    /// How many loops are played through
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    loops: u64,
}

/// Let a stratum merge by itself.
#[derive(Debug, Args)]
pub(crate) struct Arm {
    /// Its id, as gate show tells it
    stratum: String,
    /// Who answers for it; you, if not said
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Why, in 10 to 1000 characters, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Take an operator's word back.
#[derive(Debug, Args)]
pub(crate) struct Disarm {
    /// The stratum's id
    #[arg(required_unless_present = "all")]
    stratum: Option<String>,
    /// All of them
    #[arg(long, conflicts_with = "stratum")]
    all: bool,
    /// Why, in 10 to 1000 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Gate {
    pub(crate) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        match self {
            Self::Show { stratum } => {
                let Session { plane, call } = Session::open(config, "cli gate show", Missing::Refuse).await?;
                let standing = plane.show_gate(&call, stratum.as_deref()).await?;
                Ok(gate_shown::standing(&standing, stratum.is_some()))
            }
            Self::Explain(Explain { pull, record }) => explain(config, pull, record).await,
            Self::Simulate(asked) => asked.run(config).await,
            Self::Arm(Arm { stratum, owner, reason }) => {
                let Session { plane, call } = Session::open(config, "cli gate arm", Missing::Refuse).await?;
                let owner = owner.unwrap_or_else(|| call.by.name.clone());
                let armed = plane.arm_gate(&call, &stratum, &owner, &reason).await?;
                let text = format!("{stratum} may merge by itself until {}, and {owner} answers for it", armed.until);
                Ok(Answer::new(json!(armed), text))
            }
            Self::Disarm(Disarm { stratum, all: _, reason }) => {
                let Session { plane, call } = Session::open(config, "cli gate disarm", Missing::Refuse).await?;
                let disarmed = plane.disarm_gate(&call, stratum.as_deref(), &reason).await?;
                let names: Vec<_> = disarmed.iter().map(|one| one.stratum.clone()).collect();
                let text = if names.is_empty() {
                    "nothing was armed".to_owned()
                } else {
                    format!("{} merges nothing by itself any more", names.join(", "))
                };
                Ok(Answer::new(json!({"disarmed": names}), text))
            }
            Self::Shadow { stratum } => {
                let Session { plane, call } = Session::open(config, "cli gate shadow", Missing::Refuse).await?;
                let standing = plane.show_gate(&call, stratum.as_deref()).await?;
                let would = match &stratum {
                    Some(stratum) => Some(plane.show_shadow(&call, stratum).await?),
                    None => None,
                };
                gate_shown::shadow(&standing, would.as_deref())
            }
            Self::Revert { pull, reason } => {
                let Session { plane, call } = Session::open(config, "cli gate revert", Missing::Refuse).await?;
                let revert = plane.revert_pull(&call, &pull, &reason).await?;
                let text = match (revert.state.as_str(), &revert.number) {
                    ("open", Some(number)) => format!("#{number} takes it back, once a person merges it"),
                    _ => "a running server opens a pull request that takes it back".to_owned(),
                };
                Ok(Answer::new(gate_shown::back(&revert), text))
            }
        }
    }
}

async fn explain(config: &Config, pull: Option<String>, record: Option<std::path::PathBuf>) -> Result<Answer, Failure> {
    if let Some(file) = record {
        let text = tokio::fs::read_to_string(&file)
            .await
            .map_err(|error| Failure::usage(format!("cannot read {}", file.display())).why(error.to_string()))?;
        return Ok(gate_shown::kept(&judge_text(&text)?));
    }
    let Session { plane, call } = Session::open(config, "cli gate explain", Missing::Refuse).await?;
    let explained = plane.explain_gate(&call, &pull.unwrap_or_default()).await?;
    gate_shown::explained(&explained)
}

impl Simulate {
    async fn run(mut self, config: &Config) -> Result<Answer, Failure> {
        if let Some(stratum) = &self.stratum {
            self.bad_percent = rates(config, stratum).await?;
        }
        let configured = config.gate().asks;
        let asks = Asks {
            streak: self.streak.unwrap_or(configured.streak),
            window: self.window.unwrap_or(configured.window),
            bad_max: self.bound_percent.map_or(configured.bad_max, |percent| percent / 100.0),
        };
        let shares = self.bad_percent.iter().all(|percent| (0.0..=100.0).contains(percent));
        let bounded = (1..=1_000).contains(&asks.streak)
            && (1..=1_000).contains(&asks.window)
            && (0.0..=1.0).contains(&asks.bad_max)
            && (1..=WITHIN_MAX).contains(&self.within)
            && (1..=LOOPS_MAX).contains(&self.loops)
            && self.within as u64 * self.loops <= PLAYED_MAX
            && self.bad_percent.len() <= 20;
        if !shares || !bounded {
            return Err(Failure::usage("these figures cannot be played through").hint(format!(
                "percents from 0 to 100, at most 20 of them; a streak and a window from 1 to 1000; within 1 to {WITHIN_MAX}; 1 to \
                 {LOOPS_MAX} loops, and {PLAYED_MAX} outcomes in all"
            )));
        }
        let mut rng = session::chance();
        let streak = usize::try_from(asks.streak).unwrap_or(1);
        let rows: Vec<_> = self
            .bad_percent
            .iter()
            .map(|percent| {
                let bad = percent / 100.0;
                let exact = track::reaches(bad, streak, self.within);
                (*percent, exact, track::play(&asks, bad, self.within, self.loops, || rng.random::<f64>()))
            })
            .collect();
        Ok(gate_shown::simulated(&asks, self.within, &rows))
    }
}

/// What a stratum's own outcomes say of how many of a hundred are bad: as found, and as it could be by the bound.
async fn rates(config: &Config, stratum: &str) -> Result<Vec<f64>, Failure> {
    let Session { plane, call } = Session::open(config, "cli gate simulate", Missing::Refuse).await?;
    let standing = plane.show_gate(&call, Some(stratum)).await?;
    let counted = standing.first().map(|one| one.record.track().counted()).unwrap_or_default();
    let (bad, all) = counted;
    if all == 0 {
        return Err(Failure::usage(format!("nothing of {stratum} counts yet, so it gives no rate"))
            .hint("give one yourself: --bad-percent 5"));
    }
    #[expect(clippy::cast_precision_loss, reason = "outcomes are counted in hundreds")]
    let found = bad as f64 / all as f64;
    let tenth = |share: f64| (share * 1_000.0).round() / 10.0;
    Ok(vec![tenth(found), tenth(track::upper(bad, all))])
}
