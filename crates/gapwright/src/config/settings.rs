//! The plane's settings, made of ours.

use domain::schedule::Cadence;
use domain::time::{Span, Time};
use notify::Channel;
use plane::settings::Watch;
use secrecy::SecretString;

use super::Config;
use super::sections::Alerts;
use crate::failure::Failure;

/// The routine that is watched by itself.
const HEARTBEAT: &str = "agent-mcp-heartbeat";

/// The least that the heartbeat may be late before anybody is told.
const GRACE_MIN: Span = Span::mins(5);

/// How many ticks of a cron line are looked at to find its longest pause: a year of days.
const TICKS: usize = 366;

impl Config {
    /// The settings of a plane that is reached at `public_url`, without what needs a secret: for whoever works with
    /// the store alone.
    pub(crate) fn settings(&self, public_url: String) -> Result<plane::Settings, Failure> {
        let http = alerts::client().map_err(|error| {
            Failure::new("cannot set up TLS")
                .why(error.to_string())
                .hint("install the certificates of authorities (the package ca-certificates)")
        })?;
        let prefix = self.sections.mcp.tool_prefix.clone();
        Ok(plane::Settings {
            public_url: Some(public_url),
            default_channel: self.sections.notify.default_channel.clone(),
            watch: self.watch()?,
            schedule: self.cadences().map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
            run_deadline: self.run_deadline()?,
            catalogue_hash: server::mcp::catalogue_hash(&prefix),
            tool_prefix: prefix,
            keep: self.keep()?,
            rules: self.rules()?,
            ..plane::Settings::new(http)
        })
    }

    /// The same with what secrets open: channels, alert sources, the address to ping and Routines to
    /// start.
    pub(crate) fn settings_with_secrets(&self, public_url: String) -> Result<plane::Settings, Failure> {
        Ok(plane::Settings {
            channels: self.channels()?.into_iter().collect::<Result<_, _>>()?,
            alert_sources: self.alert_sources()?,
            ping_url: self.ping_url()?,
            fires: self.fires()?,
            ..self.settings(public_url)?
        })
    }

    /// Every configured channel, or why it cannot be used.
    pub(crate) fn channels(&self) -> Result<Vec<Result<Channel, Failure>>, Failure> {
        let notify = &self.sections.notify;
        let token = self.secret(&["notify", "discord_token"], &notify.discord_token, &notify.discord_token_file)?;
        let key = self.secret(&["notify", "signing_secret"], &notify.signing_secret, &notify.signing_secret_file)?;
        let shared = notify::Settings {
            discord_token: token,
            discord_api: Some(notify.discord_api.clone()).filter(|api| !api.is_empty()),
            signing_secret: key,
            ..notify::Settings::default()
        };
        let parse = |name: &str, url: &SecretString| {
            Channel::parse(name, url, &shared)
                .map_err(|bad| Failure::usage(format!("the channel {name} cannot be used")).why(bad.why).hint(bad.next))
        };
        let mut channels = Vec::new();
        if !notify.channels.contains_key("log") {
            channels.push(parse("log", &SecretString::from("log://")));
        }
        for (name, channel) in &notify.channels {
            let path = ["notify", "channels", name, "url"];
            channels.push(match self.secret(&path, &channel.url, &channel.url_file) {
                Ok(Some(url)) => parse(name, &url),
                Ok(None) => Err(self.bad(&path, "an address, as url or url_file")),
                Err(failure) => Err(failure),
            });
        }
        Ok(channels)
    }

    /// Every configured alert source, with its token.
    pub(crate) fn alert_sources(&self) -> Result<Vec<alerts::Source>, Failure> {
        let with_token = |(name, written): (&String, &Alerts)| {
            let source = self.alert_source(name, written)?;
            match self.secret(&["alerts", name, "token"], &written.token, &written.token_file)? {
                Some(token) => source.token(token).map_err(|bad| self.cannot_be_asked(name, &bad)),
                None => Ok(source),
            }
        };
        self.sections.alerts.iter().map(with_token).collect()
    }

    /// An alert source as it is written, without its token.
    pub(super) fn alert_source(&self, name: &str, written: &Alerts) -> Result<alerts::Source, Failure> {
        alerts::Kind::parse(&written.kind)
            .and_then(|kind| alerts::Source::new(name, kind, &written.url))
            .and_then(|source| if written.path.is_empty() { Ok(source) } else { source.path(&written.path) })
            .and_then(|source| match &written.token_header {
                header if header.is_empty() => Ok(source),
                header => source.token_header(header),
            })
            .map_err(|bad| self.cannot_be_asked(name, &bad))
    }

    fn cannot_be_asked(&self, name: &str, bad: &impl std::fmt::Display) -> Failure {
        let origin = self.leaves.iter().find(|leaf| leaf.path.starts_with(&["alerts".to_owned(), name.to_owned()]));
        let origin = origin.map(|leaf| format!(", set by {}", leaf.origin)).unwrap_or_default();
        Failure::usage(format!("the alert source alerts.{name} cannot be asked"))
            .why(format!("{bad}{origin}"))
            .hint("gapwright config default shows how one is written")
    }

    /// The address that the dead-man's switch pings.
    pub(crate) fn ping_url(&self) -> Result<Option<SecretString>, Failure> {
        let written = &self.sections.dead_mans_switch;
        self.secret(&["dead_mans_switch", "ping_url"], &written.ping_url, &written.ping_url_file)
    }

    /// The scheduled jobs that ring, with their cadences.
    fn cadences(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.sections.schedule.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        all.filter(|(_, text)| !text.is_empty())
    }

    fn watch(&self) -> Result<Vec<Watch>, Failure> {
        let mut watches = Vec::new();
        for (name, watch) in &self.sections.watch {
            let every = self.span(&["watch", name, "every"], &watch.every, (Span::secs(1), Span::days(366)))?;
            let grace = self.span(&["watch", name, "grace"], &watch.grace, (Span::ZERO, Span::days(366)))?;
            watches.push(Watch { routine: name.clone(), every, grace });
        }
        let heartbeat = self.cadences().find(|(name, _)| *name == HEARTBEAT);
        if let Some((name, text)) = heartbeat
            && !self.sections.watch.contains_key(HEARTBEAT)
        {
            let every = period(&Cadence::parse(text)?);
            watches.push(Watch { routine: name.to_owned(), every, grace: GRACE_MIN.max(Span(every.0 / 4)) });
        }
        Ok(watches)
    }
}

/// The longest pause between two ticks.
fn period(cadence: &Cadence) -> Span {
    match cadence {
        Cadence::Every(span) => *span,
        Cadence::Cron(_) => {
            // From any moment on: a cron line looks the same in every year, near enough.
            let ticks = std::iter::successors(cadence.next_after(Time(0)), |tick| cadence.next_after(*tick));
            let ticks: Vec<_> = ticks.take(TICKS).collect();
            ticks.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap_or(Span::days(366))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_of_a_cadence_is_its_longest_pause() {
        for (text, span) in [
            ("every 90s", Span::secs(90)),
            ("0 * * * *", Span::hours(1)),
            ("0 8 * * *", Span::days(1)),
            ("0 8 * * 1-5", Span::days(3)),
        ] {
            assert_eq!(period(&Cadence::parse(text).expect("a cadence")), span, "{text}");
        }
    }
}
