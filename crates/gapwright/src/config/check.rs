//! Whether settings make sense: known keys, right types, values within their bounds.

use std::net::SocketAddr;
use std::path::Path;

use domain::schedule::Cadence;
use domain::time::Span;
use figment::error::Kind;
use plane::handler;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::leaf::{is_secret, only_environment};
use super::{Config, Leaf, Manual, Origin, masked};
use crate::failure::Failure;
use crate::span;

/// The sections whose names are the operator's own, and what each may hold.
const OPEN: [(&[&str], &[&str]); 3] = [
    (&["notify", "channels"], &["url", "url_file"]),
    (&["alerts"], &["kind", "url", "path", "token", "token_file", "token_header"]),
    (&["watch"], &["every", "grace"]),
];

/// Secrets that only the environment may hold.
const ENVIRONMENT_ONLY: [&str; 3] = ["notify.discord_token", "notify.signing_secret", "dead_mans_switch.ping_url"];

/// The most calls of one caller at once that anybody may configure.
const CALLS_MAX: i64 = 1_024;
/// The most streams of one caller, and of all, that anybody may configure.
const STREAMS_MAX: (i64, i64) = (1_024, 10_000);
/// The longest drain: with what comes after it, it fits into the ten seconds that container engines wait.
const DRAIN_SECS_MAX: i64 = 8;

const MANUAL_HINT: &str = "gapwright config default prints every key with its bounds";

/// Refuses keys that nobody knows, and secrets in a file that is not a secret's own.
pub(super) fn known(leaves: &[Leaf]) -> Result<(), Failure> {
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
        if only_environment(&path) && matches!(leaf.origin, Origin::File(_)) && leaf.is_set() {
            return Err(Failure::usage(format!("the setting {key} may not stand in a configuration file"))
                .why(format!("it is a secret, and it stands in {}", leaf.origin))
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
    let nearest = nearest(&key, candidates);
    let hint = nearest.map_or_else(|| MANUAL_HINT.to_owned(), |near| format!("did you mean {near}? {MANUAL_HINT}"));
    Failure::usage(format!("there is no setting {key}")).why(format!("it was set by {}", leaf.origin)).hint(hint)
}

/// The candidate that is most like a word, if any is like it at all.
fn nearest(word: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let scored = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(word, &candidate), candidate));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// A file that is not TOML. Its parser shows the text in question between bars, which may hold a secret, and says where
/// and why around it.
pub(super) fn not_toml(path: &Path, error: &figment::Error) -> Failure {
    let text = error.kind.to_string();
    let told: Vec<_> = text.lines().filter(|line| !line.contains('|')).collect();
    Failure::usage("cannot read the configuration file")
        .why(format!("{}: {}", path.display(), told.join(": ")))
        .hint("a text stands in quotes, a list in [ and ], a section's name in a line of its own")
}

/// What figment could not read, in our words.
pub(super) fn unreadable(error: &figment::Error) -> Failure {
    let key = error.path.join(".");
    let found = |actual: &figment::error::Actual| {
        if is_secret(&error.path) { "something else".to_owned() } else { masked(&actual.to_string()) }
    };
    let why = if let Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) = &error.kind {
        format!("expected {}, found {}", expected_words(expected), found(actual))
    } else {
        error.kind.to_string()
    };
    let origin = Origin::of(error.metadata.as_ref());
    if key.is_empty() {
        return Failure::usage(format!("cannot read the settings of {origin}")).why(why).hint(MANUAL_HINT);
    }
    Failure::usage(format!("the setting {key} makes no sense"))
        .why(format!("it was set by {origin}: {why}"))
        .hint(MANUAL_HINT)
}

/// Rust's names of types, in the manual's words.
fn expected_words(expected: &str) -> &str {
    match expected {
        "i64" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a string" | "a SecretString" => "a text",
        other => other,
    }
}

/// The address that `--database` stands for. A password does not belong on a command line, where every process of the
/// machine and the shell's history see it.
pub(super) fn database_flag(text: &str) -> Result<String, Failure> {
    if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
        let is_url = text.starts_with("sqlite:");
        return Ok(if is_url {
            text.to_owned()
        } else {
            format!("sqlite:{}", text.replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
        });
    }
    if masked(text) == text {
        return Ok(text.to_owned());
    }
    Err(Failure::usage("--database has a password in it")
        .why("a command line is seen by every process on the machine and kept in the shell's history")
        .hint("set GAPWRIGHT__DATABASE__URL, or write the address into a file and name it as database.url_file"))
}

/// The variable that sets a key.
pub(super) fn variable_name(path: &[&str]) -> String {
    let words: Vec<_> = path.iter().map(|word| word.to_ascii_uppercase().replace('-', "_")).collect();
    format!("GAPWRIGHT__{}", words.join("__"))
}

impl Config {
    /// A setting with a value that makes no sense.
    pub(super) fn bad(&self, path: &[&str], expected: &str) -> Failure {
        let key = path.join(".");
        let (shown, origin) = match self.leaf(path) {
            Some(leaf) => (leaf.shown().to_string(), leaf.origin.clone()),
            None => ("nothing".to_owned(), Origin::Default),
        };
        Failure::usage(format!("the setting {key} makes no sense"))
            .why(format!("expected {expected}, found {shown}, set by {origin}"))
            .hint(MANUAL_HINT)
    }

