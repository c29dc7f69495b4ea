//! What pages are made of: parts, times, tags, meters, pages of lists, and what is said where there is nothing.

pub(super) mod chart;
pub(super) mod filter;

use domain::time::{Span, Time};
use domain::untrusted::is_hidden;
use maud::{Markup, Render, html};

use super::place::Place;
use store::figure::COUNTED_MAX;

/// How wide a part is, in twelfths of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Whole,
    Half,
}

impl Width {
    const fn class(self) -> &'static str {
        match self {
            Self::Whole => "w12",
            Self::Half => "w6",
        }
    }
}

/// A part of a page: it is patched as one where it changed.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its id on its page, by which it is found again.
    pub(super) id: &'static str,
    body: Markup,
    width: Width,
    plain: bool,
}

impl Part {
    /// A card with a title, a word beside it, and what it shows.
    #[expect(clippy::needless_pass_by_value, reason = "what a card shows is made for it")]
    pub(super) fn card(id: &'static str, width: Width, (title, aside): (&str, &str), body: Markup) -> Self {
        let body = html! {
            div .hd { h2 id={ (id) "-title" } { (title) } @if !aside.is_empty() { span .soft { (aside) } } }
            (body)
        };
        Self { id, body, width, plain: false }
    }

    /// Something without a frame of its own.
    pub(super) fn plain(id: &'static str, width: Width, body: Markup) -> Self {
        Self { id, body, width, plain: true }
    }
}

impl Render for Part {
    fn render(&self) -> Markup {
        let (id, width) = (self.id, self.width.class());
        if self.plain {
            return html! { div id=(id) class=(width) { (self.body) } };
        }
        html! { section id=(id) class={ "card " (width) } aria-labelledby={ (id) "-title" } { (self.body) } }
    }
}

/// What is inside a card, with room around it.
pub(super) fn body(inner: &Markup) -> Markup {
    html! { div .bd { (inner) } }
}

/// How something stands, by colour and by word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Run,
    Good,
    Warn,
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Run => "run",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A word with a colour, which the word alone would do without.
pub(super) fn tag(tone: Tone, word: &str) -> Markup {
    html! { span class={ "tag " (tone.class()) } { (seen(word)) } }
}

/// A sign beside a word that says the same.
pub(super) fn sign(path: &str) -> Markup {
    html! { svg .i viewBox="0 0 16 16" aria-hidden="true" { path d=(path) {} } }
}

/// A number that may be of a million things, which are counted so far and no further.
pub(super) fn count(number: i64) -> String {
    if number > COUNTED_MAX { format!("{}+", grouped(COUNTED_MAX)) } else { grouped(number) }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if number < 0 { format!("\u{2212}{text}") } else { text }
}

/// So many of something.
pub(super) fn counted(number: i64, what: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{} {what}{many}", grouped(number))
}

/// Millionths of a US dollar as dollars and cents.
pub(super) fn dollars(micro_usd: i64) -> String {
    let cents = micro_usd.saturating_add(5_000) / 10_000;
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// A moment by itself, in full.
pub(super) fn moment(at: Time) -> Markup {
    html! { time datetime=(at.iso()) { (clock(at)) } }
}

/// A moment as people read it: `2026-11-29 07:00:00 UTC`.
pub(super) fn clock(at: Time) -> String {
    let iso = at.iso();
    let (day, rest) = iso.split_once('T').unwrap_or((&iso, ""));
    format!("{day} {} UTC", rest.split('.').next().unwrap_or_default())
}

/// How long ago, or in how long, in the largest unit that there is one of.
pub(super) fn relative(at: Time, now: Time) -> String {
    let (length, past) = if at <= now { (now.since(at), true) } else { (at.since(now), false) };
    let told = length_of(length);
    if told.is_empty() {
        "now".to_owned()
    } else if past {
        format!("{told} ago")
    } else {
        format!("in {told}")
    }
}

/// A length in the largest unit that there is one of; nothing below five seconds.
fn length_of(span: Span) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let secs = span.0 / 1_000;
    let unit = UNITS.iter().find(|(size, _)| secs >= *size).filter(|_| secs >= 5);
    unit.map_or_else(String::new, |(size, name)| format!("{} {name}", secs / size))
}

/// A length of time in words, to the second.
pub(super) fn lasting(span: Span) -> String {
    let secs = span.0 / 1_000;
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, 0, 0) => format!("{} ms", span.0),
        (0, 0, secs) => format!("{secs} s"),
        (0, mins, 0) => format!("{mins} min"),
        (0, mins, secs) => format!("{mins} min {secs} s"),
        (hours, mins, _) if hours < 48 => format!("{hours} h {mins} min"),
        (hours, ..) => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// Other people's text on one line, with what cannot be seen written out, cut at so many characters.
pub(super) fn line(text: &str, chars: usize) -> Markup {
    let first = text.trim().lines().next().unwrap_or_default();
    let cut = first.chars().count() > chars || text.trim().lines().nth(1).is_some();
    html! { (seen(&first.chars().take(chars).collect::<String>())) @if cut { "\u{2026}" } }
}

