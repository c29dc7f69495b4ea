//! Reading `BLOCKING-GAP[kind=…]: name - reason` out of prose.
//!
//! Forgiving in form and never guessing: what looks like a marker and cannot be read is kept as it stands, so that a
//! person can see it. The reader is total: every text gives a list, in one pass.

use std::collections::BTreeSet;

use super::{KIND_UNSPECIFIED, NAME_CHARS_MAX, Sighting, Source, is_opaque, kebab, reason};

/// The most markers read from one text; a summary of nothing but markers is an accident.
pub const MARKERS_MAX: usize = 100;

/// The most words that a name may have before it is taken for a sentence.
const NAME_WORDS_MAX: usize = 8;

const WORD: &str = "blocking-gap";

/// Every marker in a text, in order: each gap once, as the one run that wrote the text reports it once. Where there are
/// more than [`MARKERS_MAX`], the last one says how many were left unread.
pub fn read(text: &str) -> Vec<Sighting> {
    let folded: String = text.chars().map(fold).collect();
    let starts: Vec<usize> = folded.match_indices(WORD).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let mut named = BTreeSet::new();
    let mut markers: Vec<_> = starts
        .iter()
        .zip(ends)
        .filter_map(|(&start, end)| one(&text[..start], &text[start + WORD.len()..end]))
        .filter(|seen| seen.name.is_none() || named.insert((seen.kind.clone(), seen.name.clone())))
        .collect();
    if markers.len() > MARKERS_MAX {
        let left = markers.len() - (MARKERS_MAX - 1);
        markers.truncate(MARKERS_MAX - 1);
        markers.push(unreadable(&format!("{left} more markers were left unread; the summary of the run has them")));
    }
    markers
}

/// A marker that names nothing, with what it says.
fn unreadable(text: &str) -> Sighting {
    Sighting { name: None, reason: reason(text), source: Source::Marker, ..Sighting::named(KIND_UNSPECIFIED, "") }
}

/// ASCII letters lower-cased and word joiners as hyphens, byte for byte, so that offsets stay those of the text.
fn fold(c: char) -> char {
    match c {
        '_' => '-',
        c => c.to_ascii_lowercase(),
    }
}

/// Reads what follows the word, up to the next one, given what is before it; none when it is only a mention.
fn one(before: &str, after: &str) -> Option<Sighting> {
    // A longer word, such as the name of a list of them.
    if after.starts_with(|c: char| c.is_alphanumeric() || c == '-') {
        return None;
    }
    // How Markdown makes a word bold, or code.
    let rest = after.trim_start_matches([' ', '\t', '*', '`', '_']);
    let line = rest.lines().next().unwrap_or_default();
    let written = line;
    let (label, rest) = if let Some((open, close)) = label_of(rest) {
        // A label that does not end on its line is kept as it stands.
        match rest[open.len_utf8()..].split_once(close).filter(|(label, _)| !label.contains('\n')) {
            Some(labelled) => labelled,
            None => return Some(unreadable(line)),
        }
    } else if rest.starts_with(':') || (begins_a_line(before) && DASHES.iter().any(|dash| rest.starts_with(dash))) {
        ("", rest)
    } else {
        // Without a colon a line that begins so may mean a gap, and one that only has the word in it does not.
        let why = parted(line).filter(|_| begins_a_line(before)).map(|(_, start)| &line[start..]);
        return why.filter(|why| !says_nothing(why)).map(|_| unreadable(line));
    };
    let rest = rest.trim_start_matches([' ', '\t', ':', '*', '`', '\u{2013}', '\u{2014}']);
    let line = rest.strip_prefix("- ").unwrap_or(rest).lines().next().unwrap_or_default().trim().trim_end_matches(" -");
    if says_nothing(line) {
        return None;
    }
    // A kind that cannot be one makes the whole marker unreadable, never a gap of another kind.
    let read = kind_of(label).and_then(|kind| split(line).map(|(name, why)| (kind, name, why)));
    Some(match read {
        Some((kind, name, why)) => {
            // The end of what began before the marker: bold, or code.
            let begun = before.chars().next_back().filter(|mark| matches!(mark, '*' | '`'));
            let why = reason(begun.map_or(why, |mark| why.trim_end().trim_end_matches(mark)));
            Sighting { reason: why, source: Source::Marker, ..Sighting::named(&kind, &name) }
        }
        None => unreadable(written.trim_start_matches([' ', '\t', ':', '*', '`'])),
    })
}

/// How a label that begins here opens and closes. In round brackets only a kind is one: other words there are prose.
fn label_of(rest: &str) -> Option<(char, char)> {
    let round = rest
        .strip_prefix('(')
        .and_then(|label| label.split_once('='))
        .is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case("kind"));
    if rest.starts_with('[') { Some(('[', ']')) } else { round.then_some(('(', ')')) }
}

/// Whether what comes next is the first of its line, but for the marks of lists, headings and quotes.
fn begins_a_line(before: &str) -> bool {
    before.rsplit('\n').next().unwrap_or_default().chars().all(|c| c.is_whitespace() || "-*#>`_.0123456789".contains(c))
}

/// What may stand in the place of the colon where a line begins with the word.
const DASHES: [&str; 3] = ["- ", "\u{2013}", "\u{2014}"];

/// Whether agents say so that there was no gap: a mention, and no marker.
fn says_nothing(line: &str) -> bool {
    let plain = line.trim().trim_end_matches('.').to_ascii_lowercase();
    ["none", "nothing", "n/a", "no gaps", "0"].contains(&plain.as_str())
}

/// The kind that a label names: `kind=…`, or the kind alone; none when it says something else too.
fn kind_of(label: &str) -> Option<String> {
    let named = match label.split_once('=') {
        Some((key, value)) if key.trim().eq_ignore_ascii_case("kind") => value,
        Some(_) => return None,
        None => label,
    };
    let named = named.trim().trim_matches(['"', '\'', '`']);
    if named.contains(['=', ',', ';']) {
        return None;
    }
    match kebab(named) {
        kind if named.trim().is_empty() || kind == "kind" => Some(KIND_UNSPECIFIED.to_owned()),
        _ => words(named),
    }
}

/// Parts a line into the gap's name and its reason, or none when that would be a guess.
fn split(line: &str) -> Option<(String, &str)> {
    let (name, why) = match parted(line) {
        Some((end, start)) => (&line[..end], &line[start..]),
        None if line.split_whitespace().count() == 1 => (line, ""),
        None => return None,
    };
    Some((words(name.trim().trim_matches(['`', '"', '\'', '*', '.']))?, why))
}

/// Where the first separator of a line begins and ends.
fn parted(line: &str) -> Option<(usize, usize)> {
    SEPARATORS.iter().filter_map(|mark| line.find(mark).map(|at| (at, at + mark.len()))).min()
}

/// A few plain words as a name, or none when they are more than that.
fn words(text: &str) -> Option<String> {
    let count = text.split_whitespace().count();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/'));
    let name = kebab(text);
    let readable = plain && (1..=NAME_WORDS_MAX).contains(&count) && name.len() <= NAME_CHARS_MAX;
    (readable && is_name(&name)).then_some(name)
}

/// Whether words joined by hyphens can be a name. With the marker's own word in them they are a marker gone wrong.
fn is_name(kebab: &str) -> bool {
    !kebab.is_empty() && !is_opaque(kebab) && !kebab.contains(WORD)
}

/// What may stand between name and reason. A hyphen needs blanks around it: names have hyphens of their own.
const SEPARATORS: [&str; 6] = [" - ", " -- ", "\u{2013}", "\u{2014}", ": ", " | "];