    /// Refuses values out of their bounds.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let server = &self.sections.server;
        self.listen()?;
        self.public_url()?;
        if !(1..=CALLS_MAX).contains(&server.calls_per_principal) {
            return Err(self.bad(&["server", "calls_per_principal"], "a whole number from 1 to 1024"));
        }
        if !(1..=STREAMS_MAX.0).contains(&server.streams_per_principal) {
            return Err(self.bad(&["server", "streams_per_principal"], "a whole number from 1 to 1024"));
        }
        if !(1..=STREAMS_MAX.1).contains(&server.streams) {
            return Err(self.bad(&["server", "streams"], "a whole number from 1 to 10000"));
        }
        if !(0..=DRAIN_SECS_MAX).contains(&server.drain_secs) {
            return Err(self.bad(&["server", "drain_secs"], "a whole number of seconds from 0 to 8"));
        }
        if server.allowed_hosts.iter().any(|host| host.is_empty() || host.contains(['/', ' '])) {
            return Err(self.bad(&["server", "allowed_hosts"], "host names, such as gapwright.example.com"));
        }
        if !["auto", "json", "text"].contains(&self.sections.log.format.as_str()) {
            return Err(self.bad(&["log", "format"], "auto, json or text"));
        }
        let level = self.sections.log.level.as_str();
        // A lone word that is no level would be taken for the name of a module, and everything else would fall silent.
        let lone_word = level.chars().all(char::is_alphanumeric) && level.parse::<LevelFilter>().is_err();
        if lone_word || EnvFilter::try_new(level).is_err() {
            return Err(self.bad(&["log", "level"], "a level, such as info, or directives, such as info,store=debug"));
        }
        for (name, watch) in &self.sections.watch {
            self.span(&["watch", name, "every"], &watch.every, (Span::secs(1), Span::days(366)))?;
            self.span(&["watch", name, "grace"], &watch.grace, (Span::ZERO, Span::days(366)))?;
        }
        self.run_deadline()?;
        self.keep()?;
        self.check_schedule()
    }

    fn check_schedule(&self) -> Result<(), Failure> {
        for (name, text) in &self.sections.schedule {
            if !handler::NAMES.contains(&name.as_str()) {
                return Err(self.bad(&["schedule", name], &format!("one of {}", handler::NAMES.join(", "))));
            }
            if let Err(refusal) = Cadence::parse(text)
                && !text.is_empty()
            {
                let why = format!("{}, set by {}", refusal.message, self.origin(&["schedule", name]));
                return Err(Failure::usage(format!("the setting schedule.{name} makes no sense"))
                    .why(why)
                    .hint(refusal.hint));
            }
        }
        Ok(())
    }

    /// The address to listen on.
    pub(crate) fn listen(&self) -> Result<SocketAddr, Failure> {
        let expected = "an address and a port, such as 127.0.0.1:7878 or [::1]:7878";
        self.sections.server.listen.parse().map_err(|_| self.bad(&["server", "listen"], expected))
    }

    /// The configured address from outside, without a slash at its end.
    pub(crate) fn public_url(&self) -> Result<Option<reqwest::Url>, Failure> {
        let text = self.sections.server.public_url.trim_end_matches('/');
        if text.is_empty() {
            return Ok(None);
        }
        let path = ["server", "public_url"];
        let expected = "http or https, a host and perhaps a path, such as https://gapwright.example.com, without /mcp";
        let url = reqwest::Url::parse(text).map_err(|_| self.bad(&path, expected))?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none();
        if plain && fits && !url.path().ends_with("/mcp") { Ok(Some(url)) } else { Err(self.bad(&path, expected)) }
    }

    /// How long a scheduled run may take.
    pub(super) fn run_deadline(&self) -> Result<Span, Failure> {
        let text = &self.sections.scheduled_run.deadline;
        self.span(&["scheduled_run", "deadline"], text, (Span::secs(1), Span::hours(1)))
    }

    /// How long what is finished is kept.
    pub(super) fn keep(&self) -> Result<Span, Failure> {
        let text = &self.sections.retention.keep;
        self.span(&["retention", "keep"], text, (Span::hours(1), Span::days(3_660)))
    }

    /// A length of time within its bounds.
    pub(super) fn span(&self, path: &[&str], text: &str, (min, max): (Span, Span)) -> Result<Span, Failure> {
        let expected = || format!("a length of time from {min} to {max}, such as 30s, 5m, 24h or 14d");
        span::parse(text).filter(|span| (min..=max).contains(span)).ok_or_else(|| self.bad(path, &expected()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_database_and_a_password_is_not_for_the_command_line() {
        for (flag, url) in [
            ("x.db", "sqlite:x.db"),
            ("a b?#%.db", "sqlite:a b%3f%23%25.db"),
            ("sqlite:x.db?mode=ro", "sqlite:x.db?mode=ro"),
            ("postgres://ann@db/x", "postgres://ann@db/x"),
        ] {
            assert_eq!(database_flag(flag).as_deref(), Ok(url));
        }
        for flag in ["postgres://ann:pw@db/x", "postgresql://db/x?password=pw"] {
            let failure = database_flag(flag).expect_err(flag);
            assert!(!format!("{failure:?}").contains("pw"), "{failure:?}");
        }
    }

    #[test]
    fn the_manual_is_a_configuration_that_makes_sense() {
        assert!(fixed_keys().len() > 20);
        assert!(crate::config::MANUAL.is_ascii());
    }
}
