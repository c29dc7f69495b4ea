//! Where the forge is for git, and what is shown there: by one child, for one address, where nobody else reads it.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::notice::fit;
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::broker::{Broker, Trouble};
use crate::git::{self, Call, Told};

/// The name that goes with a token of GitHub's.
const LOGIN: &str = "x-access-token";

/// How many characters of what git says are kept: it repeats what the other side said.
const WORDS_CHARS_MAX: usize = 300;

/// Where git finds a repository.
#[derive(Clone)]
pub struct Remote {
    /// Its address, without a credential: `https://`, `http://` of this machine, or a folder from the root on.
    pub url: String,
    /// The token that is shown there.
    pub credential: Option<SecretString>,
    /// Below which refs the head of each pull request is kept, as `NUMBER/head`, though its branch be gone: `refs/pull` on
    /// GitHub. None where that is not known.
    pub pulls: Option<String>,
}

impl Remote {
    /// The only protocol by which it is reached.
    fn protocol(&self) -> Result<&'static str, Trouble> {
        let bad = |why: &str| Trouble::from(git::Trouble::Name(format!("the address of the repository {why}")));
        if self.url.chars().any(char::is_control) {
            return Err(bad("has characters that no address has"));
        }
        if self.url.starts_with('/') {
            return Ok("file");
        }
        let url = Url::parse(&self.url).map_err(|_| bad("cannot be read"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("carries a credential"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("has a query or a fragment"));
        }
        match url.scheme() {
            "https" => Ok("https"),
            "http" if is_loopback(&url) => Ok("http"),
            "http" => Err(bad("is plain http, which is for this machine only")),
            _ => Err(bad("is neither https nor a folder")),
        }
    }

    /// What is said by the header that shows the token.
    fn shown(&self) -> Option<String> {
        let token = self.credential.as_ref()?.expose_secret();
        Some(BASE64_STANDARD.encode(format!("{LOGIN}:{token}")))
    }

    /// Words of git's, fit to be told: without the token, in one line, not too long.
    fn told(&self, words: &str) -> String {
        let token = self.credential.as_ref().map(|token| token.expose_secret().to_owned());
        let secrets = token.into_iter().chain(self.shown()).filter(|secret| !secret.is_empty());
        let words = secrets.fold(words.to_owned(), |words, secret| words.replace(&secret, "…"));
        fit(&words.replace(char::is_control, " "), WORDS_CHARS_MAX, None)
    }
}

impl Broker {
    /// What a call that reaches for the forge gave, however it ended.
    pub(super) async fn carried(&self, remote: &Remote, call: Call) -> Result<Told, Trouble> {
        let protocol = remote.protocol()?;
        let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let mut settings =
            vec![set("credential.helper", ""), set("http.followRedirects", "false"), set("submodule.recurse", "false")];
        if let Some(shown) = remote.shown() {
            // For this address alone. One that it could be sent on to has no such header.
            settings.push((format!("http.{}.extraHeader", remote.url), format!("Authorization: Basic {shown}")));
        }
        let told = call.set(&settings).reaches(protocol, self.settings.wire).told();
        told.await.map_err(|trouble| remote.scrubbed(trouble).into())
    }
}

impl Remote {
    /// That a call failed, fit to be told.
    pub(super) fn failed(&self, told: &Told) -> Trouble {
        self.scrubbed(told.trouble()).into()
    }

    /// A reason of the other side's, fit to be told.
    pub(super) fn reason(&self, words: &str) -> String {
        self.told(words)
    }

    fn scrubbed(&self, trouble: git::Trouble) -> git::Trouble {
        match trouble {
            git::Trouble::Failed(why) => git::Trouble::Failed(self.told(&why)),
            git::Trouble::Program(_)
            | git::Trouble::Folder(_)
            | git::Trouble::Foreign(_)
            | git::Trouble::Name(_)
            | git::Trouble::Missing(_)
            | git::Trouble::Late(_)
            | git::Trouble::TooMuch(_) => trouble,
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that carries a credential by mistake is refused, and not shown either.
        let url = if self.protocol().is_ok() { self.url.as_str() } else { "…" };
        let mut shown = f.debug_struct("Remote");
        shown.field("url", &url).field("credential", &self.credential.is_some()).field("pulls", &self.pulls).finish()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Remote {
        Remote { url: url.to_owned(), credential: Some(SecretString::from("s3cret")), pulls: None }
    }

    #[test]
    fn an_address_has_one_protocol_or_is_refused() {
        for (url, protocol) in [
            ("https://github.com/octocat/hello-world.git", Some("https")),
            ("http://127.0.0.1:4711/octocat/hello-world.git", Some("http")),
            ("http://[::1]/x.git", Some("http")),
            ("http://localhost/x.git", Some("http")),
            ("/srv/it.git", Some("file")),
            ("http://github.com/octocat/hello-world.git", None),
            ("http://127.0.0.1.example.com/x.git", None),
            ("https://ann:s3cret@github.com/x.git", None),
            ("https://github.com/x.git?token=s3cret", None),
            ("ssh://git@github.com/x.git", None),
            ("git@github.com:octocat/hello-world.git", None),
            ("ext::sh -c id", None),
            ("file:///srv/it.git", None),
            ("--upload-pack=id", None),
            ("srv/it.git", None),
            ("https://github.com/x.git\nx", None),
            ("", None),
        ] {
            assert_eq!(at(url).protocol().ok(), protocol, "{url}");
        }
    }

    #[test]
    fn no_token_is_in_what_is_told() {
        let remote = at("https://github.com/x.git");
        let shown = remote.shown().expect("a header");
        let told = remote.told(&format!("remote: you said s3cret\u{1b}[31m\nand {shown}"));
        assert_eq!(told, "remote: you said … [31m and …");
        for url in ["https://github.com/x.git", "https://ann:s3cret@github.com/x.git"] {
            assert!(!format!("{:?}", at(url)).contains("s3cret"), "{url}");
        }
    }
}
