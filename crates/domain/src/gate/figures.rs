//! The figures of docs/evidence.md: what a row of outcomes shows, and how likely a loop that is bad has one. Computed, so that
//! the page says what the code does.

use super::Rules;
use super::track::{play, reaches, upper};

/// How many good ones in a row the first table tells of.
const ROWS: [u64; 8] = [10, 20, 30, 50, 100, 149, 299, 598];

/// How many bad ones the second table tells of, at most.
const BAD_MAX: u64 = 6;

/// Of how many bad ones in a thousand the third table tells.
const RATES: [u32; 9] = [5, 10, 20, 30, 50, 60, 80, 100, 300];

/// Within how many outcomes.
const WITHIN: [usize; 3] = [200, 500, 1_000];

/// How many loops are played through for a figure, and from where their chance begins.
const LOOPS: u64 = 4_000;
const SEED: u64 = 7;

/// The tables, by the rules that stand unless configured otherwise.
pub fn table() -> String {
    let asks = Rules::default().asks;
    let mut lines = vec!["| good in a row, none bad | the true rate of bad ones may be up to |\n|---|---|".to_owned()];
    lines.extend(ROWS.map(|all| format!("| {all} | {:.1} % |", upper(0, all) * 100.0)));

    let most = asks.bad_max * 100.0;
    lines.push(format!(
        "\n| bad among the last {} | of at least so many for a bound of {most:.0} % |\n|---|---|",
        asks.window
    ));
    for bad in 0..=BAD_MAX {
        let least = (1..=asks.window as u64).find(|all| upper(bad, *all) <= asks.bad_max);
        lines.push(format!("| {bad} | {} |", least.map_or_else(|| "no number".to_owned(), |least| least.to_string())));
    }

    let streak = usize::try_from(asks.streak).unwrap_or(usize::MAX);
    let [short, long, longest] = WITHIN;
    lines.push(format!(
        "\n| bad | a row of {streak} within {short} | within {long} | within {longest} | row and bound within {longest} |\n\
         |---|---|---|---|---|"
    ));
    for rate in RATES {
        let bad = f64::from(rate) / 1_000.0;
        let [short, long, longest] = WITHIN.map(|within| chance(reaches(bad, streak, within)));
        let played = play(&asks, bad, WITHIN[2], LOOPS, even(SEED));
        #[expect(clippy::cast_precision_loss, reason = "loops are counted in thousands")]
        let opened = chance(played.opened as f64 / LOOPS as f64);
        lines.push(format!("| {} % | {short} | {long} | {longest} | {opened} |", bad * 100.0));
    }
    lines.join("\n") + "\n"
}

/// A chance with two digits: one that is nearly none or nearly certain is said to be so.
fn chance(share: f64) -> String {
    match share {
        share if share < 0.005 => "below 0.01".to_owned(),
        share if share >= 0.995 => "above 0.99".to_owned(),
        share => format!("{share:.2}"),
    }
}

/// Numbers from 0 up to, and without, 1, that look like chance and are the same each time.
pub(super) fn even(mut seed: u64) -> impl FnMut() -> f64 {
    move || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_that_the_documents_show() {
        let page = include_str!("../../../../docs/evidence.md");
        let shown = page.split("<!-- figures -->\n").nth(1).and_then(|rest| rest.split("<!-- end -->").next());
        assert_eq!(
            shown.unwrap_or_default().trim(),
            table().trim(),
            "docs/evidence.md, after its marker, is to read:\n{}",
            table()
        );
    }
}
