//! Which gap comes first: an integer made of whole numbers, with the reason for each.
//!
//! Critical before all; then the jobs that it blocks, weighed by their priority; less a penalty for each attempt that
//! failed. A person's priority replaces what reporters said of its severity. Ties go to the gap seen first.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Severity;
use crate::refusal::Refusal;

/// What being critical is worth: more than a hundred thousand jobs of the highest priority, which are the most that are
/// weighed, count with a person's priority on top.
pub const CRITICAL: i64 = 1_000_000_000;

/// What a blocked job of priority 0 weighs.
pub const JOB_WEIGHT: i64 = 10;

/// The least that a blocked job weighs, however low its priority; and what one weighs that goes on without the gap.
pub const JOB_WEIGHT_MIN: i64 = 1;

/// What each failed attempt takes away: three jobs of priority 0.
pub const FAILURE_PENALTY: i64 = 30;

/// What a person said of a gap's importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Later than others: what it blocks counts a quarter.
    Low,
    /// As it is.
    Normal,
    /// Sooner than others: what it blocks counts four times.
    High,
    /// Before all.
    Critical,
}

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The priority as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads a priority by its name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|priority| priority.name() == text).ok_or_else(|| {
            Refusal::invalid("priority", format!("there is no priority {text:?}"))
                .hint(format!("priorities are {}", Self::ALL.map(Self::name).join(", ")))
        })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a blocked job weighs: 10 and its priority, from 1 to 1,010; 1 for a job that goes on without the gap.
pub fn job_weight(priority: i64, severity: Severity) -> i64 {
    match severity {
        Severity::Minor => JOB_WEIGHT_MIN,
        Severity::Blocking | Severity::Critical => JOB_WEIGHT.saturating_add(priority).max(JOB_WEIGHT_MIN),
    }
}

/// What a rank is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The worst that was said of it.
    pub severity: Severity,
    /// What a person said of it.
    pub priority: Option<Priority>,
    /// How many distinct jobs it blocks.
    pub jobs: i64,
    /// What they weigh together.
    pub weight: i64,
    /// How many attempts failed.
    pub failures: i64,
}

/// One term of a rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it adds.
    pub points: i64,
    /// Why.
    pub why: String,
}

impl Standing {
    /// The rank: higher comes first.
    pub fn rank(&self) -> i64 {
        let sum = self.critical().saturating_add(self.blocked());
        sum.saturating_sub(self.penalty())
    }

    /// The same, term by term; the terms add up to the rank.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        if self.critical() > 0 {
            let why = match self.priority {
                Some(priority) => format!("a person set its priority to {priority}"),
                None => "a reporter calls it critical".to_owned(),
            };
            terms.push(Term { points: self.critical(), why });
        }
        let weighed = match self.priority {
            Some(Priority::Low) => ", a quarter of their weight for low priority",
            Some(Priority::High) => ", four times their weight for high priority",
            Some(Priority::Normal | Priority::Critical) | None => "",
        };
        let jobs = if self.jobs == 1 { "job" } else { "distinct jobs" };
        terms.push(Term {
            points: self.blocked(),
            why: format!("it blocks {} {jobs}, by {JOB_WEIGHT} and the job's own priority{weighed}", self.jobs),
        });
        if self.failures > 0 {
            let attempts = if self.failures == 1 { "attempt" } else { "attempts" };
            terms.push(Term { points: -self.penalty(), why: format!("{} {attempts} failed", self.failures) });
        }
        terms
    }

    fn critical(&self) -> i64 {
        let critical = match self.priority {
            Some(priority) => priority == Priority::Critical,
            None => self.severity == Severity::Critical,
        };
        if critical { CRITICAL } else { 0 }
    }

    fn blocked(&self) -> i64 {
        match self.priority {
            Some(Priority::Low) => self.weight / 4,
            Some(Priority::High) => self.weight.saturating_mul(4),
            Some(Priority::Normal | Priority::Critical) | None => self.weight,
        }
    }

    fn penalty(&self) -> i64 {
        self.failures.saturating_mul(FAILURE_PENALTY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocking(weights: &[i64]) -> Standing {
        let weight = weights.iter().map(|priority| job_weight(*priority, Severity::Blocking)).sum();
        let jobs = i64::try_from(weights.len()).expect("few");
        Standing { severity: Severity::Blocking, priority: None, jobs, weight, failures: 0 }
    }

    #[test]
    fn one_critical_job_outranks_ten_trivial_ones() {
        let ten = blocking(&[-20; 10]);
        let critical = Standing { severity: Severity::Critical, ..blocking(&[-20]) };
        assert!(critical.rank() > ten.rank());
        assert!(blocking(&[100]).rank() > ten.rank(), "a job of high priority, too");
        assert!(blocking(&[100]).rank() > blocking(&[0; 10]).rank());
    }

    #[test]
    fn a_persons_priority_replaces_what_reporters_said() {
        let claimed = Standing { severity: Severity::Critical, ..blocking(&[0]) };
        let low = Standing { priority: Some(Priority::Low), ..claimed };
        assert!(low.rank() < blocking(&[0]).rank());
        let critical = Standing { priority: Some(Priority::Critical), ..blocking(&[]) };
        assert!(critical.rank() > blocking(&[1_000; 200]).rank());
        let high = Standing { priority: Some(Priority::High), ..blocking(&[0]) };
        assert_eq!(high.rank(), 40);
    }

    #[test]
    fn each_failed_attempt_lets_it_sink() {
        let fresh = blocking(&[0, 0, 0, 0]);
        let ranks = [0, 1, 2].map(|failures| Standing { failures, ..fresh }.rank());
        assert_eq!(ranks, [40, 10, -20]);
    }

    proptest! {
        #[test]
        fn the_terms_add_up_to_the_rank(
            critical in any::<bool>(), priority in 0..5_usize, jobs in 0..1_000_000_i64, weight in 0..1_000_000_000_i64, failures in 0..1_000_i64,
        ) {
            let severity = if critical { Severity::Critical } else { Severity::Blocking };
            let priority = Priority::ALL.get(priority).copied();
            let standing = Standing { severity, priority, jobs, weight, failures };
            prop_assert_eq!(standing.terms().iter().map(|term| term.points).sum::<i64>(), standing.rank());
        }

        #[test]
        fn a_rank_never_overflows(weight in any::<i64>(), failures in any::<i64>(), jobs in any::<i64>()) {
            for priority in [None, Some(Priority::Low), Some(Priority::High), Some(Priority::Critical)] {
                Standing { severity: Severity::Critical, priority, jobs, weight, failures }.rank();
            }
        }
    }
}
