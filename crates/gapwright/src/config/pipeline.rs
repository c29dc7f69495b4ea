//! What agents may do on pull requests: how many at once, how large, at what cost; and where the broker's repository is.

use std::path::{Path, PathBuf};

use domain::budget::{AMOUNT_MAX, Amount, Caps};
use domain::pull::{ITERATIONS_MAX, Stage};
use domain::time::Span;
use forge::git::Branch;
use secrecy::ExposeSecret as _;

use super::{Config, ForgeKind};
use crate::failure::Failure;

/// Millionths of a dollar in a dollar.
const MICRO: i64 = 1_000_000;

/// The most dollars that anybody may name.
const USD_MAX: i64 = AMOUNT_MAX / MICRO;

/// The most pull requests that may be under way at once: more than people read.
const PULLS_MAX: i64 = 100;

/// The most files that a change may be let touch.
const FILES_MAX: i64 = 10_000;

/// The longest run, in minutes: a token for one job alone lives no longer.
const MINUTES_MAX: i64 = 24 * 60;

/// The longest beginning of a branch's name, in characters: the name of the gap comes behind it.
const PREFIX_CHARS_MAX: usize = 50;

/// The broker's repository, beside the database.
const BROKER: &str = "broker.git";

/// What stands for no broker.
const NO_BROKER: &str = "none";

/// Where the broker's repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this folder.
    Folder(PathBuf),
    /// Nowhere, and so no pull request is made: that is meant.
    Nowhere(&'static str),
    /// Nowhere, because nobody said where: why, and what to set.
    Unsaid(&'static str, &'static str),
}

impl Config {
    /// Refuses settings of the pipeline that make no sense.
    pub(super) fn check_pipeline(&self) -> Result<(), Failure> {
        let written = &self.sections.pipeline;
        let bounds = [
            ("pulls_max", written.pulls_max, 1, PULLS_MAX),
            ("iterations_max", written.iterations_max, 0, ITERATIONS_MAX),
            ("files_max", written.files_max, 1, FILES_MAX),
            ("run_minutes", written.run_minutes, 1, MINUTES_MAX),
        ];
        let amounts = self.amounts();
        let tokens = amounts.iter().map(|(keys, tokens, _)| (keys.0, *tokens, 1, AMOUNT_MAX));
        let dollars = amounts.iter().map(|(keys, _, usd)| (keys.1, *usd, 1, USD_MAX));
        for (key, value, low, high) in bounds.into_iter().chain(tokens).chain(dollars) {
            self.within(&["pipeline", key], value, (low, high))?;
        }
        self.check_order()?;
        let prefix = written.branch_prefix.as_str();
        let fits = prefix.ends_with('/') && prefix.chars().count() <= PREFIX_CHARS_MAX;
        if !fits || Branch::parse(&format!("{prefix}x")).is_err() {
            return Err(
                self.bad(&["pipeline", "branch_prefix"], "the beginning of a branch's name, such as gapwright/")
            );
        }
        let broker = self.sections.forge.broker.as_str();
        if !broker.is_empty() && broker != NO_BROKER && !Path::new(broker).is_absolute() {
            let expected = "none, or a path that begins at the root, such as /var/lib/gapwright/broker.git";
            return Err(self.bad(&["forge", "broker"], expected));
        }
        if !broker.is_empty() && broker == self.sections.forge.git {
            return Err(self.bad(&["forge", "broker"], "another folder than forge.git has"));
        }
        Ok(())
    }

    /// Refuses a run that may spend more than its pull request, and a pull request that may spend more than a day.
    fn check_order(&self) -> Result<(), Failure> {
        let [runs @ .., pull, day] = self.amounts();
        let pairs = runs.into_iter().map(|run| (run, pull)).chain([(pull, day)]);
        for (((tokens_key, usd_key), tokens, usd), ((tokens_above, usd_above), tokens_max, usd_max)) in pairs {
            for (key, value, above, most) in
                [(tokens_key, tokens, tokens_above, tokens_max), (usd_key, usd, usd_above, usd_max)]
            {
                if value > most {
                    let expected = format!("at most what pipeline.{above} is, which is {most}");
                    return Err(self.bad(&["pipeline", key], &expected));
                }
            }
        }
        Ok(())
    }

