//! From many measurements to a few figures: quantiles within a round, the median and the range over rounds, tables.

use std::fmt::Write as _;

/// The median of several rounds, with the least and the most.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of one figure per round; of none, zeros.
    pub(crate) fn of(rounds: impl IntoIterator<Item = f64>) -> Self {
        let mut rounds: Vec<_> = rounds.into_iter().collect();
        rounds.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (rounds.first(), rounds.last()) else { return Self::default() };
        let median = f64::midpoint(rounds[(rounds.len() - 1) / 2], rounds[rounds.len() / 2]);
        Self { median, least: *least, most: *most }
    }

    /// `median [least-most]` with so many digits behind the point.
    pub(crate) fn show(self, digits: usize) -> String {
        format!("{:.digits$} [{:.digits$}-{:.digits$}]", self.median, self.least, self.most)
    }
}

/// Half of the measurements, and all but one in a hundred, took no longer than this many milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Quantiles {
    /// Of measurements in microseconds; of none, zeros.
    pub(crate) fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        let at = |hundredths: usize| {
            let place = (micros.len() * hundredths).div_ceil(100).saturating_sub(1);
            micros.get(place).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
        };
        Self { p50: at(50), p99: at(99) }
    }
}

/// A Markdown table.
#[derive(Debug)]
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let rule = columns.iter().map(|_| "---").collect::<Vec<_>>().join(" | ");
        Self(format!("| {} |\n| {rule} |\n", columns.join(" | ")))
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        writeln!(self.0, "| {} |", cells.join(" | ")).expect("a text takes it");
    }

    pub(crate) fn text(self) -> String {
        self.0
    }
}

/// Whether a figure reached its target, in a word.
pub(crate) fn verdict(met: bool) -> String {
    if met { "met".to_owned() } else { "MISSED".to_owned() }
}
