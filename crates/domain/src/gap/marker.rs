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
        .filter_map(|(&start, end)| one(&text[start + WORD.len()..end]))
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

/// Reads what follows the word, up to the next one; none when it is only a mention.
fn one(after: &str) -> Option<Sighting> {
    let rest = after.trim_start_matches([' ', '\t']);
    let (label, rest) = match rest.strip_prefix('[') {
        // A label that does not end on its line is kept as it stands.
        Some(inner) => match inner.split_once(']').filter(|(label, _)| !label.contains('\n')) {
            Some(labelled) => labelled,
            None => return Some(unreadable(rest.lines().next().unwrap_or_default())),
        },
        None if rest.starts_with(':') => ("", rest),
        None => return None,
    };
    let rest = rest.trim_start_matches([' ', '\t', ':', '*']);
    let line = rest.lines().next().unwrap_or_default().trim().trim_end_matches(" -");
    if NOTHING.contains(&line.trim_end_matches('.').to_ascii_lowercase().as_str()) {
        return None;
    }
    // A kind that cannot be one makes the whole marker unreadable, never a gap of another kind.
    let read = kind_of(label).and_then(|kind| split(line).map(|(name, why)| (kind, name, why)));
    Some(match read {
        Some((kind, name, why)) => {
            Sighting { reason: reason(why), source: Source::Marker, ..Sighting::named(&kind, &name) }
        }
        None => unreadable(if line.is_empty() { label } else { line }),
    })
}

/// How agents say that there was no gap: a mention, and no marker.
const NOTHING: [&str; 4] = ["none", "nothing", "n/a", "no gaps"];

/// The kind that a label names: `kind=…`, or the kind alone; none when it says something else too.
fn kind_of(label: &str) -> Option<String> {
    let named = match label.split_once('=') {
        Some((key, value)) if key.trim().eq_ignore_ascii_case("kind") => value,
        Some(_) => return None,
        None => label,
    };
    if named.contains(['=', ',', ';']) {
        return None;
    }
    match kebab(named) {
        kind if kind.is_empty() || kind == "kind" => Some(KIND_UNSPECIFIED.to_owned()),
        kind => Some(kind).filter(|kind| kind.len() <= NAME_CHARS_MAX && is_name(kind)),
    }
}

/// Parts a line into the gap's name and its reason, or none when that would be a guess.
fn split(line: &str) -> Option<(String, &str)> {
    let parted = SEPARATORS.iter().filter_map(|mark| line.find(mark).map(|at| (at, at + mark.len()))).min();
    let (name, why) = match parted {
        Some((end, start)) => (&line[..end], &line[start..]),
        None if line.split_whitespace().count() == 1 => (line, ""),
        None => return None,
    };
    let plain = name.trim().trim_matches(['`', '"', '\'', '*', '.']);
    let words = plain.split_whitespace().count();
    let allowed = plain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/'));
    let name = kebab(plain);
    let readable = allowed && (1..=NAME_WORDS_MAX).contains(&words) && name.len() <= NAME_CHARS_MAX;
    (readable && is_name(&name)).then_some((name, why))
}

/// Whether words joined by hyphens can be a name. With the marker's own word in them they are a marker gone wrong.
fn is_name(kebab: &str) -> bool {
    !kebab.is_empty() && !is_opaque(kebab) && !kebab.contains(WORD)
}

/// What may stand between name and reason. A hyphen needs blanks around it: names have hyphens of their own.
const SEPARATORS: [&str; 6] = [" - ", " -- ", "\u{2013}", "\u{2014}", ": ", " | "];
