//! One firing alert, as we show it: cleaned and cut to size, whatever the monitor sent.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use domain::time::Time;
use serde::{Serialize, Serializer};

/// The longest name of an alert, of a label and of a severity, in characters.
pub const NAME_MAX: usize = 200;
/// The longest summary, in characters.
pub const SUMMARY_MAX: usize = 1_000;
/// The most labels of an alert; the first in alphabetical order are kept.
pub const LABELS_MAX: usize = 32;
/// The longest value of a label, in characters.
pub const LABEL_VALUE_MAX: usize = 500;

/// An alert that is firing now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The rule's name (the label `alertname`), or `unnamed`.
    pub name: String,
    /// The label `severity`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Since when, if the source says.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "iso")]
    pub fired_at: Option<Time>,
    /// The annotation `summary`, or else `description`, or else empty.
    pub summary: String,
    /// The name of the source that says so.
    pub source: String,
    /// Every label.
    pub labels: BTreeMap<String, String>,
}

/// An alert in a source's own words.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) name: Option<String>,
    pub(crate) fired_at: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Alert {
    pub(crate) fn new(source: &str, raw: &Raw) -> Self {
        let told = |words: &BTreeMap<String, String>, keys: &[&str], max| {
            keys.iter().filter_map(|key| words.get(*key)).map(|text| clean(text, max)).find(|text| !text.is_empty())
        };
        let named = raw.name.as_deref().map(|name| clean(name, NAME_MAX)).filter(|name| !name.is_empty());
        Self {
            name: named.or_else(|| told(&raw.labels, &["alertname"], NAME_MAX)).unwrap_or_else(|| "unnamed".to_owned()),
            severity: told(&raw.labels, &["severity"], NAME_MAX),
            // Go writes a moment that is not set as the year 1, which is before any moment of ours.
            fired_at: raw.fired_at.as_deref().and_then(|text| Time::parse(text, "fired_at").ok()),
            summary: told(&raw.annotations, &["summary", "description"], SUMMARY_MAX).unwrap_or_default(),
            source: source.to_owned(),
            labels: (raw.labels.iter().take(LABELS_MAX))
                .map(|(name, value)| (clean(name, NAME_MAX), clean(value, LABEL_VALUE_MAX)))
                .collect(),
        }
    }

    /// The latest first, then by source, name and labels; what is left only makes the order total.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let place = |alert: &Self| Reverse(alert.fired_at);
        let names = |alert: &Self| (alert.source.clone(), alert.name.clone());
        place(self)
            .cmp(&place(other))
            .then_with(|| names(self).cmp(&names(other)))
            .then_with(|| self.labels.cmp(&other.labels))
            .then_with(|| self.summary.cmp(&other.summary))
    }
}

/// Makes outside text safe to print and to store: characters that steer a terminal, break a line or turn the reading
/// direction become spaces, and what is longer than `max` characters ends in `…`.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let spaced: String = text.chars().map(|letter| if steers(letter) { ' ' } else { letter }).collect();
    let mut letters = spaced.trim().chars();
    let kept: String = letters.by_ref().take(max).collect();
    if letters.next().is_none() {
        return kept;
    }
    kept.chars().take(max - 1).chain(['…']).collect()
}

/// The moment as every program gets it.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn iso<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Time::iso).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn text_from_outside_loses_what_steers_a_terminal_and_what_is_too_long() {
        assert_eq!(clean("\u{1b}[31mred\u{7}\r\nalert\u{202e}", 50), "[31mred   alert");
        assert_eq!(clean("äöüß", 4), "äöüß");
        assert_eq!(clean("äöüßx", 4), "äöü…");
    }

    #[test]
    fn an_alert_keeps_at_most_its_share_of_labels() {
        let labels = (0..40).map(|label| (format!("l{label:02}"), "v".repeat(600))).collect();
        let alert = Alert::new("prod", &Raw { labels, ..Raw::default() });
        assert_eq!((alert.labels.len(), alert.labels["l31"].chars().count()), (LABELS_MAX, LABEL_VALUE_MAX));
        assert_eq!((alert.name.as_str(), alert.severity), ("unnamed", None));
    }

    #[test]
    fn an_alert_in_json_leaves_out_what_is_not_known() {
        let raw = Raw {
            fired_at: Some("0001-01-01T00:00:00Z".to_owned()),
            labels: words(&[("alertname", "Down"), ("severity", "")]),
            ..Raw::default()
        };
        let json = serde_json::to_value(Alert::new("prod", &raw)).expect("an alert");
        let labels = serde_json::json!({"alertname": "Down", "severity": ""});
        assert_eq!(json, serde_json::json!({"name": "Down", "summary": "", "source": "prod", "labels": labels}));
    }

    #[test]
    fn an_alert_says_since_when_in_utc_and_falls_back_to_its_description() {
        let raw = Raw {
            fired_at: Some("2026-11-22T09:00:00.123456789+01:00".to_owned()),
            annotations: words(&[("summary", " \n"), ("description", "disk is full")]),
            ..Raw::default()
        };
        let alert = Alert::new("prod", &raw);
        assert_eq!(alert.summary, "disk is full");
        let json = serde_json::to_value(alert).expect("an alert");
        assert_eq!(json["fired_at"], "2026-11-22T08:00:00.123Z");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_within_its_bound_and_clean_already(text in ".{0,300}", max in 1..300_usize) {
            let once = clean(&text, max);
            prop_assert!(once.chars().count() <= max && !once.chars().any(char::is_control));
            prop_assert_eq!(clean(&once, max), once.trim());
        }
    }
}
