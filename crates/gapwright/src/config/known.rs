//! Whether somebody reads each key and each variable that was set. What nobody reads is refused with the nearest that
//! somebody does: a setting that is silently left out is found out in the night.

use super::check::MANUAL_HINT;
use super::environment;
use super::{Leaf, Manual, Origin};
use crate::failure::Failure;

/// The sections whose names are the operator's own, and what each may hold.
const OPEN: [(&[&str], &[&str]); 4] = [
    (&["notify", "channels"], &["url", "url_file"]),
    (&["alerts"], &["kind", "url", "path", "token", "token_file", "token_header"]),
    (&["watch"], &["every", "grace"]),
    (&["fire"], &["kind", "url", "token", "token_file", "per_day"]),
];

/// Secrets that only the environment may hold.
const ENVIRONMENT_ONLY: [&str; 6] = [
    "notify.discord_token",
    "notify.signing_secret",
    "dead_mans_switch.ping_url",
    "forge.token",
    "forge.app_key",
    "forge.webhook_secret",
];

/// Refuses keys that nobody knows, and secrets in a file that is not a secret's own.
pub(super) fn keys(leaves: &[Leaf]) -> Result<(), Failure> {
    let fixed = fixed_keys();
    for leaf in leaves {
        let path: Vec<&str> = leaf.path.iter().map(String::as_str).collect();
        let key = leaf.key();
        let open = OPEN.iter().find(|(section, _)| path.starts_with(section));
        let fits = match open {
            Some((section, inner)) => path.len() == section.len() + 2 && inner.contains(&path[section.len() + 1]),
            None => false,
        };
        if !(fits || fixed.contains(&key)) {
            return Err(unknown(leaf, open, &fixed));
        }
        if matches!(leaf.origin, Origin::File(_)) && leaf.holds_secret() {
            return Err(Failure::usage(format!("the setting {key} may not stand in a configuration file"))
                .why(format!("its value is a secret, and it stands in {}", leaf.origin))
                .hint(format!(
                    "write it into a file of its own and name that file as {key}_file, or set {}",
                    variable_name(&path)
                )));
        }
    }
    Ok(())
}

/// Every key whose name is ours.
fn fixed_keys() -> Vec<String> {
    let figment = figment::Figment::from(Manual);
    let dict = super::merged(&figment).unwrap_or_default();
    let written = super::leaf::leaves(&figment, &dict).into_iter().map(|leaf| leaf.key());
    written.chain(ENVIRONMENT_ONLY.map(str::to_owned)).collect()
}

fn unknown(leaf: &Leaf, open: Option<&(&[&str], &[&str])>, fixed: &[String]) -> Failure {
    let key = leaf.key();
    let candidates: Vec<String> = match open {
        Some((section, inner)) if leaf.path.len() > section.len() + 1 => {
            let prefix = leaf.path[..=section.len()].join(".");
            inner.iter().map(|word| format!("{prefix}.{word}")).collect()
        }
        Some(_) | None => {
            let sections = OPEN.iter().map(|(section, inner)| format!("{}.NAME.{}", section.join("."), inner[0]));
            fixed.iter().cloned().chain(sections).collect()
        }
    };
    let nearest = nearest(&key, candidates).filter(|near| open.is_some() || ends_alike(&key, near));
    let hint = nearest.map_or_else(|| MANUAL_HINT.to_owned(), |near| format!("did you mean {near}? {MANUAL_HINT}"));
    Failure::usage(format!("there is no setting {key}")).why(format!("it was set by {}", leaf.origin)).hint(hint)
}

/// Whether two keys are alike in what follows the section that they share: all keys of a section begin alike.
fn ends_alike(key: &str, near: &str) -> bool {
    let shared = key.rfind('.').map_or(0, |dot| dot + 1);
    let (section, word) = key.split_at(shared);
    near.strip_prefix(section).is_none_or(|near| strsim::jaro_winkler(word, near) > LIKE_MIN)
}

/// Above this, two words are near: one is the other mistyped.
const LIKE_MIN: f64 = 0.8;

/// The candidate that is most like a word, if any is like it at all.
fn nearest(word: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let scored = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(word, &candidate), candidate));
    scored.filter(|(score, _)| *score > LIKE_MIN).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// Refuses a variable with a single underscore that looks like a setting: nobody reads it. Others are not ours to
/// judge: Kubernetes sets `GAPWRIGHT_PORT` and the like for a service of our name.
pub(super) fn variables() -> Result<(), Failure> {
    let keys = fixed_keys();
    environment::single_underscored().iter().find_map(|name| misspelt(name, &keys)).map_or(Ok(()), Err)
}

fn misspelt(name: &str, keys: &[String]) -> Option<Failure> {
    let joined = |text: &str| text.to_ascii_lowercase().replace(['.', '-'], "_");
    let word = joined(name.trim_start_matches("GAPWRIGHT_"));
    if ["port", "service_"].iter().any(|set_by_kubernetes| word.contains(set_by_kubernetes)) {
        return None;
    }
    let last_words = keys.iter().find(|key| format!("_{}", joined(key)).ends_with(&format!("_{word}")));
    let alike = || {
        let near = nearest(&word, keys.iter().map(|key| joined(key)))?;
        keys.iter().find(|key| joined(key) == near)
    };
    let key = last_words.or_else(alike)?;
    let path: Vec<_> = key.split('.').collect();
    Some(
        Failure::usage(format!("nobody reads the environment variable {name}"))
            .why("a setting has two underscores before its section and before its key")
            .hint(format!("did you mean {}? {MANUAL_HINT}", variable_name(&path))),
    )
}

/// The variable that sets a key.
fn variable_name(path: &[&str]) -> String {
    let words: Vec<_> = path.iter().map(|word| word.to_ascii_uppercase().replace('-', "_")).collect();
    format!("GAPWRIGHT__{}", words.join("__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_looks_like_a_setting_is_told_the_one_it_means() {
        let keys = fixed_keys();
        assert!(keys.len() > 20);
        for (name, meant) in [
            ("GAPWRIGHT_SERVER_LISTEN", Some("GAPWRIGHT__SERVER__LISTEN")),
            ("GAPWRIGHT_LISTEN", Some("GAPWRIGHT__SERVER__LISTEN")),
            ("GAPWRIGHT_DATABASE_URL", Some("GAPWRIGHT__DATABASE__URL")),
            ("GAPWRIGHT_DATABSE_URL", Some("GAPWRIGHT__DATABASE__URL")),
            ("GAPWRIGHT_NOTIFY_DISCORD_TOKEN", Some("GAPWRIGHT__NOTIFY__DISCORD_TOKEN")),
            ("GAPWRIGHT_SCHEDULE_DEAD_MANS_SWITCH", Some("GAPWRIGHT__SCHEDULE__DEAD_MANS_SWITCH")),
            ("GAPWRIGHT_PORT_7878_TCP_ADDR", None),
            ("GAPWRIGHT_SERVICE_PORT_HTTP", None),
            ("GAPWRIGHT_POSTGRES_SERVICE_HOST", None),
            ("GAPWRIGHT_BIN", None),
            ("GAPWRIGHT_KILLS", None),
            ("GAPWRIGHT_TEST_POSTGRES", None),
            ("GAPWRIGHT_VERSION", None),
        ] {
            let hint = misspelt(name, &keys).map(|failure| failure.hint);
            let told = hint.as_deref().and_then(|hint| hint.strip_prefix("did you mean ")?.split('?').next());
            assert_eq!(told, meant, "{name}");
        }
    }
}
