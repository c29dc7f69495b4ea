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

/// A small curve without axes, broken where nothing is known; its name tells where it ended, and between what it went.
pub(in crate::web) fn spark(values: &[Option<i64>], label: &str) -> Markup {
    let max = values.iter().flatten().copied().max().unwrap_or(0).max(1);
    let last = values.len().saturating_sub(1).max(1);
    let step = 100.0 / number(i64::try_from(last).unwrap_or(i64::MAX));
    let known = || values.iter().flatten();
    let told = match (known().min(), known().max(), known().next_back()) {
        (Some(least), Some(most), Some(last)) => format!("{label}: {last} at last, from {least} to {most}"),
        _ => format!("{label}: nothing is known"),
    };
    let (mut line, mut x, mut drawn) = (String::new(), 0.0, false);
    for value in values {
        if let Some(value) = value {
            let mark = if drawn { 'L' } else { 'M' };
            // Writing into a text does not fail.
            let _ = write!(line, "{mark}{} {}", at(x), at(23.0 - 21.0 * ratio(*value, max)));
        }
        drawn = value.is_some();
        x += step;
    }
    html! {
        svg viewBox="0 0 100 25" preserveAspectRatio="none" role="img" aria-label=(told) {
            path .s-accent d=(line) vector-effect="non-scaling-stroke" {}
        }
    }
}

/// A bar of a chart over time.
pub(in crate::web) struct Bar {
    /// When, as it stands in the table.
    pub(in crate::web) when: String,
    /// What went well and what did not; none where nobody counted.
    pub(in crate::web) counts: Option<(i64, i64)>,
}

impl Bar {
    /// How high it is; nothing where nobody counted.
    fn height(&self) -> f64 {
        self.counts.map_or(0.0, |(good, bad)| number(good + bad))
    }
}

/// Bars over time, those that went wrong on top, with the same as a table.
pub(in crate::web) fn bars(bars: &[Bar], title: &str, (good, bad): (&str, &str)) -> Markup {
    let (width, height, left, foot) = (440.0, 200.0, 30.0, 20.0);
    let max = top(bars.iter().map(Bar::height).fold(1.0, f64::max));
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
        div .legend {
            span { svg viewBox="0 0 10 10" aria-hidden="true" { rect .f-accent width="10" height="10" rx="2" {} } " " (good) ", below" }
            span { svg viewBox="0 0 10 10" aria-hidden="true" { rect .f-bad width="10" height="10" rx="2" {} } " " (bad) ", on top" }
        }
        details {
            summary { "Show as a table" }
            table {
                caption { (title) }
                thead { tr { th scope="col" { "When" } th .num scope="col" { (good) } th .num scope="col" { (bad) } } }
                tbody { @for bar in bars {
                        tr {
                            td { (bar.when) }
                            @if let Some((good, bad)) = bar.counts { td .num { (good) } td .num { (bad) } }
                            @else { td .num { "not known" } td .num { "not known" } }
                        }
                    } }
            }
        }
    }
}

fn bar_of(bar: &Bar, (x, width): (f64, f64), y: &impl Fn(f64) -> f64, (good, bad): (&str, &str)) -> Markup {
    let Some((of_good, of_bad)) = bar.counts else { return html! {} };
    let (low, high) = (number(of_good), bar.height());
    html! {
        g {
            title { (bar.when) ": " (of_good) " " (good) ", " (of_bad) " " (bad) }
            rect .f-accent x=(at(x)) y=(at(y(low))) width=(at(width)) height=(at(y(0.0) - y(low))) {}
            rect .f-bad x=(at(x)) y=(at(y(high))) width=(at(width)) height=(at(y(low) - y(high))) {}
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
    fn a_curve_is_broken_where_nothing_is_known() {
        let drawn = spark(&[Some(3), Some(6), None, Some(6), Some(0)], "x").into_string();
        assert!(drawn.contains("M0.0 12.5L25.0 2.0M75.0 2.0L100.0 23.0"), "{drawn}");
    }
}
