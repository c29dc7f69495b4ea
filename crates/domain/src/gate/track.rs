//! What a row of outcomes shows, and what it does not: the streak, the honest bound, and the chances of a loop that is bad.
//!
//! A streak alone shows little: a loop of which one in twenty is bad reaches a row of fifty within five hundred in nine of
//! ten cases. So the bound looks at the last two hundred too, and what was bad among them is not forgotten when a row begins
//! anew.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use statrs::function::beta::inv_beta_reg;

/// How sure the bound is, one-sided.
pub const CONFIDENCE: f64 = 0.95;

/// What a row of outcomes must show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Asks {
    /// How many good ones in a row.
    pub streak: i64,
    /// Over how many of the last outcomes the bound is taken.
    pub window: usize,
    /// How large the share of bad ones may be at most, by the bound; 0 to 1.
    pub bad_max: f64,
}

impl Asks {
    /// Whether so many outcomes can show it at all: those of a loop of which none is bad.
    pub fn is_within(&self, outcomes: usize) -> bool {
        let row = usize::try_from(self.streak).is_ok_and(|streak| streak <= outcomes);
        row && upper(0, self.window.min(outcomes) as u64) <= self.bad_max
    }
}

/// The upper bound of the share of bad ones, by Clopper and Pearson, one-sided 95 %: `bad` of `all` were. With none at all it
/// is 1.
pub fn upper(bad: u64, all: u64) -> f64 {
    if bad >= all {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "outcomes are counted in hundreds")]
    let (bad, all) = (bad as f64, all as f64);
    inv_beta_reg(bad + 1.0, all - bad, CONFIDENCE)
}

/// Outcomes one after another, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// How many good ones there are since the last bad one.
    pub streak: i64,
    /// How long the longest row was.
    pub longest: i64,
    window: usize,
    last: VecDeque<bool>,
    bad: u64,
}

impl Track {
    /// A track with nothing on it yet, which remembers so many.
    pub fn new(window: usize) -> Self {
        Self { streak: 0, longest: 0, window: window.max(1), last: VecDeque::new(), bad: 0 }
    }

    /// One more outcome.
    pub fn push(&mut self, good: bool) {
        self.streak = if good { self.streak + 1 } else { 0 };
        self.longest = self.longest.max(self.streak);
        if self.last.len() == self.window && self.last.pop_front() == Some(false) {
            self.bad -= 1;
        }
        self.last.push_back(good);
        self.bad += u64::from(!good);
    }

    /// How many of the last ones were bad, and how many there are.
    pub fn counted(&self) -> (u64, u64) {
        (self.bad, self.last.len() as u64)
    }

    /// The bound on the share of bad ones.
    pub fn upper(&self) -> f64 {
        let (bad, all) = self.counted();
        upper(bad, all)
    }

    /// Whether it shows what is asked.
    pub fn shows(&self, asks: &Asks) -> bool {
        self.streak >= asks.streak && self.upper() <= asks.bad_max
    }
}

/// The chance that a loop of which each outcome is bad with this chance ever has a row of `streak` good ones within so many:
/// exact, by recursion over the place at which the first such row ends.
pub fn reaches(bad: f64, streak: usize, within: usize) -> f64 {
    if streak == 0 {
        return 1.0;
    }
    let good = 1.0 - bad;
    let row = good.powi(i32::try_from(streak).unwrap_or(i32::MAX));
    let mut by = vec![0.0; within + 1];
    for n in 1..=within {
        by[n] = match n.cmp(&streak) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => row,
            // It ends here for the first time: a bad one before it, and none had ended before that.
            std::cmp::Ordering::Greater => by[n - 1] + (1.0 - by[n - streak - 1]) * bad * row,
        };
    }
    by[within]
}

/// What came of loops that were played through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Played {
    /// How many.
    pub loops: u64,
    /// How many had a row that is long enough.
    pub by_streak: u64,
    /// How many opened the gate: the row, and the bound as well.
    pub opened: u64,
}

/// Plays loops through, each of so many outcomes of which each is bad with this chance. `chance` gives numbers from 0 up to,
/// and without, 1.
pub fn play(asks: &Asks, bad: f64, within: usize, loops: u64, mut chance: impl FnMut() -> f64) -> Played {
    let mut played = Played { loops, by_streak: 0, opened: 0 };
    // The bound is asked of a few hundred counts again and again.
    let most: Vec<u64> = (0..=asks.window as u64)
        .map(|all| (0..=all).take_while(|bad| upper(*bad, all) <= asks.bad_max).count() as u64)
        .collect();
    for _ in 0..loops {
        let mut track = Track::new(asks.window);
        let (mut reached, mut opened) = (asks.streak == 0, false);
        for _ in 0..within {
            track.push(chance() >= bad);
            if track.streak >= asks.streak {
                reached = true;
                let (bad, all) = track.counted();
                opened |= bad < most[usize::try_from(all).unwrap_or(0)];
            }
            if opened {
                break;
            }
        }
        played.by_streak += u64::from(reached);
        played.opened += u64::from(opened);
    }
    played
}