/// Other people's text as they wrote it, with what cannot be seen written out.
pub(super) fn said(text: &str) -> Markup {
    html! { div .said { (seen(text)) } }
}

/// Other people's text as they wrote it, so much of it, with how much more there is.
pub(super) fn said_up_to(text: &str, chars: usize) -> Markup {
    let shown: String = text.chars().take(chars).collect();
    let more = text.chars().count().saturating_sub(chars);
    html! { (said(&shown)) @if more > 0 { p .soft { "It goes on for " (counted(i64::try_from(more).unwrap_or(i64::MAX), "character")) "." } } }
}

/// A text with what cannot be seen, or changes how other text shows, written out and marked.
pub(super) fn seen(text: &str) -> Markup {
    if text.is_ascii() && !text.chars().any(is_hidden) {
        return html! { (text) };
    }
    if !text.chars().any(is_hidden) {
        return html! { bdi { (text) } };
    }
    let mut runs: Vec<(bool, String)> = Vec::new();
    for c in text.chars() {
        let hidden = is_hidden(c);
        match runs.last_mut() {
            Some((was, run)) if *was == hidden => run.push(c),
            Some(_) | None => runs.push((hidden, c.to_string())),
        }
    }
    html! {
        bdi {
            @for (hidden, run) in runs {
                @if hidden { span .tell title="characters that do not show" { (run.escape_unicode()) } } @else { (run) }
            }
        }
    }
}

/// The way to the next page of a list, and back to its beginning.
pub(super) fn pager(place: &Place, shown: usize, cursor: Option<&str>) -> Markup {
    let base = place.base();
    let begun = place.asks("cursor").is_some();
    html! {
        @if begun || cursor.is_some() {
            nav .ft aria-label="Pages" {
                span { (shown) " shown" }
                @if begun { a href={ (base) (place.with("cursor", "")) } { "To the beginning" } }
                @if let Some(cursor) = cursor { a rel="next" href={ (base) (place.with("cursor", cursor)) } { "Next page" } }
            }
        }
    }
}

/// What is said where there is nothing: why it matters, and what fills it.
pub(super) fn empty(what: &str, why: &str, command: &str) -> Markup {
    html! {
        div .empty { b { (what) } (why) @if !command.is_empty() { br; code { (command) } } }
    }
}

/// What is said where a filter lets nothing through.
pub(super) fn filtered(place: &Place, clear: &str, cursor: Option<&str>) -> Markup {
    let base = place.base();
    html! {
        div .empty {
            b { "Nothing matches" }
            @if cursor.is_some() { "so far was looked; there is more. " }
            a href={ (base) (clear) } { "Clear the filter" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_how_far_it_was_counted() {
        for (number, expect) in
            [(0, "0"), (999, "999"), (1_000, "1\u{202f}000"), (10_000, "10\u{202f}000"), (10_001, "10\u{202f}000+")]
        {
            assert_eq!(count(number), expect);
        }
        assert_eq!([1, 2].map(|number| counted(number, "job")), ["1 job", "2 jobs"]);
        assert_eq!(grouped(-1_234_567), "\u{2212}1\u{202f}234\u{202f}567");
    }

    #[test]
    fn money_is_rounded_to_cents() {
        for (micro, expect) in [
            (0, "$0.00"),
            (4_999, "$0.00"),
            (5_000, "$0.01"),
            (1_100_000, "$1.10"),
            (12_345_678_901, "$12\u{202f}345.68"),
        ] {
            assert_eq!(dollars(micro), expect);
        }
    }

    #[test]
    fn a_moment_is_told_in_the_largest_unit_that_there_is_one_of() {
        let now = Time(1_000_000_000);
        for (ms, expect) in [
            (0, "now"),
            (-4_999, "now"),
            (-5_000, "5 s ago"),
            (-59_999, "59 s ago"),
            (-60_000, "1 min ago"),
            (-7_200_000, "2 h ago"),
            (-172_800_000, "2 d ago"),
            (90_000, "in 1 min"),
        ] {
            assert_eq!(relative(Time(now.0 + ms), now), expect);
        }
        assert_eq!([Span(400), Span::secs(61), Span::hours(50)].map(lasting), ["400 ms", "1 min 1 s", "2 d 2 h"]);
    }

    #[test]
    fn what_cannot_be_seen_is_written_out_and_marked() {
        let shown = seen("a\u{202e}b<").into_string();
        assert!(shown.contains("\\u{202e}</span>b&lt;"), "{shown}");
        assert_eq!(seen("plain").into_string(), "plain");
        assert_eq!(seen("\u{5d0}").into_string(), "<bdi>\u{5d0}</bdi>", "it turns no other text around");
        assert_eq!(line("one two\nthree", 3).into_string(), "one\u{2026}");
        let long = said_up_to("\u{e9}<ab", 2).into_string();
        assert!(long.contains("\u{e9}&lt;</bdi>") && long.contains("2 characters"), "{long}");
        assert_eq!(said_up_to("ab", 2).into_string(), said("ab").into_string(), "nothing more is told of");
    }
}
