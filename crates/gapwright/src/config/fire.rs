//! Cloud Routines that are started for jobs that are due.

use domain::fire::PER_DAY_MAX;
use domain::id;
use plane::settings::Trigger;

use super::Config;
use super::sections::Fire;
use crate::failure::Failure;

impl Config {
    /// Refuses settings of Routines to start that make no sense.
    pub(super) fn check_fire(&self) -> Result<(), Failure> {
        for (name, written) in &self.sections.fire {
            let path = |key| ["fire", name.as_str(), key];
            if id::name("kind", &written.kind).is_err() {
                return Err(self.bad(&path("kind"), "a kind of job, such as implementer"));
            }
            if !is_trigger(&written.url) {
                let expected =
                    "the address of a trigger, https:// or http:// on this machine, without a user or a secret in it";
                return Err(self.bad(&path("url"), expected));
            }
            if !(1..=PER_DAY_MAX).contains(&written.per_day) {
                return Err(self.bad(&path("per_day"), &format!("a whole number from 1 to {PER_DAY_MAX}")));
            }
        }
        Ok(())
    }

    /// The Routines to start, with their tokens.
    pub(super) fn fires(&self) -> Result<Vec<Trigger>, Failure> {
        self.sections.fire.iter().map(|(name, written)| self.trigger(name, written)).collect()
    }

    fn trigger(&self, name: &str, written: &Fire) -> Result<Trigger, Failure> {
        let path = ["fire", name, "token"];
        let token = self.secret(&path, &written.token, &written.token_file)?;
        let token = token.ok_or_else(|| self.bad(&path, "the trigger's token, as token_file"))?;
        Ok(Trigger {
            routine: name.to_owned(),
            kind: written.kind.clone(),
            url: written.url.clone(),
            token,
            per_day: written.per_day,
        })
    }
}

fn is_trigger(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    plain && url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_over_tls_or_on_this_machine_only() {
        for (url, good) in [
            ("https://api.anthropic.com/v1/claude_code/routines/trig_1/fire", true),
            ("http://127.0.0.1:8080/fire", true),
            ("http://[::1]:8080/fire", true),
            ("http://api.example.com/fire", false),
            ("https://user@api.example.com/fire", false),
            ("https://api.example.com/fire?token=x", false),
            ("ftp://api.example.com/fire", false),
            ("fire", false),
            ("", false),
        ] {
            assert_eq!(is_trigger(url), good, "{url}");
        }
    }
}