#[cfg(test)]
mod tests {
    use super::super::figures::even as chance;
    use super::*;

    const ASKS: Asks = Asks { streak: 50, window: 200, bad_max: 0.06 };

    fn close(found: f64, quoted: f64, within: f64) {
        assert!((found - quoted).abs() <= within, "{found} is not {quoted}");
    }

    /// The figures of docs/evidence.md.
    #[test]
    fn the_bounds_that_the_documents_quote_are_these() {
        for (bad, all, quoted) in [
            (0, 10, 0.259),
            (0, 20, 0.139),
            (0, 30, 0.095),
            (0, 50, 0.0582),
            (0, 100, 0.0295),
            (0, 149, 0.02),
            (0, 299, 0.01),
            (0, 598, 0.005),
        ] {
            close(upper(bad, all), quoted, 0.0005);
        }
        // How many there must be for so many bad ones.
        for (bad, least) in [(0_u64, 49_u64), (1, 78), (2, 103), (3, 127), (4, 150)] {
            assert!(upper(bad, least) <= ASKS.bad_max && upper(bad, least - 1) > ASKS.bad_max, "{bad} of {least}");
        }
        for (bad, all) in [(0, 0), (1, 1), (5, 3)] {
            close(upper(bad, all), 1.0, 0.0);
        }
    }

    #[test]
    fn the_chances_of_a_streak_that_the_documents_quote_are_these() {
        for (bad, by_200, by_500, by_1000) in [
            (0.005, 1.0, 1.0, 1.0),
            (0.01, 1.0, 1.0, 1.0),
            (0.02, 0.96, 1.0, 1.0),
            (0.03, 0.86, 1.0, 1.0),
            (0.05, 0.55, 0.90, 0.99),
            (0.06, 0.41, 0.77, 0.95),
            (0.08, 0.19, 0.46, 0.72),
            (0.10, 0.08, 0.22, 0.40),
            (0.30, 0.0, 0.0, 0.0),
        ] {
            for (within, quoted) in [(200, by_200), (500, by_500), (1000, by_1000)] {
                close(reaches(bad, 50, within), quoted, 0.0055);
            }
        }
        close(reaches(0.5, 3, 2), 0.0, 0.0);
        close(reaches(0.9, 0, 0), 1.0, 0.0);
        close(reaches(0.5, 1, 2), 0.75, 1e-12);
        close(reaches(0.5, 2, 3), 3.0 / 8.0, 1e-12);
    }

    /// Ten thousand loops, against the exact recursion: within four standard errors of it.
    #[test]
    fn ten_thousand_loops_reach_a_streak_as_often_as_the_recursion_says() {
        for (bad, within, seed) in [(0.05, 500, 1), (0.08, 200, 2), (0.10, 500, 3), (0.02, 100, 4)] {
            let played = play(&ASKS, bad, within, 10_000, chance(seed));
            let exact = reaches(bad, 50, within);
            let (found, error) = (f64::from(u32::try_from(played.by_streak).unwrap_or(0)) / 1e4, {
                (exact * (1.0 - exact) / 1e4).sqrt()
            });
            close(found, exact, 4.0 * error);
            assert!(played.opened <= played.by_streak, "{played:?}");
        }
    }

    /// What the bound adds: the figures of docs/evidence.md, for 1,000 outcomes.
    #[test]
    fn the_bound_keeps_most_bad_loops_out_that_a_streak_lets_in() {
        for (bad, streak, opened) in [(0.02, 1.0, 1.0), (0.05, 0.99, 0.73), (0.06, 0.96, 0.40), (0.08, 0.72, 0.056)] {
            let played = play(&ASKS, bad, 1_000, 4_000, chance(7));
            let share = |count: u64| f64::from(u32::try_from(count).unwrap_or(0)) / 4e3;
            close(share(played.by_streak), streak, 0.03);
            close(share(played.opened), opened, 0.03);
        }
    }

    #[test]
    fn what_no_loop_can_ever_show_is_told() {
        for (streak, window, bad_max, within, can) in [
            (50, 200, 0.06, 500, true),
            (50, 200, 0.06, 49, false),
            (50, 200, 0.06, 50, true),
            (10, 40, 0.06, 10_000, false),
            (10, 200, 0.01, 500, false),
            (10, 200, 0.0, 500, false),
        ] {
            assert_eq!(
                Asks { streak, window, bad_max }.is_within(within),
                can,
                "{streak}, {window}, {bad_max}, {within}"
            );
        }
    }

    #[test]
    fn a_track_forgets_a_streak_and_not_what_was_bad() {
        let mut track = Track::new(200);
        for _ in 0..60 {
            track.push(true);
        }
        assert!(track.shows(&ASKS));
        track.push(false);
        for _ in 0..16 {
            track.push(true);
        }
        assert_eq!((track.streak, track.longest, track.counted()), (16, 60, (1, 77)));
        for _ in 0..50 {
            track.push(true);
        }
        assert!(track.shows(&ASKS));
        let mut short = Track::new(2);
        short.push(false);
        short.push(true);
        short.push(true);
        assert_eq!(short.counted(), (0, 2));
    }
}
