//! Any text, read for markers: what `domain/src/gap/tests.rs` promises holds for whatever the fuzzer thinks of.

#![no_main]

use std::collections::BTreeSet;

use domain::gap::{self, MARKERS_MAX, REASON_CHARS_MAX, Sighting};
use domain::id::is_unprintable;
use libfuzzer_sys::fuzz_target;

const WORD: &str = "blocking-gap";

fuzz_target!(|text: &str| {
    let seen = gap::read(text);
    assert_eq!(seen, gap::read(text), "read twice, it says the same");
    let words = folded(text).matches(WORD).count();
    assert!(seen.len() <= words.min(MARKERS_MAX), "{} markers of {words} words", seen.len());
    let named: Vec<_> = seen.iter().filter(|sighting| sighting.name.is_some()).collect();
    let keys: BTreeSet<_> = named.iter().map(|sighting| (&sighting.kind, &sighting.name)).collect();
    assert_eq!(keys.len(), named.len(), "each gap once");
    let visible = visible(text);
    for sighting in &seen {
        valid(sighting, &kebab(text));
        // The last of too many says how many more there are, in our own words.
        if seen.len() < MARKERS_MAX {
            assert!(visible.contains(&sighting.reason), "{:?} was said by nobody", sighting.reason);
        }
    }
    for sighting in named {
        comes_back(sighting);
    }
});

fn valid(sighting: &Sighting, said: &str) {
    assert_eq!(gap::name("kind", &sighting.kind).as_deref(), Ok(sighting.kind.as_str()));
    assert!(sighting.reason.chars().count() <= REASON_CHARS_MAX);
    assert!(!sighting.reason.chars().any(is_hidden), "{:?}", sighting.reason);
    if let Some(name) = &sighting.name {
        assert_eq!(gap::name("name", name).as_ref(), Ok(name));
        assert!(said.contains(name.as_str()), "{name} was said by nobody");
    }
}

/// A marker written out in the form that we ask for is read as what it was.
fn comes_back(sighting: &Sighting) {
    let name = sighting.name.as_deref().unwrap_or_default();
    let plain = sighting.reason.trim() == sighting.reason && !sighting.reason.ends_with('-');
    let why = if plain && !folded(&sighting.reason).contains(WORD) { &sighting.reason } else { "why not" };
    let written = format!("BLOCKING-GAP[kind={}]: {name} - {why}\nand more prose", sighting.kind);
    let again = gap::read(&written);
    let again: Vec<_> = again.iter().map(|s| (s.kind.as_str(), s.name.as_deref(), s.reason.as_str())).collect();
    assert_eq!(again, [(sighting.kind.as_str(), Some(name), why)], "{written:?}");
}

fn folded(text: &str) -> String {
    text.to_ascii_lowercase().replace('_', "-")
}

fn is_hidden(c: char) -> bool {
    is_unprintable(c) && !matches!(c, '\n' | '\t')
}

fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

fn kebab(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
