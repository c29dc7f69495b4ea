//! Whether settings make sense: right types, values within their bounds. That their keys exist is asked in `known`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use domain::catalogue;
use domain::schedule::Cadence;
use domain::time::Span;
use figment::error::Kind;
use plane::handler;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::leaf::is_secret;
use super::{Config, Origin, masked};
use crate::failure::Failure;
use crate::span;

/// The most calls of one caller at once that anybody may configure.
const CALLS_MAX: i64 = 1_024;
/// The most streams of one caller, and of all, that anybody may configure.
const STREAMS_MAX: (i64, i64) = (1_024, 10_000);
/// The longest drain: with what comes after it, it fits into the ten seconds that container engines wait.
const DRAIN_SECS_MAX: i64 = 8;

/// Where to read on.
pub(super) const MANUAL_HINT: &str = "gapwright config default prints every key with its bounds";

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

/// The address that `--database` stands for: what has a scheme is one, for the store to take or to refuse, and all else
/// is a path. A password does not belong on a command line, where every process of the machine and the shell's history
/// see it.
pub(super) fn database_flag(text: &str) -> Result<String, Failure> {
    let is_path = !text.starts_with("sqlite:") && !text.contains("://");
    if is_path {
        return Ok(format!("sqlite:{}", text.replace('%', "%25").replace('?', "%3f").replace('#', "%23")));
    }
    if text.starts_with("sqlite:") || masked(text) == text {
        return Ok(text.to_owned());
    }
    Err(Failure::usage("--database has a password in it")
        .why("a command line is seen by every process on the machine and kept in the shell's history")
        .hint("set GAPWRIGHT__DATABASE__URL, or write the address into a file and name it as database.url_file"))
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

    /// Refuses a number that is not from `low` to `high`.
    pub(super) fn within(&self, path: &[&str], value: i64, (low, high): (i64, i64)) -> Result<(), Failure> {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        let most = if high == i64::MAX { "up".to_owned() } else { high.to_string() };
        Err(self.bad(path, &format!("a whole number from {low} to {most}")))
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
        let proxy = self.sections.notify.discord_api.as_str();
        let address = reqwest::Url::parse(&format!("http://{proxy}")).ok().filter(|url| url.path() == "/");
        if !proxy.is_empty() && address.is_none() {
            return Err(self.bad(&["notify", "discord_api"], "host:port"));
        }
        self.tool_prefix()?;
        self.default_channel()?;
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
        for (name, written) in &self.sections.alerts {
            self.alert_source(name, written)?;
        }
        self.run_deadline()?;
        self.keep()?;
        self.check_forge()?;
        self.check_pipeline()?;
        self.check_gate()?;
        self.check_fire()?;
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

    /// Refuses a prefix with which a tool's name would not pass every gateway.
    fn tool_prefix(&self) -> Result<(), Failure> {
        let names = server::mcp::tool_names(&self.sections.mcp.tool_prefix);
        if names.iter().all(|name| catalogue::name_faults(name).is_empty()) {
            return Ok(());
        }
        let longest = server::mcp::tool_names("").iter().map(String::len).max().unwrap_or(0);
        let room = catalogue::NAME_CHARS_MAX - longest;
        let expected = format!("small letters, digits and hyphens, a letter first, at most {room} characters");
        Err(self.bad(&["mcp", "tool_prefix"], &expected))
    }

    /// Refuses a default channel that is none of the channels; whether it can be used is another question.
    fn default_channel(&self) -> Result<(), Failure> {
        let notify = &self.sections.notify;
        let names: BTreeSet<_> = notify.channels.keys().map(String::as_str).chain(["log"]).collect();
        if names.contains(notify.default_channel.as_str()) {
            return Ok(());
        }
        let names: Vec<_> = names.into_iter().collect();
        Err(self.bad(&["notify", "default_channel"], &format!("one of the channels {}", names.join(", "))))
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
            ("mysql://h/x", "mysql://h/x"),
        ] {
            assert_eq!(database_flag(flag).as_deref(), Ok(url));
        }
        for flag in ["postgres://ann:pw@db/x", "postgresql://db/x?password=pw", "mysql://ann:pw@db/x"] {
            let failure = database_flag(flag).expect_err(flag);
            assert!(!format!("{failure:?}").contains("pw"), "{failure:?}");
        }
    }

    #[test]
    fn the_manual_is_a_configuration_that_makes_sense() {
        assert!(crate::config::MANUAL.is_ascii());
    }
}
