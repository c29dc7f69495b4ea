//! What the gate to merging by itself asks for.

use domain::gate::{Asks, Rules};
use domain::time::Span;
use forge::Method;

use super::Config;
use crate::failure::Failure;

/// The most checks that may be required, and the longest name of one, in characters.
const CHECKS_MAX: usize = 20;
const CHECK_CHARS_MAX: usize = 200;

/// The ways to merge, as they are written.
const METHODS: [(&str, Method); 3] = [("merge", Method::Merge), ("squash", Method::Squash), ("rebase", Method::Rebase)];

impl Config {
    /// Refuses settings of the gate that make no sense.
    pub(super) fn check_gate(&self) -> Result<(), Failure> {
        let written = &self.sections.gate;
        let bounds = [
            ("streak", written.streak, 1, 1_000),
            ("window", written.window, 1, 1_000),
            ("bad_percent_max", written.bad_percent_max, 1, 100),
            ("days", written.days, 0, 365),
            ("per_day", written.per_day, 1, 1_000),
            ("soak_days", written.soak_days, 0, 90),
            ("unknown_percent_max", written.unknown_percent_max, 0, 100),
            ("lines_max", written.lines_max, 1, 100_000),
            ("files_max", written.files_max, 1, 10_000),
            ("shadow", written.shadow, 0, 1_000),
            ("tenth", written.tenth, 0, 1_000),
            ("half", written.half, 0, 1_000),
            ("merges_per_day", written.merges_per_day, 1, 100),
        ];
        for (key, value, low, high) in bounds {
            self.within(&["gate", key], value, (low, high))?;
        }
        if METHODS.iter().all(|(name, _)| *name != written.method) {
            return Err(self.bad(&["gate", "method"], "merge, squash or rebase"));
        }
        let named = |check: &String| !check.trim().is_empty() && check.chars().count() <= CHECK_CHARS_MAX;
        if written.checks.len() > CHECKS_MAX || !written.checks.iter().all(named) {
            let expected = format!("at most {CHECKS_MAX} names of checks, such as [\"test\"]");
            return Err(self.bad(&["gate", "checks"], &expected));
        }
        Ok(())
    }

    /// What the gate asks for.
    pub(crate) fn gate(&self) -> Rules {
        let written = &self.sections.gate;
        Rules {
            asks: Asks {
                streak: written.streak,
                window: usize::try_from(written.window).unwrap_or(1),
                bad_max: f64::from(i32::try_from(written.bad_percent_max).unwrap_or(1)) / 100.0,
            },
            days: written.days,
            per_day: written.per_day,
            soak: Span::days(written.soak_days),
            unknown_percent_max: written.unknown_percent_max,
            lines_max: written.lines_max,
            files_max: written.files_max,
            shadow: written.shadow,
            ramp: (written.tenth, written.half),
            merges_per_day: written.merges_per_day,
            checks: written.checks.clone(),
        }
    }

    /// How what merges by itself is merged.
    pub(super) fn merge_method(&self) -> Method {
        let named = METHODS.iter().find(|(name, _)| *name == self.sections.gate.method);
        named.map_or(Method::Merge, |(_, method)| *method)
    }
}
