//! Where issues are mirrored to, made of the settings; and what holds for gaps, levels and labels.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::label::{NAME_CHARS_MAX, Names, Role};
use domain::level::Needs;
use domain::time::{Span, Time};
use forge::Forge;
use forge::github::{self, Auth, GitHub};
use forge::local::{self, Local};
use plane::mirror::Home;
use plane::settings::Rules;
use rand::rngs::StdRng;
use store::Store;

use super::Config;
use crate::failure::Failure;

/// The name of a local home that has none.
const LOCAL: &str = "local";

/// The shortest webhook secret, in characters: anybody who guesses it can send webhooks.
const SECRET_CHARS_MIN: usize = 16;

/// Which forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    GitHub,
    None,
}

impl Config {
    /// Refuses settings of the forge, of gaps and of levels that make no sense.
    pub(super) fn check_forge(&self) -> Result<(), Failure> {
        let (gaps, level, forge) = (&self.sections.gaps, &self.sections.level, &self.sections.forge);
        let bounds: [(&[&str], i64, i64, i64); 8] = [
            (&["gaps", "depth_max"], gaps.depth_max, 0, 10),
            (&["gaps", "failures_max"], gaps.failures_max, 1, 20),
            (&["gaps", "lines_max"], gaps.lines_max, 1, 100_000),
            (&["level", "observe_days"], level.observe_days, 0, 1_000),
            (&["level", "observe_sightings"], level.observe_sightings, 0, 1_000),
            (&["forge", "installation"], forge.installation, 0, i64::MAX),
            (&["forge", "issues_open_max"], forge.issues_open_max, 1, 10_000),
            (&["forge", "issues_per_sweep"], forge.issues_per_sweep, 1, 1_000),
        ];
        for (path, value, low, high) in bounds {
            self.within(path, value, (low, high))?;
        }
        self.poll()?;
        self.labels()?;
        match self.forge_kind()? {
            Kind::GitHub if forge.repository.is_empty() => Err(self.bad(&["forge", "repository"], "OWNER/NAME")),
            Kind::GitHub if !forge.git.is_empty() => {
                Err(self.bad(&["forge", "git"], "nothing: with kind github the branches are on GitHub"))
            }
            Kind::Local if !forge.git.is_empty() && !Path::new(&forge.git).is_absolute() => {
                Err(self
                    .bad(&["forge", "git"], "a path that begins at the root, such as /var/lib/gapwright/website.git"))
            }
            Kind::GitHub | Kind::Local | Kind::None => Ok(()),
        }
    }

    /// Which forge it is.
    pub(crate) fn forge_kind(&self) -> Result<Kind, Failure> {
        match self.sections.forge.kind.as_str() {
            "local" => Ok(Kind::Local),
            "github" => Ok(Kind::GitHub),
            "none" => Ok(Kind::None),
            _ => Err(self.bad(&["forge", "kind"], "local, github or none")),
        }
    }

    /// The repository's name.
    pub(crate) fn repository(&self) -> String {
        Some(self.sections.forge.repository.clone()).filter(|name| !name.is_empty()).unwrap_or_else(|| LOCAL.to_owned())
    }

    fn poll(&self) -> Result<Span, Failure> {
        self.span(&["forge", "poll"], &self.sections.forge.poll, (Span::secs(10), Span::mins(5)))
    }

    /// How our labels are called; no two alike.
    fn labels(&self) -> Result<Names, Failure> {
        let mut names = Names::default();
        for (key, name) in &self.sections.forge.labels {
            let path = ["forge", "labels", key.as_str()];
            let Some(role) = Role::ALL.into_iter().find(|role| role.key() == key) else { continue };
            let chars = name.chars().count();
            let fits = (1..=NAME_CHARS_MAX).contains(&chars) && name.trim() == name && !name.contains(',');
            if !fits || name.chars().any(domain::id::is_unprintable) {
                return Err(self.bad(&path, "a name of 1 to 50 characters, without a comma"));
            }
            names = names.with(role, name);
        }
        for role in Role::ALL {
            let twin = Role::ALL
                .into_iter()
                .find(|other| *other != role && domain::label::same(names.of(role), names.of(*other)));
            if let Some(twin) = twin {
                let expected = format!("another name than forge.labels.{} has", twin.key());
                return Err(self.bad(&["forge", "labels", role.key()], &expected));
            }
        }
        Ok(names)
    }