    /// What may be spent, under its keys: by a run of each stage in the order of the pipeline, on a pull request, in a day.
    fn amounts(&self) -> [((&'static str, &'static str), i64, i64); 6] {
        let written = &self.sections.pipeline;
        [
            (("planner_tokens_max", "planner_usd_max"), written.planner_tokens_max, written.planner_usd_max),
            (
                ("implementer_tokens_max", "implementer_usd_max"),
                written.implementer_tokens_max,
                written.implementer_usd_max,
            ),
            (("reviewer_tokens_max", "reviewer_usd_max"), written.reviewer_tokens_max, written.reviewer_usd_max),
            (("merger_tokens_max", "merger_usd_max"), written.merger_tokens_max, written.merger_usd_max),
            (("pull_tokens_max", "pull_usd_max"), written.pull_tokens_max, written.pull_usd_max),
            (("day_tokens_max", "day_usd_max"), written.day_tokens_max, written.day_usd_max),
        ]
    }

    /// What may be spent, and how large a change may be.
    pub(crate) fn caps(&self) -> Caps {
        let written = &self.sections.pipeline;
        let [planner, implementer, reviewer, merger, pull, day] =
            self.amounts().map(|(_, tokens, usd)| Amount { tokens, micro_usd: usd.saturating_mul(MICRO) });
        Caps {
            run: [
                (Stage::Planner, planner),
                (Stage::Implementer, implementer),
                (Stage::Reviewer, reviewer),
                (Stage::Merger, merger),
            ],
            pull,
            day,
            iterations: written.iterations_max,
            files: written.files_max,
            lines: self.sections.gaps.lines_max,
            wall: Span::mins(written.run_minutes),
        }
    }

    /// Where the broker's repository is.
    pub(crate) fn broker(&self) -> Result<Place, Failure> {
        let forge = &self.sections.forge;
        Ok(match (self.forge_kind()?, forge.broker.as_str()) {
            (ForgeKind::None, _) => Place::Nowhere("no forge is configured"),
            (ForgeKind::Local, _) if forge.git.is_empty() => {
                Place::Nowhere("the local forge has issues only, for forge.git names no repository")
            }
            (_, NO_BROKER) => Place::Nowhere("forge.broker is none"),
            (_, "") => match self.beside_the_database()? {
                Place::Folder(folder) if folder == Path::new(&forge.git) => {
                    return Err(self.bad(
                        &["forge", "git"],
                        "another folder than the broker's, which is broker.git beside the database",
                    ));
                }
                place @ (Place::Folder(_) | Place::Nowhere(_) | Place::Unsaid(..)) => place,
            },
            (_, folder) => Place::Folder(PathBuf::from(folder)),
        })
    }

    /// The folder beside the SQLite file. What is escaped in an address is the store's to read.
    fn beside_the_database(&self) -> Result<Place, Failure> {
        const SET: &str = "set forge.broker to a folder, or to none if no pull request is to be made";
        let url = self.database_url()?;
        let url = url.expose_secret();
        let Some(rest) = url.strip_prefix("sqlite:") else {
            return Ok(Place::Unsaid("with Postgres, forge.broker must say where", SET));
        };
        let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next().unwrap_or_default();
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let in_memory = path.is_empty() || url.contains(":memory:") || url.contains("mode=memory");
        if in_memory || folder.to_string_lossy().contains('%') {
            return Ok(Place::Unsaid("nothing can be said to be beside the database", SET));
        }
        let folder = std::path::absolute(folder.join(BROKER)).map_err(|error| {
            Failure::new("cannot tell where the broker's repository is").why(error.to_string()).hint(SET)
        })?;
        Ok(Place::Folder(folder))
    }
}
