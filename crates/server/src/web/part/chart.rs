//! Drawings: small curves, meters, bars and the diagram of calibration. Each says in words what it shows, and whatever it is
//! drawn from is in a table beside it.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::Tone;

/// How far an axis goes: a number that is easily read, not below the greatest value.
fn top(max: f64) -> f64 {
    const STEPS: [f64; 6] = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let max = max.max(1.0);
    let scale = 10_f64.powf(max.log10().floor());
    STEPS.iter().map(|step| step * scale).find(|top| *top >= max).unwrap_or(max)
}

/// A place in a drawing, to a tenth.
fn at(value: f64) -> String {
    format!("{value:.1}")
}

/// How full something is.
pub(in crate::web) fn meter(part: f64, tone: Tone, label: &str) -> Markup {
    let class = match tone {
        Tone::Plain | Tone::Run => "f-accent",
        Tone::Good => "f-good",
        Tone::Warn => "f-warn",
        Tone::Bad => "f-bad",
    };
    html! {
        svg .meter role="img" aria-label=(label) {
            rect .f-line width="100%" height="100%" rx="3" {}
            rect class=(class) width={ (at(part.clamp(0.0, 1.0) * 100.0)) "%" } height="100%" rx="3" {}
        }
    }
}

/// How full a budget is: green below three fifths, amber below 85 hundredths, red above.
pub(in crate::web) fn budget(spent: i64, of: i64, label: &str) -> Markup {
    let part = ratio(spent, of);
    let tone = if part < 0.6 {
        Tone::Good
    } else if part < 0.85 {
        Tone::Warn
    } else {
        Tone::Bad
    };
    meter(part, tone, label)
}

/// A part of a whole; all of it where there is no whole.
pub(in crate::web) fn ratio(part: i64, of: i64) -> f64 {
    if of <= 0 { 1.0 } else { number(part) / number(of) }
}

/// A number to draw with. What is drawn is smaller by far than what a float keeps exactly.
#[expect(clippy::cast_precision_loss, reason = "a drawing is a thousand points wide at most")]
pub(in crate::web) fn number(value: i64) -> f64 {
    value as f64
}

/// A small curve without axes; the value beside it says where it ended.
pub(in crate::web) fn spark(values: &[i64], label: &str) -> Markup {
    let max = values.iter().copied().max().unwrap_or(0).max(1);
    let last = values.len().saturating_sub(1).max(1);
    let step = 100.0 / number(i64::try_from(last).unwrap_or(i64::MAX));
    let mut line = String::new();
    let mut x = 0.0;
    for value in values {
        let mark = if line.is_empty() { 'M' } else { 'L' };
        // Writing into a text does not fail.
        let _ = write!(line, "{mark}{} {}", at(x), at(23.0 - 21.0 * ratio(*value, max)));
        x += step;
    }
    html! {
        svg viewBox="0 0 100 25" preserveAspectRatio="none" role="img" aria-label=(label) {
            @if values.len() > 1 {
                path .f-tint d={ (line) "L100 25L0 25Z" } {}
                path .s-accent d=(line) vector-effect="non-scaling-stroke" {}
            }
        }
    }
}

/// A bar of a chart over time.
pub(in crate::web) struct Bar {
    /// When, as it stands in the table.
    pub(in crate::web) when: String,
    /// What went well.
    pub(in crate::web) good: i64,
    /// What did not.
    pub(in crate::web) bad: i64,
}

/// Bars over time, those that went wrong on top, with the same as a table.
pub(in crate::web) fn bars(bars: &[Bar], title: &str, (good, bad): (&str, &str)) -> Markup {
    let (width, height, left, foot) = (440.0, 200.0, 30.0, 20.0);
    let max = top(bars.iter().map(|bar| number(bar.good + bar.bad)).fold(1.0, f64::max));
    let y = |value: f64| 6.0 + (height - foot - 6.0) * (1.0 - value / max);
    let step = (width - left) / number(i64::try_from(bars.len().max(1)).unwrap_or(1));
    let mut x = left - step;
    html! {
        svg .chart viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(title) {
            @for part in [0.0, 0.5, 1.0] {
                line .grid x1=(left) x2=(width) y1=(at(y(max * part))) y2=(at(y(max * part))) {}
                text x=(left - 6.0) y=(at(y(max * part) + 4.0)) text-anchor="end" { (max * part) }
            }
            @for bar in bars {
                ({ x += step; bar_of(bar, (x + step * 0.15, step * 0.7), &y, (good, bad)) })
            }
            @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
                text x=(left) y=(height - 5.0) { (first.when) }
                text x=(width) y=(height - 5.0) text-anchor="end" { (last.when) }
            }
        }
        details {
            summary { "Show as a table" }
            table {
                caption { (title) }
                thead { tr { th scope="col" { "When" } th .num scope="col" { (good) } th .num scope="col" { (bad) } } }
                tbody { @for bar in bars { tr { td { (bar.when) } td .num { (bar.good) } td .num { (bar.bad) } } } }
            }
        }
    }
}