    /// What holds for gaps, levels and labels.
    pub(super) fn rules(&self) -> Result<Rules, Failure> {
        let (gaps, level) = (&self.sections.gaps, &self.sections.level);
        Ok(Rules {
            depth_max: gaps.depth_max,
            failures_max: gaps.failures_max,
            lines_max: gaps.lines_max,
            needs: Needs { days: level.observe_days, sightings: level.observe_sightings },
            labels: self.labels()?,
            repo: (self.forge_kind()? != Kind::None).then(|| self.repository()),
            caps: self.caps(),
            pulls_max: self.sections.pipeline.pulls_max,
            gate: self.gate(),
            merge_method: self.merge_method(),
            branch_prefix: self.sections.pipeline.branch_prefix.clone(),
            ..Rules::default()
        })
    }

    /// Where issues are mirrored to, without its broker; none for nowhere.
    pub(crate) fn home(&self, store: &Store, chance: StdRng) -> Result<Option<Home>, Failure> {
        let written = &self.sections.forge;
        let forge: Arc<dyn Forge> = match self.forge_kind()? {
            Kind::None => return Ok(None),
            Kind::Local => Arc::new(self.local(store, chance)?),
            Kind::GitHub => Arc::new(self.github(Some(store))?),
        };
        let path = ["forge", "webhook_secret"];
        let secret = self.secret(&path, &written.webhook_secret, &written.webhook_secret_file)?;
        if secret.as_ref().is_some_and(is_short) {
            return Err(Failure::usage("the setting forge.webhook_secret makes no sense")
                .why(format!("it has less than {SECRET_CHARS_MIN} characters"))
                .hint("make one with: openssl rand -hex 32"));
        }
        Ok(Some(Home {
            forge,
            repo: self.repository(),
            poll: self.poll()?,
            open_max: written.issues_open_max,
            sweep_max: written.issues_per_sweep,
            broker: None,
            webhook_secret: secret,
        }))
    }

    /// The local home.
    pub(crate) fn local(&self, store: &Store, chance: StdRng) -> Result<Local, Failure> {
        let git = &self.sections.forge.git;
        let repository = (!git.is_empty()).then(|| PathBuf::from(git));
        let settings = local::Settings { name: self.repository(), repository };
        Local::new(store.clone(), settings, chance)
            .map_err(|fault| Failure::usage("the local forge cannot be used").why(fault.to_string()))
    }

    /// The home on GitHub. Without a store its writes are counted by themselves.
    pub(crate) fn github(&self, store: Option<&Store>) -> Result<GitHub, Failure> {
        let written = &self.sections.forge;
        let token = self.secret(&["forge", "token"], &written.token, &written.token_file)?;
        let key = self.secret(&["forge", "app_key"], &written.app_key, &written.app_key_file)?;
        let auth = match (token, key, written.app_id.is_empty()) {
            (Some(token), None, true) => Auth::Token(token),
            (None, Some(key), false) => {
                let installation = (written.installation > 0).then_some(written.installation);
                Auth::App { id: written.app_id.clone(), key, installation }
            }
            (None, None, true) => {
                return Err(Failure::usage("GitHub cannot be used: there is no credential")
                    .hint("set forge.token_file, or forge.app_id and forge.app_key_file"));
            }
            (Some(_) | None, _, _) => {
                return Err(Failure::usage("GitHub cannot be used: it takes a token, or the id and the key of an App")
                    .hint("set forge.token_file alone, or forge.app_id and forge.app_key_file together"));
            }
        };
        let now = Arc::new(machine_time);
        let settings = github::Settings {
            api: written.api.clone(),
            shared: store.cloned(),
            ..github::Settings::new(self.repository(), auth, now)
        };
        GitHub::new(settings).map_err(|bad| Failure::usage("GitHub cannot be used").why(bad.why).hint(bad.next))
    }
}

fn is_short(secret: &secrecy::SecretString) -> bool {
    use secrecy::ExposeSecret as _;
    secret.expose_secret().chars().count() < SECRET_CHARS_MIN
}

/// The moment by which GitHub counts: how old a signature is, and when a token ends. A runner on another machine has no
/// better one either.
#[expect(clippy::disallowed_methods, reason = "GitHub does not know the store's clock")]
pub(crate) fn machine_time() -> Time {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
