//! What a GitHub client is set up with, and why a setting cannot be used.
//!
//! Checked before anything is asked: a client that exists has an address, a repository and a credential that can
//! travel. Whether GitHub takes them is only known by asking.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::pace::Pace;
use domain::time::{Span, Time};
use secrecy::SecretString;
use store::Store;
use url::{Host, Url};

/// The API of github.com.
const API: &str = "https://api.github.com";

/// The longest name of an owner, in characters: 39, and a short code where an enterprise gives out the accounts.
const OWNER_CHARS_MAX: usize = 48;

/// The longest name of a repository, in characters; GitHub's own bound.
const NAME_CHARS_MAX: usize = 100;

/// Tells the moment, for what GitHub counts in moments: the age of a signature, the end of a token, the end of a limit.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// How to reach one repository.
#[derive(Clone)]
pub struct Settings {
    /// The API: `https://api.github.com`, or `https://HOST/api/v3` of GitHub Enterprise. Plain http for this machine only.
    pub api: String,
    /// `OWNER/NAME`.
    pub repository: String,
    /// As whom.
    pub auth: Auth,
    /// How fast we write, from the end of one write to the beginning of the next.
    pub pace: Pace,
    /// Where the writes of all replicas are counted; none counts those of this client alone.
    pub shared: Option<Store>,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
    /// How long to wait before what may be repeated is asked again; it grows with each try.
    pub pause: Duration,
    /// Tells the moment.
    pub now: Now,
}

/// As whom we ask.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A personal access token.
    Token(SecretString),
    /// A GitHub App, which is itself wherever it is installed.
    App {
        /// Its id or its client id.
        id: String,
        /// Its private key in PEM.
        key: SecretString,
        /// Where it is installed; asked for by the repository when none.
        installation: Option<i64>,
    },
}

/// How fast we write. GitHub wants a second between two writes, and bars who makes more than 80 a minute or 500 an hour,
/// which a person behind the same account shares.
pub const PACE: Pace = Pace { between: Span::secs(1), per_minute: 60, per_hour: 400 };

/// Settings that cannot be used; a secret is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("GitHub cannot be used: {why}; {next}")]
pub struct Bad {
    /// What is wrong.
    pub why: String,
    /// What to do about it.
    pub next: String,
}

/// A repository's name, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) owner: String,
    pub(super) name: String,
}

impl Settings {
    /// A repository of github.com, at GitHub's pace.
    pub fn new(repository: impl Into<String>, auth: Auth, now: Now) -> Self {
        Self {
            api: API.to_owned(),
            repository: repository.into(),
            auth,
            pace: PACE,
            shared: None,
            timeout: Duration::from_secs(15),
            pause: Duration::from_millis(500),
            now,
        }
    }
}

impl Bad {
    pub(super) fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into() }
    }
}

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, Bad> {
        let fits = |part: &str, max: usize| {
            (1..=max).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                && !matches!(part, "." | "..")
        };
        match text.split_once('/') {
            Some((owner, name)) if fits(owner, OWNER_CHARS_MAX) && fits(name, NAME_CHARS_MAX) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            // What was written there by mistake may be an address with a password in it.
            _ => Err(Bad::new("the repository is not OWNER/NAME", "write it as in octocat/hello-world")),
        }
    }
}

/// The API's address without a slash at its end, so that a path can follow.
pub(super) fn api(text: &str) -> Result<Url, Bad> {
    let next = "write https://api.github.com, or https://HOST/api/v3 for GitHub Enterprise";
    let bad = |why: &str| Bad::new(why, next);
    let mut url = Url::parse(text.trim()).map_err(|_| bad("the address of the API cannot be read"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Bad::new("the address of the API carries credentials", "give them as the token"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("the address of the API has a query or a fragment"));
    }
    match url.scheme() {
        "https" => {}
        "http" if loopback(&url) => {}
        "http" => return Err(bad("the address of the API is plain http, which is for this machine only")),
        _ => return Err(bad("the address of the API is neither https nor http")),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, repository, auth, pace, shared, timeout, pause, now: _ } = self;
        f.debug_struct("Settings")
            .field("api", api)
            .field("repository", repository)
            .field("auth", auth)
            .field("pace", pace)
            .field("shared", &shared.is_some())
            .field("timeout", timeout)
            .field("pause", pause)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}
