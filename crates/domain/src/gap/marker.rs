//! Reading `BLOCKING-GAP[kind=…]: name - reason` out of prose.
//!
//! Forgiving in form and never guessing: what looks like a marker and cannot be read is kept as it stands, so that a
//! person can see it. The reader is total: every text gives a list, in one pass.

use super::{KIND_UNSPECIFIED, NAME_CHARS_MAX, Severity, Sighting, Source, is_opaque, kebab, reason};

/// The most markers read from one text; a summary of nothing but markers is an accident.
pub const MARKERS_MAX: usize = 100;

/// The most words that a name may have before it is taken for a sentence.
const NAME_WORDS_MAX: usize = 8;

const WORD: &str = "blocking-gap";

/// Every marker in a text, in order.
pub fn read(text: &str) -> Vec<Sighting> {
    let folded: String = text.chars().map(fold).collect();
    let starts: Vec<usize> = folded.match_indices(WORD).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(&start, end)| one(&text[start + WORD.len()..end])).take(MARKERS_MAX).collect()
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
    let (kind, rest) = match rest.strip_prefix('[') {
        Some(inner) => {
            let (label, rest) = inner.split_once(']')?;
            (label.rsplit('=').next().unwrap_or_default(), rest)
        }
        None if rest.starts_with(':') => ("", rest),
        None => return None,
    };
    let rest = rest.trim_start_matches([' ', '\t', ':', '*']);
    let line = rest.lines().next().unwrap_or_default().trim().trim_end_matches(" -");
    let kind = match kebab(kind) {
        kind if kind.is_empty() || kind == "kind" => KIND_UNSPECIFIED.to_owned(),
        kind => kind.chars().take(NAME_CHARS_MAX).collect(),
    };
    let (name, why) = match split(line) {
        Some((name, why)) => (Some(name), why),
        None => (None, line),
    };
    Some(Sighting {
        kind,
        name,
        reason: reason(why),
        job: None,
        depends_on: None,
        severity: Severity::default(),
        source: Source::Marker,
    })
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
    (readable && !name.is_empty() && !is_opaque(&name)).then_some((name, why))
}

/// What may stand between name and reason. A hyphen needs blanks around it: names have hyphens of their own.
const SEPARATORS: [&str; 6] = [" - ", " -- ", "\u{2013}", "\u{2014}", ": ", " | "];