fn bar_of(bar: &Bar, (x, width): (f64, f64), y: &impl Fn(f64) -> f64, (good, bad): (&str, &str)) -> Markup {
    let (of_good, of_all) = (number(bar.good), number(bar.good + bar.bad));
    html! {
        g {
            title { (bar.when) ": " (bar.good) " " (good) ", " (bar.bad) " " (bad) }
            rect .f-accent x=(at(x)) y=(at(y(of_good))) width=(at(width)) height=(at(y(0.0) - y(of_good))) {}
            rect .f-bad x=(at(x)) y=(at(y(of_all))) width=(at(width)) height=(at(y(of_good) - y(of_all))) {}
        }
    }
}

/// A share with its interval, and of how many it is.
pub(in crate::web) struct Share {
    /// What it is a share of.
    pub(in crate::web) name: String,
    /// The share, from 0 to 1.
    pub(in crate::web) share: f64,
    /// Between what it lies, with 95 of 100.
    pub(in crate::web) between: (f64, f64),
    /// Of how many.
    pub(in crate::web) of: i64,
}

/// Shares with their intervals, one below the other, with the same as a table.
pub(in crate::web) fn shares(shares: &[Share], title: &str) -> Markup {
    let (width, left, row) = (440.0, 150.0, 24.0);
    let x = |part: f64| left + (width - left - 24.0) * part.clamp(0.0, 1.0);
    let height = row * number(i64::try_from(shares.len()).unwrap_or(0)) + 24.0;
    html! {
        svg .chart viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(title) {
            @for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line .grid x1=(at(x(part))) x2=(at(x(part))) y1="2" y2=(height - 20.0) {}
                text x=(at(x(part))) y=(height - 5.0) text-anchor="middle" { (part * 100.0) " %" }
            }
            @for (at_row, share) in shares.iter().enumerate() {
                @let y = row * number(i64::try_from(at_row).unwrap_or(0)) + 14.0;
                g {
                    title { (share.name) ": " (percent(share.share)) ", from " (percent(share.between.0)) " to " (percent(share.between.1)) ", n = " (share.of) }
                    text x=(left - 8.0) y=(y + 4.0) text-anchor="end" { (share.name.chars().take(24).collect::<String>()) }
                    line .s-thin x1=(at(x(share.between.0))) x2=(at(x(share.between.1))) y1=(y) y2=(y) {}
                    circle .f-accent cx=(at(x(share.share))) cy=(y) r="4" {}
                }
            }
        }
        details {
            summary { "Show as a table" }
            table {
                caption { (title) }
                thead { tr { th scope="col" { "Of" } th .num scope="col" { "Share" } th .num scope="col" { "95 % interval" } th .num scope="col" { "n" } } }
                tbody {
                    @for share in shares {
                        tr {
                            td { (share.name) }
                            td .num { (percent(share.share)) }
                            td .num { (percent(share.between.0)) " to " (percent(share.between.1)) }
                            td .num { (share.of) }
                        }
                    }
                }
            }
        }
    }
}

/// A share in hundredths.
pub(in crate::web) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_number_that_is_easily_read() {
        for (max, expect) in
            [(0.0, 1.0), (1.0, 1.0), (3.0, 4.0), (9.0, 10.0), (11.0, 20.0), (47.0, 50.0), (812.0, 1_000.0)]
        {
            assert!((top(max) - expect).abs() < 1e-9, "{max}: {}", top(max));
        }
    }

    #[test]
    fn a_meter_is_never_fuller_than_full_and_needs_no_style() {
        let full = meter(7.0, Tone::Good, "x").into_string();
        assert!(full.contains("width=\"100.0%\"") && !full.contains("style"), "{full}");
        assert!((ratio(1, 0) - 1.0).abs() < 1e-9, "of nothing, all is spent");
    }

    #[test]
    fn a_budget_turns_amber_and_red() {
        for (spent, class) in
            [(0, "f-good"), (59, "f-good"), (60, "f-warn"), (84, "f-warn"), (85, "f-bad"), (200, "f-bad")]
        {
            assert!(budget(spent, 100, "x").into_string().contains(class), "{spent}");
        }
    }

    #[test]
    fn a_curve_of_one_point_is_none() {
        assert!(!spark(&[3], "x").into_string().contains("path"));
        assert!(spark(&[3, 4], "x").into_string().contains("M0.0"));
    }
}
