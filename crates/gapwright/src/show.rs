//! Everything that is printed: answers on standard output, failures on standard error, and with `--json` one document
//! on standard output either way.
//!
//! Text from outside loses what steers a terminal. Colour is for terminals, and `NO_COLOR` is honoured.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use domain::id::is_unprintable;
use domain::time::Time;
use plane::page::Page;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};

/// In which form answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What a command has to say, in both forms.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For programs.
    pub(crate) document: Value,
    /// For people; may have styles, which are taken out where nobody sees them.
    pub(crate) text: String,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl Answer {
    /// An answer that ends well.
    pub(crate) fn new(document: Value, text: impl Into<String>) -> Self {
        Self { document, text: text.into(), exit: Exit::Ok }
    }

    /// A page of a list: its items under their noun, and where the next page begins.
    pub(crate) fn page<T>(
        noun: &str,
        columns: &[&str],
        page: &Page<T>,
        document: impl Fn(&T) -> Value,
        row: impl Fn(&T) -> Vec<String>,
    ) -> Self {
        let items: Vec<_> = page.items.iter().map(document).collect();
        let text = if items.is_empty() {
            format!("no {}", noun.replace('_', " "))
        } else {
            let more = page.cursor.as_ref().map(|cursor| format!("\nmore: --cursor {cursor}")).unwrap_or_default();
            format!("{}{more}", table(columns, page.items.iter().map(row)))
        };
        Self::new(json!({noun: items, "cursor": page.cursor}), text)
    }

    /// One thing: its fields as rows. Its document is told by itself, because a program wants numbers and nesting.
    pub(crate) fn thing(document: Value, fields: &[(&str, String)]) -> Self {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let line = |(name, value): &(&str, String)| format!("{BOLD}{name:width$}{BOLD:#}  {}", clean(value));
        let lines: Vec<_> = fields.iter().filter(|(_, value)| !value.is_empty()).map(line).collect();
        Self::new(document, lines.join("\n"))
    }
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();

/// Prints an answer.
pub(crate) fn answer(answer: &Answer, format: Format) {
    match format {
        Format::Text => line(&answer.text),
        Format::Json => {
            raw(&format!("{:#}\n", answer.document));
        }
    }
}

/// Prints a line for people, at once.
pub(crate) fn line(text: &str) {
    let mut out = anstream::stdout().lock();
    // Nobody reads on, as behind `| head`: there is nobody to tell, and what was asked is done.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints bytes as they are; false when nobody reads on.
pub(crate) fn raw(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Prints why a command failed.
pub(crate) fn failure(failure: &Failure, format: Format) {
    if format == Format::Json {
        raw(&format!("{:#}\n", failure.document()));
    }
    let mut out = anstream::stderr().lock();
    let mut text = format!("{RED}error:{RED:#} {}\n", clean(&failure.what));
    for (name, words) in [("why", &failure.why), ("hint", &failure.hint)] {
        if !words.is_empty() {
            let _ = writeln!(text, "  {BOLD}{name}:{BOLD:#} {}", clean(words));
        }
    }
    let _ = out.write_all(text.as_bytes());
}

/// Prints a line about what goes on, on standard error: what is asked for is yet to come.
pub(crate) fn note(text: &str) {
    // Nobody reads it: what goes on goes on.
    let _ = writeln!(anstream::stderr().lock(), "{}", clean(text));
}

/// Prints a warning on standard error.
pub(crate) fn warning(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{YELLOW}warning:{YELLOW:#} {text}");
}

/// Rows under their columns, as wide as the terminal allows.
pub(crate) fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|text| clean(text)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Text without what steers a terminal or hides from its reader.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) && c != '\n' { ' ' } else { c }).collect()
}

/// So many of a noun: `1 entry`, `2 entries`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

/// A moment, or nothing.
pub(crate) fn moment(at: Option<Time>) -> String {
    at.map(Time::iso).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        for (number, noun, shown) in [
            (0, "message", "0 messages"),
            (1, "message", "1 message"),
            (1, "entry", "1 entry"),
            (2, "entry", "2 entries"),
        ] {
            assert_eq!(count(number, noun), shown);
        }
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        let shown = table(&["name"], [vec!["a\u{1b}[31mb\u{202e}c".to_owned()]]);
        assert!(shown.contains("a [31mb c"), "{shown:?}");
    }
}
